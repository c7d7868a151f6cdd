"""Rows of eight bytes: which of them are drawn, and the outline of a run of bytes across them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from virtspec.atlas.shapes import BAR, BYTE, COLUMNS, FOLD, GUTTER, ROW

UNFOLDED = 4
"""As many rows of one member are drawn; of more only what its ends need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The outline of a run of bytes, the rectangle inside it that is best for a label, and where it is folded."""

    outline: str
    x: float
    y: float
    width: float
    height: float
    folds: tuple[str, ...] = ()


class Rows:
    """The rows of one lane, with long members folded; knows where each row stands."""

    def __init__(self, runs: Iterable[tuple[int, int]], top: float) -> None:
        self._tops: dict[int, float] = {}
        self._folded: list[tuple[int, float]] = []
        wanted: set[int] = set()
        for start, end in runs:
            first, last = start // COLUMNS, (end - 1) // COLUMNS
            if last - first < UNFOLDED:
                wanted |= {*range(first, last + 1)}
                continue
            # a label needs a whole row
            wanted |= {first, first + 1} if start % COLUMNS else {first}
            wanted |= {last - 1, last} if end % COLUMNS else {last}
        previous = -1
        for row in sorted(wanted):
            if row > previous + 1:
                self._folded.append((row, top))
                top += FOLD
            self._tops[row] = top
            top += ROW
            previous = row
        self.bottom = top

    def labels(self) -> Iterator[tuple[int, float]]:
        """The first byte of each row that is drawn, and the row's upper edge."""
        for row, top in self._tops.items():
            yield row * COLUMNS, top

    def shape(self, start: int, end: int) -> Shape:
        """The shape of the bytes from `start` to before `end`."""
        first, last = start // COLUMNS, (end - 1) // COLUMNS
        x0, x1 = GUTTER + start % COLUMNS * BYTE, GUTTER + ((end - 1) % COLUMNS + 1) * BYTE
        left, right = GUTTER, GUTTER + BAR
        top, bottom = self._tops[first], self._tops[last] + ROW
        if first == last:
            return Shape(outline=f"M{x0} {top:g}H{x1}V{bottom:g}H{x0}Z", x=x0, y=top, width=x1 - x0, height=ROW)
        y0, y1 = top + ROW, bottom - ROW
        if last == first + 1 and x0 >= x1:
            outline = f"M{x0} {top:g}H{right}V{y0:g}H{x0}ZM{left} {y1:g}H{x1}V{bottom:g}H{left}Z"
        else:
            outline = f"M{x0} {top:g}H{right}V{y1:g}H{x1}V{bottom:g}H{left}V{y0:g}H{x0}Z"
        folds = tuple(
            f"M{left} {y + FOLD * 0.35:g}L{left + BAR / 2:g} {y + FOLD * 0.65:g}L{right} {y + FOLD * 0.35:g}"
            for row, y in self._folded
            if first < row <= last
        )
        inner_top, inner_bottom = (top if x0 == left else y0), (bottom if x1 == right else y1)
        if inner_bottom - inner_top >= ROW:
            if folds:
                inner_bottom = min(inner_bottom, inner_top + ROW)
            return Shape(outline=outline, x=left, y=inner_top, width=BAR, height=inner_bottom - inner_top, folds=folds)
        if right - x0 >= x1 - left:
            return Shape(outline=outline, x=x0, y=top, width=right - x0, height=ROW, folds=folds)
        return Shape(outline=outline, x=left, y=y1, width=x1 - left, height=ROW, folds=folds)
