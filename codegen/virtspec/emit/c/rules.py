"""Rules about lists of records: which types there are, what is zero, what stands once, and in which order.

They are those that `Container.validate` of the Python library has. What a rule is about comes from the model as data;
the functions that apply it keep nothing but what their caller gives them room for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from virtspec.emit.c.lengths import find
from virtspec.emit.c.message_views import (
    KnownRange,
    ListRules,
    Loop,
    QueueCase,
    RecordRules,
    Reserved,
    ReservedCase,
    Span,
    ValueTable,
)
from virtspec.emit.c.names import Names, header_name
from virtspec.emit.c.structs import order_word
from virtspec.emit.c.types import Catalogue, Field, Inline, Record, Vector, dimensions
from virtspec.emit.c.values import Values
from virtspec.emit.c.views import DeviceView, Kind, OwnCase
from virtspec.emit.containers import Container, is_idle
from virtspec.model import Device, Integer, Registry

QUEUE = "vq_index"
"""The member by which a struct says which virtqueue it is about."""

MAX_ELEMENTS = 256


class Rules:
    """The rules of a model's lists."""

    def __init__(self, catalogue: Catalogue, values: Values, names: Names) -> None:
        self._catalogue = catalogue
        self._values = values
        self._names = names
        self._configs = {d.config for d in values.spec.devices if d.config}
        records = {c.record.key for c in values.containers.values()}
        found = [r for key in sorted(records) if (r := catalogue.of(key)) is not None]
        self._by_device = tuple(r for r in found if values.own(r))
        self._judged = {value.key for record in found for value in values.bound(record)}
        self._judged |= {value.key for device in values.spec.devices for value in self.own(device.module)}

    @property
    def by_device(self) -> tuple[str, ...]:
        """The kinds of records of which device types define types of their own."""
        return tuple(record.tag for record in self._by_device)

    def own(self, module: str) -> Iterator[Record]:
        """The records that the values of the types may be that device types of a module define."""
        for record in self._by_device:
            registry = self._values.own(record).get(module)
            if registry is not None:
                yield from (value for _, value in self._values.structs(record, registry))

    # --- records ------------------------------------------------------------------------------------------

    def of_record(self, record: Record, table: ValueTable | None, codes: dict[str, str]) -> RecordRules | None:
        """The rules about a record by itself; None for a struct that is no record. `codes` are those of its fields."""
        container = self._values.container(record)
        if container is None or table is None:
            return None
        registry = container.registry
        selector = self._selector(record, container)
        told = {case.code for case in table.cases}
        reserved: list[ReservedCase] = []
        queues: dict[tuple[str, int], list[str]] = {}
        for entry, value in self._values.structs(record):
            code = self._catalogue.code(entry.name, entry.code, record.module)
            if code in told and self.reserved(value) is not None:
                reserved.append(ReservedCase(code=code, call=value.tag))
            leaf = find(value.leading(), [QUEUE])
            if code in told and leaf is not None and leaf.bit is None and leaf.field.offset is not None:
                offset = leaf.field.offset + leaf.offset
                at = f"bytes + parts.{table.part}.offset" + (f" + {offset}" if offset else "")
                get = f"{self._names.lower}virtio_get_{order_word(leaf.integer)}({at})"
                queues.setdefault((get, offset + leaf.integer.size), []).append(code)
        return RecordRules(
            types=self._types(registry, record.module),
            ranges=tuple(_ranges(registry)),
            spans=tuple(self._spans(record, codes)),
            tag=table.tag,
            tag_code=codes[container.tag.partition(".")[0]],
            part=table.part,
            part_code=codes[container.payload],
            reserved=tuple(reserved),
            config=table.config,
            by_device=bool(self._values.own(record)),
            queues=tuple(QueueCase(codes=tuple(codes), get=get, end=end) for (get, end), codes in queues.items()),
            selector=selector,
        )

    def _types(self, registry: Registry, module: str) -> tuple[str, ...]:
        """The codes of a registry, each once."""
        by_code = {e.code: e for e in reversed(registry.entries) if 0 <= e.code < 1 << 64}
        return tuple(self._catalogue.code(e.name, code, module) for code, e in sorted(by_code.items()))

    def _selector(self, record: Record, container: Container) -> tuple[str, ...]:
        """The union that tells records of one type apart, as integers of at most 8 bytes."""
        found = next(
            (
                ((f.offset or 0) + (g.offset or 0 if g is not f else 0), g)
                for f in record.leading()
                for g in (f.type.fields if isinstance(f.type, Record) and f.type.keyword == "struct" else (f,))
                if isinstance(g.type, Record) and g.type.keyword == "union" and g.member.name != container.payload
            ),
            None,
        )
        if found is None:
            return ()
        at, left = found[0], found[1].size or 0
        words = []
        for size in (8, 8, 4, 2, 1):
            if left >= size:
                word = "u8" if size == 1 else f"le{8 * size}"
                words.append(f"{self._names.lower}virtio_get_{word}(bytes + {at})")
                at, left = at + size, left - size
        return tuple(words) if not left and len(words) <= 2 else ()

    def _spans(self, record: Record, codes: dict[str, str]) -> Iterator[Span]:
        """The bytes of the leading part that are zero, each with the code of its field."""
        for f in record.leading():
            for offset, size in _idle((f,)):
                yield Span(offset=offset, size=size, code=codes.get(f.path, "0"))

    # --- lists --------------------------------------------------------------------------------------------

    def of_list(self, record: Record, codes: dict[str, str], parts: dict[str, str]) -> ListRules | None:
        """The rules about a list of records; None for other structs. `parts` are the names of its fields."""
        container = self._values.containers.get(record.key)
        item = None if container is None else self._catalogue.of(container.record.key)
        if container is None or item is None or self._values.table(item) is None:
            return None
        return ListRules(
            record=item.tag,
            type=item.type,
            part=parts[container.member],
            code=codes[container.member],
            spans=tuple(self._spans(record, codes)),
            ascending=self._types(container.registry, item.module) if container.registry.ascending else (),
        )

    # --- structs ------------------------------------------------------------------------------------------

    def reserved(self, record: Record) -> Reserved | None:
        """What is zero in a struct that is the value of a record or the configuration of a device."""
        if record.keyword != "struct" or (record.key not in self._judged and record.name not in self._configs):
            return None
        spans = tuple(Span(offset=offset, size=size, code="0") for offset, size in _idle(record.leading()))
        loops = []
        for f in record.following():
            if isinstance(f.type, Vector) and isinstance(f.type.element, Record) and f.type.element.size:
                inner = tuple(Span(offset=o, size=s, code="0") for o, s in _idle(f.type.element.leading()))
                if inner:
                    loops.append(Loop(part=f.name, element=f.type.element.size, spans=inner))
        return Reserved(spans=spans, loops=tuple(loops)) if spans or loops else None

    def device(self, device: Device) -> DeviceView:
        """A device type, as lists see it."""
        config = self._catalogue.named(device.config) if device.config else None
        if config is not None and (config.varies or config.keyword != "struct" or config.module != device.module):
            config = None
        name = header_name(device.module)
        kinds = []
        for record in self._by_device:
            registry = self._values.own(record).get(device.module)
            function = f"{self._names.lower}virtwire_device_{name}_check_{record.tag}"
            cases = () if registry is None else tuple(self._own(record, registry))
            told = {case.code for case in cases}
            types = () if registry is None else self._types(registry, device.module)
            types = tuple(code for code in types if code not in told)
            kinds.append(Kind(stem=record.tag, function=function, types=types, cases=cases))
        return DeviceView(
            name=name,
            title=device.title,
            id=device.id or 0,
            config=config.tag if config is not None else "",
            ends=tuple(sorted({0, *_ends(config.fields, 0)})) if config is not None else (),
            reserved=config is not None and self.reserved(config) is not None,
            kinds=tuple(kinds),
        )

    def _own(self, record: Record, registry: Registry) -> Iterator[OwnCase]:
        """The types of a device whose values something is known about."""
        structs = {v.tag: v for _, v in self._values.structs(record, registry)}
        for case in self._values.cases(record, registry):
            value = structs.get(case.call)
            reserved = value is not None and self.reserved(value) is not None
            yield OwnCase(code=case.code, note=case.note, test=case.test, reserved=case.call if reserved else "")


def _ranges(registry: Registry) -> Iterator[KnownRange]:
    """The ranges of codes, the first that a code is in being the one that counts; reserved codes are not known."""
    ranges = list(registry.ranges)
    while ranges and ranges[-1].meaning == "reserved":
        ranges.pop()
    for known in ranges:
        last = "" if known.last is None else f"{known.last:#x}U" if known.last < 1 << 32 else f"{known.last:#x}ULL"
        first = f"{known.first:#x}U" if known.first < 1 << 32 else f"{known.first:#x}ULL"
        yield KnownRange(first="" if known.first <= 0 else first, last=last, known=known.meaning != "reserved")


def _idle(fields: Sequence[Field], base: int = 0) -> Iterator[tuple[int, int]]:
    """The members that are zero: where they lie, and their bytes. In a union, another arm may be in force."""
    for f in fields:
        if f.offset is None or f.size is None:
            continue
        offset = base + f.offset
        if isinstance(f.type, Inline):
            if f.type.keyword == "struct":
                yield from _idle(f.type.fields, offset)
            continue
        element, lengths = dimensions(f.type)
        match element:
            case Integer() if is_idle(f.member.name):
                yield offset, f.size
            case Record(keyword="struct", size=int(size)):
                places = list(product(*(range(n) for n in lengths)))[:MAX_ELEMENTS]
                for i in range(len(places)):
                    yield from _idle(element.leading(), offset + i * size)
            case _:
                pass


def _ends(fields: Sequence[Field], base: int) -> Iterator[int]:
    """Where a configuration may end: behind each member, also of a struct inside."""
    for f in fields:
        if f.offset is None or f.size is None:
            continue
        offset = base + f.offset
        yield offset + f.size
        match f.type:
            case Inline(keyword="struct", fields=inner):
                yield from _ends(inner, offset)
            case Record(keyword="struct", fields=inner):
                yield from _ends(inner, offset)
            case _:
                pass
