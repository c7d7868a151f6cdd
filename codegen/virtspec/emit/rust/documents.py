"""Facts about structs and members as lines of documentation. Whatever a specification names stands in a code span."""

from __future__ import annotations

from virtspec.emit.engine import comment
from virtspec.emit.rust.items import Field, Item
from virtspec.model import Array, Rest, condition_text, length_text, relation_text, type_text
from virtspec.since import load_since


def code(text: str) -> str:
    """A code span that its text cannot leave."""
    return f"`{comment(text).replace('`', chr(39))}`"


def item_doc(item: Item) -> str:
    """What a struct or union is, and where it stands."""
    struct = item.struct
    kind = "union" if item.kind == "union" else "struct"
    what = code(f"{kind} {item.tag}") if item.tagged and struct.kind in ("struct", "union") else code(item.tag)
    size = "of variable size" if item.size is None else f"{item.size} byte{'s' if item.size != 1 else ''}"
    if item.half is not None:
        what = f"What the device {'reads' if item.half == 'readable' else 'writes'} of {code(f'struct {item.tag}')}"
    text = f"{what}, {size}"
    if struct.place.file:
        text += f" ({code(str(struct.place))})"
    since = load_since().struct(struct.name) if item.tagged or item.half is not None else None
    text = f"{text}, since {since}." if since else f"{text}."
    if item.tagged and item.half is None and struct.relations:
        text += f" Required: {', '.join(code(relation_text(relation)) for relation in struct.relations)}."
    return text


def member_doc(f: Field, offset: int | None, struct: str = "") -> str:
    """A member: its type and name, where it lies, and on what it depends."""
    text = code(_declared(f))
    if offset is not None:
        text += f", at {offset}"
    since = load_since().member(struct, f.path) if struct else None
    if since and since != load_since().struct(struct):
        text += f", since {since}"
    shown = condition_text(f.member.condition)
    if shown:
        text += f", if {code(shown)}"
    return f"{text}."


def _declared(f: Field) -> str:
    """A member as the specification writes it."""
    type_, dimensions = f.member.type, ""
    while isinstance(type_, Array):
        dimensions += "[]" if isinstance(type_.length, Rest) else f"[{length_text(type_.length)}]"
        type_ = type_.element
    return f"{type_text(type_)} {f.path}{dimensions}".rstrip()
