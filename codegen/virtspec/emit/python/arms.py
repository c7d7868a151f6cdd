"""The arms of unions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.counts import Counts
from virtspec.emit.python.naming import Cls, unique
from virtspec.emit.python.views import ArmView, Attribute
from virtspec.layout import Layouts
from virtspec.model import Aggregate, Bits, Member
from virtspec.names import python_field


class Shapes(Protocol):
    """What gives members their attributes, and those without a tag their classes."""

    catalogue: Catalogue
    counts: Counts
    layouts: Layouts

    def attribute(self, cls: Cls, member: Member, used: set[str]) -> Attribute: ...

    def inner(self, cls: Cls, name: str, members: tuple[Member, ...], *, union: bool) -> Cls: ...


def arms_of(shapes: Shapes, cls: Cls, members: Sequence[Member], used: set[str], offset: int = 0) -> Iterator[ArmView]:
    """The arms of a union; what stands in an unnamed struct or union inside is reached directly."""
    for member in members:
        type_ = member.type
        if isinstance(type_, Aggregate) and not member.name:
            at = offset
            for inner in type_.members:
                yield from arms_of(shapes, cls, (inner,), used, at)
                if type_.kind == "struct":
                    size = shapes.layouts.sizes.type(inner.type)
                    if size is None:
                        break
                    at += size
            continue
        if isinstance(type_, Bits) and not member.name:
            inner_cls = shapes.inner(cls, "bits", (member,), union=False)
            text = shapes.catalogue.reference(cls, inner_cls)
            name = unique("bits", used)
            yield ArmView(name=name, arm=name, factory=f"struct_arm(lambda: {text}{_at(offset)})", type=text)
            continue
        name = unique(python_field(member.name or "arm"), used, arm=True)
        factory, annotation = _arm(shapes, cls, member, offset)
        rows = factory.startswith("rows_arm(")  # of anything
        yield ArmView(name=name, arm=name, factory=factory, type=annotation, declared=rows)


def _arm(shapes: Shapes, cls: Cls, member: Member, offset: int) -> tuple[str, str]:
    attribute = shapes.attribute(cls, replace(member, optional=False), set())
    at = _at(offset)
    if attribute.format.startswith("=") and attribute.format != "=B":
        cls.notes.append(f"{attribute.path}: has the guest's own byte order: read as little-endian")
    match attribute.kind:
        case "int":
            return f'int_arm("{attribute.format.replace("=", "<")}"{at})', "int"
        case "ints":
            text = f"{attribute.format[0].replace('=', '<')}{attribute.count}{attribute.format[1:]}"
            return f'ints_arm("{text}"{at})', attribute.type
        case "structs" | "pieces":
            element = f"lambda: {attribute.cls}" if attribute.cls else f'"{attribute.unit}s"'
            return f"rows_arm(Rows({element}), {attribute.size}{at})", attribute.type
        case "rows":
            return f"rows_arm(Rows({attribute.row.replace('=', '<')}), {attribute.size}{at})", attribute.type
        case "struct":
            return f"struct_arm(lambda: {attribute.cls}{at})", attribute.cls
        case "var_struct" if not _needs_arguments(shapes, shapes.catalogue.target(cls, attribute.cls)):
            return f"struct_arm(lambda: {attribute.cls}{at})", attribute.cls
        case _:
            return f"bytes_arm({attribute.size}{at})", "bytes"


def _needs_arguments(shapes: Shapes, inner: Cls) -> bool:
    opens = sum(
        a.size is None and m is not None and not shapes.counts.counted(inner, m)
        for a, m in zip(inner.attributes, inner.sources, strict=True)
    )
    return opens > 1


def _at(offset: int) -> str:
    return f", {offset}" if offset else ""
