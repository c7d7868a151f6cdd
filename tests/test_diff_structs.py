"""The verdict on every kind of change to a struct: two listings in, findings out."""

from __future__ import annotations

import diff_texts as texts
import pytest

from virtspec.report.diff_view import sample_lines

CONFIG = "struct virtio_toy_config {{ le32 a; le16 b; {} }};"
REQUEST = "struct virtio_toy_req {{ {} }};"


def arms(members: str, behind: str = "", name: str = "virtio_toy_req") -> str:
    return f"struct {name} {{ le32 type; union {{ {members} }}; {behind} }};"


PAIRS = """struct one { le16 a; le16 b; }; struct two { le16 b; le16 a; };
union le { le16 a; be16 b; }; union be { be16 a; le16 b; };
"""


def req(members: str) -> str:
    return REQUEST.format(members)


CASES = {
    # --- nothing that matters ---
    "same": (req("le32 a; le16 b;"), req("le32 a; le16 b;"), set()),
    "comment": (req("le32 a; /* one */"), req("/* another */ le32 a;"), set()),
    "layout of the text": (req("le32 a; le16 b;"), "struct virtio_toy_req\n{\n\tle32  a ;\n le16 b;\n};", set()),
    "packed": (req("le32 a;"), "struct virtio_toy_req { le32 a; } __attribute__((packed));", set()),
    "structs in another order": (
        "struct x_a { le32 a; };\nstruct x_b { le16 b; };",
        "struct x_b { le16 b; };\nstruct x_a { le32 a; };",
        set(),
    ),
    "defines in another order": (
        "#define T_A 1\n#define T_B 2\nstruct x { le32 a; };",
        "#define T_B 2\n#define T_A 1\nstruct x { le32 a; };",
        set(),
    ),
    "value written in another way": ("#define T_A (1 << 3)", "#define T_A 0x8", set()),
    "union arms in another order": (
        req("union { le32 x; le16 y; } u; le32 z;"),
        req("union { le16 y; le32 x; } u; le32 z;"),
        set(),
    ),
    # --- the end of a struct ---
    "appended to a configuration": (
        CONFIG.format(""),
        CONFIG.format("le16 c;"),
        {("VD101", "virtio_toy_config.c", "compatible")},
    ),
    "appended without a condition": (
        req("le32 a;"),
        req("le32 a; le32 b;"),
        {("VD101", "virtio_toy_req.b", "undecided")},
    ),
    "appended to what is embedded": (
        "struct x_in { le32 a; };\nstruct x_out { struct x_in i; le32 z; };",
        "struct x_in { le32 a; le32 b; };\nstruct x_out { struct x_in i; le32 z; };",
        {("VD101", "x_in.b", "breaking"), ("VD126", "x_out.i", "breaking")},
    ),
    "appended to an element": (
        "struct x_in { le32 a; };\nstruct x_out { le32 n; struct x_in i[]; };",
        "struct x_in { le32 a; le32 b; };\nstruct x_out { le32 n; struct x_in i[]; };",
        {("VD101", "x_in.b", "breaking"), ("VD127", "x_out.i", "breaking")},
    ),
    "empty tail appended": (
        req("le32 a;"),
        req("le32 a; u8 data[];"),
        {("VD101", "virtio_toy_req.data", "compatible")},
    ),
    "padding appended": (
        req("le32 a; u8 b;"),
        req("le32 a; u8 b; u8 padding[3];"),
        {("VD112", "virtio_toy_req", "undecided")},
    ),
    "last removed": (req("le32 a; le32 b;"), req("le32 a;"), {("VD103", "virtio_toy_req.b", "breaking")}),
    "padding at the end removed": (
        req("le32 a; u8 padding[4];"),
        req("le32 a;"),
        {("VD103", "virtio_toy_req.padding", "breaking")},
    ),
    # --- order ---
    "inserted": (req("le32 a; le32 c;"), req("le32 a; le32 b; le32 c;"), {("VD102", "virtio_toy_req.b", "breaking")}),
    "inserted first": (req("le32 c;"), req("le32 b; le32 c;"), {("VD102", "virtio_toy_req.b", "breaking")}),
    "padding inserted": (
        req("u8 a; le32 c;"),
        req("u8 a; u8 padding[3]; le32 c;"),
        {("VD102", "virtio_toy_req.padding", "breaking")},
    ),
    "removed": (req("le32 a; le32 b; le32 c;"), req("le32 a; le32 c;"), {("VD103", "virtio_toy_req.b", "breaking")}),
    "swapped": (
        req("le32 a; le32 b; u8 c;"),
        req("le32 b; le32 a; u8 c;"),
        {("VD105", "virtio_toy_req.b", "breaking")},
    ),
    "swapped around a third": (
        req("le32 a; le16 b; le32 c;"),
        req("le32 c; le16 b; le32 a;"),
        {("VD105", "virtio_toy_req.c", "breaking")},
    ),
    "swapped with other sizes": (
        req("le32 a; le16 b; u8 c;"),
        req("le16 b; le32 a; u8 c;"),
        {("VD105", "virtio_toy_req.b", "breaking")},
    ),
    "moved": (
        req("le32 a; le32 b; le32 c; le32 d;"),
        req("le32 b; le32 c; le32 d; le32 a;"),
        {("VD104", "virtio_toy_req.a", "breaking")},
    ),
    # --- names ---
    "renamed": (
        req("le32 index; le32 b;"),
        req("le32 vq_index; le32 b;"),
        {("VD202", "virtio_toy_req.vq_index", "compatible")},
    ),
    "renamed to another word": (
        req("le32 num; le32 b;"),
        req("le32 size; le32 b;"),
        {("VD202", "virtio_toy_req.size", "compatible")},
    ),
    "renamed and its use as a length": (
        req("le32 num; u8 data[num];"),
        req("le32 count; u8 data[count];"),
        {("VD202", "virtio_toy_req.count", "compatible")},
    ),
    "struct renamed": (
        "struct virtio_toy_req { le32 a; le16 b; };",
        "struct virtio_toy_request { le32 a; le16 b; };",
        {("VD201", "virtio_toy_request", "compatible")},
    ),
    "struct renamed with its uses": (
        "struct x_hdr { le32 a; };\nstruct x_req { struct x_hdr h; le32 c; };",
        "struct x_header { le32 a; };\nstruct x_req { struct x_header h; le32 c; };",
        {("VD201", "x_header", "compatible")},
    ),
    "grouped": (
        req("le32 a; le16 b; le16 c;"),
        req("le32 a; struct { le16 b; le16 c; } d;"),
        {("VD207", "virtio_toy_req", "compatible")},
    ),
    "header pulled in": (
        "struct x_hdr { le32 a; };\nstruct x_req { le32 a; le32 c; };",
        "struct x_hdr { le32 a; };\nstruct x_req { struct x_hdr h; le32 c; };",
        {("VD207", "x_req", "compatible")},
    ),
    "struct member renamed": (
        "struct x_hdr { le32 a; };\nstruct x_req { struct x_hdr src_ip; le32 c; };",
        "struct x_hdr { le32 a; };\nstruct x_req { struct x_hdr src_addr; le32 c; };",
        {("VD202", "x_req.src_addr", "compatible")},
    ),
    "struct member renamed in an arm": (
        "struct x_hdr { le32 a; };\nstruct x_req { union { struct { struct x_hdr src_ip; } v4; le32 c; }; };",
        "struct x_hdr { le32 a; };\nstruct x_req { union { struct { struct x_hdr src_addr; } v4; le32 c; }; };",
        {("VD202", "x_req.v4.src_addr", "compatible")},
    ),
    # --- types ---
    "wider": (req("le16 a; le32 b;"), req("le32 a; le32 b;"), {("VD107", "virtio_toy_req.a", "breaking")}),
    "narrower": (req("le32 a; le32 b;"), req("le16 a; le32 b;"), {("VD107", "virtio_toy_req.a", "breaking")}),
    "wider into reserved": (
        req("le16 a; le16 reserved; le32 b;"),
        req("le32 a; le32 b;"),
        {("VD110", "virtio_toy_req.a", "compatible")},
    ),
    "big-endian wider into reserved": (
        req("be16 a; be16 reserved; be32 b;"),
        req("be32 a; be32 b;"),
        {("VD107", "virtio_toy_req.a", "breaking")},
    ),
    "byte order": (req("le32 a;"), req("be32 a;"), {("VD108", "virtio_toy_req.a", "breaking")}),
    "byte order stated": (req("u32 a;"), req("le32 a;"), {("VD109", "virtio_toy_req.a", "undecided")}),
    "spelling": (
        req("u8 a; char b[4];"),
        req("le8 a; u8 b[4];"),
        {("VD206", "virtio_toy_req.a", "compatible"), ("VD206", "virtio_toy_req.b", "compatible")},
    ),
    "bytes become an integer": (req("u8 a[8];"), req("le64 a;"), {("VD106", "virtio_toy_req.a", "undecided")}),
    "another struct": (
        "struct x_one { le32 a; };\nstruct x_two { le16 b; le16 c; };\nstruct x_req { struct x_one h; le32 z; };",
        "struct x_one { le32 a; };\nstruct x_two { le16 b; le16 c; };\nstruct x_req { struct x_two h; le32 z; };",
        {("VD106", "x_req.h", "breaking")},
    ),
    # --- reserved space ---
    "reserved consumed": (
        req("le32 a; le32 reserved; le32 c;"),
        req("le32 a; le32 b; le32 c;"),
        {("VD110", "virtio_toy_req.b", "compatible")},
    ),
    "padding consumed in part": (
        req("le32 a; u8 padding[4]; le32 c;"),
        req("le32 a; u8 b; u8 padding[3]; le32 c;"),
        {("VD110", "virtio_toy_req.b", "compatible")},
    ),
    "padding consumed at the end": (
        req("le32 a; le32 padding;"),
        req("le32 a; u8 b; u8 padding[3];"),
        {("VD110", "virtio_toy_req.b", "compatible")},
    ),
    "retired": (
        req("le32 a; le32 b; le32 c;"),
        req("le32 a; le32 reserved; le32 c;"),
        {("VD111", "virtio_toy_req.b", "undecided")},
    ),
    "gone before reserved space": (
        req("le32 a; u8 b; u8 reserved[3];"),
        req("le32 a; u8 reserved[3];"),
        {("VD103", "virtio_toy_req.b", "breaking")},
    ),
    "reserved renamed": (
        req("le32 a; le16 padding; le16 c;"),
        req("le32 a; le16 reserved; le16 c;"),
        {("VD202", "virtio_toy_req.reserved", "compatible")},
    ),
    # --- arrays ---
    "dimension": (req("le16 a[4]; le32 b;"), req("le16 a[8]; le32 b;"), {("VD113", "virtio_toy_req.a", "breaking")}),
    "dimension into reserved": (
        req("le16 a[4]; le16 reserved[4]; le32 b;"),
        req("le16 a[8]; le32 b;"),
        {("VD110", "virtio_toy_req.a", "compatible")},
    ),
    "fixed becomes variable": (
        req("le32 n; u8 a[4];"),
        req("le32 n; u8 a[n];"),
        {("VD114", "virtio_toy_req.a", "breaking")},
    ),
    "length stated": (req("le32 n; u8 a[];"), req("le32 n; u8 a[n];"), {("VD114", "virtio_toy_req.a", "undecided")}),
    "another length": (
        req("le32 n; le32 m; u8 a[n];"),
        req("le32 n; le32 m; u8 a[m];"),
        {("VD114", "virtio_toy_req.a", "breaking")},
    ),
    "dimension by a constant": (
        "#define T_N 6\n" + req("u8 mac[6];"),
        "#define T_N 6\n" + req("u8 mac[T_N];"),
        {("VD222", "virtio_toy_req.mac", "compatible")},
    ),
    "dimension behind the type": (req("u8 mac[6]; le16 b;"), req("u8[6] mac; le16 b;"), set()),
    "last array of a configuration longer": (
        CONFIG.format("le16 n[4];"),
        CONFIG.format("le16 n[8];"),
        {("VD112", "virtio_toy_config.n", "compatible")},
    ),
    "last array longer": (
        req("le32 a; u8 n[4];"),
        req("le32 a; u8 n[8];"),
        {("VD112", "virtio_toy_req.n", "undecided")},
    ),
    "last array of what is embedded longer": (
        "struct x_in { u8 n[4]; };\nstruct x_out { struct x_in i; le32 z; };",
        "struct x_in { u8 n[8]; };\nstruct x_out { struct x_in i; le32 z; };",
        {("VD113", "x_in.n", "breaking"), ("VD126", "x_out.i", "breaking")},
    ),
    "last array shorter": (
        req("le32 a; u8 n[8];"),
        req("le32 a; u8 n[4];"),
        {("VD113", "virtio_toy_req.n", "breaking")},
    ),
    "longer elements of the last array": (
        req("le32 a; u8 n[2][4];"),
        req("le32 a; u8 n[2][8];"),
        {("VD113", "virtio_toy_req.n", "breaking")},
    ),
    "array becomes a struct that holds it": (
        "struct x_lun { u8 b[8]; };\n" + req("u8 lun[8]; le32 z;"),
        "struct x_lun { u8 b[8]; };\n" + req("struct x_lun lun; le32 z;"),
        {("VD206", "virtio_toy_req.lun", "compatible")},
    ),
    "narrowed, and the rest used": (
        req("le32 a; le32 z;"),
        req("le16 a; le16 b; le32 z;"),
        {("VD107", "virtio_toy_req.a", "breaking"), ("VD106", "virtio_toy_req.b", "breaking")},
    ),
    # --- unions and bits ---
    "members become an arm": (
        req("u8 f; le16 start; le16 offset; le32 z;"),
        req("u8 f; union { struct { le16 start; le16 offset; }; struct { le16 segs; le16 dups; } rsc; }; le32 z;"),
        {("VD115", "virtio_toy_req.<union>.rsc", "compatible")},
    ),
    "an arm becomes the members": (
        req("u8 f; union { struct { le16 start; le16 offset; }; struct { le16 segs; le16 dups; } rsc; }; le32 z;"),
        req("u8 f; le16 start; le16 offset; le32 z;"),
        {("VD116", "virtio_toy_req.<union>", "breaking")},
    ),
    "grouped, and grown": (
        CONFIG.format("le32 x; le32 y;"),
        CONFIG.format("struct { le32 x; le32 y; } p; le32 more;"),
        {("VD207", "virtio_toy_config.p", "compatible"), ("VD101", "virtio_toy_config.more", "compatible")},
    ),
    "arm added": (
        req("union { le32 x; le16 y; } u; le32 z;"),
        req("union { le32 x; le16 y; u8 w; } u; le32 z;"),
        {("VD115", "virtio_toy_req.u.w", "compatible")},
    ),
    "larger arm added": (
        req("union { le32 x; le16 y; } u; le32 z;"),
        req("union { le32 x; le16 y; le64 w; } u; le32 z;"),
        {("VD115", "virtio_toy_req.u.w", "breaking"), ("VD126", "virtio_toy_req.u", "breaking")},
    ),
    "arm removed": (
        req("union { le32 x; le16 y; } u; le32 z;"),
        req("union { le32 x; } u; le32 z;"),
        {("VD116", "virtio_toy_req.u.y", "breaking")},
    ),
    "struct becomes union": (
        "struct x_a { le32 a; le32 b; };",
        "union x_a { le32 a; le32 b; };",
        {("VD123", "x_a", "breaking")},
    ),
    "bit moved": (
        req("le32 a:1; le32 b:1; le32 reserved:30;"),
        req("le32 b:1; le32 a:1; le32 reserved:30;"),
        {("VD118", "virtio_toy_req.a", "breaking"), ("VD118", "virtio_toy_req.b", "breaking")},
    ),
    "another struct with its members exchanged": (
        PAIRS + "struct x { struct one m; le32 z; };",
        PAIRS + "struct x { struct two m; le32 z; };",
        {("VD206", "x.m", "compatible"), ("VD105", "x.m.b", "breaking")},
    ),
    "an array of another struct with its members exchanged": (
        PAIRS + "struct x { struct one m[2]; le32 z; };",
        PAIRS + "struct x { struct two m[2]; le32 z; };",
        {("VD206", "x.m", "compatible"), ("VD105", "x.m[].b", "breaking")},
    ),
    "a struct written in place with its members exchanged": (
        PAIRS + "struct x { struct one m; le32 z; };",
        PAIRS + "struct x { struct { le16 b; le16 a; } m; le32 z; };",
        {("VD206", "x.m", "compatible"), ("VD105", "x.m.b", "breaking")},
    ),
    "another union with the types of its arms exchanged": (
        PAIRS + "struct x { union le m; le32 z; };",
        PAIRS + "struct x { union be m; le32 z; };",
        {("VD206", "x.m", "compatible"), ("VD108", "x.m.a", "breaking"), ("VD108", "x.m.b", "breaking")},
    ),
    "bits of two integers exchanged": (
        req("u8 a:4; u8 b:4; u8 c:4; u8 d:4;"),
        req("u8 a:4; u8 c:4; u8 b:4; u8 d:4;"),
        {("VD118", "virtio_toy_req.b", "breaking"), ("VD118", "virtio_toy_req.c", "breaking")},
    ),
    "bit moved to another integer": (
        req("u8 a:4; u8 b:4; le16 z; u8 c:4; u8 reserved:4;"),
        req("u8 a:4; u8 reserved:4; le16 z; u8 c:4; u8 b:4;"),
        {("VD118", "virtio_toy_req.b", "breaking")},
    ),
    "bits of one name in two integers": (
        req("u8 {\na : 4;\nt : 4;\n} f; u8 {\nc : 4;\nd : 4;\n} g;"),
        req("u8 {\na : 4;\nt : 4;\n} f; u8 {\nc : 4;\nt : 4;\n} g;"),
        {("VD209", "virtio_toy_req.g.t", "compatible")},
    ),
    "bit takes reserved": (
        req("le32 a:1; le32 reserved:31;"),
        req("le32 a:1; le32 b:1; le32 reserved:30;"),
        {("VD110", "virtio_toy_req.b", "compatible")},
    ),
    "bit renamed": (
        req("le16 {\nvqn : 12;\nreserved : 4;\n};"),
        req("le16 {\nvq_index : 12;\nreserved : 4;\n};"),
        {("VD209", "virtio_toy_req.vq_index", "compatible")},
    ),
    "bit wider into reserved": (
        req("le16 {\ntype : 8;\nreserved : 8;\n};"),
        req("le16 {\ntype : 12;\nreserved : 4;\n};"),
        {("VD110", "virtio_toy_req.type", "compatible")},
    ),
    "bit-field split": (
        req("le16 {\ntype : 12;\nreserved : 4;\n};"),
        req("le16 {\nkind : 6;\nmode : 6;\nreserved : 4;\n};"),
        {("VD117", "virtio_toy_req.kind", "undecided"), ("VD117", "virtio_toy_req.mode", "undecided")},
    ),
    "bit-field keeps its name and loses bits": (
        req("le16 {\ntype : 12;\nreserved : 4;\n};"),
        req("le16 {\ntype : 8;\nmode : 4;\nreserved : 4;\n};"),
        {("VD117", "virtio_toy_req.type", "breaking"), ("VD117", "virtio_toy_req.mode", "undecided")},
    ),
    "integer divided": (
        req("le16 flags; le16 b;"),
        req("le16 {\nunmap : 1;\nreserved : 15;\n} flags; le16 b;"),
        {("VD117", "virtio_toy_req.flags", "undecided")},
    ),
    # --- whole structs ---
    "added": (
        "struct x_a { le32 a; };",
        "struct x_a { le32 a; };\nstruct x_b { u8 q; };",
        {("VD125", "x_b", "compatible")},
    ),
    "gone": (
        "struct x_a { le32 a; };\nstruct x_b { u8 q; };",
        "struct x_a { le32 a; };",
        {("VD124", "x_b", "breaking")},
    ),
    # --- unions: what fits moves nothing, what does not is a struct that grows ---
    "arm that fits": (arms("le32 a;"), arms("le32 a; le16 b;"), {("VD115", "virtio_toy_req.b", "compatible")}),
    "arm that outgrows the union": (
        arms("le32 a;"),
        arms("le32 a; le64 b;"),
        {("VD115", "virtio_toy_req.b", "undecided")},
    ),
    "arm of variable size": (
        arms("le32 a;"),
        arms("le32 a; u8 b[];"),
        {("VD115", "virtio_toy_req.b", "undecided")},
    ),
    "arm that moves what follows": (
        arms("le32 a;", "le32 z;"),
        arms("le32 a; le64 b;", "le32 z;"),
        {("VD115", "virtio_toy_req.b", "breaking"), ("VD126", "virtio_toy_req.<union>", "breaking")},
    ),
    "arm of a configuration": (
        arms("le32 a;", name="virtio_toy_config"),
        arms("le32 a; le64 b;", name="virtio_toy_config"),
        {("VD115", "virtio_toy_config.b", "compatible")},
    ),
    "arm of a tagged union": (
        "union u_t { le32 a; };\nstruct u_req { le32 t; union u_t u; };",
        "union u_t { le32 a; le64 b; };\nstruct u_req { le32 t; union u_t u; };",
        {("VD115", "u_t.b", "undecided")},
    ),
    "longer array as an arm": (
        arms("le32 a; u8 b[2];"),
        arms("le32 a; u8 b[8];"),
        {("VD112", "virtio_toy_req.b", "undecided")},
    ),
    "longer array inside the union": (
        arms("le32 a; u8 b[2];", "le32 z;"),
        arms("le32 a; u8 b[4];", "le32 z;"),
        {("VD112", "virtio_toy_req.b", "undecided")},
    ),
    "longer array that moves what follows": (
        arms("le32 a; u8 b[2];", "le32 z;"),
        arms("le32 a; u8 b[8];", "le32 z;"),
        {("VD113", "virtio_toy_req.b", "breaking"), ("VD126", "virtio_toy_req.<union>", "breaking")},
    ),
    "appended inside the union": (
        arms("le32 a; struct { le16 x; } b;", "le32 z;"),
        arms("le32 a; struct { le16 x; le16 y; } b;", "le32 z;"),
        {("VD101", "virtio_toy_req.b.y", "undecided")},
    ),
    "appended beyond the union": (
        arms("le32 a; struct { le16 x; } b;", "le32 z;"),
        arms("le32 a; struct { le16 x; le32 y; } b;", "le32 z;"),
        {("VD101", "virtio_toy_req.b.y", "breaking"), ("VD126", "virtio_toy_req.<union>", "breaking")},
    ),
    "appended to a tagged arm inside the union": (
        "struct u_b { le16 x; };\n" + arms("le32 a; struct u_b b;", "le32 z;"),
        "struct u_b { le16 x; le16 y; };\n" + arms("le32 a; struct u_b b;", "le32 z;"),
        {("VD101", "u_b.y", "undecided")},
    ),
    "appended to a tagged arm beyond the union": (
        "struct u_b { le16 x; };\n" + arms("le32 a; struct u_b b;", "le32 z;"),
        "struct u_b { le16 x; le32 y; };\n" + arms("le32 a; struct u_b b;", "le32 z;"),
        {("VD101", "u_b.y", "breaking"), ("VD126", "virtio_toy_req.<union>", "breaking")},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_verdict(case: str) -> None:
    old, new, expected = CASES[case]
    assert texts.found(texts.compare(old, new)) == expected


@pytest.mark.parametrize("case", CASES)
def test_nothing_changes_against_itself(case: str) -> None:
    for listing in CASES[case][:2]:
        assert not texts.compare(listing, listing).changes


def test_of_a_long_sample_the_bytes_that_differ_are_shown() -> None:
    members = " ".join(f"le32 m{i};" for i in range(30))
    (change,) = texts.compare(req(members), req(members.replace("le32 m29;", "be32 m29;"))).changes
    assert change.sample is not None
    shown = sample_lines(change.sample)
    # 120 bytes: only the last line has a difference
    assert [line[:13] for line in shown] == ["before  112: ", "after   112: ", " " * 13, "       … 120 "]
    assert shown[2].strip() == "^^ ^^ ^^ ^^"
