"""The bit-fields of one container as strips: the most significant bit at the left, 32 to a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from virtspec.atlas.shapes import BAR, CHARACTER, GUTTER, BitBox, Text, clip, is_reserved
from virtspec.model import Bit, Bits

ROW_BITS = 32
LOW = 28.0
LONGEST = 20
"""Characters of a label that stands on end."""


@dataclass(slots=True)
class Strip:
    """A strip from `bottom` on, which moves down as rows are added; arms of a union stand under each other."""

    bottom: float
    headings: list[Text] = field(default_factory=list)
    boxes: list[BitBox] = field(default_factory=list)
    numbers: list[Text] = field(default_factory=list)

    def add(self, path: str, bits: Bits) -> None:
        """Add the bit-fields of a container; `path` is "" where it has no name."""
        count = bits.container.bits
        name = path or f"{bits.fields[0].name if bits.fields else ''}, …"
        self.headings.append(Text(x=GUTTER, y=self.bottom + 24, text=f"bits of {name} ({bits.container.spelling})"))
        self.bottom += 30
        for high in range(count, 0, -ROW_BITS):
            low = max(0, high - ROW_BITS)
            self._row(path, [b for b in bits.fields if b.offset < high and b.offset + b.width > low], low, high)

    def _row(self, path: str, fields: list[Bit], low: int, high: int) -> None:
        wide = BAR / (high - low)
        for edge in sorted({low, high - 1} | {b.offset for b in fields} | {b.offset + b.width - 1 for b in fields}):
            if low <= edge < high:
                x = GUTTER + (high - 1 - edge + 0.5) * wide
                self.numbers.append(Text(x=x, y=self.bottom + 10, text=str(edge)))
        self.bottom += 14
        for layer in _layers(fields):
            spans = [(bit, max(bit.offset, low), min(bit.offset + bit.width, high)) for bit in layer]
            widths = [(end - first) * wide for _, first, end in spans]
            upright = [
                len(bit.name) * CHARACTER > width - 4 and width < LONGEST * CHARACTER
                for (bit, _, _), width in zip(spans, widths, strict=True)
            ]
            tall = [len(bit.name) for (bit, _, _), stands in zip(spans, upright, strict=True) if stands]
            height = max(LOW, min(LONGEST, max(tall, default=0)) * CHARACTER + 12)
            for (bit, _, end), width, stands in zip(spans, widths, upright, strict=True):
                x = GUTTER + (high - end) * wide
                self.boxes.append(self._box(path, bit, x, width, height, stands))
            self.bottom += height + 2

    def _box(self, path: str, bit: Bit, x: float, width: float, height: float, upright: bool) -> BitBox:
        last = bit.offset + bit.width - 1
        text = clip(bit.name, height - 6 if upright else width - 4)
        return BitBox(
            path=f"{path}.{bit.name}" if path else bit.name,
            x=x,
            y=self.bottom,
            width=width,
            height=height,
            label=Text(x=x + width / 2, y=self.bottom + height / 2, text=text),
            upright=upright,
            reserved=is_reserved(bit.name),
            note=f"{bit.name}: bit {last}" if bit.width == 1 else f"{bit.name}: bits {last}:{bit.offset}",
        )


def _layers(fields: list[Bit]) -> Iterator[list[Bit]]:
    """The bit-fields in groups that do not overlap, each as early as possible."""
    layers: list[list[Bit]] = []
    for bit in fields:
        for layer in layers:
            if all(bit.offset + bit.width <= b.offset or b.offset + b.width <= bit.offset for b in layer):
                layer.append(bit)
                break
        else:
            layers.append([bit])
    yield from layers
