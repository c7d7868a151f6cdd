"""The facts of a text, one to a line and without line numbers, for tools that compare texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diff.shape import condition_text
from virtspec.layout import Layouts
from virtspec.model import LOST, Spec
from virtspec.report.layouts import layout_text

_PLACE = re.compile(r"  /\* [^*]*:\d+ \*/$")


def facts_text(spec: Spec) -> str:
    """All facts of a model in the order of the text; "" where there are none."""
    return "".join(f"{line}\n" for line in _lines(spec))


def _lines(spec: Spec) -> Iterator[str]:
    layouts = Layouts(spec)
    for device in spec.devices:
        yield f"device type {device.title} = {device.id}"
    for feature in spec.features:
        needs = f", requires {condition_text(feature.requires)}" if feature.requires is not None else ""
        yield f"feature {feature.name} = bit {feature.bit}{' (legacy)' if feature.legacy else ''}{needs}"
    listed = {e.name for r in spec.registries for e in r.entries}
    for constant in spec.constants:
        if constant.kind != "feature" and not (constant.kind in ("table", "register") and constant.name in listed):
            value = constant.expression if constant.value is None else constant.value
            yield f"constant {constant.name} = {value}"
    for registry in spec.registries:
        yield f"table {registry.name} ({registry.tag})"
        for entry in registry.entries:
            bound = "".join(f", {b.slot}: {b.struct}" for b in entry.bindings)
            when = f", if {condition_text(entry.condition)}" if entry.condition is not None else ""
            yield f"    0x{entry.code:x} = {entry.name}{bound}{when}"
        for range_ in registry.ranges:
            last = "…" if range_.last is None else f"0x{range_.last:x}"
            yield f"    0x{range_.first:x} to {last}: {range_.meaning}"
    for struct in spec.structs:
        for index, line in enumerate(layout_text(layouts[struct.key]).split("\n")):
            yield _PLACE.sub("", line) if index == 0 else line
    for clause in spec.clauses:
        yield f"{clause.role} {clause.level} {clause.digest}  {', '.join(clause.names)}".rstrip()
    for skipped in spec.coverage.skipped:
        if skipped.reason.startswith(LOST) or skipped.what == "item":
            yield f"not read: {skipped.what}: {skipped.reason}"
