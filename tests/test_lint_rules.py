"""Every rule: its page, and its fixtures.

A fixture is the example of the page. The bad one begins with what it expects: `% expect: LINE: SEVERITY: MESSAGE`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from virtspec.cli import main
from virtspec.diagnostics import NAMES, Severity
from virtspec.lint.catalogue import catalogue, listing
from virtspec.lint.registry import FAMILIES, Rule, rules
from virtspec.lint.spelling import Names, distance
from virtspec.linting import lint_spec
from virtspec.report.findings import Finding

FIXTURES = Path(__file__).parent / "lint"
EXPECT = re.compile(r"% expect: (\d+): (error|warning|note): (.+)")


def fixture(rule: Rule) -> Path:
    return FIXTURES / f"{rule.id}_{rule.name.replace('-', '_')}"


def found(path: Path, rule: Rule) -> list[Finding]:
    return [f for f in lint_spec(str(path)).findings if f.rule == rule.id]


# these are about our own annotations, not about a document: what triggers them is no LaTeX
ANNOTATIONS = ("VS260", "VS261")

CHECKED = [rule for rule in rules().values() if rule.id not in ANNOTATIONS]


@pytest.mark.parametrize("rule", CHECKED, ids=lambda rule: rule.id)
class TestRule:
    def test_bad_is_found(self, rule: Rule) -> None:
        path = fixture(rule) / "bad.tex"
        lines = path.read_text("utf-8").splitlines()
        expected = [match.groups() for line in lines if (match := EXPECT.fullmatch(line))]
        assert expected, f"{path} expects nothing"
        assert [(str(f.line), f.severity.label, f.message) for f in found(path, rule)] == expected

    def test_good_is_not_found(self, rule: Rule) -> None:
        assert found(fixture(rule) / "good.tex", rule) == []

    def test_good_has_no_other_defect(self, rule: Rule) -> None:
        findings = lint_spec(str(fixture(rule) / "good.tex")).findings
        assert [f for f in findings if f.severity > Severity.NOTE] == []

    def test_fixtures_are_the_examples(self, rule: Rule) -> None:
        bad = [line for line in (fixture(rule) / "bad.tex").read_text("utf-8").splitlines() if not EXPECT.match(line)]
        assert bad == rule.bad.splitlines()
        assert (fixture(rule) / "good.tex").read_text("utf-8") == f"{rule.good}\n"

    def test_page(self, rule: Rule) -> None:
        assert rule.purpose.endswith(".") and rule.purpose[0].isupper()
        assert rule.id[:3] in FAMILIES
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
        # the reader's names and the catalogue's agree
        assert NAMES.get(rule.id, rule.name) == rule.name


def test_every_fixture_has_a_rule() -> None:
    assert {p.name for p in FIXTURES.iterdir() if p.is_dir()} == {fixture(rule).name for rule in CHECKED}


def test_the_catalogue_has_every_diagnostic_of_the_reader() -> None:
    assert set(NAMES) <= set(rules())


def test_names_are_unique() -> None:
    names = [rule.name for rule in rules().values()]
    assert len(set(names)) == len(names)


def test_committed_catalogue_is_up_to_date(root: Path) -> None:
    directory = root / "docs" / "rules"
    committed = {path.name: path.read_text("utf-8") for path in directory.glob("*.md")}
    assert committed == catalogue(), "run 'virtspec rules -o docs/rules'"


@pytest.mark.parametrize("name", ["VS012", "vs012", "missing-semicolon", "VD101"])
def test_one_rule(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", name]) == 0
    assert capsys.readouterr().out.startswith("# VD101" if name == "VD101" else "# VS012 missing-semicolon\n")


def test_no_such_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "missing-semicolo"]) == 2
    assert "did you mean 'missing-semicolon'" in capsys.readouterr().err


def test_catalogue_is_written_checked_and_tidied(tmp_path: Path) -> None:
    assert main(["rules", "-o", str(tmp_path)]) == 0
    assert main(["rules", "-o", str(tmp_path), "--check"]) == 0
    (tmp_path / "VS999.md").write_text("gone", "utf-8")
    (tmp_path / "VS012.md").write_text("edited", "utf-8")
    assert main(["rules", "-o", str(tmp_path), "--check"]) == 1
    assert main(["rules", "-o", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(catalogue())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VIRTION_ADMIN_CMD_GET", "VIRTIO_ADMIN_CMD_GET"),
        ("VIRTIO_ADMIN_CMD_GTE", "VIRTIO_ADMIN_CMD_GET"),
        ("VIRTIO_ADMIN_CMD_SET", ""),  # a word of another name: it may be missing, not misspelt
        ("VIRTION_ADMIN_CDM_GET", ""),  # two odd words
        ("VIRTIO_ADMIN_CMD_GETTING", ""),
        ("VIRTIO-ADMIN-CMD-GTE", ""),
    ],
)
def test_misspelt(name: str, meant: str) -> None:
    assert Names(["VIRTIO_ADMIN_CMD_GET", "VIRTIO_PORT_SET"]).misspelt(name) == meant


PORT_NAMES = (
    "VIRTIO_PORT_ALL_OK",
    "VIRTIO_PORT_DEVICE_ADD",
    *(f"VIRTIO_PORT_LINE_{word}" for word in ("READY", "CLOSED", "NAMED", "OPENED")),
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VIRTIO_PORT_OK", ("VIRTIO_PORT_ALL_OK",)),  # a word is missing
        ("VIRTIO_PORT_LINE_ADD", ("VIRTIO_PORT_DEVICE_ADD",)),  # the only one with that word in its place
        ("VIRTIO_PORT_LINE_LEFT", ()),  # one of many, and none of them
        ("VIRTIO_PORT_LINE_OPEND", ("VIRTIO_PORT_LINE_OPENED",)),
    ],
)
def test_like(name: str, meant: tuple[str, ...]) -> None:
    assert Names(PORT_NAMES).like(name) == meant


@pytest.mark.parametrize(
    ("first", "second", "letters"),
    [("same", "same", 0), ("sturct", "struct", 1), ("struct", "strct", 1), ("a", "abcd", 3), ("flag", "flags", 1)],
)
def test_distance(first: str, second: str, letters: int) -> None:
    assert distance(first, second) == distance(second, first) == letters


def test_listing_has_every_rule() -> None:
    assert re.findall(r"^VS\d{3}", listing(), re.MULTILINE) == list(rules())
