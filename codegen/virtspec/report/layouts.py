"""Layouts as text in the manner of pahole, and as JSON (`virtspec.layout/1`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from virtspec.layout import Layout, Layouts, Slot
from virtspec.model import Constant, Coverage, Member, Relation, Spec, Struct, condition_text, relation_text
from virtspec.since import Since

LAYOUT_SCHEMA = "virtspec.layout/1"

TYPE_WIDTH = 34
NAME_WIDTH = 28


def layout_json(spec: Spec, layouts: Layouts, since: Since, names: Iterable[str] = ()) -> dict[str, Any]:
    """The document that `virtspec layout --format json` prints; with names only those structs and constants."""
    wanted = frozenset(names)
    return {
        "schema": LAYOUT_SCHEMA,
        "edition": spec.edition,
        "structs": [_struct_json(layouts[s.key], since) for s in spec.structs if not wanted or s.name in wanted],
        "constants": [_constant_json(c, since) for c in spec.constants if not wanted or c.name in wanted],
        "coverage": coverage_json(spec.coverage),
    }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """What was read of the specification, and everything that was not, with its place and reason."""
    tallies: dict[str, Any] = {
        what: {"total": t.total, "read": t.read, "opaque": t.opaque} for what, t in coverage.tallies
    }
    tallies["skipped"] = [{"source": str(s.place), "what": s.what, "reason": s.reason} for s in coverage.skipped]
    return tallies


def _struct_json(layout: Layout, since: Since) -> dict[str, Any]:
    struct = layout.struct
    document: dict[str, Any] = {
        "name": struct.name,
        "kind": struct.kind,
        "module": struct.module,
        "source": str(struct.place),
        "size": layout.size,
        "fixed_size": layout.fixed_size,
        "fields": [_slot_json(slot) for slot in layout.slots],
        "since": since.struct(struct.name),
    }
    if struct.relations:
        document["relations"] = [_relation_json(relation) for relation in struct.relations]
    if struct.also:
        document["also"] = [str(place) for place in struct.also]
    return document


def _relation_json(relation: Relation) -> dict[str, Any]:
    document = {"holds": relation.text, "source": str(relation.evidence)}
    if relation.condition is not None:
        document["if"] = condition_text(relation.condition, digests=True)
    return document


def _slot_json(slot: Slot) -> dict[str, Any]:
    document: dict[str, Any] = {"path": slot.path, "type": slot.type, "offset": slot.offset, "size": slot.size}
    if slot.count is not None:
        document["count"] = slot.count
    if slot.length is not None:
        document["length"] = slot.length
    if slot.bit_offset is not None:
        document["bit_offset"] = slot.bit_offset
        document["bit_size"] = slot.bit_size
    return document


def _constant_json(constant: Constant, since: Since) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": constant.name,
        "value": constant.value,
        "kind": constant.kind,
        "module": constant.module,
        "source": str(constant.place),
        "since": since.constant(constant.name),
    }
    if constant.parameters is not None:
        document["parameters"] = list(constant.parameters)
    if constant.reason:
        document["reason"] = constant.reason
    if constant.also:
        document["also"] = [str(place) for place in constant.also]
    return document


def layout_text(layout: Layout) -> str:
    """One struct as pahole prints it: members with offset and size in bytes, bit-fields with their bits."""
    struct = layout.struct
    lines = [f"{_head(struct)} {{{' ' * 2}/* {struct.place} */"]
    slots = list(layout.slots)
    open_blocks: list[tuple[int, Slot]] = []
    for index, slot in enumerate(slots):
        while open_blocks and open_blocks[-1][0] >= slot.depth:
            lines.append(_close(*open_blocks.pop()))
        if slot.leaf:
            lines.append(_row(slot))
        elif index + 1 < len(slots) and slots[index + 1].depth > slot.depth:
            lines.append(f"{_pad(slot.depth)}{_block_type(slot)} {{")
            open_blocks.append((slot.depth, slot))
        else:
            lines.append(_row(slot))
    while open_blocks:
        lines.append(_close(*open_blocks.pop()))
    lines.append("")
    if layout.size is None:
        lines.append(f"        /* size: depends on data, fixed part: {layout.fixed_size} */")
    else:
        lines.append(f"        /* size: {layout.size} */")
    lines += [f"        /* required: {relation_text(relation)} */" for relation in struct.relations]
    lines.append("};")
    return "\n".join(lines)


def _head(struct: Struct) -> str:
    return f"{'union' if struct.kind == 'union' else 'struct'} {struct.name}"


def _pad(depth: int) -> str:
    return " " * (8 * (depth + 1))


def _block_type(slot: Slot) -> str:
    return slot.type.partition("[")[0]


def _declarator(slot: Slot) -> str:
    name = slot.path.rpartition(".")[2].removesuffix("[]")
    if slot.path.endswith("..."):
        return "..."
    _, bracket, inner = slot.type.partition("[")
    if slot.count is not None:
        name += f"[{slot.count}]"
    elif slot.length is not None:
        name += "[]" if slot.length == "rest" else f"[{slot.length}]"
    if bracket:
        name += f"[{inner}"
    if slot.bit_size is not None:
        group = slot.member.name
        name = f"{group}.{name}:{slot.bit_size}" if group else f"{name}:{slot.bit_size}"
    return name + ";"


def _columns(slot: Slot) -> str:
    offset = "?" if slot.offset is None else str(slot.offset)
    size = "?" if slot.size is None else str(slot.size)
    if slot.bit_offset is not None:
        offset += f":{slot.bit_offset:>2}"
    return f"/* {offset:>8} {size:>6} */"


def _row(slot: Slot) -> str:
    pad = _pad(slot.depth)
    type_ = slot.type.partition("[")[0]
    width = max(0, TYPE_WIDTH - 8 * slot.depth)
    return f"{pad}{type_:<{width}} {_declarator(slot):<{NAME_WIDTH}} {_columns(slot)}{_condition(slot.member)}"


def _close(depth: int, slot: Slot) -> str:
    left = f"{_pad(depth)}}} {_declarator(slot)}"
    return f"{left:<{8 + TYPE_WIDTH + 1 + NAME_WIDTH}} {_columns(slot)}"


def _condition(member: Member) -> str:
    if member.condition is None:
        return ""
    return " optional" if member.optional else " conditional"


def coverage_text(coverage: Coverage) -> str:
    """A summary of what was read, for a person."""
    lines = ["what        total   read  skipped"]
    for what, tally in coverage.tallies:
        lines.append(f"{what:<10} {tally.total:>6} {tally.read:>6} {tally.opaque:>8}")
    if coverage.skipped:
        lines += ["", "skipped:"]
        lines += [f"  {s.place}: {s.what}: {s.reason}" for s in coverage.skipped]
    return "\n".join(lines)
