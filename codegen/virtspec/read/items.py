"""List items that give a name a number: feature bits, device status bits, event codes; and those that name codes.

A number is written as `\\item[NAME (n)]`, `\\item[NAME(n)]`, `\\item[ NAME(n) ]`, or bare, `\\item NAME (n)`; codes are
written as `\\item[Some title (n)]`, `\\item[n] name`, `\\item[n to m, o and p to q] meaning`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtspec.latex.blocks import Item
from virtspec.latex.document import Located, Section
from virtspec.latex.text import plain_text
from virtspec.read.numbers import number
from virtspec.read.tables import CodeEntry, CodeRange, meaning, parse_code

_NUMBERED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(\s*(?:bit\s+)?(0[xX][0-9A-Fa-f]+|[0-9]+)\s*\)$")
_NAME = re.compile(r"\s*(?:\\text(?:bf|tt|it)\{)?[A-Z][A-Z0-9]*\\?_[A-Z0-9]")
_BARE = re.compile(
    r"\s*(?:\\text(?:bf|tt|it)\{)?([A-Z][A-Z0-9_]*(?:\\?_[A-Z0-9]+)+)\}?\s*\(\s*(?:bit\s+)?(0[xX][0-9A-Fa-f]+|[0-9]+)\s*\)"
)
_BARE_FEATURE = re.compile(r"\s*(?:\\text(?:bf|tt|it)\{)?[A-Z][A-Z0-9]*(?:\\?_[A-Z0-9]+)*\\?_F\\?_[A-Z0-9]")
_TITLED = re.compile(r"([A-Z][A-Za-z -]{1,60}?)\s*\(\s*(0[xX][0-9A-Fa-f]+|[0-9]+)\s*\)$")
_PARTS = re.compile(r",\s*(?:and\s+)?|\s+and\s+(?!above|greater|up|higher)")
_FIRST_LINE = re.compile(r"\s*([^\n]{0,200})")
_WORDING = re.compile(r"\s+-\s+|[.;:]\s|\\item")
_FEATURE_SECTION = re.compile(r"(?:legacy interface: )?(?:reserved )?feature bits?$", re.IGNORECASE)
_RESERVED = re.compile(r"reserved feature bits$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NumberedItem:
    """A name with its number; `feature` where it is a feature bit, `legacy` in a part on the legacy interface."""

    name: str
    number: int
    feature: bool
    legacy: bool
    start: int


def names_nothing(item: Item, text: str) -> bool:
    """Whether an item has no label, and no name at its beginning that a number could follow: most are of that kind."""
    return item.label is None and _NAME.match(text, item.body) is None


def read_item(located: Located) -> NumberedItem | None:
    """The name and number of an item; None where it gives none."""
    item = located.block
    assert isinstance(item, Item)
    if item.label is None:
        match = _BARE.match(located.file.text, item.body, item.body + 200)
        label = ""
    else:
        if "(" not in item.label:
            return None
        label = plain_text(item.label)
        match = _NUMBERED.match(label)
    value = number(match[2]) if match and match[1].upper() == match[1] else None
    if match is None or value is None:
        return None
    name = match[1].replace("\\", "")
    section = located.section
    return NumberedItem(
        name=name,
        number=value,
        feature=_is_feature(name, section),
        legacy=section is not None and section.legacy,
        start=item.start,
    )


def announces_number(located: Located) -> bool:
    """Whether an item of a list of feature bits has a label, or begins with a feature's name: a number is expected."""
    item = located.block
    section = located.section
    return (
        isinstance(item, Item)
        and (item.label is not None or _BARE_FEATURE.match(located.file.text, item.body) is not None)
        and section is not None
        and _FEATURE_SECTION.match(section.title) is not None
    )


def read_codes(located: Located) -> tuple[tuple[CodeEntry, ...], tuple[CodeRange, ...]]:
    """The codes and ranges of codes that an item's label gives, with what its first line calls them."""
    item = located.block
    assert isinstance(item, Item)
    if not item.label:
        return (), ()
    label = plain_text(item.label)
    titled = _TITLED.match(label)
    if titled:
        value = number(titled[2])
        return () if value is None else (CodeEntry(value, titled[1], item.start),), ()
    if not label[:1].isdigit():
        return (), ()
    codes = [parse_code(part.strip()) for part in _PARTS.split(label)]
    line = _FIRST_LINE.match(located.file.text, item.body)
    words = plain_text(line[1]) if line else ""
    entries: list[CodeEntry] = []
    ranges: list[CodeRange] = []
    for code in codes:
        if code is None:
            return (), ()
        name = _WORDING.split(words)[0].strip().removesuffix(".")
        if code.first == code.last and len(codes) == 1 and name:
            entries.append(CodeEntry(code.first, name, item.start))
        else:
            ranges.append(CodeRange(code.first, code.last, meaning(words), item.start))
    return tuple(entries), tuple(ranges)


def _is_feature(name: str, section: Section | None) -> bool:
    """A feature bit stands in a section on feature bits; outside the reserved ones its name has an `_F_`."""
    reserved = False
    titled = False
    while section is not None:
        titled |= _FEATURE_SECTION.match(section.title) is not None
        reserved |= _RESERVED.search(section.title) is not None
        section = section.parent
    return titled and (reserved or "_F_" in name)
