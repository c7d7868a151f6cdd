"""The search index: every name with its kind and address, in a script that also loads from a `file:` address."""

from __future__ import annotations

import json
from collections.abc import Iterator

from virtspec.atlas.pages import Pages
from virtspec.atlas.views import MemberRow

KINDS = ("page", "struct", "member", "feature", "constant", "registry", "code", "section", "gone")

Row = tuple[str, str, str, str]


def index_script(pages: Pages) -> str:
    """A call of `atlasIndex` with rows of name, kind, page, anchor and remark; kinds and pages are numbers."""
    addresses: dict[str, int] = {}
    rows: list[list[object]] = []
    for name, kind, href, remark in dict.fromkeys(_rows(pages)):
        page, _, anchor = href.partition("#")
        rows.append([name, KINDS.index(kind), addresses.setdefault(page, len(addresses)), anchor, remark])
    document = {"kinds": KINDS, "pages": list(addresses), "rows": rows}
    return f"atlasIndex({json.dumps(document, separators=(',', ':'))});\n"


def _rows(pages: Pages) -> Iterator[Row]:
    for module in pages.modules:
        yield module.title, "page", module.href, f"device id {module.id}" if module.id else module.module
        if module.module != module.title.lower():
            yield module.module, "page", module.href, module.title
        for struct in module.structs:
            yield struct.name, "struct", struct.href, struct.size
            page = struct.href.partition("#")[0]
            for row in _own(struct.rows):
                where = f"{struct.name}, offset {row.offset}" if row.offset != "–" else struct.name
                yield row.path, "member", f"{page}#{row.anchor}", where
        for feature in module.features:
            yield feature.name, "feature", feature.href, f"bit {feature.bit}"
        for registry in module.registries:
            yield registry.name, "registry", registry.href, f"{registry.tag}, {registry.codes} codes"
            for code in registry.rows:
                if not code.range and not code.name.href:
                    page = registry.href.partition("#")[0]
                    anchor = code.anchor or registry.anchor
                    yield code.name.text, "code", f"{page}#{anchor}", f"{code.code} in {registry.name}"
        for group in module.constants:
            for constant in group.rows:
                yield constant.name, "constant", constant.href, _value(constant.value, constant.hexadecimal)
        for section in module.clauses:
            if section.title and section.rows:
                yield section.title, "section", section.rows[0].href, f"{len(section.rows)} statements"
    for release in pages.releases():
        for group_ in release.groups:
            yield from ((gone.name.text, "gone", release.href, f"not in {release.new}") for gone in group_.gone)
            for changed in group_.changed:
                if changed.former:
                    href = changed.name.href or release.href
                    yield changed.former, "gone", href, f"called {changed.name.text} since {release.new}"


def _own(rows: tuple[MemberRow, ...]) -> Iterator[MemberRow]:
    """The members that a struct names itself; those of a struct that it uses are found where that struct is."""
    inside = len(rows)
    for row in rows:
        if row.depth > inside:
            continue
        inside = row.depth if row.container and any(link.href for link in row.type) else len(rows)
        yield row


def _value(value: str, hexadecimal: str) -> str:
    return f"{value} = {hexadecimal}" if hexadecimal and len(value) > 1 else value
