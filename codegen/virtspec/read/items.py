"""List items that give a name a number: feature bits, device status bits, event codes.

Written as `\\item[NAME (n)]`, `\\item[NAME(n)]`, `\\item[ NAME(n) ]`, or bare, `\\item NAME (n)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtspec.latex.document import Located, Section
from virtspec.latex.scan import Item
from virtspec.latex.text import plain_text

_NUMBERED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(\s*(0[xX][0-9A-Fa-f]+|[0-9]+)\s*\)$")
_BARE = re.compile(r"\s*([A-Z][A-Z0-9_]*(?:\\?_[A-Z0-9]+)+)\s*\(\s*(0[xX][0-9A-Fa-f]+|[0-9]+)\s*\)")
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
    if not match or match[1].upper() != match[1]:
        return None
    name = match[1].replace("\\", "")
    section = located.section
    return NumberedItem(
        name=name,
        number=int(match[2][:20], 0) if match[2][:2].lower() == "0x" else int(match[2][:20]),
        feature=_is_feature(name, section),
        legacy=section is not None and section.legacy,
        start=item.start,
    )


def _is_feature(name: str, section: Section | None) -> bool:
    """A feature bit stands in a section on feature bits; outside the reserved ones its name has an `_F_`."""
    reserved = False
    titled = False
    while section is not None:
        titled |= _FEATURE_SECTION.match(section.title) is not None
        reserved |= _RESERVED.search(section.title) is not None
        section = section.parent
    return titled and (reserved or "_F_" in name)
