"""What is read from C headers: names by the parser, numbers by the compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from virtspec import compilers
from virtspec.diagnostics import SpecError
from virtspec.headers import HeaderFacts, read_headers

HEADER = """
#ifndef TINY_H
#define TINY_H
#include <stdint.h>
#include "other.h"
#define TINY_BIT 5
#define TINY_MASK (1ULL << TINY_BIT) /* uses another */
#define TINY_NAME "text"
#define TINY_OF(x) ((x) + 1)
#define TINY_EMPTY
#define TINY_TYPE uint32_t
#define TINY_MINUS (-2)
enum tiny_kind { TINY_A, TINY_B = (1 << 4), TINY_C };
struct tiny_inner { uint8_t x, y[2]; };
struct __attribute__((packed)) tiny {
    uint16_t flags;
    struct tiny_inner inner;
    const uint32_t *pointer;
    union { uint32_t word; struct { uint16_t low; uint16_t high; } half; };
    struct { uint8_t a; uint8_t b; } pairs[3];
    enum tiny_kind kind;
    void (*call)(struct tiny *self, int x);
    uint8_t bits : 3, more : 5;
    struct tiny_inner many[2];
    uint8_t tail[];
} __attribute__((aligned(1)));
typedef uint16_t __be16; typedef uint32_t le32_t;
struct tiny_orders { __be16 big, array[2]; le32_t little; uint16_t plain; };
union tiny_any { struct tiny_inner inner; uint64_t all; };
static inline int tiny_function(struct tiny *t) { struct tiny_inner i = { 0 }; return i.x + t->flags; }
#endif
"""


@pytest.fixture(scope="module")
def facts(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> HeaderFacts:
    directory = tmp_path_factory.mktemp("headers")
    (directory / "tiny.h").write_text(HEADER)
    (directory / "other.h").write_text("#define OTHER 1\nstruct other { int x; };\n")
    return read_headers([str(directory / "tiny.h")], compiler=compiler)


def test_constants_are_the_integers_of_this_header(facts: HeaderFacts) -> None:
    assert facts.constants == {
        "TINY_BIT": 5,
        "TINY_MASK": 32,
        "TINY_MINUS": -2,
        "TINY_A": 0,
        "TINY_B": 16,
        "TINY_C": 17,
    }


def test_structs_are_those_of_this_header(facts: HeaderFacts) -> None:
    assert {name: s.size for name, s in facts.structs.items() if name != "tiny"} == {
        "tiny_inner": 3,
        "tiny_orders": 16,
        "tiny_any": 8,
    }
    assert "tiny" in facts.structs


def test_byte_orders_from_the_names_of_types(facts: HeaderFacts) -> None:
    orders = {m.path: m.order for m in facts.structs["tiny_orders"].members}
    assert orders == {"big": "big", "array": "big", "little": "little", "plain": ""}


def test_members(facts: HeaderFacts) -> None:
    members = {m.path: (m.offset, m.size) for m in facts.structs["tiny"].members}
    pointer = facts.structs["tiny"].members[4].size
    assert pointer in (4, 8)
    base = 5 + pointer
    assert members == {
        "flags": (0, 2),
        "inner": (2, 3),
        "inner.x": (2, 1),
        "inner.y": (3, 2),
        "pointer": (5, pointer),
        "word": (base, 4),
        "half": (base, 4),
        "half.low": (base, 2),
        "half.high": (base + 2, 2),
        "pairs": (base + 4, 6),
        "pairs[].a": (base + 4, 1),
        "pairs[].b": (base + 5, 1),
        "kind": (base + 10, 4),
        "call": (base + 14, pointer),
        "bits": (None, None),
        "more": (None, None),
        "many": (base + 15 + pointer, 6),
        "many[].x": (base + 15 + pointer, 1),
        "many[].y": (base + 16 + pointer, 2),
        "tail": (base + 21 + pointer, None),
    }


def test_a_member_knows_its_struct(facts: HeaderFacts) -> None:
    tags = {m.path: m.struct for m in facts.structs["tiny"].members if m.struct}
    assert tags == {"inner": "tiny_inner", "many": "tiny_inner"}


@pytest.mark.parametrize("name", ["no/such/header.h", "evil>\n#include <stdio.h"])
def test_a_header_that_cannot_be_had(compiler: str, name: str) -> None:
    with pytest.raises(SpecError, match="header"):
        read_headers([name], compiler=compiler)


def test_a_header_that_does_not_compile(compiler: str, tmp_path: Path) -> None:
    (tmp_path / "bad.h").write_text("struct bad { nosuchtype x; };\n")
    with pytest.raises(SpecError, match=r"bad\.h:1"):
        read_headers([str(tmp_path / "bad.h")], compiler=compiler)


def test_no_compiler() -> None:
    with pytest.raises(SpecError, match="cannot be run"):
        read_headers(["stdint.h"], compiler="no-such-compiler")


@pytest.mark.parametrize("cross", ["s390x-linux-gnu-gcc", "aarch64-linux-gnu-gcc"])
def test_a_compiler_for_another_machine(cross: str, tmp_path: Path) -> None:
    if shutil.which(cross) is None:
        pytest.skip(f"no {cross}")
    (tmp_path / "big.h").write_text("#define BIG_BIT 0x123456789\nstruct big { short x; long y; };\n")
    facts = read_headers([str(tmp_path / "big.h")], compiler=cross)
    assert (facts.constants, facts.structs["big"].size) == ({"BIG_BIT": 0x123456789}, 16)


HOSTILE = {
    "a constructor": 'static void __attribute__((constructor)) begin(void) {{ fclose(fopen("{file}", "w")); }}',
    "a main": 'int main(void) {{ fclose(fopen("{file}", "w")); return 0; }}',
    "an initialiser in another section": (
        'static void begin(void) {{ fclose(fopen("{file}", "w")); }}'
        '__attribute__((section(".init_array"), used)) static void (*entry)(void) = begin;'
    ),
    "a name of its own for what prints": '#define printf(...) fclose(fopen("{file}", "w"))',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_of_a_header_is_run(compiler: str, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "written"
    head = "#include <stdio.h>\n#define HOSTILE_BIT 5\nstruct hostile { int x; char y; };\n"
    (tmp_path / "hostile.h").write_text(f"{head}{HOSTILE[kind].format(file=file)}\n")
    facts = read_headers([str(tmp_path / "hostile.h")], compiler=compiler)
    assert facts.constants["HOSTILE_BIT"] == 5 and facts.structs["hostile"].size == 8
    assert not file.exists()


def test_a_header_cannot_put_its_own_numbers_in_the_place_of_others(compiler: str, tmp_path: Path) -> None:
    (tmp_path / "forged.h").write_text(
        "struct forged { int x; };\n"
        "const unsigned char virtspec_forged[64] = { 1, 2, 3 };\n"
        "#define VIRTSPEC_NUMBER(x) 0\n"
    )
    assert read_headers([str(tmp_path / "forged.h")], compiler=compiler).structs["forged"].size == 4


@pytest.mark.parametrize(
    ("bound", "value", "text"),
    [
        ("MOST_SECONDS", 1, '#include "endless.h"\n#include "endless.h"\n'),
        ("MOST_OUTPUT", 1 << 20, "".join(f"#define A{i} A{i + 1} A{i + 1}\n" for i in range(20)) + "A0\n"),
        ("MOST_MEMORY", 64 << 20, "".join(f"#define A{i} A{i + 1} A{i + 1}\n" for i in range(40)) + "A0\n"),
    ],
)
def test_a_compiler_that_does_not_end(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, text: str
) -> None:
    (tmp_path / "endless.h").write_text(text)
    monkeypatch.setattr(compilers, bound, value)
    monkeypatch.setattr(compilers, "MOST_SECONDS", 1 if bound == "MOST_SECONDS" else 20)
    with pytest.raises(SpecError, match=r"does not end within 1 s|do not compile"):
        read_headers([str(tmp_path / "endless.h")], compiler=compiler)


ELSEWHERE = """
import os, sys
sys.modules["resource"] = None
del os.killpg
from virtspec import compilers
from virtspec.diagnostics import SpecError
from virtspec.headers import read_headers
print(read_headers([sys.argv[2]], compiler=sys.argv[1]).constants)
compilers.MOST_SECONDS = 0.2
try:
    read_headers([sys.argv[2]], compiler=sys.argv[3])
except SpecError as error:
    print(error)
"""


def test_a_system_without_bounds_and_groups_of_processes(compiler: str, tmp_path: Path) -> None:
    header, slow = tmp_path / "n.h", tmp_path / "slow"
    header.write_text("#define N 3\n")
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    codegen = str(Path(compilers.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, compiler, str(header), str(slow)],
        env={**os.environ, "PYTHONPATH": codegen},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{{'N': 3}}\n'{slow}' does not end within 0.2 s\n", done.stderr


@pytest.mark.parametrize("bound", ["RLIMIT_AS", "RLIMIT_CORE"])
def test_a_system_that_does_not_know_a_bound(
    compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.delattr(compilers.resource, bound)
    (tmp_path / "n.h").write_text("#define N 3\n")
    assert read_headers([str(tmp_path / "n.h")], compiler=compiler).constants == {"N": 3}


def test_the_working_directory_stays_as_it_is(compiler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "here.h").write_text("struct here { int x; };\n")
    monkeypatch.chdir(tmp_path)
    for name, include in (("include/here.h", []), ("here.h", [Path("include")])):
        assert read_headers([name], compiler=compiler, include=include).structs["here"].size == 4
    assert [path.name for path in tmp_path.iterdir()] == ["include"]


def test_unbalanced_text_ends(compiler: str, tmp_path: Path) -> None:
    (tmp_path / "bad.h").write_text("struct bad { struct { enum { A, B\n")
    with pytest.raises(SpecError, match="do not compile"):
        read_headers([str(tmp_path / "bad.h")], compiler=compiler)


DECLARED = {
    "a length in parentheses": (
        "uint8_t a[LENGTH], b; uint8_t c[sizeof(int)];",
        {"a": (0, 4), "b": (4, 1), "c": (5, 4)},
    ),
    "widths in parentheses": ("uint8_t a : WIDTH, b : (5); uint8_t c;", {"a": None, "b": None, "c": (1, 1)}),
    "bit-fields without a name": ("uint8_t a : 4; uint8_t : 4; unsigned int : 0; uint8_t b;", {"a": None, "b": (4, 1)}),
    "one word of a type": ("unsigned a : 3, : 5; unsigned char b;", {"a": None, "b": (1, 1)}),
    "an alignment": (
        '_Alignas(8) uint8_t a; _Static_assert(sizeof(int) > 1, "x"); uint8_t b;',
        {"a": (0, 1), "b": (1, 1)},
    ),
    "rows of rows": (
        "uint8_t a[2][WIDTH]; struct { uint8_t c; } b[2][2];",
        {"a": (0, 6), "b": (6, 4), "b[].c": (6, 1)},
    ),
    "pointers": ("void (*a)(int x[2]); int (*b)[2];", {"a": (0, 8), "b": (8, 8)}),
}


@pytest.mark.parametrize("case", DECLARED)
def test_declarations(compiler: str, tmp_path: Path, case: str) -> None:
    declarations, expected = DECLARED[case]
    head = "#include <stdint.h>\n#define LENGTH (4)\n#define WIDTH (3)\n"
    (tmp_path / "it.h").write_text(f"{head}struct it {{ {declarations} }};\n")
    struct = read_headers([str(tmp_path / "it.h")], compiler=compiler).structs["it"]
    assert {m.path: (m.offset, m.size) if m.offset is not None else None for m in struct.members} == expected
