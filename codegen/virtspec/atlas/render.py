"""From pages to files: HTML and Markdown by templates, data as JSON, and the assets as they are.

The specification is untrusted: HTML templates escape whatever they show, Markdown templates show it inside code spans,
and addresses come from `addresses`, which lets plain characters through only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from virtspec import __version__, model_json, rendering
from virtspec.atlas.history import Edition, compare_editions
from virtspec.atlas.pages import Pages
from virtspec.atlas.search import index_script
from virtspec.diagnostics import SpecError
from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.progress import track
from virtspec.report.layouts import layout_json
from virtspec.resources import template_root
from virtspec.since import load_since

ASSETS = ("atlas.css", "atlas.js", "theme.js", "favicon.svg")
INDEXES = ("structs", "features", "constants", "registries", "clauses")

_UNSAFE = re.compile(r"[\x00-\x1f\x7f`]")


def render_atlas(models: Sequence[tuple[Spec, Layouts]], source_url: str = "") -> dict[str, str]:
    """The files of the site, by path. The models stand from the oldest to the newest edition.

    `source_url` is the address of the newest edition's sources, with `{file}` and `{line}` in it.
    """
    pages = Pages(compare_editions(_editions(models)), source_url)
    files = {f"data/{_data_name(e)}.json": model_json.dump(e.spec) for e in pages.history.editions}
    for edition in pages.history.editions:
        document = layout_json(edition.spec, edition.layouts, load_since())
        files[f"data/layout-{_data_name(edition)}.json"] = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    files |= {name: _asset(name) for name in ASSETS}
    files["search-index.js"] = index_script(pages)

    common = {"site": pages.site, "version": __version__, "data": [_data_name(e) for e in pages.history.editions]}
    releases = pages.releases()

    def add(path: str, template: str, **view: object) -> None:
        files[path] = _html(template, **common, **view, self_href=path)

    add("index.html", "index", page=pages.overview())
    add("coverage.html", "coverage", page=pages.coverage())
    add("changes.html", "changes", page=pages.overview(), releases=releases)
    for name in INDEXES:
        add(f"{name}.html", name, modules=pages.modules)
    for release in releases:
        add(release.href, "release", page=release)
        files[release.href.removesuffix(".html") + ".md"] = _markdown("release", **common, page=release)
    for module in track(pages.modules, "rendering"):
        add(module.href, "module", page=module)
        files[module.href.removesuffix(".html") + ".md"] = _markdown("module", **common, page=module)
    files["atlas.md"] = _markdown("atlas", **common, modules=pages.modules)
    return files


def _editions(models: Sequence[tuple[Spec, Layouts]]) -> list[Edition]:
    editions = [Edition(name=spec.edition or "draft", spec=spec, layouts=layouts) for spec, layouts in models]
    names = [e.name for e in editions]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SpecError(f"two of the specifications are edition {twice}; give each one once, the oldest first")
    return editions


def _data_name(edition: Edition) -> str:
    return "virtio-" + re.sub(r"[^A-Za-z0-9.-]", "-", edition.name)


# --- templates --------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _environment(kind: str) -> Environment:
    html = kind == "html"
    made = rendering.environment("atlas", escape=html, finalize=None if html else _code_text)
    made.filters["plain"] = _plain_text
    made.filters["place"] = _place
    return made


def _html(template: str, **view: object) -> str:
    return _environment("html").get_template(f"{template}.html.jinja").render(**view)


def _markdown(template: str, **view: object) -> str:
    return _environment("markdown").get_template(f"{template}.md.jinja").render(**view)


def _code_text(value: object) -> object:
    """Text that can stand in a code span of Markdown, in one line."""
    return _UNSAFE.sub(" ", value) if isinstance(value, str) else value


def _plain_text(text: str) -> str:
    """Text that can stand outside code spans of Markdown: without what could begin markup."""
    return re.sub(r"[^\w .,:;/()+-]", " ", text)


@pass_context
def _place(context: Context, place: str, file: str = "") -> str:
    """A place, as its line only where the file is named already, and as a link where the sources have an address."""
    path, _, line = place.rpartition(":")
    shown = f":{line}" if path == file else place
    url: str = context["site"].source_url
    if not url or not path:
        return shown
    return Markup('<a href="{}">{}</a>').format(url.replace("{file}", quote(path)).replace("{line}", line), shown)


@lru_cache
def _asset(name: str) -> str:
    return (template_root() / "atlas" / name).read_text("utf-8")
