"""Tables that give codes a meaning: rows, cells, codes and ranges of codes, and the registers of `\\mmioreg`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from virtspec.frozen import dataclass
from virtspec.latex.arguments import argument
from virtspec.latex.blocks import Table
from virtspec.latex.text import plain_text
from virtspec.model import Access
from virtspec.read.numbers import number
from virtspec.source import SourceFile

RangeMeaning = Literal["reserved", "device", "vendor", "generic", "other"]


@dataclass(slots=True)
class Cell:
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Code:
    """One code, or a run of them; `last` is None where it has no end."""

    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class CodeEntry:
    code: int
    name: str
    start: int
    access: Access | None = None


@dataclass(frozen=True, slots=True)
class CodeRange:
    first: int
    last: int | None
    meaning: RangeMeaning
    start: int


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A table of codes. `tag` is what their column is called; `named` says that entries carry identifiers.

    A range from 0 without an end, with the meaning "other", stands for every code that has no entry. `field` is the
    member that the heading of the codes names; `unread` are the rows whose code cannot be read, with the name
    that stands beside it, if there is one.
    """

    start: int
    tag: str
    named: bool
    entries: tuple[CodeEntry, ...]
    ranges: tuple[CodeRange, ...]
    register: bool = False
    field: str = ""
    unread: tuple[CodeEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class NoCodes:
    """A table that gives no codes, and why."""

    start: int
    reason: str


IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+$")
_NUMBER = r"(0[xX][0-9A-Fa-f]+|0[bB][01]+|[0-9]+)"
_CODE = re.compile(rf"{_NUMBER}(?:\s*(?:-|–|—|to|\.\.+|:)\s*{_NUMBER})?$")
_OPEN = re.compile(
    rf"{_NUMBER}\s*(?:and (?:greater|above|up|higher)|or (?:greater|above|higher)|\+|-\s*n)$", re.IGNORECASE
)
_OF_DEVICE = re.compile(r"device[- ](?:type[- ])?specific|specific to|specific device type")
# what a cell with a code begins with: most tables without one are known by it, and their cells need not be converted
_CODE_LIKE = re.compile(r"(?:&|\\\\|\}|\{|\\hline|\n)\s*(?:0[xX][0-9A-Fa-f]|[0-9])")
_FIELD_HEADING = re.compile(r"\s*\\field\{([A-Za-z_][A-Za-z0-9_]*)\}\s*&")
_SPAN = re.compile(r"\\multi(?:column|row)\s*\{[^{}]*\}\s*\{[^{}]*\}\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_ACCESS: dict[str, Access] = {"R": "R", "W": "W", "RW": "RW", "R/W": "RW"}
_POSITIONS = re.compile(r"(?:bytes|bits|gpr|offset)\b", re.IGNORECASE)
_VALUES = re.compile(r"(?:values?|codes?|opcodes?|numbers?)$", re.IGNORECASE)
_IDS = re.compile(r"(?:\b|shm|c)id\b", re.IGNORECASE)

_STEP = re.compile(r"\\(?:\\(?:\s*\[[^\]]{0,200}\])?|tabularnewline\b|.)|&|\{|\}|%[^\n]*\n?", re.DOTALL)
_RULES = re.compile(
    r"\\(?:hline|endhead|endfirsthead|endfoot|endlastfoot|toprule|midrule|bottomrule)\b|\\cline\s*\{[^{}]*\}"
)

_CAPTION = re.compile(r"\\(?:caption|label)\s*(?:\[[^\]]*\])?\{(?:[^{}]|\{[^{}]*\})*\}")

_PARAMETER = re.compile(r"#(?<!\\#)[1-9]|\\(?:setlength|renewcommand)\b")

MAX_ROWS = 20_000
"""A table of as many rows is not read; the longest published one has some hundred."""


@lru_cache(maxsize=4096)
def parse_code(text: str) -> Code | None:
    """A code or a range of codes as the tables write them; None for anything else.

    Decimal codes may have leading zeros (`06`).
    """
    closed = _CODE.match(text)
    match = closed or _OPEN.match(text)
    first = number(match[1]) if match else None
    if first is None or closed is None:
        return None if first is None else Code(first, None)
    last = number(closed[2]) if closed[2] else first
    return Code(first, last) if last is not None and last >= first else None


def read_table(file: SourceFile, table: Table) -> CodeTable | NoCodes:
    """The codes that a table gives.

    Either its first column holds codes and another one identifiers, or it has two columns, codes and titles, and
    the heading of the codes says that they are ids.
    """
    return read_text(file.text, table)


@lru_cache(maxsize=1024)
def read_text(text: str, table: Table) -> CodeTable | NoCodes:
    """The codes that a table of a text gives; equal texts are read once per process."""
    if "\\mmioreg" in text[table.body : table.end]:
        return _registers(text, table)
    if _PARAMETER.search(text, table.body, table.end):
        return NoCodes(table.start, "is part of a macro's definition")
    if not _CODE_LIKE.search(text, table.body, table.end):
        return NoCodes(table.start, "gives no codes")
    rows = _rows(text, table)
    if len(rows) >= MAX_ROWS:
        return NoCodes(table.start, f"has {MAX_ROWS} rows or more")
    if len(rows) < 2:
        return NoCodes(table.start, "has no rows below its heading")
    header, data = rows[0], rows[1:]
    if _codes_in(data, 0) and (match := _FIELD_HEADING.match(text, header[0].start)):
        return _codes(table, match[1], 0, data, named=False, field=match[1])
    if _codes_in(data, 0) and not _POSITIONS.match(header[0].text):
        if any(_identifier(cell.text) for row in data for cell in row[1:]):
            return _codes(table, header[0].text, 0, data, named=True)
        if all(_ranges_only(row[0].text) for row in data):
            return _codes(table, header[0].text, 0, data, named=False)
    if max(map(len, rows)) == 2:
        if len(header) == 2 and _VALUES.match(header[1].text) and _codes_in(data, 1) and _named_in(data, 0):
            return _codes(table, header[1].text, 1, data, named=True)
        for column in (0, 1):
            if column < len(header) and _IDS.search(header[column].text) and _codes_in(data, column):
                return _codes(table, header[column].text, column, data, named=False)
    return NoCodes(table.start, "gives no codes")


def _codes_in(rows: list[tuple[Cell, ...]], column: int) -> bool:
    """Whether at least every second row has a code in the column."""
    codes = sum(column < len(row) and parse_code(row[column].text) is not None for row in rows)
    return codes > 0 and codes * 2 >= len(rows)


def _named_in(rows: list[tuple[Cell, ...]], column: int) -> bool:
    """Whether every row with a code in another column has a name in this one."""
    return all(_identifier(row[column].text) for row in rows if len(row) == 2 and parse_code(row[1 - column].text))


def _identifier(text: str) -> bool:
    return IDENTIFIER.match(text) is not None and text.upper() == text


def _ranges_only(text: str) -> bool:
    code = parse_code(text)
    return code is not None and code.first != code.last


def _codes(
    table: Table, tag: str, column: int, rows: list[tuple[Cell, ...]], *, named: bool, field: str = ""
) -> CodeTable:
    entries: list[CodeEntry] = []
    ranges: list[CodeRange] = []
    unread: list[CodeEntry] = []
    for row in rows:
        if column >= len(row):
            unread.append(CodeEntry(0, "", row[0].start))
            continue
        others = [cell for index, cell in enumerate(row) if index != column]
        words = " ".join(cell.text for cell in others)
        start = row[column].start
        code = parse_code(row[column].text)
        if code is None:
            if row[column].text.lower() == "other":
                ranges.append(CodeRange(0, None, "other", start))
            elif row[column].text != tag:  # `longtable` has its heading once more for the following pages
                lost = next((cell.text for cell in others if _identifier(cell.text)), "") if named else ""
                unread.append(CodeEntry(0, lost, start))
            continue
        name = next((cell.text for cell in others if _identifier(cell.text)), "") if named else others[-1].text
        if code.first == code.last and name and not (not named and _reserved(words)):
            entries.append(CodeEntry(code.first, name, start))
        else:
            ranges.append(CodeRange(code.first, code.last, meaning(words), start))
    return CodeTable(table.start, tag, named, tuple(entries), tuple(ranges), field=field, unread=tuple(unread))


def _reserved(words: str) -> bool:
    return re.search(r"\breserved\b", words, re.IGNORECASE) is not None


def meaning(words: str) -> RangeMeaning:
    """What the words beside a range of codes say of it."""
    lower = words.lower()
    if "reserved" in lower:
        return "reserved"
    if "vendor" in lower:
        return "vendor"
    if _OF_DEVICE.search(lower):
        return "device"
    if "generic" in lower or "common" in lower:
        return "generic"
    return "other"


def _rows(text: str, table: Table) -> list[tuple[Cell, ...]]:
    """The rows of a table as plain text, without rules and empty rows."""
    rows: list[tuple[Cell, ...]] = []
    cells: list[Cell] = []
    start = table.body
    depth = 0
    for match in _STEP.finditer(text, table.body, table.end):
        step = match[0]
        row = step.startswith(("\\\\", "\\tabularnewline"))
        if step == "{":
            depth += 1
        elif step == "}":
            depth -= 1
        elif depth <= 0 and (row or step == "&"):
            cells.append(_cell(text, start, match.start()))
            start = match.end()
            if row:
                if any(cell.text for cell in cells):
                    rows.append(tuple(cells))
                cells = []
                if len(rows) >= MAX_ROWS:
                    return rows
    last = _cell(text, start, table.end)
    if cells or last.text:
        rows.append((*cells, last))
    return rows


def _cell(text: str, start: int, end: int) -> Cell:
    raw = text[start:end]
    if "%" in raw:
        raw = re.sub(r"(?<!\\)%[^\n]*\n?", " ", raw)
    if "\\" in raw:
        raw = _RULES.sub(" ", raw)
        raw = _SPAN.sub(r"\1", raw) if "\\multi" in raw else raw
        raw = _CAPTION.sub(" ", raw)
    stripped = len(raw) - len(raw.lstrip())
    # the offset of the cell's first word, so that a diagnostic points at it
    first = raw.strip()[:8]
    offset = text.find(first, start, end) if first else start + stripped
    return Cell(plain_text(raw), offset if offset >= 0 else start)


def _registers(text: str, table: Table) -> CodeTable:
    """The registers of a table of `\\mmioreg{name}{function}{offset}{access}{description}` rows.

    `\\mmiodreg{low}{high}{function}{offset}{offset}{access}{description}` is a pair of them in one row.
    """
    entries: list[CodeEntry] = []
    ranges: list[CodeRange] = []
    unread: list[CodeEntry] = []
    for match in re.finditer(r"\\mmio(d?)reg(?![A-Za-z])", text[table.body : table.end]):
        names = 2 if match[1] else 1
        position = table.body + match.end()
        arguments: list[str] = []
        while len(arguments) < 2 * names + 2 and (found := argument(text, position)):
            arguments.append(text[found[0] : found[1]])
            position = found[1] + 1
        start = table.body + match.start()
        if len(arguments) < 2 * names + 1:
            unread.append(CodeEntry(0, plain_text(arguments[0]) if arguments else "", start))
            continue
        access = _ACCESS.get(arguments[2 * names + 1]) if len(arguments) > 2 * names + 1 else None
        for name, offset in zip(arguments[:names], arguments[names + 1 : 2 * names + 1], strict=True):
            code = parse_code(plain_text(offset).rstrip("+"))
            if code is None and entries:  # the heading has none
                unread.append(CodeEntry(0, plain_text(name), start))
            elif code is None:
                continue
            elif code.first == code.last:
                entries.append(CodeEntry(code.first, plain_text(name), start, access))
            else:
                ranges.append(CodeRange(code.first, code.last, "other", start))
    return CodeTable(table.start, "offset", True, tuple(entries), tuple(ranges), register=True, unread=tuple(unread))
