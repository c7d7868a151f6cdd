"""Messages of variable size in C: every kind of length, where the parts are found, and which errors tell what."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from virtspec.emit.c import render_c
from virtspec.layout import Layouts
from virtspec.model import (
    DEVICE_CONFIG,
    Aggregate,
    Array,
    Binding,
    Bit,
    Bits,
    Condition,
    ConfigRef,
    Count,
    Device,
    Direction,
    Elided,
    Entry,
    Expression,
    External,
    ExternalLength,
    Feature,
    FeatureBit,
    FieldIs,
    FieldRef,
    Integer,
    Length,
    Member,
    Not,
    Place,
    Prose,
    Range,
    Registry,
    Rest,
    Spec,
    Struct,
    StructRef,
    Type,
)

U8 = Integer(bits=8, order="little", spelling="u8")
LE16 = Integer(bits=16, order="little", spelling="le16")
LE32 = Integer(bits=32, order="little", spelling="le32")
LE64 = Integer(bits=64, order="little", spelling="le64")
BE16 = Integer(bits=16, order="big", spelling="be16")
REST = Rest()

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()


def member(name: str, type_: Type, *, only_if: Condition | None = None, direction: Direction | None = None) -> Member:
    return Member(name=name, type=type_, condition=only_if, optional=only_if is not None, direction=direction)


def array(element: Type, length: Length) -> Array:
    return Array(element=element, length=length)


def struct(name: str, *members: Member) -> Struct:
    return Struct(key=f"m/{name}", name=name, kind="struct", module="m", members=members, place=Place("m.tex", 1))


FEATURES = (
    FeatureBit(key="a", name="VIRTIO_F_A", bit=3, module="m"),
    FeatureBit(key="b", name="VIRTIO_F_B", bit=70, module="m"),
)

STRUCTS = (
    struct("virtio_tail", member("a", LE16), member("data", array(LE32, REST))),
    struct("virtio_only", member("data", array(U8, REST))),
    struct(
        "virtio_middle",
        member("type", LE32),
        member("data", array(array(U8, Count(value=4)), REST)),
        member("status", U8),
    ),
    struct("virtio_two", member("tx", array(U8, REST)), member("rx", array(U8, REST)), member("status", U8)),
    struct(
        "virtio_sibling",
        member("n", BE16),
        member("v", array(LE16, FieldRef(path="n"))),
        member("m", U8),
        member("w", array(U8, FieldRef(path="m"))),
    ),
    struct("virtio_macs", member("n", LE64), member("macs", array(array(U8, Count(value=6)), FieldRef(path="n")))),
    struct(
        "virtio_plus",
        member("mask", LE16),
        member("v", array(U8, Expression(text="(mask + 1) * 2 - sizeof(struct virtio_small)"))),
    ),
    struct("virtio_small", member("x", LE16)),
    struct("virtio_minus", member("n", U8), member("v", array(U8, Expression(text="n - 4")))),
    struct(
        "virtio_given", member("a", U8), member("v", array(LE16, ExternalLength(name="Queue Size"))), member("b", U8)
    ),
    struct(
        "virtio_config",
        member("a", U8),
        member("cdb", array(U8, ConfigRef(struct="virtio_scsi_config", path="cdb_size"))),
    ),
    struct(
        "virtio_foreign",
        member("in", External(name="fuse_in_header")),
        member("data", array(U8, Expression(text="len - sizeof(struct fuse_in_header)"))),
    ),
    struct("virtio_elided", member("type", LE16), member("...", array(U8, Elided())), member("response", U8)),
    struct(
        "virtio_bits",
        member(
            "", Bits(container=LE16, fields=(Bit(name="type", offset=0, width=4), Bit(name="n", offset=4, width=12)))
        ),
        member("v", array(U8, FieldRef(path="n"))),
    ),
    struct(
        "virtio_tlv", member("type", LE32), member("length", LE16), member("value", array(U8, FieldRef(path="length")))
    ),
    struct(
        "virtio_list",
        member("count", LE16),
        member("records", array(StructRef(name="virtio_tlv"), FieldRef(path="count"))),
        member("crc", LE16),
    ),
    struct("virtio_open_list", member("count", LE16), member("records", array(StructRef(name="virtio_tlv"), REST))),
    struct("virtio_nested", member("id", LE16), member("tlv", StructRef(name="virtio_tlv")), member("crc", LE16)),
    struct(
        "virtio_open_nested", member("id", LE16), member("inner", StructRef(name="virtio_tail")), member("crc", LE16)
    ),
    struct(
        "virtio_empty_records",
        member("count", LE64),
        member("records", array(StructRef(name="virtio_empty_record"), FieldRef(path="count"))),
    ),
    struct("virtio_empty_record", member("v", array(U8, ExternalLength(name="n")))),
    struct(
        "virtio_body",
        member("", Aggregate(kind="union", members=(member("one", LE32), member("many", array(LE16, REST))))),
    ),
    struct(
        "virtio_request",
        member("type", LE32, direction="readable"),
        member("out", array(U8, REST), direction="readable"),
        member("n", LE16, direction="writable"),
        member("in", array(U8, FieldRef(path="n")), direction="writable"),
        member("more", array(U8, FieldRef(path="type")), direction="writable"),
    ),
    struct(
        "virtio_optional",
        member("a", U8),
        member("x", LE16, only_if=Feature(name="VIRTIO_F_A")),
        member("y", LE32, only_if=Feature(name="VIRTIO_F_B")),
        member("z", U8, only_if=Not(term=Feature(name="VIRTIO_F_A"))),
        member("v", array(U8, FieldRef(path="x"))),
    ),
    struct(
        "virtio_depends",
        member("kind", U8),
        member("x", LE16, only_if=FieldIs(path="kind", value="2")),
        member("y", U8, only_if=Prose(digest="d")),
    ),
)


@dataclass(frozen=True)
class Case:
    """A call of `<stem>_parse`: the message in hex, what its reader brings along, and the parts or the error."""

    stem: str
    message: str
    expected: str
    arguments: str = ""
    function: str = "validate"


CASES = (
    Case("virtio_tail", "0100", "data=2+0"),
    Case("virtio_tail", "0100 11111111 22222222", "data=2+8"),
    Case("virtio_tail", "0100 111111", "3 data"),
    Case("virtio_tail", "01", "1 a"),
    Case("virtio_tail", "", "1 a"),
    Case("virtio_only", "", "data=0+0"),
    Case("virtio_only", "aabb", "data=0+2"),
    Case("virtio_middle", "00000000 11111111 05", "data=4+4 status=8+1"),
    Case("virtio_middle", "00000000 05", "data=4+0 status=4+1"),
    Case("virtio_middle", "00000000", "1 data"),
    Case("virtio_middle", "00000000 1111 05", "3 data"),
    Case("virtio_two", "aabbcc dd 00", "tx=0+3 rx=3+1 status=4+1", ", 3"),
    Case("virtio_two", "aabb", "1 tx", ", 3"),
    Case("virtio_two", "aabb", "1 rx", ", 2"),
    Case("virtio_sibling", "0002 1111 2222 01 ff", "v=2+4 m=6+1 w=7+1"),
    Case("virtio_sibling", "0002 1111 22", "1 v"),
    Case("virtio_sibling", "0001 1111", "1 m"),
    Case("virtio_sibling", "0001 1111 02 ff", "1 w"),
    Case("virtio_sibling", "0001 1111 01 ff ee", "2 "),
    Case("virtio_macs", "0200000000000000 111111111111 222222222222", "macs=8+12"),
    Case("virtio_macs", "ffffffffffffffff 111111111111", "1 macs"),
    Case("virtio_macs", "abaaaaaaaaaaaa2a 111111111111", "1 macs"),
    Case("virtio_plus", "0100 aabb", "v=2+2"),
    Case("virtio_plus", "0000", "v=2+0"),
    Case("virtio_minus", "06 aabb", "v=1+2"),
    Case("virtio_minus", "03 aabb", "1 v"),
    Case("virtio_given", "01 1111 2222 09", "v=1+4 b=5+1", ", 2"),
    Case("virtio_given", "01 1111 2222 09", "1 v", ", SIZE_MAX"),
    Case("virtio_config", "01 aabbcc", "cdb=1+3", ", 3"),
    Case("virtio_config", "01 aabbcc", "2 ", ", 2"),
    Case("virtio_foreign", "aabb ccdd", "in=0+2 data=2+2", ", 2, 2"),
    Case("virtio_foreign", "aabb ccdd", "1 data", ", 2, 3"),
    Case("virtio_foreign", "aa", "1 in", ", 2, 4"),
    Case("virtio_elided", "0100 aabbcc 07", "elided=2+3 response=5+1"),
    Case("virtio_elided", "0100", "1 ..."),
    Case("virtio_bits", "2f00 aabb", "v=2+2"),
    Case("virtio_bits", "ffff aabb", "1 v"),
    Case("virtio_list", "0200 01000000 0100 aa 02000000 0000 1234", "records=2+13 crc=15+2"),
    Case("virtio_list", "0000 1234", "records=2+0 crc=2+2"),
    Case("virtio_list", "0200 01000000 0100 aa 02000000 0100", "1 records"),
    Case("virtio_list", "0200 01000000 0100 aa 1234", "1 records"),
    Case("virtio_list", "0100 01000000 0100 aa", "1 crc"),
    Case("virtio_open_list", "0100 01000000 0100 aa", "records=2+7"),
    Case("virtio_open_list", "0100 01000000 0200 aa", "1 records"),
    Case("virtio_open_list", "0100 01000000 0200 aa", "records=2+7", function="parse"),
    Case("virtio_nested", "0900 01000000 0200 aabb 1234", "tlv=2+8 crc=10+2"),
    Case("virtio_nested", "0900 01000000 0300 aabb", "1 tlv"),
    Case("virtio_nested", "0900 0100", "1 tlv"),
    Case("virtio_open_nested", "0900 0100 11111111 1234", "inner=2+6 crc=8+2"),
    Case("virtio_open_nested", "0900 0100 111111 1234", "3 inner"),
    Case("virtio_open_nested", "0900 01 1234", "1 inner"),
    Case("virtio_open_nested", "0900 12", "1 inner"),
    Case("virtio_empty_records", "ffffffffffffffff", "4 records", ", 0"),
    Case("virtio_empty_records", "0100000000000000 aa", "records=8+1", ", 1"),
    Case("virtio_body", "0011", "body=0+2"),
    Case("virtio_request_readable", "01000000 aabb", "out=4+2"),
    Case("virtio_request_writable", "0100 aa bbcc", "in=2+1 more=3+2", ", 2"),
    Case("virtio_request_writable", "0100 aa bb", "1 more", ", 2"),
    Case("virtio_optional", "01 0300 09090909 aabbcc", "x=1+2 y=3+4 z=7+0 v=7+3", ", &both"),
    Case("virtio_optional", "01 09", "x=1+0 y=1+0 z=1+1 v=2+0", ", &none"),
    Case("virtio_optional", "01 0300 aabb", "1 v", ", &only_a"),
    Case("virtio_optional", "01 0300 aabbcc", "x=1+2 y=3+0 z=3+0 v=3+3", ", &only_a"),
    Case("virtio_depends", "02 0102", "x=1+2 y=3+0", ", 0"),
    Case("virtio_depends", "02 0102 03", "x=1+2 y=3+1", ", 1"),
    Case("virtio_depends", "01", "x=1+0 y=1+0", ", 0"),
    Case("virtio_depends", "02", "1 x", ", 0"),
)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory, compiler: str) -> Callable[[str], str]:
    """Build and run a program on the headers of `STRUCTS`, with the sanitizers; gives its output."""
    directory = tmp_path_factory.mktemp("messages")
    spec = Spec(edition="1.4", structs=STRUCTS, constants=(), features=FEATURES)
    emission = render_c(spec, Layouts(spec))
    assert not emission.not_rendered
    for path, text in emission.files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)

    def run(body: str) -> str:
        (directory / "program.c").write_text(PREAMBLE + body)
        sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        command = [compiler, "-std=c99", *WARNINGS, *sanitize, "-Ic/include", "program.c", "-o", "program"]
        subprocess.run(command, cwd=directory, check=True)
        result = subprocess.run([directory / "program"], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


PREAMBLE = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtwire/virtwire.h>

#define SHOW(part) printf(" " #part "=%zu+%zu", parts.part.offset, parts.part.size)
"""


def c_string(message: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in bytes.fromhex(message)) + '"'


def test_every_kind_of_length(build: Callable[[str], str]) -> None:
    calls = []
    for i, case in enumerate(CASES):
        size = len(bytes.fromhex(case.message))
        names = [part.partition("=")[0] for part in case.expected.split() if "=" in part]
        calls.append(f"""
    {{
        struct {case.stem}_parts parts;
        void *message = copy({c_string(case.message)}, {size});
        int error = {case.stem}_parse(message, {size}{case.arguments}, &parts);

        if (error == 0 && {int(case.function == "validate")})
            error = {case.stem}_validate(message, {size}{case.arguments});
        printf("{i}");
        if (error != 0)
            printf(" %d %s", virtwire_problem(error), {case.stem}_field_name(virtwire_field(error)));
        {"else {" + "".join(f" SHOW({name});" for name in names) + " }" if names else ""}
        printf("\\n");
        free(message);
    }}""")
    output = build("""
/* a copy with nothing behind it, so that reading too far is seen */
static void *copy(const char *bytes, size_t size)
{
    void *at = malloc(size + (size == 0));

    if (at == NULL)
        exit(2);
    memcpy(at, bytes, size);
    return at;
}

int main(void)
{
    struct virtwire_features none = {{0, 0}}, only_a = {{0, 0}}, both = {{0, 0}};

    virtwire_add_feature(&only_a, 3);
    virtwire_add_feature(&both, 3);
    virtwire_add_feature(&both, 70);
    virtwire_add_feature(&both, 200);
""" + "".join(calls) + "\n    return 0;\n}\n")
    lines = output.splitlines()
    wrong = [
        f"{case}: {line}"
        for i, (case, line) in enumerate(zip(CASES, lines, strict=True))
        if line.removeprefix(f"{i} ") != case.expected
    ]
    assert not wrong, "\n".join(wrong)


def test_a_list_is_written_and_read_back(build: Callable[[str], str]) -> None:
    assert (
        build("""
int main(void)
{
    uint8_t buffer[64];
    struct virtwire_writer writer = virtwire_write_to(buffer, 22);
    struct virtio_list list;
    struct virtio_tlv head;
    struct virtio_tlv_parts parts;
    const struct virtio_tlv *record;
    struct virtwire_cursor cursor;
    int error;

    list.count = virtio_cpu_to_le16(2);
    head.type = virtio_cpu_to_le32(7);
    head.length = virtio_cpu_to_le16(0xffff);
    error = virtwire_write(&writer, &list, sizeof(list));
    error |= virtio_tlv_write(&writer, &head, "abc", 3);
    head.type = virtio_cpu_to_le32(8);
    error |= virtio_tlv_write(&writer, &head, "", 0);
    printf("%d %zu\\n", error, writer.size);
    error = virtio_tlv_write(&writer, &head, "", 0);
    printf("%d %s %zu\\n", virtwire_problem(error), virtio_tlv_field_name(virtwire_field(error)), writer.size);
    error = virtwire_write(&writer, "zzzzzz", 6);
    printf("%d %zu\\n", virtwire_problem(error), writer.size);
    error = virtio_tlv_write(&writer, &head, buffer, 65536);
    printf("%d %s\\n", virtwire_problem(error), virtio_tlv_field_name(virtwire_field(error)));
    error = virtwire_write(&writer, "zz", 2);
    printf("%d\\n", virtio_list_validate(buffer, writer.size));

    cursor = virtwire_counted(buffer + 2, writer.size - 2, 2);
    while ((record = virtio_tlv_next(&cursor, &parts)) != NULL)
        printf("%u at %td: %.*s\\n", (unsigned)virtio_le32_to_cpu(record->type), cursor.at - buffer,
            (int)parts.value.size, (const char *)record + parts.value.offset);
    printf("%d\\n", cursor.error);

    cursor = virtwire_records(buffer + 2, writer.size - 2);
    while (virtio_tlv_next(&cursor, &parts) != NULL)
        continue;
    error = cursor.error;
    printf("%d %s at %td\\n", virtwire_problem(error), virtio_tlv_field_name(virtwire_field(error)),
        cursor.at - buffer);
    return 0;
}
""").splitlines()
        == [
            "0 17",
            "6 length 17",
            "6 17",
            "6 length",
            "0",
            "7 at 2: abc",
            "8 at 11: ",
            "0",
            "1 type at 17",
        ]
    )


@dataclass(frozen=True)
class Writing:
    """A call of `<stem>_write`: what is declared before, its arguments, and the message or the error."""

    stem: str
    arguments: str
    expected: str
    before: str = ""


WRITINGS = (
    Writing("virtio_tail", "&tail, TEXT(aabbccdd)", "0100 aabbccdd"),
    Writing("virtio_tail", "&tail, TEXT(aabbcc)", "3 data"),
    Writing("virtio_only", "TEXT(aabb)", "aabb"),
    Writing(
        "virtio_middle",
        "&head, &c",
        "07000000 11223344 09",
        "struct virtio_middle head = {{{7, 0, 0, 0}}}; struct virtio_middle_content c = {{TEXT(11223344)}, 9}",
    ),
    Writing(
        "virtio_middle",
        "&head, &c",
        "3 data",
        "struct virtio_middle head = {{{7, 0, 0, 0}}}; struct virtio_middle_content c = {{TEXT(1122)}, 9}",
    ),
    Writing("virtio_two", "&c", "aabb cc 09", "struct virtio_two_content c = {{TEXT(aabb)}, {TEXT(cc)}, 9}"),
    # lengths are set from the parts, in front of them and between them
    Writing(
        "virtio_sibling",
        "NULL, &c",
        "0002 11112222 03 aabbcc",
        "struct virtio_sibling_content c = {{TEXT(11112222)}, 77, {TEXT(aabbcc)}}",
    ),
    Writing("virtio_sibling", "NULL, &c", "5 w", "struct virtio_sibling_content c = {{TEXT()}, 0, {zeros, 256}}"),
    Writing("virtio_sibling", "NULL, &c", "5 v", "struct virtio_sibling_content c = {{zeros, 131072}, 0, {TEXT()}}"),
    Writing("virtio_macs", "NULL, TEXT(111111111111222222222222)", "0200000000000000 111111111111 222222222222"),
    Writing("virtio_macs", "NULL, TEXT(11111111111122)", "3 macs"),
    # (mask + 1) * 2 - 2
    Writing("virtio_plus", "NULL, TEXT(aabbccdd)", "0200 aabbccdd"),
    Writing("virtio_plus", "NULL, TEXT(aabbcc)", "5 v"),
    Writing("virtio_minus", "NULL, TEXT(aabb)", "06 aabb"),
    Writing("virtio_minus", "NULL, zeros, 252", "5 v"),
    Writing("virtio_given", "NULL, &c", "00 11112222 09", "struct virtio_given_content c = {{TEXT(11112222)}, 9}"),
    Writing("virtio_foreign", "&c", "aabb ccdd", "struct virtio_foreign_content c = {{TEXT(aabb)}, {TEXT(ccdd)}}"),
    Writing("virtio_bits", "&bits, TEXT(aabb)", "2500 aabb", "struct virtio_bits bits = {{{0xf5, 0xff}}}"),
    Writing("virtio_bits", "&bits, zeros, 4096", "5 v", "struct virtio_bits bits = {{{0, 0}}}"),
    # records have to be whole, and are counted
    Writing(
        "virtio_list",
        "NULL, &c",
        "0200 01000000 0100 aa 02000000 0000 1234",
        "struct virtio_list_content c = {{TEXT(010000000100aa020000000000)}, {{0x12, 0x34}}}",
    ),
    Writing(
        "virtio_list",
        "NULL, &c",
        "1 records",
        "struct virtio_list_content c = {{TEXT(010000000200aa)}, {{0x12, 0x34}}}",
    ),
    Writing("virtio_open_list", "NULL, TEXT(010000000100aa)", "0000 01000000 0100 aa"),
    Writing("virtio_open_list", "NULL, TEXT(010000000200aa)", "1 records"),
    Writing(
        "virtio_nested",
        "NULL, &c",
        "0000 01000000 0100 aa 1234",
        "struct virtio_nested_content c = {{TEXT(010000000100aa)}, {{0x12, 0x34}}}",
    ),
    Writing(
        "virtio_nested",
        "NULL, &c",
        "2 tlv",
        "struct virtio_nested_content c = {{TEXT(010000000100aabb)}, {{0x12, 0x34}}}",
    ),
    Writing("virtio_request_readable", "NULL, TEXT(aabb)", "00000000 aabb"),
    Writing(
        "virtio_request_writable",
        "NULL, &c",
        "0100 aa bbcc",
        "struct virtio_request_writable_content c = {{TEXT(aa)}, {TEXT(bbcc)}}",
    ),
    # members that features or other members bring
    Writing(
        "virtio_optional", "&o, TEXT(aabbcc), &both", "01 0300 04040404 aabbcc", "struct virtio_optional o = OPTIONAL"
    ),
    Writing("virtio_optional", "&o, TEXT(aabbcc), &only_a", "01 0300 aabbcc", "struct virtio_optional o = OPTIONAL"),
    Writing("virtio_optional", "&o, TEXT(), &none", "01 05", "struct virtio_optional o = OPTIONAL"),
    Writing("virtio_optional", "&o, TEXT(aa), &none", "5 v", "struct virtio_optional o = OPTIONAL"),
    Writing("virtio_depends", "&d, 0", "02 0303", "struct virtio_depends d = {2, {{3, 3}}, 4}"),
    Writing("virtio_depends", "&d, 1", "02 0303 04", "struct virtio_depends d = {2, {{3, 3}}, 4}"),
    Writing("virtio_depends", "&d, 0", "01", "struct virtio_depends d = {1, {{3, 3}}, 4}"),
)


def test_every_kind_of_message_is_written(build: Callable[[str], str]) -> None:
    """In a buffer that is as long as the message; one that is shorter by any number of bytes is too short for it, and
    nothing has been written then."""
    calls = []
    for case in WRITINGS:
        arguments = re.sub(r"TEXT\((\w*)\)", lambda m: f"{c_string(m[1])}, {len(m[1]) // 2}", case.arguments)
        before = re.sub(r"TEXT\((\w*)\)", lambda m: f"{c_string(m[1])}, {len(m[1]) // 2}", case.before)
        calls.append(f"""
    {{
        {before};
        size_t room = 1 << 20;
        struct virtwire_writer writer = virtwire_write_to(buffer, room);
        int error;

        memset(buffer, 0, sizeof(buffer));
        error = {case.stem}_write(&writer, {arguments});
        if (error != 0)
            printf("%d %s\\n", virtwire_problem(error), {case.stem}_field_name(virtwire_field(error)));
        else
            show(writer.bytes, writer.size);
        if (error == 0) {{
            for (room = 0; room <= writer.size; room++) {{
                uint8_t *tight = calloc(room + 1, 1);
                struct virtwire_writer again = virtwire_write_to(tight, room);

                error = {case.stem}_write(&again, {arguments});
                if (room == writer.size ? error != 0 || memcmp(tight, buffer, room) != 0
                    : virtwire_problem(error) != VIRTWIRE_FULL || again.size != 0 || virtwire_field(error) == 0)
                    printf("with room for %zu: %x\\n", room, (unsigned)error);
                free(tight);
            }}
        }}
    }}""")
    output = build("""
#define OPTIONAL {1, {{9, 9}}, {{4, 4, 4, 4}}, 5}

static uint8_t buffer[1 << 20];
static const uint8_t zeros[1 << 18];

static void show(const uint8_t *bytes, size_t size)
{
    while (size-- != 0)
        printf("%02x", *bytes++);
    printf("\\n");
}

int main(void)
{
    struct virtio_tail tail = {{{1, 0}}};
    struct virtwire_features none = {{0, 0}}, only_a = {{0, 0}}, both = {{0, 0}};

    virtwire_add_feature(&only_a, 3);
    virtwire_add_feature(&both, 3);
    virtwire_add_feature(&both, 70);
""" + "".join(calls) + "\n    return 0;\n}\n")
    wanted = [case.expected if case.expected[1:2] == " " else case.expected.replace(" ", "") for case in WRITINGS]
    assert output.splitlines() == wanted


NAMES = "writer head bytes room at parts found count stored content features size error inner cursor value list".split()


def test_names_do_not_hide_each_other(tmp_path: Path, compiler: str) -> None:
    """Parts, lengths and arguments that are called what the functions call something."""
    structs = []
    for i, name in enumerate(NAMES):
        structs += [
            struct(f"virtio_a{i}", member("n", U8), member(name, array(LE16, FieldRef(path="n")))),
            struct(f"virtio_b{i}", member("n", U8), member(name, array(LE16, ExternalLength(name=name)))),
            struct(f"virtio_c{i}", member(name, LE32), member("v", array(LE32, Expression(text=f"{name} / 4")))),
            struct(f"virtio_d{i}", member("v", array(U8, ExternalLength(name=name))), member(name, array(U8, REST))),
            struct(f"virtio_e{i}", member("v", array(U8, REST)), member(name, LE16), member("v_size", LE16)),
        ]
    spec = Spec(edition="1.4", structs=tuple(structs), constants=(), features=FEATURES)
    for path, text in render_c(spec, Layouts(spec)).files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    runs = "-DVIRTWIRE_FUZZ_RUNS=20000"
    command = [compiler, "-std=c99", *WARNINGS, runs, "-Ic/include", "c/test/fuzz.c", "-o", "fuzz"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "fuzz"], check=True, timeout=60)


def test_what_is_in_place_is_not_copied(build: Callable[[str], str]) -> None:
    """Records are written where they belong, then the head in front of them."""
    program = """
int main(void)
{
    uint8_t buffer[32];
    struct virtwire_writer writer = virtwire_write_to(buffer, sizeof(buffer));
    struct virtwire_writer records = virtwire_write_behind(&writer, sizeof(struct virtio_open_list));
    struct virtio_tlv tlv = {{{7, 0, 0, 0}}, {{0, 0}}};
    struct virtio_list_content content = {{NULL, 0}, {{0xff, 0xff}}};
    int error = virtio_tlv_write(&records, &tlv, "ab", 2);

    error |= virtio_tlv_write(&records, &tlv, "c", 1);
    content.records.size = records.size;
    error |= virtio_list_write(&writer, NULL, &content);
    printf("%d %zu %d", error, writer.size, virtio_list_validate(buffer, writer.size));
    printf(" %d\\n", virtio_get_le16(buffer));
    return 0;
}
"""
    assert build(program) == "0 19 0 2\n"


def test_what_a_reader_brings_along_is_documented(build: Callable[[str], str]) -> None:
    spec = Spec(edition="1.4", structs=STRUCTS, constants=(), features=FEATURES)
    header = render_c(spec, Layouts(spec)).files["c/include/virtwire/m.h"]
    assert " * `cdb_size`: cdb_size of struct virtio_scsi_config. */" in header
    assert " * `fuse_in_header_size`: bytes of a struct fuse_in_header." in header
    assert "Followed by v[Queue Size], b. */" in header


# --- records and lists of them ----------------------------------------------------------------------------


def record_spec(*values: tuple[int, str]) -> Spec:
    """A list of records, and a registry of what their values are."""
    entries = tuple(
        Entry(code=code, name=f"VIRTIO_T_{code}", bindings=(Binding(role="value", struct=bound),))
        for code, bound in values
    )
    return Spec(
        edition="1.4",
        structs=(
            struct(
                "virtio_r",
                member("type", LE32),
                member("length", LE32),
                member("v", array(U8, FieldRef(path="length"))),
            ),
            struct("virtio_rs", member("n", LE32), member("rs", array(StructRef(name="virtio_r"), FieldRef(path="n")))),
            struct("virtio_fixed", member("x", LE16)),
            struct("virtio_open", member("x", LE16), member("y", array(LE32, REST))),
        ),
        constants=(),
        registries=(Registry(key="m/registry/types", name="Types", tag="type", module="m", entries=entries),),
    )


def test_a_value_is_what_its_type_asks_for() -> None:
    spec = record_spec((1, "virtio_fixed"), (2, "virtio_open"), (3, "virtio_unknown"), (4, "virtio_open.x"))
    header = render_c(spec, Layouts(spec)).files["c/include/virtwire/m.h"]
    assert "case 1: /* VIRTIO_T_1: struct virtio_fixed */\n        return size == 2;" in header
    assert "case 2: /* VIRTIO_T_2: struct virtio_open */\n        return virtio_open_validate(" in header
    assert "case 4: /* VIRTIO_T_4: virtio_open.x */\n        return size == 2;" in header
    assert "case 3: /*" not in header
    assert header.index("int virtio_open_validate(") < header.index("bool virtio_r_fits(")


def test_a_record_inside_its_own_value_is_not_followed() -> None:
    """Else a message could choose how deep its reader goes."""
    spec = record_spec((1, "virtio_fixed"), (2, "virtio_rs"), (3, "virtio_r"))
    header = render_c(spec, Layouts(spec)).files["c/include/virtwire/m.h"]
    assert "VIRTIO_T_1: struct" in header
    assert "VIRTIO_T_2: struct" not in header
    assert "VIRTIO_T_3: struct" not in header


def list_spec() -> Spec:
    """Lists with everything that rules are about."""
    selector = Aggregate(kind="union", members=(member("queue", LE16), member("raw", array(U8, Count(value=4)))))
    values = {1: "virtio_one", 2: "virtio_two", 3: "virtio_config.b"}
    entries = tuple(
        Entry(code=code, name=f"VIRTIO_T_{code}", bindings=(Binding(role="value", struct=bound),))
        for code, bound in values.items()
    )
    configured = Entry(code=4, name="VIRTIO_T_4", bindings=(Binding(role="value", struct=DEVICE_CONFIG),))
    own = Entry(code=0x80, name="VIRTIO_D_OWN")
    return Spec(
        edition="1.4",
        structs=(
            struct("virtio_one", member("vq_index", LE16), member("reserved", U8)),
            struct("virtio_two", member("x", array(StructRef(name="virtio_one"), REST))),
            struct(
                "virtio_r",
                member("type", LE16),
                member("flags", U8),
                member("padding0", U8),
                member("selector", selector),
                member("length", U8),
                member("v", array(U8, FieldRef(path="length"))),
            ),
            struct("virtio_rs", member("reserved", LE16), member("rs", array(StructRef(name="virtio_r"), REST))),
            replace(struct("virtio_config", member("a", LE32), member("b", LE16), member("unused1", U8)), module="d"),
        ),
        constants=(),
        registries=(
            Registry(
                key="m/registry/t",
                name="Types",
                tag="type",
                module="m",
                entries=(*entries, configured),
                ranges=(Range(first=5, last=9, meaning="reserved"), Range(first=10, last=12, meaning="vendor")),
                ascending=True,
            ),
            Registry(key="d/registry/t", name="Types", tag="type", module="d", entries=(own,)),
        ),
        devices=(Device(module="d", title="A device", id=7, config="virtio_config"),),
    )


@dataclass(frozen=True)
class Listed:
    """Records of a list, and what is wrong with it: 0, or the problem, the field, and where the record starts."""

    records: str
    expected: str
    device: str = "NULL"
    head: str = "0000"
    room: int = 8


def record(kind: int, value: str, selector: str = "00000000", padding: str = "00") -> str:
    return f"{kind:02x}00 ff {padding} {selector} {len(value) // 2:02x} {value} "


LISTS = (
    Listed("", "0"),
    Listed(record(1, "030000"), "0"),
    Listed(record(1, "030000"), "RESERVED reserved 0", head="0001"),
    Listed(record(1, "030000", padding="01"), "RESERVED rs 2"),
    Listed(record(1, "030001"), "RESERVED rs 2"),
    Listed(record(2, "030000") + record(2, "030000040001", "01000000"), "RESERVED rs 14"),
    Listed(record(1, "0300"), "VALUE rs 0"),
    Listed(record(3, "aabb"), "0"),
    Listed(record(3, "aa"), "VALUE rs 0"),
    Listed(record(9, ""), "UNKNOWN rs 2"),
    Listed(record(10, "aa"), "0"),
    Listed(record(13, ""), "UNKNOWN rs 2"),
    Listed(record(0x80, ""), "UNKNOWN rs 2"),
    Listed(record(0x80, ""), "0", device="virtwire_device_d()"),
    Listed(record(0x81, ""), "UNKNOWN rs 2", device="virtwire_device_d()"),
    # a configuration may end before a member, and is unknown without a device
    Listed(record(4, "0011223344556677889900"), "0"),
    Listed(record(4, "00112233445500"), "0", device="virtwire_device_d()"),
    Listed(record(4, "00112233"), "0", device="virtwire_device_of(7)"),
    Listed(record(4, "0011223344"), "VALUE rs 2", device="virtwire_device_d()"),
    Listed(record(4, "00112233445501"), "VALUE rs 2", device="virtwire_device_d()"),
    # once for each type and selector, or virtqueue
    Listed(record(1, "030000") + record(1, "040000") + record(2, ""), "0"),
    Listed(record(1, "030000") + record(1, "040000") + record(1, "030000"), "TWICE rs 26"),
    Listed(record(10, "aa", "00000001") + record(10, "aa", "00000002"), "0"),
    Listed(record(10, "aa", "00000001") + record(10, "", "00000001"), "TWICE rs 12"),
    Listed(record(2, "") + record(1, "030000"), "ORDER rs 11"),
    # a type that is only in a range has no place in the order
    Listed(record(10, "") + record(1, "030000"), "0"),
    Listed("".join(record(10, "", f"{i:02x}000000") for i in (3, 1, 2)), "ROOM rs 20", room=2),
    Listed("".join(record(10, "", f"{i:02x}000000") for i in (5, 3, 1, 4, 2, 0)), "0"),
    Listed("".join(record(10, "", f"{i:02x}000000") for i in (5, 3, 1, 4, 3, 0)), "TWICE rs 38"),
    Listed("0100", "SHORT rs 0"),
)


def test_rules_about_lists(tmp_path: Path, compiler: str) -> None:
    spec = list_spec()
    emission = render_c(spec, Layouts(spec))
    for path, text in emission.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    calls = []
    for case in LISTS:
        message = case.head + case.records
        calls.append(f"""
    {{
        size_t seen[{case.room}];
        struct virtwire_rules rules = {{ {case.device}, seen, {case.room}, 99 }};
        const int error = virtio_rs_check({c_string(message)}, {len(bytes.fromhex(message))}, &rules);

        if (error == 0)
            puts("0");
        else
            printf("%s %s %zu\\n", problems[virtwire_problem(error)],
                virtio_rs_field_name(virtwire_field(error)), rules.at);
    }}""")
    names = "SHORT RESERVED VALUE UNKNOWN TWICE ORDER ROOM".split()
    table = ", ".join(f'[VIRTWIRE_{name}] = "{name}"' for name in names)
    program = PREAMBLE + f"static const char *const problems[32] = {{ {table} }};\nint main(void)\n{{"
    (tmp_path / "program.c").write_text(program + "".join(calls) + "\n    return 0;\n}\n")
    sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [compiler, "-std=c99", *WARNINGS, *sanitize, "-Ic/include", "program.c", "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    output = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True).stdout
    wrong = [f"{case}: {line}" for case, line in zip(LISTS, output.splitlines(), strict=True) if line != case.expected]
    assert not wrong, "\n".join(wrong)


def test_the_fuzz_target_runs(tmp_path: Path, compiler: str) -> None:
    spec = Spec(edition="1.4", structs=STRUCTS, constants=(), features=FEATURES)
    for path, text in render_c(spec, Layouts(spec)).files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    runs = "-DVIRTWIRE_FUZZ_RUNS=100000"
    command = [compiler, "-std=c99", "-O1", *WARNINGS, *sanitize, runs, "-Ic/include", "c/test/fuzz.c", "-o", "fuzz"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "fuzz"], check=True, timeout=60)
