"""Truth from outside: the model of 1.4 against the Linux UAPI headers, by a compiler.

Whatever both know must agree in size, offset and value. `linux-differences.toml` names what Linux calls otherwise, and
gives the reason of each difference that is right; one without a reason fails, and so does a line that is not needed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from virtspec.drift import Drift, Verdict, compare, read_known
from virtspec.headers import HeaderFacts, read_headers
from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.pipeline import read_spec

HEADERS = Path("/usr/include/linux")
TABLE = Path(__file__).with_name("linux-differences.toml")


@pytest.fixture(scope="module")
def headers(compiler: str) -> HeaderFacts:
    names = sorted(path.name for path in HEADERS.glob("virtio_*.h"))
    if not names:
        pytest.skip("no Linux headers; on Debian: apt-get install linux-libc-dev")
    return read_headers([f"linux/{name}" for name in names], compiler=compiler)


@pytest.fixture(scope="module")
def spec(root: Path) -> Spec:
    return read_spec(str(root / "spec" / "models" / "virtio-1.4.json"))


@pytest.fixture(scope="module")
def drift(spec: Spec, headers: HeaderFacts) -> Drift:
    return compare(spec, Layouts(spec), headers, read_known(TABLE))


def test_every_difference_has_a_reason(drift: Drift) -> None:
    unexplained = [str(finding) for finding in drift.unexplained()]
    assert not unexplained, "\n".join(unexplained)


def test_the_release_before_agrees_as_well(root: Path, headers: HeaderFacts) -> None:
    spec = read_spec(str(root / "spec" / "models" / "virtio-1.3.json"))
    drift = compare(spec, Layouts(spec), headers, read_known(TABLE))
    assert not [str(finding) for finding in drift.unexplained()]


def test_every_line_of_the_table_is_needed(drift: Drift) -> None:
    assert not drift.stale, "\n".join(drift.stale)


def test_most_of_what_linux_has_is_compared(drift: Drift) -> None:
    """A comparison that silently compares nothing would agree, too."""
    compared = Counter(f.kind for f in drift.findings if f.verdict not in (Verdict.ONLY_SPEC, Verdict.ONLY_HEADER))
    assert compared["struct"] >= 140
    assert compared["member"] >= 580
    assert compared["constant"] >= 630
    assert compared["offset"] >= 26
    assert compared["device"] >= 21


def test_what_only_linux_has_is_listed(drift: Drift, headers: HeaderFacts) -> None:
    listed = {f.subject for f in drift.findings}
    assert headers.structs.keys() | headers.constants.keys() <= listed
