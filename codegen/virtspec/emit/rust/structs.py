"""Structs and unions of fixed size → their views."""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.emit.rust.documents import code, item_doc, member_doc
from virtspec.emit.rust.items import Field, Item, Plain
from virtspec.emit.rust.names import TAKEN_METHODS, Scope, word
from virtspec.emit.rust.rule_views import RulesView
from virtspec.emit.rust.views import ArmView, BitsView, BitView, FixedView, MemberView, UnionView
from virtspec.model import Aggregate, Bit


def fixed(item: Item, rules: RulesView, not_rendered: list[tuple[str, str]]) -> FixedView:
    """A struct of fixed size."""
    assert item.size is not None
    members: list[MemberView] = []
    offset = 0
    for f in item.fields:
        assert isinstance(f.shape, Plain)
        doc = member_doc(f, offset, item.struct.name if item.tagged else "")
        members.append(MemberView(name=f.name, path=f.path, type=f.shape.text, offset=offset, doc=doc))
        offset += f.shape.size
    return FixedView(
        name=item.name,
        tag=item.tag,
        doc=item_doc(item),
        size=item.size,
        members=tuple(members),
        bits=tuple(bits_of(item, Scope(TAKEN_METHODS), not_rendered)),
        rules=rules,
    )


def bits_of(item: Item, scope: Scope, not_rendered: list[tuple[str, str]]) -> Iterator[BitsView]:
    """The bit-fields of a struct's integers."""
    for f in item.fields:
        if f.bits is None:
            continue
        container = f.bits.container
        if container.order == "native" or f.optional:
            not_rendered.append((f"{item.key}/{f.path}", "bit-fields of an integer whose order or presence varies"))
            continue
        stem = f"{f.name}_" if f.path else ""
        fields = tuple(_bit(f, bit, stem, scope) for bit in f.bits.fields)
        yield BitsView(member=f.name, int=f"u{container.bits}", fields=fields)


def _bit(f: Field, bit: Bit, stem: str, scope: Scope) -> BitView:
    get, set_ = scope.claim_accessors(stem + word(bit.name, "unnamed"))
    path = f"{f.path}.{bit.name}".lstrip(".")
    last = bit.offset + bit.width - 1
    where = f"bit {bit.offset}" if bit.width == 1 else f"bits {bit.offset} to {last}"
    return BitView(
        get=get,
        set=set_,
        path=path,
        type="bool" if bit.width == 1 else f"u{next(n for n in (8, 16, 32, 64) if bit.width <= n)}",
        shift=bit.offset,
        width=bit.width,
        doc=f"{code(path)}: {where} of `{f.name}`.",
    )


def union(item: Item) -> UnionView:
    """A union of fixed size."""
    assert item.size is not None
    scope = Scope(TAKEN_METHODS)
    arms: list[ArmView] = []
    for f in item.fields:
        assert isinstance(f.shape, Plain)
        get, set_ = scope.claim_accessors(f.name)
        # the members of an unnamed struct are the union's own, for whoever names them
        path = "" if isinstance(f.member.type, Aggregate) and not f.member.name else f.path
        doc = f"The arm {member_doc(f, None)}"
        arms.append(ArmView(get=get, set=set_, path=path, type=f.shape.text, offset=0, doc=doc))
    return UnionView(name=item.name, tag=item.tag, doc=item_doc(item), size=item.size, arms=tuple(arms))
