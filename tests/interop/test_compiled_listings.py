"""The layouts against a C compiler that is given the listings themselves.

Where a listing's struct is C once the byte-order types are defined and packing is on, the compiler must find every
member where the model has it. The structs are cut out of the LaTeX with a regular expression of this file's own, so
that reader and test can only agree on what is there.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from virtspec.layout import Layout, Layouts
from virtspec.model import Spec
from virtspec.names import is_identifier
from virtspec.pipeline import read_spec

PRELUDE = """
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8; typedef uint8_t le8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
typedef uint16_t le16; typedef uint32_t le32; typedef uint64_t le64;
typedef uint16_t be16; typedef uint32_t be32; typedef uint64_t be64;
#pragma pack(push, 1)
"""

# how many structs of fixed size, and constants, each release has whose listing is C, at the least
STRUCTS = {"1.0": 23, "1.1": 73, "1.2": 128, "1.3": 148, "1.4": 224}
CONSTANTS = {"1.0": 119, "1.1": 279, "1.2": 528, "1.3": 630, "1.4": 731}


LISTING = re.compile(r"\\begin\{lstlisting\}(?:\[.*?\]\n)?(.*?)\\end\{lstlisting\}", re.DOTALL)


def struct_texts(directory: Path) -> dict[str, list[str]]:
    """The text of every struct with a tag, by tag, nested ones inside their outer one."""
    found: dict[str, list[str]] = {}
    for path in sorted(directory.rglob("*.tex")):
        for listing in LISTING.findall(path.read_text("utf-8")):
            text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", listing, flags=re.DOTALL)
            text = re.sub(r"^[ \t]*#define(?:[^\n]*\\\n)*[^\n]*$", " ", text, flags=re.MULTILINE)
            for start in re.finditer(r"\b(?:struct|union)\s+(\w+)\s*\{", text):
                depth, end = 0, start.end() - 1
                for end in range(start.end() - 1, len(text)):
                    depth += {"{": 1, "}": -1}.get(text[end], 0)
                    if not depth:
                        break
                found.setdefault(start[1], []).append(text[start.start() : end + 1] + ";")
    return found


def ordered(texts: dict[str, str]) -> list[str]:
    """Tags such that each comes behind those its text uses."""
    done: dict[str, None] = {}

    def visit(tag: str, trail: tuple[str, ...]) -> None:
        if tag in done or tag in trail:
            return
        for used in re.findall(r"\bstruct\s+(\w+)", texts[tag]):
            if used != tag and used in texts:
                visit(used, (*trail, tag))
        done[tag] = None

    for tag in texts:
        visit(tag, ())
    return list(done)


def checks(layout: Layout) -> list[str]:
    """Static assertions on what C can name: sizes, and the offsets of members that are no bit-fields."""
    name = layout.struct.name
    lines = [f'_Static_assert(sizeof(struct {name}) == {layout.size}, "size of {name}");']
    members = [s for s in layout.slots if s.bit_size is None and all(map(is_identifier, s.path.split(".")))]
    lines += [f'_Static_assert(offsetof(struct {name}, {s.path}) == {s.offset}, "{name}.{s.path}");' for s in members]
    return lines


@pytest.mark.parametrize("edition", STRUCTS)
def test_layouts_of_compiled_listings(edition: str, releases: Path, compiler: str, tmp_path: Path) -> None:
    directory = releases / f"v{edition}"
    spec: Spec = read_spec(str(directory))
    layouts = Layouts(spec)
    defines = [
        f"#define {c.name} {c.value}ULL"
        for c in {c.name: c for c in spec.constants}.values()
        if c.value is not None and c.value >= 0 and is_identifier(c.name)
    ]
    fixed = {s.name: layouts[s.key] for s in spec.structs if s.kind == "struct" and layouts[s.key].size is not None}
    texts = {
        tag: bodies[0] for tag, bodies in struct_texts(directory).items() if len(set(bodies)) == 1 and tag in fixed
    }
    # a nested struct is defined by its outer one
    nested = {s.name for s in spec.structs if s.parent}
    texts = {tag: text for tag, text in texts.items() if tag not in nested}
    texts = {tag: text for tag, text in texts.items() if not re.search(r"\b[lb]e\d+\s*\{", text)}
    declarations = tmp_path / "listings.c"
    while True:
        tags = ordered(texts)
        blocks = [("", PRELUDE + "\n".join(defines))] + [(tag, texts[tag]) for tag in tags]
        lines = [(tag, line) for tag, text in blocks for line in text.splitlines()]
        declarations.write_text("\n".join(line for _, line in lines) + "\n")
        errors = compile_errors(compiler, declarations)
        if not errors:
            break
        # what is no C (a missing semicolon, say) is left out, and what uses it
        dropped = {lines[int(n) - 1][0] for n in re.findall(r"listings\.c:(\d+):\d+: error", errors)} - {""}
        assert dropped, errors[:2000]
        texts = {tag: text for tag, text in texts.items() if tag not in dropped}
    asserted = tmp_path / "asserted.c"
    asserted.write_text(
        declarations.read_text()
        + "#pragma pack(pop)\n"
        + "\n".join(line for tag in tags for line in checks(fixed[tag]))
    )
    assert compile_errors(compiler, asserted) == ""
    print(f"{edition}: {len(texts)} of {len(fixed)} structs of fixed size compiled as listed")
    assert len(texts) >= STRUCTS[edition]


def compile_errors(compiler: str, source: Path) -> str:
    """What the compiler says against a file; "" where it takes it."""
    command = [compiler, "-std=gnu11", "-fsyntax-only", "-fmax-errors=0", "-w", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("edition", CONSTANTS)
def test_values_of_compiled_listings(edition: str, releases: Path, compiler: str, tmp_path: Path) -> None:
    """Every `#define` and enumerator of the listings has the value that the compiler gives it."""
    directory = releases / f"v{edition}"
    values: dict[str, set[int]] = {}
    for constant in read_spec(str(directory)).constants:
        if constant.value is not None:
            values.setdefault(constant.name, set()).add(constant.value)
    compared = 0
    for number, path in enumerate(sorted(directory.rglob("*.tex"))):
        text = "\n".join(LISTING.findall(path.read_text("utf-8")))
        defines = re.findall(r"^[ \t]*#define[ \t]+(?:[^\n]*\\\n)*[^\n]*$", text, re.MULTILINE)
        # prose behind a value, and a semicolon, are no part of it
        defines = [re.sub(r"/\*.*|//.*|\s\(for .*|;\s*$", "", d) for d in defines]
        named = [(re.match(r"\s*#define\s+(\w+)(\()?", d), d) for d in defines]
        bodies = {m[1]: d for m, d in named if m}
        macros = [m[1] for m, _ in named if m and not m[2]]
        enums = [
            re.sub(r"/\*.*?\*/", "", e, flags=re.DOTALL)
            for e in re.findall(r"^enum\b[^{]*\{[^}]*\}", text, re.MULTILINE)
        ]
        enumerators = [name for e in enums for name in re.findall(r"[{,]\s*(\w+)", e)]
        names = [n for n in dict.fromkeys(macros + enumerators) if n in values]
        if not names:
            continue
        source = tmp_path / f"values{number}.c"
        rows = "\n".join(f'    printf("{n} %lld\\n", (long long)({n}));' for n in names)
        shifts = "\n".join(bodies.values()).replace("(1 <<", "(1ULL <<")
        enum_text = "".join(f"{e};\n" for e in enums if "V4L2" not in e)
        source.write_text(f"#include <stdio.h>\n{shifts}\n{enum_text}int main(void) {{\n{rows}\n}}\n")
        binary = source.with_suffix("")
        subprocess.run([compiler, "-w", "-o", str(binary), str(source)], check=True)
        for row in subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout.splitlines():
            name, value = row.split()
            assert int(value) in values[name], f"{path}: {name}"
            compared += 1
    print(f"{edition}: {compared} values compiled as listed")
    assert compared >= CONSTANTS[edition]
