"""Names that earlier releases had: they work, say what to write instead, and are nowhere in the way of the new ones."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from virtspec.emit.c import render_c
from virtspec.emit.engine import Emission
from virtspec.emit.python import render_python
from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.pipeline import read_spec
from virtspec.releases import compute_since
from virtspec.since import Former, Since

RELEASES = (
    # 1.0: what will be renamed once (widget_old), twice (widget_a), and what will go
    """
    struct widget_old { u8 kind; le16 num; le32 flags; };
    struct widget_a { le64 x; struct { le16 deep; le16 rest; } inner; };
    struct widget_lost { u8 r; be32 s; };
    struct widget_stays { le32 before; le16 { low : 4; high : 12; }; u8 reserved[4]; le16 class;
        struct { u8 deep; } in; };
    struct widget_back { le64 p; le64 q; };
    #define WIDGET_CMD_OLD 5
    #define WIDGET_LOST 6
    """,
    """
    struct widget_new { u8 kind; le16 num; le32 flags; };
    struct widget_b { le64 x; struct { le16 deep; le16 rest; } inner; };
    struct widget_stays { le32 between; le16 { low : 4; high : 12; }; le32 used; le16 class;
        struct { u8 deep; } in; };
    struct widget_other { le64 p; le64 q; };
    #define WIDGET_CMD_NEW 5
    """,
    # 1.2: 'widget_back' means something again
    """
    struct widget_new { u8 kind; le16 size; le32 flags; };
    struct widget_c { le64 x; struct { le16 deep; le16 rest; } inner; };
    struct widget_stays { le32 after; le16 { lowest : 4; high : 12; }; le32 used; le16 kind;
        struct { u8 deeper; } in; };
    struct widget_other { le64 p; le64 q; };
    struct widget_back { u8 something; };
    #define WIDGET_CMD_NEW 5
    """,
)


def models(directory: Path, major: int = 1) -> list[Spec]:
    found = []
    for number, listing in enumerate(RELEASES):
        path = directory / f"{number}.tex"
        path.write_text(f"\\section{{Widget Device}}\n\\begin{{lstlisting}}{listing}\\end{{lstlisting}}\n", "utf-8")
        edition = f"{major if number == 2 else 1}.{number}"
        found.append(read_spec(str(path), edition=edition))
    return found


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> list[Spec]:
    return models(tmp_path_factory.mktemp("releases"))


Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Renders the last of some releases and imports its module; the package in the repository is out of sight."""
    shadowed = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "virtwire"}
    for name in shadowed:
        del sys.modules[name]
    monkeypatch.syspath_prepend(str(tmp_path / "python"))

    def render(releases: list[Spec], renamed: dict[str, str] | None = None) -> ModuleType:
        write(emission(releases, renamed), tmp_path)
        importlib.invalidate_caches()
        return importlib.import_module("virtwire.widget")

    yield render
    for name in [n for n in sys.modules if n.split(".")[0] == "virtwire"]:
        del sys.modules[name]
    sys.modules.update(shadowed)


def emission(releases: list[Spec], renamed: dict[str, str] | None = None) -> Emission:
    return render_python(releases[-1], Layouts(releases[-1]), Since(compute_since(releases, renamed)))


def write(made: Emission, directory: Path) -> None:
    for path, text in made.files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, "utf-8")


def deprecated(new: str, last: str) -> Any:
    return pytest.warns(DeprecationWarning, match=rf"is called '{new}' now; VIRTIO {last} was the last")


def test_what_became_of_each_name(invented: list[Spec]) -> None:
    since = Since(compute_since(invented))
    structs = since.former("structs", {s.name for s in invented[-1].structs}, "1.2")
    assert structs == [
        Former(old="widget_a", new="widget_c", last="1.0", module="widget"),
        Former(old="widget_b", new="widget_c", last="1.1", module="widget"),
        Former(old="widget_lost", new="", last="1.0", module="widget"),
        Former(old="widget_old", new="widget_new", last="1.0", module="widget"),
    ]
    members = {f"{s.name}.{slot.path}" for s in invented[-1].structs for slot in Layouts(invented[-1]).of(s).slots}
    assert {f.old: f.new for f in since.former("members", members, "1.2") if f.new} == {
        "widget_new.num": "widget_new.size",
        "widget_stays.before": "widget_stays.after",
        "widget_stays.between": "widget_stays.after",
        "widget_stays.class": "widget_stays.kind",
        "widget_stays.in.deep": "widget_stays.in.deeper",
        "widget_stays.low": "widget_stays.lowest",
    }


def test_a_class_under_its_former_name(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    with deprecated("WidgetNew", "1.0"):
        assert widget.WidgetOld is widget.WidgetNew
    with deprecated("WidgetNewView", "1.0"):
        assert widget.WidgetOldView is widget.WidgetNewView
    with deprecated("WidgetC", "1.0"):
        assert widget.WidgetA is widget.WidgetC
    with deprecated("WidgetCInner", "1.1"):
        assert widget.WidgetBInner is widget.WidgetCInner
    with deprecated("WIDGET_CMD_NEW", "1.0"):
        assert widget.WIDGET_CMD_OLD == 5


def test_the_warning_names_the_line_that_has_to_change(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    uses: list[Callable[[], object]] = [
        lambda: widget.WidgetOld,
        lambda: importlib.import_module("virtwire").lookup("widget_old"),
        lambda: widget.WidgetNew().num,
        lambda: setattr(widget.WidgetNew(), "num", 3),
        lambda: widget.WidgetNew(num=3),
        lambda: widget.WidgetNewView(bytearray(9)).num,
    ]
    for use in uses:
        with pytest.warns(DeprecationWarning, match="the old name") as caught:
            use()
        assert [w.filename for w in caught] == [__file__], use


def test_from_import_names_the_line_too(load: Load, invented: list[Spec]) -> None:
    load(invented)
    with pytest.warns(DeprecationWarning, match="the old name") as caught:
        exec("from virtwire.widget import WidgetOld", {})
    assert caught[0].filename == "<string>"


def test_lookup(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    lookup = importlib.import_module("virtwire").lookup
    with deprecated("widget_new", "1.0"):
        assert lookup("struct widget_old") is widget.WidgetNew
    with pytest.raises(KeyError, match=r"no struct 'widget_lost' any more: VIRTIO 1\.0 was the last"):
        lookup("widget_lost")


def test_what_is_gone_says_so(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    for name in ("WidgetLost", "WidgetLostView", "WIDGET_LOST"):
        with pytest.raises(AttributeError, match=rf"'{name}' any more: VIRTIO 1\.0"):
            getattr(widget, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = widget.nonsense
    assert not hasattr(widget.WidgetStays(), "reserved"), "space that was put into use is no former name"


def test_a_name_that_means_something_again_has_its_new_meaning(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    assert widget.WidgetBack.SIZE == 1
    assert importlib.import_module("virtwire").lookup("widget_back") is widget.WidgetBack


def test_members(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    with deprecated("size", "1.1"):
        value = widget.WidgetNew(num=7, kind=1)
    assert value == widget.WidgetNew(size=7, kind=1)
    with deprecated("size", "1.1"):
        assert value.num == 7
    with deprecated("size", "1.1"):
        value.num = 9
    assert value.size == 9
    with deprecated("size", "1.1"):
        match value:
            case widget.WidgetNew(num=number):
                assert number == 9
    view = widget.WidgetNewView(bytearray(bytes(value)))
    with deprecated("size", "1.1"):
        view.num = 3
    assert view.size == 3
    with deprecated("lowest", "1.1"):
        assert widget.WidgetStays(low=3).lowest == 3
    with deprecated("kind", "1.1"):
        assert widget.WidgetStays(class_=3).kind == 3
    with deprecated("deeper", "1.1"):
        assert widget.WidgetStays(in_=widget.WidgetStaysIn(deeper=5)).in_.deep == 5
    assert "num" not in repr(value)
    with pytest.raises(TypeError):
        widget.WidgetNew(nonsense=1)


def test_former_names_are_not_offered(load: Load, invented: list[Spec]) -> None:
    widget = load(invented)
    assert not {"WidgetOld", "WIDGET_CMD_OLD", "WidgetLost"} & set(dir(widget))
    assert "num" not in widget.WidgetNew.__match_args__
    assert [field.path for field in widget.WidgetNew.LAYOUT] == ["kind", "size", "flags"]


def test_pickles_of_an_earlier_release(load: Load, invented: list[Spec]) -> None:
    """Such a pickle names the class and the members as they were."""
    widget = load(invented)

    class Earlier:
        def __reduce_ex__(self, protocol: object) -> Any:
            return recreate, ("virtwire.widget", "WidgetOld"), (None, {"kind": 1, "num": 2, "flags": 3})

    with pytest.warns(DeprecationWarning, match="the old name"):
        assert pickle.loads(pickle.dumps(Earlier())) == widget.WidgetNew(kind=1, size=2, flags=3)
    value = widget.WidgetNew(size=4)
    assert pickle.loads(pickle.dumps(value)) == value
    assert b"WidgetOld" not in pickle.dumps(value)


def recreate(module: str, name: str) -> object:
    return object.__new__(getattr(sys.modules[module], name))


def test_another_major_version_starts_anew(load: Load, tmp_path: Path) -> None:
    directory = tmp_path / "releases"
    directory.mkdir()
    widget = load(models(directory, major=2))
    for name in ("WidgetOld", "WidgetLost", "WIDGET_CMD_OLD"):
        with pytest.raises(AttributeError, match="has no attribute"):
            getattr(widget, name)
    assert not hasattr(widget.WidgetNew(), "num")


def test_people_know_better(load: Load, invented: list[Spec]) -> None:
    """What the texts do not tell, or tell wrongly, stands in `[renamed]` of spec.toml."""
    reviewed = {
        "widget_lost": "widget_other",
        "widget_old": "",
        "widget_stays.between": "",
        "WIDGET_LOST": "WIDGET_CMD_NEW",
    }
    widget = load(invented, reviewed)
    with deprecated("WidgetOther", "1.0"):
        assert widget.WidgetLost is widget.WidgetOther
    with deprecated("WIDGET_CMD_NEW", "1.0"):
        assert widget.WIDGET_LOST == 5
    with pytest.raises(AttributeError, match="any more"):
        _ = widget.WidgetOld
    assert not hasattr(widget.WidgetStays(), "between")


def test_type_checkers_know_former_names_and_no_others(invented: list[Spec], tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    write(emission(invented), tmp_path)
    (tmp_path / "use.py").write_text(
        "from virtwire import widget\n"
        "value: widget.WidgetOld = widget.WidgetNew(num=3)\n"
        "number: int = value.num + widget.WIDGET_CMD_OLD\n"
        "value.nonsense\n"
        "widget.WidgetLost\n",
        "utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--enable-error-code", "deprecated", "--no-error-summary"]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), "use.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(tmp_path / "python"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line.partition(": error: ")[0::2] for line in done.stdout.splitlines()]
    assert [where for where, _ in said] == ["use.py:3", "use.py:4", "use.py:5"], done.stdout + done.stderr
    assert "renamed" in said[0][1] and "nonsense" in said[1][1] and "WidgetLost" in said[2][1]


def test_no_release_renamed_anything(invented: list[Spec], tmp_path: Path) -> None:
    made = emission(invented[:1])
    assert "former" not in made.files["python/virtwire/widget.py"]


def test_former_names_in_c(invented: list[Spec], compiler: str, tmp_path: Path) -> None:
    since = Since(compute_since(invented))
    for prefix, tag, macro in (("", "widget_old", "WIDGET_CMD_OLD"), ("vw_", "vw_widget_old", "VW_WIDGET_CMD_OLD")):
        directory = tmp_path / f"prefix-{prefix}"
        write(render_c(invented[-1], Layouts(invented[-1]), prefix=prefix, since=since), directory)
        (directory / "use.c").write_text(
            f"#include <virtwire/former.h>\nstruct {tag} value;\n"
            f"int main(void) {{ return (int)sizeof value + {macro} == 12 ? 0 : 1; }}\n",
            "utf-8",
        )
        command = [
            compiler,
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-I",
            str(directory / "c/include"),
        ]
        subprocess.run([*command, str(directory / "use.c"), "-o", str(directory / "use")], check=True)
        subprocess.run([str(directory / "use")], check=True)
        header = (directory / "c/include/virtwire/former.h").read_text("utf-8")
        assert "lost" not in header.lower() and "back" not in header.lower()


def test_the_package_in_the_repository() -> None:
    """Renamings of the releases 1.0 to 1.4."""
    import virtwire
    from virtwire import ccw, common, mmio, net, pci

    with deprecated("VirtioNetCtrlMqPairsSet", "1.1"):
        assert net.VirtioNetCtrlMq is net.VirtioNetCtrlMqPairsSet
    with deprecated("virtio_net_ctrl_mq_pairs_set", "1.1"):
        assert virtwire.lookup("virtio_net_ctrl_mq") is net.VirtioNetCtrlMqPairsSet
    with deprecated("QueueSize", "1.2"):
        assert mmio.QueueNum == mmio.QueueSize
    with deprecated("queue_driver", "1.0"):
        assert pci.VirtioPciCommonCfg(queue_driver=3).queue_avail == 3
    with deprecated("size", "1.2"):
        assert ccw.VqInfoBlock(num=3).size == 3
    with deprecated("VIRTIO_F_EVENT_IDX", "1.1"):
        assert common.VIRTIO_F_RING_EVENT_IDX == 29


def test_former_names_of_features() -> None:
    from virtwire import net

    old = "VIRTIO_F_RING_EVENT_IDX"
    with deprecated("VIRTIO_F_EVENT_IDX", "1.1"):
        assert net.FEATURES.mask([old]) == 1 << 29
    with deprecated("VIRTIO_F_EVENT_IDX", "1.1"):
        assert net.FEATURES[old] == 29
    with deprecated("VIRTIO_F_EVENT_IDX", "1.1"):
        assert old in net.FEATURES
    assert old not in net.FEATURES.names(1 << 29)
    assert old not in list(net.FEATURES)
    assert 3 not in net.FEATURES  # type: ignore[comparison-overlap]
    with pytest.raises(ValueError, match="no feature 'VIRTIO_NET_F_NONSENSE'"):
        net.FEATURES.mask("VIRTIO_NET_F_NONSENSE")


def test_the_command_line_says_it_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    from virtwire._cli import main

    assert main(["decode", "virtio_net_ctrl_mq", "--hex", "0400"]) == 0
    out, err = capsys.readouterr()
    assert "virtqueue_pairs = 4" in out
    assert err == (
        "virtwire: 'virtio_net_ctrl_mq' is called 'virtio_net_ctrl_mq_pairs_set' now; "
        "VIRTIO 1.1 was the last release with the old name\n"
    )


def test_no_warning_without_an_old_name() -> None:
    """Nothing of the package itself uses one, and importing all of it is silent."""
    code = "import virtwire\nfor m in virtwire.MODULES: getattr(virtwire, m)\n"
    path = str(Path(__file__).parents[1] / "generated" / "python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
