"""The atlas: what its drawings show, that every link leads somewhere, and that nothing a specification says escapes."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtspec import model_json
from virtspec.atlas.drawing import draw
from virtspec.atlas.history import Edition, compare_editions
from virtspec.atlas.pages import Pages
from virtspec.atlas.render import render_atlas
from virtspec.atlas.search import index_script
from virtspec.atlas.shapes import COLUMNS
from virtspec.cli import main
from virtspec.diagnostics import SpecError
from virtspec.layout import LayoutError, Layouts
from virtspec.model import (
    Aggregate,
    AnyOf,
    Array,
    Binding,
    Bit,
    Bits,
    Clause,
    Constant,
    Count,
    Device,
    Entry,
    Feature,
    FeatureBit,
    Integer,
    Member,
    Place,
    Range,
    Registry,
    Rest,
    Spec,
    Struct,
    StructRef,
    Type,
)
from virtspec.pipeline import read_spec

U8 = Integer(bits=8, order="little", spelling="u8")
LE16 = Integer(bits=16, order="little", spelling="le16")
LE32 = Integer(bits=32, order="little", spelling="le32")
LE64 = Integer(bits=64, order="little", spelling="le64")

HOSTILE = "\"><script>alert(1)</script>'`|\n# x"


def struct(name: str, *members: Member, kind: str = "struct", module: str = "toy") -> Struct:
    return Struct(
        key=f"{module}/struct/{name}",
        name=name,
        kind=kind,  # type: ignore[arg-type]
        module=module,
        members=members,
        place=Place("toy.tex", 7),
    )


def toy(edition: str = "9.9", extra: tuple[Member, ...] = (), name: str = "toy_config") -> Spec:
    """A device type with one of everything that the pages show."""
    feature = "TOY_F_SPEED"
    config = struct(
        name,
        Member(name="speed", type=LE32, condition=Feature(name=feature), place=Place("toy.tex", 8)),
        Member(name="head", type=StructRef(name="toy_head")),
        *extra,
    )
    head = struct(
        "toy_head",
        Member(
            name="",
            type=Bits(
                container=LE16, fields=(Bit(name="kind", offset=0, width=12), Bit(name="reserved", offset=12, width=4))
            ),
        ),
        Member(name="data", type=Array(element=U8, length=Rest()), direction="writable"),
    )
    return Spec(
        edition=edition,
        structs=(config, head),
        constants=(
            Constant(
                key="toy/const/TOY_T_GO", name="TOY_T_GO", kind="define", module="toy", value=16, owner="toy_head"
            ),
            Constant(key=f"toy/const/{feature}", name=feature, kind="feature", module="toy", value=3),
        ),
        devices=(Device(module="toy", title="Toy Device", id=77, config=name),),
        features=(
            FeatureBit(key=f"toy/feature/{feature}", name=feature, bit=3, module="toy"),
            FeatureBit(
                key="toy/feature/TOY_F_LOUD",
                name="TOY_F_LOUD",
                bit=35,
                module="toy",
                requires=AnyOf(terms=(Feature(name=feature), Feature(name="TOY_F_ABSENT"))),
            ),
        ),
        registries=(
            Registry(
                key="toy/registry/types",
                name="Toy types",
                tag="type",
                module="toy",
                entries=(Entry(code=16, name="TOY_T_GO", bindings=(Binding(role="value", struct="toy_head"),)),),
                ranges=(Range(first=0x20, last=None, meaning="reserved"),),
                fields=("toy_config.speed",),
            ),
        ),
        clauses=(
            Clause(
                key="toy/clause/driver/1",
                role="driver",
                level="MUST",
                module="toy",
                section="Toy operation",
                digest="0123456789abcdef",
                names=("toy_config.speed", feature),
            ),
        ),
    )


def site(*specs: Spec) -> dict[str, str]:
    return render_atlas([(spec, Layouts(spec)) for spec in specs])


class Page(HTMLParser):
    """The anchors and addresses of a page, and how its elements nest."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self.sources: list[str] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == [], "not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        assert not [name for name in given if name.startswith("on") or name == "style"], "no inline script or style"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.hrefs += [given["href"] or ""] if "href" in given else []
        self.sources += [given["src"] or ""] if "src" in given else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_links(files: dict[str, str]) -> dict[str, Page]:
    """Every link of every page leads to a file and an anchor of the site; returns the pages."""
    pages = {path: Page(text) for path, text in files.items() if path.endswith(".html")}
    anchors = {path: set(page.ids) for path, page in pages.items()}
    for path, page in pages.items():
        assert len(anchors[path]) == len(page.ids), f"{path}: an id stands twice"
        for href in page.hrefs + page.sources:
            target, _, anchor = href.partition("#")
            assert (target or path) in files, f"{path}: {href}"
            if anchor:
                assert unquote(anchor) in anchors[target or path], f"{path}: {href}"
    return pages


# --- drawings ---------------------------------------------------------------------------------------------


def drawn(*members: Member, kind: str = "struct") -> dict[str, str]:
    """The outline of each box by its path."""
    spec = Spec(edition="", structs=(struct("s", *members, kind=kind),), constants=())
    layouts = Layouts(spec)
    return {box.path: box.outline for box in draw(layouts[spec.structs[0].key], layouts, lambda name: "").boxes}


def test_a_member_across_rows_is_one_shape() -> None:
    boxes = drawn(Member(name="a", type=LE32), Member(name="b", type=LE64), Member(name="c", type=LE32))
    assert boxes["b"].count("Z") == 2, "two pieces that do not touch"
    boxes = drawn(Member(name="a", type=LE16), Member(name="b", type=Array(element=U8, length=Count(value=12))))
    assert boxes["b"].count("Z") == 1, "two pieces that touch are one outline"


def test_long_members_are_folded() -> None:
    spec = Spec(
        edition="",
        structs=(struct("s", Member(name="a", type=Array(element=U8, length=Count(value=1 << 30)))),),
        constants=(),
    )
    layouts = Layouts(spec)
    drawing = draw(layouts[spec.structs[0].key], layouts, lambda name: "")
    assert drawing.height < 300
    assert [t.text for t in drawing.offsets] == ["0", str((1 << 30) - COLUMNS)]
    assert len(drawing.boxes[0].folds) == 1


def test_arms_of_a_union_start_at_the_same_offset() -> None:
    arms = (Member(name="x", type=LE32), Member(name="y", type=Array(element=U8, length=Count(value=16))))
    spec = Spec(
        edition="",
        structs=(
            struct(
                "s",
                Member(name="a", type=LE32),
                Member(name="u", type=Aggregate(kind="union", members=arms)),
                Member(name="b", type=LE32),
            ),
        ),
        constants=(),
    )
    layouts = Layouts(spec)
    drawing = draw(layouts[spec.structs[0].key], layouts, lambda name: "")
    assert [box.path for box in drawing.boxes] == ["a", "u.x", "u.y", "b"]
    assert [t.text for t in drawing.offsets] == ["0", "4", "4", "12", "20"]
    assert [box.note for box in drawing.boxes][-1] == "b: 4 bytes at offset 20"


def test_brackets_of_nested_unions_stand_apart() -> None:
    inner = Aggregate(kind="union", members=(Member(name="x", type=LE32), Member(name="y", type=LE16)))
    spec = Spec(
        edition="",
        structs=(struct("s", Member(name="a", type=LE32), Member(name="u", type=inner), kind="union"),),
        constants=(),
    )
    layouts = Layouts(spec)
    drawing = draw(layouts[spec.structs[0].key], layouts, lambda name: "")
    assert len({bracket.partition("H")[2].partition("V")[0] for bracket in drawing.brackets}) == 2


def test_offsets_end_where_size_depends_on_data() -> None:
    spec = Spec(
        edition="",
        structs=(struct("s", Member(name="a", type=Array(element=U8, length=Rest())), Member(name="status", type=U8)),),
        constants=(),
    )
    layouts = Layouts(spec)
    drawing = draw(layouts[spec.structs[0].key], layouts, lambda name: "")
    assert [(box.path, box.variable) for box in drawing.boxes] == [("a", True), ("status", False)]
    assert [t.text for t in drawing.offsets] == ["0", "…"]
    assert drawing.boxes[1].note == "status: 1 byte"


def test_bits_stand_with_the_most_significant_at_the_left() -> None:
    spec = toy()
    layouts = Layouts(spec)
    drawing = draw(layouts["toy/struct/toy_head"], layouts, lambda name: "")
    kind, reserved = drawing.bits
    assert reserved.x < kind.x
    assert (reserved.reserved, kind.reserved) == (True, False)
    assert kind.width == pytest.approx(3 * reserved.width)
    assert {t.text for t in drawing.bit_numbers} == {"0", "11", "12", "15"}


NAMES = st.text("abcdefgh_[]<&\"'é", max_size=24)
INTEGERS = st.sampled_from((U8, LE16, LE32, LE64))


@st.composite
def bit_fields(drawn: st.DrawFn) -> Bits:
    container = drawn(INTEGERS)
    fields = []
    for _ in range(drawn(st.integers(0, 6))):
        offset = drawn(st.integers(0, container.bits - 1))
        fields.append(Bit(name=drawn(NAMES), offset=offset, width=drawn(st.integers(1, container.bits - offset))))
    return Bits(container=container, fields=tuple(fields))


def nested(types: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    lengths = st.one_of(st.integers(0, 1 << 40).map(lambda n: Count(value=n)), st.just(Rest()))
    members = st.lists(st.builds(Member, name=NAMES, type=types), max_size=4).map(tuple)
    return st.one_of(
        st.builds(Array, element=types, length=lengths),
        st.builds(Aggregate, kind=st.sampled_from(("struct", "union")), members=members),
    )


TYPES: st.SearchStrategy[Type] = st.recursive(st.one_of(INTEGERS, bit_fields()), nested, max_leaves=8)


@given(st.lists(st.builds(Member, name=NAMES, type=TYPES), max_size=6), st.sampled_from(("struct", "union")))
@settings(max_examples=80, deadline=None)
def test_whatever_has_a_layout_can_be_drawn(members: list[Member], kind: str) -> None:
    """Every box lies inside the drawing, and the drawing is no larger than its members need."""
    spec = Spec(edition="", structs=(struct("s", *members, kind=kind),), constants=())
    layouts = Layouts(spec)
    try:
        layout = layouts[spec.structs[0].key]
    except LayoutError:
        return
    drawing = draw(layout, layouts, lambda name: "")
    for box in drawing.boxes:
        steps = re.findall(r"([MHVLZ])(-?[\d.]+)? ?(-?[\d.]+)?", box.outline)
        xs = [float(x) for step, x, _ in steps if step in "MLH"]
        ys = [float(x if step == "V" else y) for step, x, y in steps if step in "MLV"]
        assert xs and ys and all(0 <= x <= drawing.width for x in xs)
        assert all(0 <= y <= drawing.height for y in ys)
        assert all(0 <= line.y <= drawing.height for line in box.label)
    for bit in drawing.bits:
        assert (
            bit.width > 0 and bit.x >= 0 and bit.x + bit.width <= drawing.width and bit.y + bit.height <= drawing.height
        )
    leaves = sum(1 for _ in layout.slots) + 1
    assert drawing.height < 400 * leaves + 200


# --- history ----------------------------------------------------------------------------------------------


def history(old: Spec, new: Spec) -> list[tuple[str, str, str, tuple[str, ...]]]:
    editions = [Edition(name=name, spec=spec, layouts=Layouts(spec)) for name, spec in (("1", old), ("2", new))]
    return [(c.what, c.how, c.name, c.notes) for c in compare_editions(editions).steps[0].changes]


def test_a_member_at_the_end() -> None:
    assert history(toy(), toy(extra=(Member(name="tail", type=U8),))) == [
        ("struct", "changed", "toy_config", ("tail is new",)),
    ]


def test_a_member_in_the_middle_moves_the_others() -> None:
    a, b, c = (Member(name=name, type=LE16) for name in "abc")
    one, two = (Spec(edition="", structs=(struct("s", *members),), constants=()) for members in ((a, b), (a, c, b)))
    assert history(one, two) == [
        (
            "struct",
            "changed",
            "s",
            ("size: 4 bytes, now 6 bytes", "c is new, at offset 2", "b moved from offset 2 to offset 4"),
        )
    ]


def test_a_renamed_member_is_said_to_be_the_same() -> None:
    one, two = (
        Spec(edition="", structs=(struct("s", Member(name=name, type=LE16)),), constants=()) for name in ("old", "new")
    )
    assert history(one, two) == [("struct", "changed", "s", ("old is now called new",))]


def test_new_and_gone() -> None:
    changes = history(toy(), toy(name="toy_settings"))
    assert ("struct", "new", "toy_settings", ()) in changes
    assert ("struct", "gone", "toy_config", ()) in changes


def test_what_a_release_renamed_is_neither_new_nor_gone(root: Path) -> None:
    """The renamings are those of `since.json`; who looks for the old name finds the new one."""
    editions = [
        Edition(name=spec.edition, spec=spec, layouts=Layouts(spec))
        for spec in (model_json.load(root / f"spec/models/virtio-{edition}.json") for edition in ("1.1", "1.2", "1.3"))
    ]
    first, second = compare_editions(editions).steps
    changes = [c for c in (*first.changes, *second.changes) if c.what in ("struct", "constant", "feature")]
    assert {(c.how, c.name, c.former) for c in changes if c.former or "ctrl_mq" in c.name} == {
        ("changed", "virtio_net_ctrl_mq_pairs_set", "virtio_net_ctrl_mq"),
        ("changed", "VIRTIO_F_INDIRECT_DESC", "VIRTIO_F_RING_INDIRECT_DESC"),
        ("changed", "VIRTIO_F_EVENT_IDX", "VIRTIO_F_RING_EVENT_IDX"),
        ("changed", "QueueSize", "QueueNum"),
        ("changed", "QueueSizeMax", "QueueNumMax"),
    }
    index = index_script(Pages(compare_editions(editions)))
    assert '["QueueNum",' in index and "called QueueSize since 1.3" in index


def test_equal_editions_have_no_changes() -> None:
    assert history(toy(), toy()) == []


# --- the site ---------------------------------------------------------------------------------------------


def test_everything_has_its_place() -> None:
    files = site(toy("9.8"), toy("9.9", (Member(name="tail", type=U8),)))
    ids = check_links(files)["toy.html"].ids
    page = files["toy.html"]
    for anchor in (
        *("struct/toy_config", "struct/toy_config/speed", "struct/toy_config/tail", "struct/toy_head/kind"),
        *("feature/TOY_F_SPEED", "const/TOY_T_GO", "registry/types", "registry/types/0x10", "clause/driver/1"),
    ):
        assert anchor in ids
    assert "const/TOY_F_SPEED" not in ids, "a feature bit stands among the feature bits"
    assert '<a href="toy.html#struct/toy_config/speed">toy_config.speed</a>' in page, "the bit leads to its member"
    assert '<a href="toy.html#feature/TOY_F_SPEED">TOY_F_SPEED</a>' in page, "the member leads to its bit"
    assert "tail is new" in page and "tail is new" in files["release-9.9.html"]
    assert {
        "data/virtio-9.8.json",
        "data/virtio-9.9.json",
        "data/layout-virtio-9.9.json",
        "toy.md",
        "atlas.md",
    } <= files.keys()
    assert "`0` `4` `le32` `speed`, if `TOY_F_SPEED`" in files["toy.md"]


def test_since_comes_from_the_editions_that_are_given() -> None:
    page = site(toy("9.8"), toy("9.9", (Member(name="tail", type=U8),)))["toy.html"]
    row = re.search(r'<tr id="struct/toy_config/tail".*?</tr>', page, re.DOTALL)
    assert row and '<td class="since">9.9</td>' in row[0]


def test_places_lead_to_the_sources() -> None:
    spec = toy()
    url = "https://example.org/{file}?x=1&y=2#L{line}"
    page = render_atlas([(spec, Layouts(spec))], url)["toy.html"]
    assert '<a href="https://example.org/toy.tex?x=1&amp;y=2#L8">:8</a>' in page
    assert "https://example.org" not in site(spec)["toy.html"]


@pytest.mark.parametrize("url", ["javascript:alert({file})", "https://example.org/"])
def test_an_address_of_sources_that_is_none(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "absent.tex", "--source-url", url]) == 2
    assert "--source-url" in capsys.readouterr().err


def test_the_same_edition_twice() -> None:
    with pytest.raises(SpecError, match=r"two of the specifications are edition 9\.9"):
        site(toy(), toy())


def test_runs_are_identical() -> None:
    assert site(toy("9.8"), toy()) == site(toy("9.8"), toy())


def test_headings_and_landmarks() -> None:
    for path, text in site(toy("9.8"), toy()).items():
        if path.endswith(".html"):
            page = Page(text)
            assert page.headings.count(1) == 1, path
            assert {"header", "nav", "main", "footer", "search"} <= page.tags
            assert '<html lang="en">' in text
            inside = page.headings[page.headings.index(1) :]
            assert all(after - before <= 1 for before, after in pairwise(inside)), path


def test_nothing_of_the_specification_is_markup() -> None:
    spec = Spec(
        edition=HOSTILE,
        structs=(struct(HOSTILE, Member(name=HOSTILE, type=U8, condition=Feature(name=HOSTILE)), module=HOSTILE),),
        constants=(
            Constant(
                key=f"x/const/{HOSTILE}", name=HOSTILE, kind="define", module="../../x", value=None, reason=HOSTILE
            ),
        ),
        devices=(Device(module=HOSTILE, title=HOSTILE, id=1, config=HOSTILE),),
        features=(FeatureBit(key=f"x/feature/{HOSTILE}2", name=HOSTILE + "2", bit=1 << 40, module="index"),),
        registries=(
            Registry(
                key=f"x/{HOSTILE}",
                name=HOSTILE,
                tag=HOSTILE,
                module="structs",
                entries=(Entry(code=1, name=HOSTILE, bindings=(Binding(role="value", struct=HOSTILE),)),),
            ),
        ),
        clauses=(
            Clause(
                key=HOSTILE, role="both", level=HOSTILE, module="x", section=HOSTILE, digest=HOSTILE, names=(HOSTILE,)
            ),
        ),
    )
    files = site(spec)
    check_links(files)
    for path, text in files.items():
        assert re.fullmatch(r"(data/)?[A-Za-z0-9_.-]+", path), path
        if path.endswith(".html"):
            assert "<script>" not in text and text.count("<script") == 2, path
        if path.endswith(".md"):
            assert "<script>" not in re.sub("`[^`]*`", "", text), path
    assert files["index.html"] != files["index_.html"], "a module called index has a page of its own"
    index = files["search-index.js"]
    json.loads(index.removeprefix("atlasIndex(").removesuffix(");\n"))
    assert index.isascii()


def test_a_chapter_called_atlas_has_a_page_of_its_own() -> None:
    files = site(Spec(edition="", structs=(struct("s", Member(name="a", type=LE32), module="atlas"),), constants=()))
    assert "`a`" in files["atlas_.md"] and "`a`" not in files["atlas.md"]


def test_bit_fields_are_called_by_their_integer_and_relations_are_told(root: Path) -> None:
    files = site(read_spec(str(root / "spec" / "models" / "virtio-1.4.json")))
    assert "<code>desc.desc_event_wrap</code>" in files["virtqueue.html"]
    relation = "cap.length &gt;= 2 if not (VIRTIO_F_NOTIFICATION_DATA)"
    assert f"<code>{relation}</code>" in files["pci.html"]
    required = [line for line in files["pci.md"].splitlines() if line.startswith("Required: ")]
    assert any(f"`{relation.replace('&gt;', '>')}`" in line for line in required)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = Path(__file__).parents[1] / "spec" / "device-context.tex"
    assert main(["atlas", str(chapter), "-o", str(tmp_path / "site")]) == 0
    assert "index.html" in capsys.readouterr().out
    files = {str(p.relative_to(tmp_path / "site")): p.read_text("utf-8") for p in (tmp_path / "site").rglob("*.*")}
    check_links(files)
    assert main(["atlas", str(chapter), "-o", str(tmp_path / "site")]) == 0
    assert " 0 written" in capsys.readouterr().out


def test_a_draft_is_an_edition_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "base-1.0.tex"
    base.write_text(
        "\\begin{lstlisting}\nstruct virtio_pci_common_cfg {\n        le32 feature;\n};\n\\end{lstlisting}\n"
    )
    chapter = Path(__file__).parents[1] / "spec" / "device-context.tex"
    assert main(["atlas", str(base), "--draft", str(chapter), "-o", str(tmp_path / "site")]) == 0
    pages = sorted(path.name for path in (tmp_path / "site").glob("release-*.html"))
    assert len(pages) == 1
    release = (tmp_path / "site" / pages[0]).read_text("utf-8")
    assert "virtio_dev_ctx_field_tlv" in release, "what the draft brings is new"
    assert "virtio_pci_common_cfg" not in release, "what it is for stands as it stood"


def test_the_releases(releases: Path) -> None:
    specs = [read_spec(str(releases / f"v{edition}")) for edition in ("1.3", "1.4")]
    files = site(*specs)
    pages = check_links(files)
    assert sum(len(page.hrefs) for page in pages.values()) > 10_000
    shown = {f"{path}#{anchor}" for path, page in pages.items() for anchor in page.ids}
    structs = [s for s in specs[1].structs if s.kind in ("struct", "union") and s.variant == 1]
    assert all(f"{s.module}.html#struct/{s.name}" in shown for s in structs)
    assert all(f"{f.module}.html#feature/{f.name}" in shown for f in specs[1].features)
