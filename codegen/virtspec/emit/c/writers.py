"""Messages of variable size → how they are written: the steps by which a reader finds their parts, the other way round.

A length that a part follows from is set from the part: the expression that the reader computes is turned round. What
cannot be turned round is compared. A number that the reader brings along and that is the number of elements of a part
is not asked for: the part has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from virtspec.emit.c.lengths import LOCALS, Lengths, find, innermost
from virtspec.emit.c.message_views import Given, HeadPart, Known, Put, PutGroup, Step, Store, Writer
from virtspec.emit.c.structs import order_word, type_name
from virtspec.emit.c.types import Field, Inline, Record, Vector, dimensions
from virtspec.emit.formulas import parse_formula
from virtspec.expressions import Binary, Expr, ExpressionError, Name, evaluate, names
from virtspec.model import Count, Expression, FieldRef

_REVERSE = {"+": "sub", "-": "add", "*": "div", "/": "mul"}

_WORD = re.compile(r"\w+")
_PART = re.compile(r"parts->(\w+)\.")

MAX_BY_VALUE = 64
"""Parts of fixed size up to this are members of the struct that a caller fills; larger ones are pointed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A field, the step that finds it, and the condition on which it is there."""

    field: Field
    step: Step
    condition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turned:
    """A member that the number of elements of a part follows from, and its `value` for a `count`; `count` is that
    number as a reader computes it, of elements of `unit` bytes. `exact` says that each follows from the other."""

    path: str
    value: str
    exact: bool
    unit: int
    count: str


class Writing:
    """How one message is written. `lead` is the number of bytes that are always there, and the code of their end."""

    def __init__(self, record: Record, lead: tuple[int, str], parts: Sequence[Part], lengths: Lengths) -> None:
        self.record = record
        self.lead, self.lead_code = lead
        self.parts = parts
        self.lengths = lengths
        self.prefix = lengths.names.lower
        self.given = tuple(g for part in parts if (g := self._given(part)) is not None)
        self.direct = len(self.given) == 1 and self.given[0].type == self._bytes and self._is_free()
        self._taken: set[tuple[int, int, str]] = set()
        texts = (text for p in parts for text in (p.condition, p.step.count, p.step.element))
        self._tracked = frozenset(name for text in texts for name in _PART.findall(text))
        self._implied = self._implications()

    def writer(self) -> Writer:
        """The view of the writing function."""
        puts = [(part.condition, part, self._put(i, part)) for i, part in enumerate(self.parts)]
        groups = tuple(
            PutGroup(condition=condition, puts=tuple(self._together([(part, put) for _, part, put in run])))
            for condition, run in groupby(puts, key=lambda p: p[0])
        )
        words = set(_WORD.findall(" ".join(_expressions(groups))))
        arguments = [a for name, a in self.lengths.arguments.items() if name in words]
        head = self.lead or any(self._is_fixed(part) and self._is_in_head(part.field) for part in self.parts)
        return Writer(
            head=self.record.type if head else "",
            lead=self.lead,
            lead_code=self.lead_code,
            head_parts=tuple(
                HeadPart(name=p.step.name, offset=p.field.offset or 0)
                for p in self.parts
                if self._is_fixed(p) and self._is_in_head(p.field)
            ),
            given=self.given,
            direct=self.direct,
            arguments=tuple(a for a in arguments if a.name not in self._implied),
            features=self.lengths.features,
            implied=tuple(self._implied.values()),
            known=tuple(k for k in self._implied.values() if k.name in words and k.name != k.value),
            groups=groups,
            tracked=any(put.tracked for *_, put in puts),
        )

    @property
    def _bytes(self) -> str:
        return f"struct {self.prefix}virtwire_bytes"

    def _is_free(self) -> bool:
        """Whether the one part can be a parameter: nothing else has its name, or that of its size."""
        part = next(p for p in self.parts if p.step.name == self.given[0].name)
        name = f"{part.step.name}_size"
        if {part.step.name, name} & {*LOCALS} or part.step.name in self.lengths.arguments:
            return False
        return name not in self.lengths.arguments or (part.step.count, part.step.element) == (name, "1")

    def _size_of(self, part: str) -> str:
        return f"{part}_size" if self.direct else f"content->{part}.size"

    def _implications(self) -> dict[str, Known]:
        """The arguments that a part's size tells."""
        found: dict[str, Known] = {}
        for part in self.parts:
            step, size = part.step, self._size_of(part.step.name)
            if step.shape != "counted" or self._is_fixed(part):
                continue
            for name, other in ((step.count, step.element), (step.element, step.count)):
                if name in self.lengths.arguments and other.isdigit() and int(other):
                    value = size if other == "1" else f"{size} / {other}"
                    found.setdefault(name, Known(name=name, value=value, part=step.name, unit=other))
        return found

    # --- one part -----------------------------------------------------------------------------------------

    def _is_fixed(self, part: Part) -> bool:
        """Whether a part is of fixed size, and a member of the head or small enough to be one of the content."""
        f = part.field
        if part.step.shape != "counted" or not f.size or part.step.count != str(f.size):
            return False
        return self._is_in_head(f) or (f.size <= MAX_BY_VALUE and not isinstance(f.type, Inline))

    def _is_in_head(self, f: Field) -> bool:
        return f.offset is not None and f.offset + (f.size or 0) <= self.record.lead

    def _given(self, part: Part) -> Given | None:
        """The member of the content for a part; None where the head has it."""
        f, step = part.field, part.step
        if not self._is_fixed(part):
            return Given(type=self._bytes, name=step.name, note=step.note)
        if self._is_in_head(f):
            return None
        element, lengths = dimensions(f.type)
        return Given(
            type=type_name(element, self.lengths.names),
            name=step.name,
            dimensions="".join(f"[{n}]" for n in lengths),
            note=step.note,
            fixed=True,
        )

    def _together(self, puts: list[tuple[Part, Put]]) -> Iterator[Put]:
        """The parts of one condition; those that lie side by side in the head at once."""

        def place(numbered: tuple[int, tuple[Part, Put]]) -> tuple[int, bool]:
            number, (part, put) = numbered
            one = put.fixed and not put.tracked and self._is_in_head(part.field)
            return (0 if one else number + 1, one)

        for (_, one), run in groupby(enumerate(puts), key=place):
            found = [put for _, (_, put) in run]
            yield replace(found[0], size=str(sum(int(put.size) for put in found))) if one else found[0]

    def _put(self, index: int, part: Part) -> Put:
        f, step = part.field, part.step
        tracked = step.name in self._tracked
        if self._is_fixed(part):
            in_head = self._is_in_head(f)
            source = f"{self.prefix}virtwire_inside(head, {f.offset})" if in_head else f"&content->{step.name}"
            return Put(
                name=step.name,
                code=step.code,
                source=source,
                size=str(f.size),
                fixed=True,
                tracked=tracked,
                element="1",
            )
        turned = self._turned(part)
        store = None if turned is None else self._store(index, part, turned)
        walked = step.shape == "records"
        expected, element = "", step.element
        if turned is not None and not walked:
            element = str(turned.unit)
        if store is None and walked:
            expected = step.count
        elif store is None and step.shape == "counted" and not self._tells(part):
            expected, element = self.lengths.scaled(step.count, step.element), "1"
        elif not element.isdigit():
            element = "1"
        return Put(
            name=step.name,
            code=step.code,
            source=step.name if self.direct else f"content->{step.name}.data",
            size=self._size_of(step.name),
            tracked=tracked,
            element=element,
            store=store,
            expected=expected,
            call=step.call,
            arguments=step.arguments,
            single=step.single,
            walked=walked,
        )

    def _tells(self, part: Part) -> bool:
        """Whether the number of elements of a part is an argument that this part tells."""
        known = self._implied.get(part.step.count)
        size = self._size_of(part.step.name)
        return known is not None and known.value in (size, f"{size} / {part.step.element}")

    # --- lengths ------------------------------------------------------------------------------------------

    def _store(self, index: int, part: Part, turned: _Turned) -> Store | None:
        """Where the number of elements of a part is stored; None where no member in front of it holds it, or another
        part's number is there."""
        leaf = find(self.record.fields, turned.path.split("."))
        place = None if leaf is None else self.lengths.places.get(id(leaf.field))
        if leaf is None or place is None or any(p.field is leaf.field for p in self.parts[index:]):
            return None
        key = (id(leaf.field), leaf.offset, leaf.bit.name if leaf.bit is not None else "")
        if key in self._taken:
            return None
        self._taken.add(key)
        bits = leaf.integer.bits if leaf.bit is None else leaf.bit.width
        word, ctype = order_word(leaf.integer), f"uint{leaf.integer.bits}_t"
        at = self.lengths.address(place, leaf.offset)
        variable = "count" if turned.value == "count" else "stored"
        value = f"({ctype}){variable}"
        if leaf.bit is not None:
            keep = ((1 << leaf.integer.bits) - 1) & ~(((1 << leaf.bit.width) - 1) << leaf.bit.offset)
            old = f"{self.prefix}virtio_get_{word}({at}) & 0x{keep:x}ULL"
            value = f"({ctype})(({old}) | {variable} << {leaf.bit.offset})"
        # lengths that saturate are as long as no field can say
        limit = "" if variable == "count" else "UINT64_MAX - 1"
        if bits < 64:
            limit = f"UINT{bits}_MAX" if bits in (8, 16, 32) else f"0x{(1 << bits) - 1:x}ULL"
        owner = next((p for p in self.parts if p.field is leaf.field), None)
        apart = owner is not None and owner.condition not in ("", part.condition)
        return Store(
            path=turned.path,
            value=turned.value,
            variable=variable,
            limit=limit,
            statement=f"{self.prefix}virtio_put_{word}({at}, {value});",
            guard=f"parts->{owner.step.name}.size != 0" if owner is not None and apart else "",
            expected="" if turned.exact and not apart else turned.count,
        )

    def _turned(self, part: Part) -> _Turned | None:
        """The member that a part's number of elements follows from."""
        step = part.step
        if step.shape not in ("counted", "records") or not isinstance(part.field.type, Vector):
            return None
        _, lengths = innermost(part.field.type)
        unit = int(step.element) if step.element.isdigit() else 0
        for length in lengths:
            unit *= length.value if isinstance(length, Count) else 1
        variable = [length for length in lengths if not isinstance(length, Count)]
        if len(variable) != 1 or not unit or (step.shape == "records" and len(lengths) > 1):
            return None
        tree: Expr
        match variable[0]:
            case FieldRef(path=path):
                tree = Name(path)
            case Expression(text=text):
                try:
                    tree = parse_formula(text)
                except ExpressionError:
                    return None
            case _:
                return None
        value, exact = "count", True
        while isinstance(tree, Binary):
            number = self._number(tree.right)
            inner = tree.left
            if number is None and tree.op in "+*":
                number, inner = self._number(tree.left), tree.right
            if number is None or tree.op not in _REVERSE:
                return None
            value = f"{self.prefix}virtwire_{_REVERSE[tree.op]}({value}, {number})"
            exact = exact and tree.op in "+-"
            tree = inner
        if not isinstance(tree, Name):
            return None
        count = self.lengths.count(variable[0], step.name, step.element) or ""
        return _Turned(path=tree.name, value=value, exact=exact, unit=unit, count=count)

    def _number(self, tree: Expr) -> int | None:
        """The value of an expression without members."""
        constants = self.lengths.constants
        if any(name not in constants for name in names(tree)):
            return None
        try:
            value = evaluate(tree, constants.__getitem__, size_of=self._size)
        except ExpressionError:
            return None
        return value if 0 <= value < 1 << 31 else None

    def _size(self, struct: str) -> int | None:
        size = self.lengths.known_size(struct)
        return None if size is None else int(size)


def _expressions(groups: Sequence[PutGroup]) -> Iterator[str]:
    """Everything that a writing function computes."""
    for group in groups:
        yield group.condition
        for put in group.puts:
            yield f"{put.element} {put.expected} {put.arguments}"
            if put.store is not None:
                yield put.store.expected
