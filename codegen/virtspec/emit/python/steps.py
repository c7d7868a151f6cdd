"""How an object is decoded and encoded: runs of fixed members, and the members of variable size between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.conditions import Conditions
from virtspec.emit.python.construction import checks, constructed
from virtspec.emit.python.counts import Counts
from virtspec.emit.python.extents import Extent, Extents, behind
from virtspec.emit.python.naming import Cls
from virtspec.emit.python.runs import RunBuilder, is_run, merge_neutral
from virtspec.emit.python.views import Attribute, Check, ConditionView, Open, Run, Step


@dataclass(slots=True)
class Plan:
    """The steps of one class."""

    steps: list[Step] = field(default_factory=list)
    opens: list[Open] = field(default_factory=list)
    conditions: list[ConditionView] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)


class Planner:
    """Makes the steps for the classes of a catalogue. `features` are the bits of all known feature names."""

    def __init__(self, catalogue: Catalogue, counts: Counts, features: dict[str, int]) -> None:
        self.catalogue = catalogue
        self.counts = counts
        self.conditions = Conditions(features)
        self._extents = Extents(catalogue, counts)

    def plan(self, cls: Cls) -> Plan:
        """The steps of a class that is not covered by one `struct.Struct`."""
        plan = Plan()
        extents = self._extents.of(cls)
        conditions, plan.conditions = self.conditions.of(cls)
        boundary = self.boundary(cls)
        known = _Known(extents, conditions, boundary)
        groups = groupby(
            range(len(cls.attributes)),
            key=lambda i: (
                is_run(cls.attributes[i]),
                conditions[i],
                boundary is not None and i >= boundary,
                self._order(cls, cls.attributes[i]) if is_run(cls.attributes[i]) else i,
            ),
        )
        number = 0
        for (together, condition, writable, _), members in merge_neutral(groups):
            indices = list(members)
            attributes = [cls.attributes[i] for i in indices]
            position = indices[0]
            if together:
                number += 1
                run = self.run(cls, attributes, f"_{cls.name}_run{number}", absent=attributes[0].optional)
                plan.steps.append(
                    Step(index=position, condition=condition, first=attributes[0].name, run=run, writable=writable)
                )
            else:
                step = self._variable(cls, position, known, plan)
                plan.steps.append(replace(step, condition=condition, writable=writable))
        plan.attributes = constructed(self.counts, cls, extents)
        plan.checks = list(checks(cls, extents))
        return plan

    def run(self, cls: Cls, attributes: Sequence[Attribute], codec: str, *, absent: bool = False) -> Run:
        """One unpack for consecutive attributes of fixed size; nested structs are filled by it too. `absent` tells
        that they may all be None."""
        builder = RunBuilder(self.catalogue, absent)
        for attribute in attributes:
            builder.add(cls, cls, attribute, "self", "self", "")
        return Run(
            codec=codec,
            format=builder.format(),
            size=sum(a.size or 0 for a in attributes),
            native="=" in builder.orders,
            targets=tuple(builder.targets),
            packs=tuple(builder.packs(codec)),
            fresh=tuple(builder.fresh),
            conversions=tuple(builder.conversions),
            nested=tuple(builder.nested),
            lengths=tuple(builder.lengths),
        )

    def boundary(self, cls: Cls) -> int | None:
        """The number of the first device-writable member, where a request has both parts."""
        directions = [m.direction if m is not None else None for m in cls.sources]
        if "writable" not in directions:
            return None
        first = directions.index("writable")
        if not first or set(directions[:first]) != {"readable"} or set(directions[first:]) != {"writable"}:
            return None  # of a part that either may access, a program has to say in which buffer it is
        return first

    def _order(self, cls: Cls, attribute: Attribute) -> str:
        """The byte order of a member's integers; "" where it has none longer than a byte."""
        if attribute.kind == "struct":
            return next(iter(self.catalogue.target(cls, attribute.cls).orders), "")
        return attribute.format[:1] if attribute.format[-1:] not in ("", "B", "s") else ""

    def _variable(self, cls: Cls, index: int, known: _Known, plan: Plan) -> Step:
        """The step for a member of variable size. Keywords that it needs are added to the plan."""
        attribute = cls.attributes[index]
        extent = known.extents[index]
        target = self.catalogue.target(cls, attribute.cls) if attribute.cls else None
        context = ["byteorder=byteorder"] if self.catalogue.native(cls, attribute) else []
        context += ["features=features"] if target is not None and target.featured else []
        passed = [f"{own}={outer}" for own, outer in extent.arguments]
        step = Step(
            index=index,
            first=attribute.name,
            attribute=attribute,
            count=extent.count,
            unsigned=bool(extent.count) and "-" not in extent.count,
            arguments="".join(f", {argument}" for argument in passed + context),
            passed=", ".join(context),
        )
        if attribute.kind == "var_struct":
            self._open_inside(self.catalogue.target(cls, attribute.cls), extent, plan)
            return replace(step, open=_room(cls, index, known)) if extent.arguments else step
        if not extent.keyword:
            return step
        opened = _left_open(cls, index, known)
        if all(opened.keyword != o.keyword for o in plan.opens):
            plan.opens.append(opened)
        return replace(step, open=opened)

    def _open_inside(self, inner: Cls, extent: Extent, plan: Plan) -> None:
        """The lengths that a struct inside does not carry are keywords of the struct around it, too."""
        for own, outer in extent.arguments:
            if all(outer != o.keyword for o in plan.opens):
                needed = any(o.required for o in self.plan(inner).opens if o.keyword == own)
                plan.opens.append(Open(keyword=outer, required=needed))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a class's members: their extents, their conditions, and where the device-writable ones begin."""

    extents: list[Extent]
    conditions: list[str]
    boundary: int | None

    def readable(self, index: int) -> bool:
        """Whether a member lies in the device-readable part of a request that has both."""
        return self.boundary is not None and index < self.boundary

    def behind(self, cls: Cls, index: int) -> tuple[str, tuple[str, ...]] | None:
        """The bytes behind a member, see `behind`."""
        return behind(cls, index, len(self.extents), self.extents, self.conditions)

    def behind_in_part(self, cls: Cls, index: int) -> tuple[str, tuple[str, ...]] | None:
        """The same within its part."""
        end = self.boundary if self.boundary is not None and index < self.boundary else len(self.extents)
        return behind(cls, index, end, self.extents, self.conditions)


def _room(cls: Cls, index: int, known: _Known) -> Open | None:
    """Where the bytes end that are left to a struct inside: where the parts behind it begin. None where that is the
    end of the buffer, or where those parts have to be decoded to know."""
    whole = known.behind(cls, index)
    part = known.behind_in_part(cls, index)
    if (whole is None and part is None) or (whole == ("", ()) and not known.readable(index)):
        return None
    return Open(
        keyword=known.extents[index].arguments[-1][1],
        target="room",
        whole=f"len(buffer){whole[0]}" if whole else "",
        others=whole[1] if whole else (),
        part=f"split{part[0]}" if part else "",
        part_others=part[1] if part else (),
        limited=known.readable(index),
    )


def _left_open(cls: Cls, index: int, known: _Known) -> Open:
    """The keyword for a length that the struct does not carry, and how it follows from what remains."""
    extent = known.extents[index]
    whole = known.behind(cls, index)
    part = known.behind_in_part(cls, index)
    return Open(
        keyword=extent.keyword,
        whole=_remaining("len(buffer)", whole[0], extent.unit) if whole else "",
        ragged=f"(len(buffer) - at{whole[0]}) % {extent.unit}" if whole and whole[0] and extent.unit > 1 else "",
        others=whole[1] if whole else (),
        part=_remaining("split", part[0], extent.unit) if part else "",
        part_others=part[1] if part else (),
        required=extent.required or (whole is None and part is None),
        limited=known.readable(index),
    )


def _remaining(end: str, behind: str, unit: int) -> str:
    """How many elements there is room for up to `end`, with other members behind."""
    return f"{end} - at{behind}" if unit == 1 else f"({end} - at{behind}) // {unit}"
