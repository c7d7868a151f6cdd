"""Conformance cases of containers: lists of records that state their own type and length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from virtspec.emit.conformance.cases import Case
from virtspec.emit.conformance.clauses import ordering_clauses
from virtspec.emit.conformance.examples import Examples
from virtspec.emit.conformance.values import Choice, Example, Leaf, NoExample
from virtspec.emit.containers import TYPE_MEMBERS, Container, integers_in
from virtspec.model import DEVICE_CONFIG, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A record of an example: its type, its payload, and the values in the payload where its struct is known."""

    code: int
    data: bytes
    typed: tuple[Leaf, ...] = ()
    reserved: bool = False
    length: int | None = None


def container_cases(container: Container, examples: Examples) -> Iterator[Case]:
    """The cases of a container."""
    yield from _Containers(container, examples).all()


class _Containers:
    def __init__(self, container: Container, examples: Examples) -> None:
        self.container = container
        self.examples = examples
        known: dict[str, tuple[Entry, str]] = {}
        for entry in container.registry.entries:
            binding = next((b for b in entry.bindings if b.role == "value"), None)
            if binding is not None:
                known.setdefault(entry.name, (entry, binding.struct))
        self.configs = {d.module: d.config for d in examples.spec.devices if d.config}
        self.fixed = [(e, s) for e, s in known.values() if s != DEVICE_CONFIG and s in examples.structs]
        self.by_device = [e for e, s in known.values() if s == DEVICE_CONFIG]
        self.records = [self._typed(entry.code, struct) for entry, struct in self.fixed]

    def all(self) -> Iterator[Case]:
        """All cases, the plain ones first."""
        records = self.records
        if not records:
            return
        yield self._case("empty", [])
        for (entry, _), record in zip(self.fixed, records, strict=True):
            yield from self._both(f"only-{entry.name}", [record], "byte-order")
        yield from self._both("all-types", records, "byte-order")
        order = ordering_clauses(self.examples.spec, self.container.registry)
        reverse = replace(self._case("reversed", records[::-1], "order"), clauses=order)
        if self.container.registry.ascending:
            yield replace(reverse, result="invalid", operation="decode", values={})
        else:
            yield replace(reverse, result="acceptable")
        yield from self._device_types()
        yield from self._unknown()
        yield from self._duplicates()
        yield from self._lengths()
        yield from self._truncated()
        yield from self._counts()

    def _device_types(self) -> Iterator[Case]:
        for entry in self.by_device:
            for device, config in sorted(self.configs.items()):
                try:
                    record = self._typed(entry.code, config)
                except (NoExample, KeyError):
                    continue
                for case in self._both(f"{entry.name}-{device}", [record], "device-type"):
                    yield replace(case, arguments={**case.arguments, "device_type": device})

    def _unknown(self) -> Iterator[Case]:
        bits = dict(integers_in(self.container.record.members, self.examples.structs))[self.container.tag].bits
        known = {entry.code for r in self.examples.spec.registries if r.tag in TYPE_MEMBERS for entry in r.entries}
        unknown = next(code for code in range(1 << bits) if code not in known)
        for name, code, data in (
            ("unknown-type", unknown, b"\x01\x23\x45\x67\x89"),
            ("unknown-type-highest", (1 << bits) - 1, b"\xff"),
            ("unknown-type-empty", unknown, b""),
        ):
            case = self._case(name, [_Record(code=code, data=data), self.records[0]], "unknown-type")
            yield replace(case, result="acceptable")
        reserved = replace(self.records[0], reserved=True)
        yield replace(self._case("reserved", [reserved], "reserved"), result="acceptable")

    def _duplicates(self) -> Iterator[Case]:
        for (entry, struct), record in zip(self.fixed, self.records, strict=True):
            names = {m.name for m in self.examples.structs[struct].members}
            case = self._case(f"twice-{entry.name}", [record, record], "duplicate")
            # a virtqueue has one state; of the others the text does not say
            yield replace(
                case,
                result="invalid" if "vq_index" in names else "acceptable",
                operation="decode" if "vq_index" in names else "both",
                values={} if "vq_index" in names else case.values,
            )

    def _lengths(self) -> Iterator[Case]:
        for (entry, struct), record in zip(self.fixed, self.records, strict=True):
            if self.examples.size_of(struct) is None:
                continue
            for name, data in (("short", record.data[:-1]), ("long", record.data + b"\x00")):
                case = self._case(f"{name}-{entry.name}", [_Record(code=record.code, data=data)], "wrong-length")
                yield replace(case, result="invalid", operation="decode", values={})
        first = self.records[0]
        bits = dict(integers_in(self.container.record.members, self.examples.structs))[self.container.length].bits
        for name, length in (("length-beyond-end", len(first.data) + 1), ("length-overflow", (1 << bits) - 1)):
            yield self._malformed(name, self._bytes([replace(first, length=length)]), "length-overflow")

    def _truncated(self) -> Iterator[Case]:
        """An end before and inside every member of the first two records."""
        example, leaves = self._example(self.records[:2])
        cuts = {leaf.offset for leaf in leaves} | {leaf.offset + leaf.size - 1 for leaf in leaves}
        if not self.container.count:
            head, _ = self._example([])
            cuts -= {len(head), *(len(self._bytes(self.records[: i + 1])) for i in range(2))}
        prefixes = tuple(sorted(cut for cut in cuts if 0 <= cut < len(example)))
        yield replace(self._malformed("truncated", example, "truncated"), prefixes=prefixes)

    def _counts(self) -> Iterator[Case]:
        if not self.container.count:
            return
        bits = dict(integers_in(self.container.struct.members, {}))[self.container.count].bits
        two = self.records[:2]
        for name, count in (
            ("count-too-large", len(two) + 1),
            ("count-too-small", len(two) - 1),
            ("count-overflow", (1 << bits) - 1),
        ):
            yield self._malformed(name, self._bytes(two, count), name)
        yield self._malformed("trailing", self._bytes(two) + b"\x00", "trailing")
        values = {**self._case("", two).values, self.container.count: len(two) + 1}
        yield Case(
            name=f"encode-count-{self.container.count}",
            result="invalid",
            operation="encode",
            values=values,
            flags=("count-too-large",),
        )

    # --- making them --------------------------------------------------------------------------------------

    def _typed(self, code: int, struct: str) -> _Record:
        features = frozenset(self.examples.features_of(self.examples.structs[struct]))
        example = self.examples.make(self.examples.structs[struct], Choice(features=features))
        return _Record(code=code, data=example.data, typed=example.leaves)

    def _both(self, name: str, records: Sequence[_Record], *flags: str) -> Iterator[Case]:
        """Decoding to the payloads' bytes and the values in them; encoding from those values alone."""
        case = self._case(name, records, *flags)
        yield case
        typed: dict[str, int | bytes] = {}
        for path, value in case.values.items():
            stem = path.removesuffix(f".{self.container.payload}")
            if stem == path:
                typed[path] = value
                continue
            number = int(stem.rpartition("[")[2].rstrip("]"))
            typed |= {f"{path}.{leaf.path}": leaf.value for leaf in records[number].typed}
        yield replace(case, name=f"{name}-typed", values={**case.values, **typed}, operation="decode")
        yield replace(case, name=f"{name}-from-typed", values=typed, operation="encode")

    def _case(self, name: str, records: Sequence[_Record], *flags: str) -> Case:
        data, leaves = self._example(records)
        values = {leaf.path: leaf.value for leaf in leaves}
        return Case(name=name, result="valid", data=data, values=values, flags=flags)

    def _malformed(self, name: str, data: bytes, *flags: str) -> Case:
        return Case(name=name, result="malformed", operation="decode", data=data, flags=flags)

    def _bytes(self, records: Sequence[_Record], count: int | None = None) -> bytes:
        return self._example(records, count)[0]

    def _example(self, records: Sequence[_Record], count: int | None = None) -> tuple[bytes, list[Leaf]]:
        """A container with these records, and its values."""
        container = self.container
        head = replace(container.struct, members=container.struct.members[:-1])
        forced = {container.count: len(records) if count is None else count} if container.count else {}
        parts = [self.examples.make(head, Choice(forced=forced, reserved=any(r.reserved for r in records)))]
        parts += [self._record(record) for record in records]
        leaves: list[Leaf] = []
        data = b""
        for i, part in enumerate(parts):
            prefix = f"{container.member}[{i - 1}]." if i else ""
            leaves += [replace(x, path=prefix + x.path, offset=x.offset + len(data)) for x in part.leaves]
            data += part.data
        return data, leaves

    def _record(self, record: _Record) -> Example:
        container = self.container
        length = len(record.data) if record.length is None else record.length
        choice = Choice(
            fill="zeros",
            reserved=record.reserved,
            forced={container.tag: record.code, container.length: length},
            payload={container.payload: record.data},
        )
        return self.examples.make(container.record, choice)
