"""Nothing is dropped in silence: what the tallies count is held against counts that know nothing of the reader."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from virtspec.model import Spec
from virtspec.pipeline import read_spec

EDITIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")

INPUT = re.compile(r"\\input\s*\{([^{}]*)\}")
COMMENT = re.compile(r"(?<!\\)%[^\n]*")
LISTING = re.compile(r"\\begin\{lstlisting\}.*?\\end\{lstlisting\}|\\begin\{verbatim\}.*?\\end\{verbatim\}", re.DOTALL)


def joined(root: Path, path: str = "virtio.tex", *, seen: frozenset[str] = frozenset()) -> str:
    """A whole document as one text, comments gone outside listings, in the order of its inputs."""
    text = (root / path).read_text("utf-8")
    out: list[str] = []
    position = 0
    for listing in [*LISTING.finditer(text), None]:
        end = listing.start() if listing else len(text)
        plain = COMMENT.sub("", text[position:end])
        for index, part in enumerate(INPUT.split(plain)):
            name = f"{part.strip().removesuffix('.tex')}.tex" if index % 2 else ""
            if name and (root / name).is_file() and name not in seen:
                out.append(joined(root, name, seen=seen | {path}))
            elif not name:
                out.append(part)
        if listing:
            out.append(listing[0])
            position = listing.end()
    return "".join(out)


@pytest.fixture(scope="module", params=EDITIONS)
def edition(request: pytest.FixtureRequest, releases: Path) -> tuple[str, Spec]:
    root = releases / f"v{request.param}"
    return joined(root), read_spec(str(root))


def outside_listings(text: str) -> str:
    return LISTING.sub("", text)


def test_listings(edition: tuple[str, Spec]) -> None:
    text, spec = edition
    tally = dict(spec.coverage.tallies)["listings"]
    there = len(re.findall(r"\\begin\{lstlisting\}", text))
    missing = sum(s.what == "listing" and "is not there" in s.reason for s in spec.coverage.skipped)
    there += len(re.findall(r"\\lstinputlisting", outside_listings(text))) - missing
    assert tally.total == there
    opaque = [
        s for s in spec.coverage.skipped if s.what == "listing" and not s.reason.startswith(("in part", "'", "a "))
    ]
    assert tally.opaque == len(opaque)


def test_tables(edition: tuple[str, Spec]) -> None:
    text, spec = edition
    tally = dict(spec.coverage.tallies)["tables"]
    assert tally.total == len(re.findall(r"\\begin\{(?:tabularx?|longtable|supertabular)\*?\}", outside_listings(text)))
    assert tally.opaque == sum(s.what == "table" and not s.reason.startswith("in part") for s in spec.coverage.skipped)


def test_feature_bits(edition: tuple[str, Spec]) -> None:
    text, spec = edition
    items = re.findall(r"\\item\s*\[?\s*([A-Z0-9_]+_F_[A-Z0-9_]+)\s*\(\s*\d+\s*\)", outside_listings(text))
    assert {f.name for f in spec.features if "_F_" in f.name} == set(items)


def test_requirements(edition: tuple[str, Spec]) -> None:
    text, spec = edition
    stated = set(re.findall(r"\\item\s*\[([A-Z0-9_]+_F_[A-Z0-9_]+)\]\s*Requires\s", outside_listings(text)))
    assert stated <= {f.name for f in spec.features if f.requires is not None} | {
        s.reason.split()[1].rstrip(",") for s in spec.coverage.skipped if s.what == "requirement"
    }


def test_normative_sections(edition: tuple[str, Spec]) -> None:
    """Every normative section with a keyword has a clause, and there are as many sentences as paragraphs of them."""
    text, spec = edition
    heads = re.compile(r"\\(driver|device)normative\s*\{\\[a-z]+\}\s*\{[^{}]*\}\s*\{([^{}]*)\}")
    sections = Counter[str]()
    plain = outside_listings(text)
    for match in heads.finditer(plain):
        following = re.compile(r"\\(?:sub)*(?:section|paragraph)\b|\\(?:driver|device)normative\b|\\chapter\b").search(
            plain, match.end()
        )
        body = plain[match.end() : following.start() if following else len(plain)]
        if re.search(r"\b(?:MUST|SHOULD|SHALL|MAY)\b", body):
            sections[f"{match[1]}normative:{' '.join(match[2].split())}"] += 1
    found = {c.section for c in spec.clauses}
    assert set(sections) <= found, sorted(set(sections) - found)


def test_every_kind_is_counted(edition: tuple[str, Spec]) -> None:
    _, spec = edition
    tallies = dict(spec.coverage.tallies)
    assert {"listings", "tables", "items", "bindings", "conditions", "requirements", "clauses", "annotations"} <= set(
        tallies
    )
    skipped = Counter(s.what for s in spec.coverage.skipped)
    for what in ("binding", "condition", "requirement", "clause", "annotation", "item", "table"):
        assert tallies[f"{what}s"].opaque == skipped[what], what
    assert tallies["clauses"].read == len(spec.clauses)
    assert all(t.total == t.read + t.opaque for t in tallies.values())
    assert all(s.reason for s in spec.coverage.skipped)


def test_the_latest_release(releases: Path) -> None:
    """The orders of magnitude that a person counted."""
    spec = read_spec(str(releases / "v1.4"))
    tallies = dict(spec.coverage.tallies)
    assert 1450 <= sum(c.section.startswith(("drivernormative:", "devicenormative:")) for c in spec.clauses) <= 1600
    assert len({c.section for c in spec.clauses if "normative:" in c.section}) > 290
    assert tallies["requirements"].read >= 32
    assert tallies["bindings"].read >= 120
    assert tallies["conditions"].opaque <= 5
    assert len(spec.registries) > 120
