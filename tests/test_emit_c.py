"""The C emitter on models made by hand: names, constants, definitions, and names that mean harm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from virtspec.diagnostics import SpecError
from virtspec.emit.c import render_c
from virtspec.emit.c.lines import folded
from virtspec.emit.c.names import Scope, field_name, header_name, macro_name, struct_tag
from virtspec.layout import Layouts
from virtspec.model import (
    Aggregate,
    Array,
    Binding,
    Bit,
    Bits,
    Constant,
    ConstantKind,
    Count,
    Entry,
    FeatureBit,
    Integer,
    Member,
    Place,
    Registry,
    Spec,
    Struct,
    StructRef,
    Type,
)

U8 = Integer(bits=8, order="little", spelling="u8")
CHAR = Integer(bits=8, order="little", spelling="char")
LE16 = Integer(bits=16, order="little", spelling="le16")
LE32 = Integer(bits=32, order="little", spelling="le32")
LE64 = Integer(bits=64, order="little", spelling="le64")
BE32 = Integer(bits=32, order="big", spelling="be32")
NATIVE = Integer(bits=32, order="native", spelling="u32")

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()


def member(name: str, type_: Type) -> Member:
    return Member(name=name, type=type_)


def struct(name: str, *members: Member, module: str = "demo", variant: int = 1, kind: str = "struct") -> Struct:
    return Struct(
        key=f"{module}/struct/{name}" + (f"#{variant}" if variant > 1 else ""),
        name=name,
        kind=kind,  # type: ignore[arg-type]
        module=module,
        members=members,
        variant=variant,
        place=Place("demo.tex", 3),
    )


def constant(
    name: str,
    value: int | None,
    kind: ConstantKind = "define",
    expression: str = "",
    owner: str = "",
    parameters: tuple[str, ...] | None = None,
    line: int = 1,
) -> Constant:
    return Constant(
        key=f"demo/{kind}/{name}/{owner}",
        name=name,
        kind=kind,
        module="demo",
        value=value,
        expression=expression,
        owner=owner,
        parameters=parameters,
        place=Place("demo.tex", line),
    )


def rendered(spec: Spec, prefix: str = "") -> dict[str, str]:
    return {Path(path).name: text for path, text in render_c(spec, Layouts(spec), prefix=prefix).files.items()}


def header(*structs: Struct, constants: tuple[Constant, ...] = ()) -> str:
    return rendered(Spec(edition="1.4", structs=structs, constants=constants))["demo.h"]


def compiles(spec: Spec, directory: Path, compiler: str, *flags: str, prefix: str = "") -> None:
    """Compile a program that includes every header, with warnings as errors."""
    for path, text in render_c(spec, Layouts(spec), prefix=prefix).files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    program = directory / "program.c"
    program.write_text("#include <virtwire/virtwire.h>\n#include <virtwire/virtwire.h>\nint main(void) { return 0; }\n")
    command = [compiler, *flags, *WARNINGS, "-fsyntax-only", f"-I{directory / 'c/include'}", str(program)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "macro"),
    [
        ("VIRTIO_NET_F_MTU", "feature", "VIRTIO_NET_F_MTU"),
        ("VIRTIO_NET_HASH_TYPE_IPv4", "define", "VIRTIO_NET_HASH_TYPE_IPv4"),
        ("CCW_CMD_SET_VQ", "define", "CCW_CMD_SET_VQ"),
        ("MagicValue", "register", "VIRTIO_DEMO_MAGIC_VALUE"),
        ("InterruptACK", "register", "VIRTIO_DEMO_INTERRUPT_ACK"),
        ("DRIVER_OK", "table", "VIRTIO_DEMO_DRIVER_OK"),
        ("ALIGN", "define", "VIRTIO_DEMO_ALIGN"),
        ("uint8_t", "define", "VIRTIO_DEMO_UINT8_T"),
        ("INT_MAX", "define", "VIRTIO_DEMO_INT_MAX"),
        ("VIRTWIRE_SIZE", "define", "VIRTIO_DEMO_VIRTWIRE_SIZE"),
        ("a b*/", "define", "VIRTIO_DEMO_A_B"),
    ],
)
def test_a_macro_keeps_its_name_where_it_is_fit_for_one(name: str, kind: ConstantKind, macro: str) -> None:
    assert macro_name(constant(name, 1, kind)) == macro


def test_what_all_devices_share_has_no_word_of_its_own() -> None:
    shared = Constant(key="k", name="DRIVER_OK", kind="table", module="common", value=4)
    assert macro_name(shared) == "VIRTIO_DRIVER_OK"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("mtu", "mtu"),
        ("class", "class_"),
        ("errno", "errno_"),
        ("command-specific-data", "command_specific_data"),
        ("__reserved", "__reserved"),
        ("__LINE__", "LINE_"),
        ("uint8_t", "uint8_t_"),
        ("virtio_le16", "virtio_le16_"),
    ],
)
def test_a_member_that_c_or_a_compiler_claims_gets_an_underscore(name: str, field: str) -> None:
    assert field_name(name) == field


def test_tags_that_the_c_library_has_are_put_under_virtio() -> None:
    assert struct_tag(struct("in_addr")) == "virtio_in_addr"
    assert struct_tag(struct("virtio_net_hdr")) == "virtio_net_hdr"
    assert struct_tag(struct("rss_rq_id")) == "rss_rq_id"
    assert struct_tag(struct("S")) == "virtio_S"
    assert struct_tag(struct("offloads", kind="field")) == "virtio_demo_offloads"
    assert struct_tag(struct("virtio_x", variant=2)) == "virtio_x_v2"


def test_headers_have_plain_names() -> None:
    assert header_name("../../etc/passwd") == "etc_passwd"
    assert header_name("types") == "types_"


def test_a_scope_gives_each_name_once() -> None:
    scope = Scope()
    assert [scope.claim("a"), scope.claim("a"), scope.claim("a_2"), scope.claim("a")] == ["a", "a_2", "a_2_2", "a_3"]


@pytest.mark.parametrize("prefix", ["1a", "A", "a-b", "a b", "x" * 40, 'x"'])
def test_a_prefix_is_an_identifier(prefix: str) -> None:
    with pytest.raises(SpecError, match="--c-prefix"):
        rendered(Spec(edition="1.4", structs=(), constants=()), prefix=prefix)


def test_the_prefix_stands_before_every_public_name() -> None:
    spec = Spec(
        edition="1.4",
        structs=(
            struct("virtio_demo_config", member("a", LE16), member("v", Array(element=U8, length=Count(value=2)))),
        ),
        constants=(constant("VIRTIO_DEMO_X", 1),),
    )
    files = rendered(spec, prefix="vw_")
    assert "struct vw_virtio_demo_config {\n    vw_virtio_le16 a; /* 0 */" in files["demo.h"]
    assert "#define VW_VIRTIO_DEMO_X 1" in files["demo.h"]
    code = [line for line in files["types.h"].splitlines() if line.startswith(("typedef", "struct", "enum", "#define"))]
    ours = [line for line in code if not line.startswith("#define UINT")]  # the standard's, where a kernel has them not
    assert all("vw_" in line or "VW_" in line or line == "typedef struct {" for line in ours)


# --- constants --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expression", "text"),
    [
        (0, "0", "0"),
        (17, "", "17"),
        (0x1000, "0x1000", "0x1000"),
        (8, "(1 << 3)", "(1U << 3)"),
        (1 << 31, "(1 << 31)", "(1U << 31)"),
        (1 << 32, "(1 << 32)", "(1ULL << 32)"),
        (0x80000000, "0x80000000", "0x80000000U"),
        (0xFFFFFFFF, "", "0xffffffffU"),
        (0x100000000, "", "0x100000000ULL"),
        ((1 << 64) - 1, "", "0xffffffffffffffffULL"),
        (-1, "(-1)", "(-1)"),
        (-(1 << 31), "", "(-2147483648LL)"),
        (-(1 << 63), "", "(-0x7fffffffffffffffLL - 1)"),
        (0x0201, "VIRTIO_OTHER(2, 1)", "513"),
    ],
)
def test_a_constant_has_a_type_that_holds_it(value: int, expression: str, text: str) -> None:
    assert f"#define VIRTIO_X {text}\n" in header(constants=(constant("VIRTIO_X", value, expression=expression),))


def test_registers_are_hexadecimal() -> None:
    assert "#define VIRTIO_DEMO_STATUS 0x070\n" in header(constants=(constant("Status", 0x70, "register"),))


def test_one_name_with_two_values_gets_two_names_and_a_comment() -> None:
    text = header(
        constants=(
            constant("VIRTIO_X", 2, owner="virtio_command", line=9),
            constant("VIRTIO_X", 1, "feature", owner="Feature bits", line=30),
            constant("VIRTIO_X", 2, owner="virtio_command_again", line=40),
        )
    )
    assert "#define VIRTIO_X 1\n" in text
    assert "#define VIRTIO_X_VIRTIO_COMMAND 2 /* VIRTIO_X has another value in demo.tex:30 */" in text


def test_constants_tell_since_when_they_are_there_where_their_group_does_not() -> None:
    oldest, newer = constant("VIRTIO_NET_F_CSUM", 0, line=4), constant("VIRTIO_NET_F_MTU", 3, line=5)
    text = header(constants=(oldest, newer))
    assert (
        "/* demo.tex:4, since 1.0 */\n#define VIRTIO_NET_F_CSUM 0\n#define VIRTIO_NET_F_MTU 3 /* since 1.1 */\n" in text
    )
    # one that no release has is newer than all of them, and the group tells nothing about it
    text = header(constants=(oldest, constant("VIRTIO_NET_F_DREAM", 9, line=6)))
    assert "/* demo.tex:4 */\n#define VIRTIO_NET_F_CSUM 0 /* since 1.0 */\n#define VIRTIO_NET_F_DREAM 9\n" in text


def test_one_name_with_one_value_is_defined_once() -> None:
    text = header(constants=(constant("VIRTIO_X", 1), constant("VIRTIO_X", 1, "feature")))
    assert text.count("VIRTIO_X") == 1


def test_an_enumeration_stays_one_unless_its_values_do_not_fit() -> None:
    kept = header(
        constants=(constant("VIRTIO_A", 0, "enum", owner="virtio_e"), constant("VIRTIO_B", 5, "enum", owner="virtio_e"))
    )
    assert "enum virtio_e {\n    VIRTIO_A = 0,\n    VIRTIO_B = 5\n};" in kept
    large = header(constants=(constant("VIRTIO_A", 1 << 31, "enum", owner="virtio_e"),))
    assert "enum" not in large
    assert "#define VIRTIO_A 0x80000000U" in large


def test_a_function_like_macro_is_made_of_known_tokens_only() -> None:
    good = constant("VIRTIO_OP", None, expression="(((service) << 8) | (op))", parameters=("service", "op"))
    assert "#define VIRTIO_OP(service, op) ((((service) << 8) | (op)))\n" in header(constants=(good,))
    bad = constant("VIRTIO_BAD", None, expression="(x); int evil(void", parameters=("x",))
    spec = Spec(edition="1.4", structs=(), constants=(bad,))
    emission = render_c(spec, Layouts(spec))
    assert [key for key, _ in emission.not_rendered] == [bad.key]
    assert not any("evil" in text for text in emission.files.values())


def test_a_feature_beyond_those_of_a_set_is_told() -> None:
    features = tuple(
        FeatureBit(key=f"demo/feature/VIRTIO_F_{bit}", name=f"VIRTIO_F_{bit}", bit=bit, module="demo")
        for bit in (127, 128)
    )
    spec = Spec(edition="1.4", structs=(), constants=(), features=features)
    assert [key for key, _ in render_c(spec, Layouts(spec)).not_rendered] == ["demo/feature/VIRTIO_F_128"]


def test_what_has_no_value_is_listed_with_the_reason() -> None:
    spec = Spec(edition="1.4", structs=(), constants=(constant("VIRTIO_X", None), constant("VIRTIO_Y", 1 << 70)))
    reasons = dict(render_c(spec, Layouts(spec)).not_rendered)
    assert list(reasons.values()) == ["its value is not known", "its value needs more than 64 bits"]


# --- definitions ------------------------------------------------------------------------------------------


def test_a_definition_reads_as_if_written_by_hand() -> None:
    text = header(
        struct(
            "virtio_demo",
            member("mac", Array(element=U8, length=Count(value=6))),
            member("class", LE16),
            member("geometry", Aggregate(kind="struct", members=(member("heads", U8), member("sectors", BE32)))),
            member("tag", Array(element=Array(element=CHAR, length=Count(value=3)), length=Count(value=2))),
            member("old", NATIVE),
        )
    )
    assert """\
struct virtio_demo_geometry {
    uint8_t heads; /* 0 */
    virtio_be32 sectors; /* 1 */
};

VIRTWIRE_SIZE(struct virtio_demo_geometry, 5);
VIRTWIRE_OFFSET(struct virtio_demo_geometry, heads, 0);
VIRTWIRE_OFFSET(struct virtio_demo_geometry, sectors, 1);

/* virtio_demo: demo.tex:3. */
struct virtio_demo {
    uint8_t mac[6]; /* 0 */
    virtio_le16 class_; /* 6 */
    struct virtio_demo_geometry geometry; /* 8 */
    char tag[2][3]; /* 13 */
    virtio_u32 old; /* 19 */
};
""" in text


def test_bit_fields_are_masks_and_shifts() -> None:
    bits = Bits(container=LE16, fields=(Bit(name="type", offset=0, width=12), Bit(name="reserved", offset=12, width=4)))
    text = header(struct("virtio_demo", member("", bits)))
    assert "#define VIRTIO_DEMO_TYPE_MASK 0xfffU\n#define VIRTIO_DEMO_TYPE_SHIFT 0\n" in text
    assert "return (uint16_t)(((uint32_t)virtio_le16_to_cpu(p->bits) >> 12) & 0xfU);" in text


def test_a_struct_follows_those_it_needs_and_includes_their_headers() -> None:
    files = rendered(
        Spec(
            edition="1.4",
            structs=(
                struct("virtio_outer", member("inner", StructRef(name="virtio_inner")), module="outer"),
                struct("virtio_inner", member("x", LE16), module="inner"),
            ),
            constants=(),
        )
    )
    assert '#include "inner.h"' in files["outer.h"]
    assert "outer" not in files["inner.h"]


def test_headers_that_need_each_other_are_one(tmp_path: Path, compiler: str) -> None:
    spec = Spec(
        edition="1.4",
        structs=(
            struct("virtio_a", member("b", StructRef(name="virtio_b")), module="one"),
            struct("virtio_b", member("x", LE16), module="two"),
            struct("virtio_c", member("d", StructRef(name="virtio_d")), module="two"),
            struct("virtio_d", member("x", LE16), module="one"),
        ),
        constants=(),
    )
    compiles(spec, tmp_path, compiler, "-std=c99")
    for name in ("one", "two"):
        program = tmp_path / f"{name}.c"
        uses = "struct virtio_a a; struct virtio_b b; struct virtio_c c; struct virtio_d d;"
        program.write_text(f"#include <virtwire/{name}.h>\n{uses}\n")
        subprocess.run([compiler, "-fsyntax-only", f"-I{tmp_path / 'c/include'}", str(program)], check=True)


def test_a_struct_that_contains_itself_is_listed() -> None:
    spec = Spec(edition="1.4", structs=(struct("virtio_x", member("x", StructRef(name="virtio_x"))),), constants=())
    emission = render_c(spec, Layouts(spec))
    assert [key for key, _ in emission.not_rendered] == ["demo/struct/virtio_x"]


def test_registries_are_functions_from_a_code_to_its_name_and_size(tmp_path: Path, compiler: str) -> None:
    registry = Registry(
        key="demo/registry/types",
        name="Demo types",
        tag="type",
        module="demo",
        entries=(
            Entry(code=1, name="VIRTIO_ONE", bindings=(Binding(role="value", struct="virtio_one"),)),
            Entry(code=1 << 40, name='say "hi" \\ ??/'),
        ),
    )
    spec = Spec(
        edition="1.4",
        structs=(struct("virtio_one", member("x", LE64)),),
        constants=(),
        registries=(registry,),
        features=(FeatureBit(key="f", name="VIRTIO_DEMO_F_X", bit=70, module="demo"),),
    )
    compiles(spec, tmp_path, compiler, "-std=c99")
    (tmp_path / "program.c").write_text("""
        #include <assert.h>
        #include <string.h>
        #include <virtwire/demo.h>
        int main(void) {
            size_t size = 0;
            bool open = true;
            assert(strcmp(virtio_demo_types_name(1), "VIRTIO_ONE") == 0);
            assert(strcmp(virtio_demo_types_name(1ULL << 40), "say \\"hi\\" \\\\ ?\\?/") == 0);
            assert(virtio_demo_types_name(2) == NULL);
            assert(virtio_demo_types_value_size(1, &size, &open) && size == 8 && !open);
            assert(!virtio_demo_types_value_size(1ULL << 40, &size, &open));
            assert(strcmp(virtio_demo_feature_name(70), "VIRTIO_DEMO_F_X") == 0);
            return 0;
        }""")
    command = [compiler, "-std=c99", *WARNINGS, f"-I{tmp_path / 'c/include'}", "program.c", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "program"], check=True)


# --- harm -------------------------------------------------------------------------------------------------

KINDS: tuple[ConstantKind, ...] = ("define", "enum", "register")
HARM = (
    "*/ int evil; /*",
    "x; int evil",
    "a\nint evil;",
    'a"); int evil(',
    "int",
    "uint8_t",
    "__LINE__",
    "virtio_le16",
    "b",
    "é",
    "a" * 300,
    "",
)


def test_names_that_mean_harm_do_none(tmp_path: Path, compiler: str) -> None:
    place = Place('x*/ int evil; /*"\n.tex', 1)
    registry = Registry(
        key="r",
        name="*/ int evil; /*",
        tag='"',
        module="a/../b",
        entries=tuple(Entry(code=i, name=name) for i, name in enumerate(HARM)),
        place=place,
    )
    structs = [
        Struct(
            key=f"s{i}",
            name=name,
            kind="struct",
            module=name,
            members=tuple(Member(name=n, type=LE16) for n in (*HARM, *HARM)),
            place=place,
        )
        for i, name in enumerate(HARM)
    ]
    constants = [
        Constant(
            key=f"c{i}{kind}", name=name, kind=kind, module="demo", value=i, owner=name, expression=name, place=place
        )
        for i, name in enumerate(HARM)
        for kind in KINDS
    ]
    spec = Spec(
        edition='1.4 */ int evil; /*"',
        structs=tuple(structs),
        constants=tuple(constants),
        registries=(registry,),
        features=tuple(FeatureBit(key=str(i), name=n, bit=i, module="demo") for i, n in enumerate(HARM)),
    )
    files = render_c(spec, Layouts(spec)).files
    assert all(".." not in path for path in files)
    assert not any(line.strip().startswith("int evil") for text in files.values() for line in text.splitlines())
    compiles(spec, tmp_path, compiler, "-std=c11")


def test_the_output_depends_on_the_model_only() -> None:
    spec = Spec(
        edition="1.4", structs=(struct("virtio_demo", member("a", LE32)),), constants=(constant("VIRTIO_A", 1),)
    )
    assert rendered(spec) == rendered(spec)


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("    short(a, b);", ["    short(a, b);"]),
        (f"    int e = f({'a' * 60}, {'b' * 60});", [f"    int e = f({'a' * 60},", f"        {'b' * 60});"]),
        (f"    {'a' * 60}, {'b' * 60},", [f"    {'a' * 60},", f"    {'b' * 60},"]),
        (f"    if (f({'a' * 50}, c) || {'b' * 60})", [f"    if (f({'a' * 50}, c)", f"        || {'b' * 60})"]),
        (f"int {'f' * 60}({'a' * 60})", [f"int {'f' * 60}(", f"    {'a' * 60})"]),
        (f"    x {'a' * 60}; /* {'b' * 60} */", [f"    /* {'b' * 60} */", f"    x {'a' * 60};"]),
        (f"/* {'a' * 60} {'b' * 60} */", [f"/* {'a' * 60}", f" * {'b' * 60} */"]),
        (f"#define A 1 /* {'b' * 100} */", [f"/* {'b' * 100} */", "#define A 1"]),
        (f"    f({'a' * 120});", ["    f(", f"        {'a' * 120});"]),
        (f'    f("{"a, " * 60}");', ["    f(", f'        "{"a, " * 60}");']),
        (f"#define A {'a, ' * 60}", [f"#define A {'a, ' * 60}"]),
        (f"#define A \\\n    {'a, ' * 60}", ["#define A \\", f"    {'a, ' * 60}"]),
        ("a" * 200, ["a" * 200]),
    ],
)
def test_long_lines_are_broken_where_a_person_would(line: str, lines: list[str]) -> None:
    assert folded(line).split("\n") == lines
