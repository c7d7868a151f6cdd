"""The model against C headers: whatever both know must have the same size, place and value.

Names that the headers spell otherwise, and differences that are known and right, stand in a table (TOML), each
difference with its reason. A table entry that no longer applies is reported, so that the table stays true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from virtspec.compat import tomllib
from virtspec.diagnostics import SpecError
from virtspec.headers import HeaderFacts, HeaderMember, HeaderStruct
from virtspec.layout import Layout, Layouts, Slot
from virtspec.model import Bits, Integer, Spec, StructRef, Type, innermost

_Member = TypeVar("_Member", HeaderMember, Slot)


class Verdict(str, Enum):
    """How a thing in the headers relates to the model. Only `DIFFERENT` is a contradiction."""

    EQUAL = "equal"
    RENAMED = "renamed"
    EXTENDED = "extended"
    """One side has more members at the end; all others are equal."""
    ONLY_SPEC = "only-specification"
    ONLY_HEADER = "only-headers"
    DIFFERENT = "different"

    @property
    def words(self) -> str:
        """The verdict as a sentence has it."""
        return self.value.replace("only-", "only in the ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One comparison. `subject` is the headers' name, or the specification's where the headers have none.

    `reason` is the table's, for a difference that is known and right.
    """

    kind: str
    subject: str
    verdict: Verdict
    spec: str = ""
    header: str = ""
    reason: str = ""

    def __str__(self) -> str:
        sides = [f"{who}: {what}" for who, what in (("specification", self.spec), ("headers", self.header)) if what]
        return f"{self.kind} {self.subject}: {self.verdict.words}" + (f" ({'; '.join(sides)})" if sides else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about a set of headers: their names for things of the specification, and right differences.

    `offsets` names constants that are the offset of a member (`struct.path`), `devices` those that are device ids.
    """

    structs: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    offsets: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    differences: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The result of a comparison: a finding for everything that either side names, and stale table entries."""

    findings: tuple[Finding, ...]
    stale: tuple[str, ...]

    def unexplained(self) -> Iterator[Finding]:
        """The differences for which the table has no reason."""
        return (f for f in self.findings if f.verdict is Verdict.DIFFERENT and not f.reason)


def read_known(path: Path) -> Known:
    """A table of names and differences. Raises `SpecError` where it is not one."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path}: {error}") from None
    sections = {f.name for f in fields(Known)}
    for name, section in document.items():
        if name not in sections:
            raise SpecError(f"{path}: unknown section [{name}]; there are {', '.join(sorted(sections))}")
        if not isinstance(section, dict) or not all(isinstance(value, str) and value for value in section.values()):
            raise SpecError(f"{path}: [{name}] maps names to strings that are not empty")
    return Known(**document)


def compare(spec: Spec, layouts: Layouts, headers: HeaderFacts, known: Known) -> Drift:
    """Compare every struct, member, constant and device id that the model and the headers name."""
    found = [
        *_structs(spec, layouts, headers, known),
        *_constants(spec, headers, known),
        *_offsets(layouts, headers, known),
        *_devices(spec, headers, known),
    ]
    used: set[str] = set()
    findings = tuple(_explain(f, known.differences, used) if f.verdict is Verdict.DIFFERENT else f for f in found)
    return Drift(findings=findings, stale=tuple(_stale(spec, layouts, headers, known, used)))


def _explain(finding: Finding, differences: Mapping[str, str], used: set[str]) -> Finding:
    for pattern, reason in differences.items():
        if fnmatchcase(finding.subject, pattern):
            used.add(pattern)
            return replace(finding, reason=reason)
    return finding


def _stale(spec: Spec, layouts: Layouts, headers: HeaderFacts, known: Known, used: set[str]) -> Iterator[str]:
    """Entries that say what no longer is so. What these headers do not have at all is no ground: they may be old."""
    structs = {s.name for s in spec.structs}
    constants = {c.name for c in spec.constants}
    modules = {d.module for d in spec.devices}
    for name, target in known.structs.items():
        if target not in structs:
            yield f"[structs] {name}: the specification has no struct '{target}'"
        elif name in structs:
            yield f"[structs] {name}: the specification has a struct of that name"
    for name, target in known.constants.items():
        if target not in constants:
            yield f"[constants] {name}: the specification has no constant '{target}'"
        elif name in constants:
            yield f"[constants] {name}: the specification has a constant of that name"
    for name, target in known.offsets.items():
        if _slot(layouts, target) is None:
            yield f"[offsets] {name}: the specification has no member '{target}'"
    for name, module in known.devices.items():
        if module not in modules:
            yield f"[devices] {name}: the specification has no device type '{module}'"
    for path in known.members:
        struct, _, member = path.partition(".")
        if struct in headers.structs and member not in {m.path for m in headers.structs[struct].members}:
            yield f"[members] {path}: the headers have no such member"
    for pattern in known.differences:
        subject = pattern.partition(".")[0]
        present = any(fnmatchcase(name, subject) for name in (*headers.structs, *headers.constants))
        if pattern not in used and present:
            yield f"[differences] {pattern}: there is no such difference"


# --- structs ----------------------------------------------------------------------------------------------


def _structs(spec: Spec, layouts: Layouts, headers: HeaderFacts, known: Known) -> Iterator[Finding]:
    variants: dict[str, list[Layout]] = {}
    for struct in spec.structs:
        if struct.kind in ("struct", "union"):
            variants.setdefault(struct.name, []).append(layouts[struct.key])
    seen: set[str] = set()
    for name, header in headers.structs.items():
        target = known.structs.get(name, name)
        seen.add(target)
        if target not in variants:
            yield Finding(kind="struct", subject=name, verdict=Verdict.ONLY_HEADER, header=f"{header.size} bytes")
            continue
        # a struct that the specification defines in several ways is right if one of them agrees
        outcomes = [_struct(header, layout, known) for layout in variants[target]]
        yield from min(outcomes, key=lambda findings: sum(f.verdict is Verdict.DIFFERENT for f in findings))
    for name in sorted(variants.keys() - seen):
        yield Finding(kind="struct", subject=name, verdict=Verdict.ONLY_SPEC, spec=_size(variants[name][0].size))


def _struct(header: HeaderStruct, layout: Layout, known: Known) -> list[Finding]:
    """The findings on one struct: one for its size, one for each member of either side.

    What lies below a member that is the same struct on both sides is compared with that struct, once; what only one
    side says about the inside of a member (bits, the arms of a union) is no contradiction.
    """
    slots = _slots(layout)
    findings: list[Finding] = []
    extra: list[HeaderMember] = []
    pairs: dict[str, str] = {}
    shared: list[str] = []
    for member in header.members:
        path = _spec_path(header.name, member.path, known.members)
        slot = slots.get(path)
        if not path or _below(path, shared):
            continue
        if slot is None:
            extra.append(member)
            continue
        pairs[path] = member.path
        if member.struct and _struct_name(slot.member.type) == known.structs.get(member.struct, member.struct):
            shared.append(path)
        findings.append(_member(f"{header.name}.{member.path}", member, slot, renamed=path != member.path))

    plain = [ours for ours in pairs if not any(_below(path, [ours]) for path in slots)]
    extra = [m for m in extra if not _below(m.path, [pairs[path] for path in plain])]
    whole = {theirs for theirs in pairs.values() if not any(_below(m.path, [theirs]) for m in header.members)}
    closed = [*shared, *(ours for ours, theirs in pairs.items() if theirs in whole)]
    missing = [slot for path, slot in slots.items() if path not in pairs and not _below(path, closed)]
    missing = [s for s in missing if s.bit_size is None or s.offset not in {m.offset for m in header.members}]

    extra = _outermost(extra, pairs.values())
    missing = _outermost(missing, pairs)
    size = _size_finding(header, layout, extra, missing)
    return [size, *findings, *_unpaired(header, layout, extra, missing)]


def _slots(layout: Layout) -> dict[str, Slot]:
    """The slots of a layout by path; the container of named bit-fields, too, which has no slot of its own."""
    slots: dict[str, Slot] = {}
    for slot in layout.slots:
        container, _, _ = slot.path.rpartition(".")
        if slot.bit_size is not None and container:
            slots.setdefault(container, replace(slot, path=container, bit_offset=None, bit_size=None))
        slots.setdefault(slot.path, slot)
    return slots


def _size_finding(header: HeaderStruct, layout: Layout, extra: list[HeaderMember], missing: list[Slot]) -> Finding:
    """The finding on the size of a struct. One side may have more members than the other, at its end."""
    open_ended = any(m.size is None and m.offset is not None for m in header.members)
    verdict = Verdict.EQUAL if header.name == layout.struct.name else Verdict.RENAMED
    spec_goes_on = any(slot.offset in (None, header.size) for slot in missing)
    header_goes_on = layout.size is not None and any(member.offset == layout.size for member in extra)
    if spec_goes_on or header_goes_on:
        verdict = Verdict.EXTENDED
    elif layout.size is not None and not open_ended and layout.size != header.size:
        verdict = Verdict.DIFFERENT
    return Finding(
        kind="struct",
        subject=header.name,
        verdict=verdict,
        spec=f"{layout.struct.name}, {_size(layout.size)}",
        header=_size(None if open_ended else header.size),
    )


def _unpaired(
    header: HeaderStruct, layout: Layout, extra: list[HeaderMember], missing: list[Slot]
) -> Iterator[Finding]:
    """The members that only one side has: no contradiction where they lie behind everything the other side has."""
    for member in extra:
        behind = layout.size is not None and member.offset is not None and member.offset >= layout.size
        yield Finding(
            kind="member",
            subject=f"{header.name}.{member.path}",
            verdict=Verdict.ONLY_HEADER if behind else Verdict.DIFFERENT,
            header=_span(member.offset, member.size),
            spec="" if behind else "no such member",
        )
    for slot in missing:
        behind = slot.offset is None or slot.offset >= header.size
        yield Finding(
            kind="member",
            subject=f"{header.name}.{slot.path}",
            verdict=Verdict.ONLY_SPEC if behind else Verdict.DIFFERENT,
            spec=_span(slot.offset, slot.size),
            header="" if behind else "no such member",
        )


def _outermost(unpaired: list[_Member], paired: Iterable[str]) -> list[_Member]:
    """Of the unpaired members those that count: an outer one stands for all that it holds.

    A struct or union that only one side has around members of both is no more than another way to write them.
    """
    held = [m for m in unpaired if not any(_below(path, [m.path]) for path in paired)]
    paths = [m.path for m in held]
    return [m for m in held if not _below(m.path, paths)]


def _member(subject: str, member: HeaderMember, slot: Slot, *, renamed: bool) -> Finding:
    """The finding on a member that both sides have. A bit-field has no offset in C and is not compared.

    Byte orders are compared where both sides tell theirs; a type that only says how many bits there are tells none.
    """
    order = _order(slot.member.type) if slot.leaf and member.order else ""
    same = member.offset is None or (member.offset, member.size) == (slot.offset, slot.size)
    ordered = order in ("", "native", member.order)
    return Finding(
        kind="member",
        subject=subject,
        verdict=Verdict.DIFFERENT if not (same and ordered) else Verdict.RENAMED if renamed else Verdict.EQUAL,
        spec=_span(slot.offset, slot.size) + ("" if ordered else f", {order}-endian"),
        header=_span(member.offset, member.size) + ("" if ordered else f", {member.order}-endian"),
    )


def _order(type_: Type) -> str:
    """The byte order of an integer or of an array of integers; "" where there is none."""
    match innermost(type_):
        case Integer(order=order, bits=bits) | Bits(container=Integer(order=order, bits=bits)):
            return order if bits > 8 else ""
        case _:
            return ""


def _spec_path(struct: str, path: str, renamed: Mapping[str, str]) -> str:
    """The specification's path for a member of a header: that of its nearest renamed ancestor, and the rest.

    It is "" for a member that the table equates with the struct itself (`.`): its own members lie directly in that.
    """
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        target = renamed.get(f"{struct}.{'.'.join(parts[:count])}")
        if target is not None:
            return ".".join([target, *parts[count:]] if target != "." else parts[count:])
    return path


def _below(path: str, ancestors: Iterable[str]) -> bool:
    return any(path.startswith((f"{ancestor}.", f"{ancestor}[].")) for ancestor in ancestors)


def _struct_name(type_: Type) -> str:
    inner = innermost(type_)
    return inner.name if isinstance(inner, StructRef) else ""


def _size(size: int | None) -> str:
    return "variable size" if size is None else f"{size} bytes"


def _span(offset: int | None, size: int | None) -> str:
    place = "no fixed offset" if offset is None else f"offset {offset}"
    return f"{place}, {_size(size)}"


# --- constants, offsets and device ids -----------------------------------------------------------------------------


def _constants(spec: Spec, headers: HeaderFacts, known: Known) -> Iterator[Finding]:
    values: dict[str, set[int]] = {}
    for constant in spec.constants:
        if constant.value is not None and constant.parameters is None:
            values.setdefault(constant.name, set()).add(constant.value)
    seen: set[str] = set()
    for name, value in headers.constants.items():
        target = known.constants.get(name, name)
        seen.add(target)
        if target in values:
            # a name to which the specification gives several values is right if one of them agrees
            same = Verdict.EQUAL if name == target else Verdict.RENAMED
            verdict = same if value in values[target] else Verdict.DIFFERENT
            shown = " or ".join(map(hex, sorted(values[target])))
            yield Finding(kind="constant", subject=name, verdict=verdict, spec=shown, header=hex(value))
        elif name not in known.devices and name not in known.offsets:
            yield Finding(kind="constant", subject=name, verdict=Verdict.ONLY_HEADER, header=hex(value))
    for name in sorted(values.keys() - seen):
        shown = " or ".join(map(hex, sorted(values[name])))
        yield Finding(kind="constant", subject=name, verdict=Verdict.ONLY_SPEC, spec=shown)


def _offsets(layouts: Layouts, headers: HeaderFacts, known: Known) -> Iterator[Finding]:
    for name, target in known.offsets.items():
        slot = _slot(layouts, target)
        if name in headers.constants and slot is not None:
            value = headers.constants[name]
            verdict = Verdict.RENAMED if slot.offset == value else Verdict.DIFFERENT
            shown = f"{target}, {_span(slot.offset, slot.size)}"
            yield Finding(kind="offset", subject=name, verdict=verdict, spec=shown, header=str(value))


def _slot(layouts: Layouts, target: str) -> Slot | None:
    struct, _, path = target.partition(".")
    layout = layouts.named(struct)
    return None if layout is None else next((slot for slot in layout.slots if slot.path == path), None)


def _devices(spec: Spec, headers: HeaderFacts, known: Known) -> Iterator[Finding]:
    ids = {device.module: device.id for device in spec.devices}
    for name, module in known.devices.items():
        if name in headers.constants and ids.get(module) is not None:
            value = headers.constants[name]
            verdict = Verdict.RENAMED if ids[module] == value else Verdict.DIFFERENT
            shown = f"{module}, {ids[module]}"
            yield Finding(kind="device", subject=name, verdict=verdict, spec=shown, header=str(value))
