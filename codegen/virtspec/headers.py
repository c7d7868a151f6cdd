"""What C headers state: the structs, members and constants they define, with sizes, offsets and values.

A small parser finds the names in the preprocessed text; the numbers are the compiler's own: it makes an object file
that holds them. Only names that the parser took for C identifiers reach that file, and nothing is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from virtspec.compilers import Compiler
from virtspec.diagnostics import SpecError

MAX_DEPTH = 64
"""How deep structs may nest; nothing real goes beyond 6."""

_TOKEN = re.compile(r"\s+|[A-Za-z_]\w*|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\d[\w.]*|.", re.ASCII)
_MARKER = re.compile(r'#\s*(?:line\s+)?\d+\s+"((?:\\.|[^"\\])*)"')
_MACRO = re.compile(r"#\s*define\s+([A-Za-z_]\w*)(\(?)(.*)", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ORDERED = re.compile(r"_*(le|be)(?:16|32|64)(?:_t)?")
_QUALIFIERS = frozenset({"const", "volatile", "__extension__"})
_ASSERTIONS = frozenset({"_Static_assert", "static_assert"})
_GROUPED = frozenset({"__attribute__", "__attribute", "_Alignas", "alignas"})
"""What is followed by a group in parentheses that declares nothing."""

_TYPES = frozenset({"signed", "unsigned", "char", "short", "int", "long", "float", "double", "void", "_Bool", "bool"})
_KEYWORDS = _TYPES | _QUALIFIERS
"""Words that are no names of members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderMember:
    """A member of a struct in a header, at any depth.

    `path` is spelled as in `virtspec.layout.Slot`; `offset` is None for a bit-field, `size` also for an array
    without a length of its own. `struct` is the tag of the struct that it is, or that its elements are; `order` the
    byte order where its type's name tells it (`__le32`).
    """

    path: str
    offset: int | None
    size: int | None
    struct: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderStruct:
    """A struct or union of a header."""

    name: str
    size: int
    members: tuple[HeaderMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderFacts:
    """Everything that a set of headers states, by name."""

    structs: dict[str, HeaderStruct]
    constants: dict[str, int]


@dataclass(slots=True)
class _Declared:
    """A member as declared: its name ("" if anonymous), the struct it is of, and its own members if it has a body."""

    name: str
    tag: str = ""
    body: list[_Declared] | None = None
    dimensions: int = 0
    open_ended: bool = False
    bits: bool = False
    pointer: bool = False
    order: str = ""


@dataclass(slots=True)
class _Declarations:
    structs: dict[str, tuple[str, list[_Declared]]] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)


def read_headers(headers: Sequence[str], *, compiler: str = "cc", include: Sequence[Path] = ()) -> HeaderFacts:
    """The facts of headers, named as in `#include <…>` or by a path. Raises `SpecError` where they do not compile."""
    prelude = "".join(f"#include {_include_name(h)}\n" for h in headers)
    asked = Compiler(compiler, include)
    text = asked.accept(["-E", "-dD"], prelude).output
    declared = _parse(text, {_include_name(h)[1:-1] for h in headers})
    members = {tag: list(_paths(body, "", "", declared, (tag,))) for tag, (_, body) in declared.structs.items()}
    constants = _integer_constants(asked, prelude, declared.constants)
    return _measure(asked, prelude, declared, members, constants)


def _include_name(header: str) -> str:
    if any(c in header for c in '"<>\n\\'):
        raise SpecError(f"{header!a}: not a header that can be included")
    path = Path(header)
    return f'"{path.resolve()}"' if path.is_file() else f"<{header}>"


# --- names: the preprocessed text --------------------------------------------------------------------------


def _parse(text: str, wanted: set[str]) -> _Declarations:
    """The definitions that stand in the wanted headers themselves, not in what they include."""
    declared = _Declarations()
    tokens: list[str] = []
    ours = False
    for line in text.splitlines():
        if marker := _MARKER.match(line):
            ours = any(marker[1] == name or marker[1].endswith(f"/{name}") for name in wanted)
        elif not ours:
            continue
        elif macro := _MACRO.match(line):
            if not macro[2] and macro[3].strip():
                declared.constants.append(macro[1])
        elif not line.startswith("#"):
            tokens += (token for token in _TOKEN.findall(line) if not token.isspace())
    _Parser(tokens, declared).definitions()
    return declared


class _Parser:
    """Finds the bodies of structs, unions and enums among tokens, and skips everything else."""

    def __init__(self, tokens: list[str], declared: _Declarations) -> None:
        self.tokens = tokens
        self.at = 0
        self.declared = declared

    def definitions(self) -> None:
        while self.at < len(self.tokens):
            if self.tokens[self.at] in ("struct", "union", "enum"):
                self._specifier(0)
            else:
                self.at += 1

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _skip_attributes(self) -> None:
        while self._peek() in _GROUPED:
            self.at += 1
            self._skip_group("(", ")")

    def _skip_group(self, opening: str, closing: str) -> None:
        """Past a bracketed group that begins here."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token == opening) - (token == closing)
            if depth <= 0:
                return

    def _specifier(self, depth: int) -> tuple[str, list[_Declared] | None]:
        """A `struct`, `union` or `enum` with its tag and, if there is one, its body."""
        if depth > MAX_DEPTH:
            raise SpecError(f"the headers nest structs more than {MAX_DEPTH} deep")
        kind = self.tokens[self.at]
        self.at += 1
        self._skip_attributes()
        tag = ""
        if _IDENTIFIER.fullmatch(self._peek()):
            tag = self._peek()
            self.at += 1
            self._skip_attributes()
        if self._peek() != "{":
            return ("" if kind == "enum" else tag), None
        self.at += 1
        if kind == "enum":
            self._enumerators()
            return "", None
        body: list[_Declared] = []
        while self.at < len(self.tokens) and self._peek() != "}":
            self._member(body, depth)
        self.at += 1
        self._skip_attributes()
        if tag:
            self.declared.structs.setdefault(tag, (kind, body))
        return tag, body

    def _enumerators(self) -> None:
        expected = True
        while self.at < len(self.tokens) and self._peek() != "}":
            token = self._peek()
            if token == "(":
                self._skip_group("(", ")")
                continue
            if expected and _IDENTIFIER.fullmatch(token):
                self.declared.constants.append(token)
                expected = False
            elif token == ",":
                expected = True
            self.at += 1
        self.at += 1

    def _member(self, body: list[_Declared], depth: int) -> None:
        """One member declaration, up to and with its `;`."""
        while self._peek() in _QUALIFIERS:
            self.at += 1
        tag, inner = "", None
        is_struct = self._peek() in ("struct", "union")
        opened = is_struct or self._peek() == "enum"
        if opened:
            tag, inner = self._specifier(depth + 1)
        declarators: list[list[str]] = [[]]
        nesting = 0
        while self.at < len(self.tokens):
            self._skip_attributes()
            token = self._peek()
            self.at += 1
            if nesting == 0 and token in (";", ""):
                break
            if nesting == 0 and token == ",":
                declarators.append([])
                continue
            nesting += (token in "([{") - (token in ")]}")
            declarators[-1].append(token)
        if declarators[0][:1] and declarators[0][0] in _ASSERTIONS:
            return
        named = [_declarator(tokens, typed=opened or n > 0) for n, tokens in enumerate(declarators)]
        found = [declaration for declaration in named if declaration is not None]
        ordered = next((m for token in declarators[0] if (m := _ORDERED.fullmatch(token))), None)
        for declaration in found:
            declaration.order = {"le": "little", "be": "big"}[ordered[1]] if ordered else ""
            declaration.tag, declaration.body = ("", None) if declaration.pointer else (tag, inner)
        if not found and inner is not None and is_struct:
            found = [_Declared(name="", body=inner)]
        body.extend(found)


def _declarator(tokens: list[str], *, typed: bool) -> _Declared | None:
    """The member that a declarator names (`__le16 x [ 4 ]`, `* p`, `flag : 1`); None where it names none (`__u8 : 4`).

    It is `typed` where its type stands before it, as that of all but the first one of a declaration does.
    """
    ends = [tokens.index(mark) for mark in ("[", ":") if mark in tokens]
    opening = tokens.index("(") if "(" in tokens else len(tokens)
    if opening < min(ends, default=len(tokens)):  # a pointer to a function: `( * name ) ( … )`
        tokens = tokens[opening + 1 : tokens.index(")", opening)] if ")" in tokens[opening:] else []
        typed = True
    brackets = tokens.index("[") if "[" in tokens else len(tokens)
    colon = tokens.index(":") if ":" in tokens else len(tokens)
    words = [t for t in tokens[: min(brackets, colon)] if _IDENTIFIER.fullmatch(t)]
    names = [word for word in words if word not in _KEYWORDS]
    typed = typed or any(word in _TYPES for word in words)
    if len(names) < (1 if typed else 2):
        return None
    return _Declared(
        name=names[-1],
        dimensions=_dimensions(tokens[brackets:]),
        open_ended=tokens[brackets + 1 : brackets + 3] in (["]"], ["0", "]"], ["]", "["]),
        bits=colon < len(tokens),
        pointer="*" in tokens[: min(brackets, colon)],
    )


def _dimensions(tokens: Iterable[str]) -> int:
    """How many dimensions `[ 4 ] [ N ( 2 ) [ 0 ] ]` has."""
    depth = found = 0
    for token in tokens:
        found += token == "[" and depth == 0
        depth += (token in "([{") - (token in ")]}")
    return found


def _paths(
    body: Iterable[_Declared], path: str, c_path: str, declared: _Declarations, open_tags: tuple[str, ...]
) -> Iterator[tuple[str, str, _Declared]]:
    """The members below a struct: path as in the model, path in C, declaration."""
    for member in body:
        inner = member.body
        if inner is None and member.tag not in open_tags and member.tag in declared.structs:
            inner = declared.structs[member.tag][1]
        if not member.name:
            yield from _paths(inner or (), path, c_path, declared, open_tags)
            continue
        yield path + member.name, c_path + member.name, member
        if inner is not None:
            mark, index = "[]" if member.dimensions else "", "[0]" * member.dimensions
            tags = (*open_tags, member.tag) if member.tag else open_tags
            yield from _paths(inner, f"{path}{member.name}{mark}.", f"{c_path}{member.name}{index}.", declared, tags)


# --- numbers: the compiler ---------------------------------------------------------------------------------


def _integer_constants(compiler: Compiler, prelude: str, names: Iterable[str]) -> list[str]:
    """Those names that are integer constant expressions: the compiler accepts them as such."""
    left = sorted(set(names))
    while True:
        probes = "".join(
            f'#line {n} "probe"\nenum {{ probe_{n} = (({name}) | 0) != 0 }};\n' for n, name in enumerate(left, 1)
        )
        answer = compiler.answer(["-fsyntax-only"], prelude + probes)
        if not answer.code:
            return left
        refused = {int(n) for n in re.findall(r"^probe:(\d+):(?:\d+:)? error:", answer.messages, re.MULTILINE)}
        if not refused:
            compiler.accept(["-fsyntax-only"], prelude)
            raise SpecError(f"'{compiler.program}' gives no place for an error: {answer.messages[:200].strip()}")
        left = [name for n, name in enumerate(left, 1) if n not in refused]


def _measure(
    compiler: Compiler,
    prelude: str,
    declared: _Declarations,
    members: dict[str, list[tuple[str, str, _Declared]]],
    constants: Sequence[str],
) -> HeaderFacts:
    """Have the compiler compute every number."""
    wanted: list[str] = []
    for tag, (kind, _) in declared.structs.items():
        wanted.append(f"sizeof({kind} {tag})")
        for _, c_path, member in members[tag]:
            if not member.bits:
                whole = f"{kind} {tag}"
                wanted.append(f"__builtin_offsetof({whole}, {c_path})")
                wanted.append("0" if member.open_ended else f"sizeof((({whole} *)0)->{c_path})")
    numbers = iter(compiler.numbers(prelude, [*wanted, *constants]))
    structs: dict[str, HeaderStruct] = {}
    for tag in declared.structs:
        total = next(numbers)
        measured: list[HeaderMember] = []
        for path, _, member in members[tag]:
            if member.bits:
                measured.append(HeaderMember(path=path, offset=None, size=None))
                continue
            offset, extent = next(numbers), next(numbers)
            size = None if member.open_ended else extent
            measured.append(HeaderMember(path=path, offset=offset, size=size, struct=member.tag, order=member.order))
        structs[tag] = HeaderStruct(name=tag, size=total, members=tuple(measured))
    return HeaderFacts(structs=structs, constants=dict(zip(constants, numbers, strict=True)))
