"""Defects as authors make them: other spellings of a defect are found, other spellings of what is right are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import Severity
from virtspec.linting import lint_spec

PORT = r"""\section{Port Device}\label{sec:Port Device}
\subsection{Feature bits}
\begin{description}
\item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
\end{description}
\subsection{Configuration}\label{sec:Port Device / Configuration}
\begin{lstlisting}
struct virtio_port_config {
        le32 rate;
        le32 burst_size;
        le64 name_count;
        u8 data[name_count];
};
#define VIRTIO_PORT_OPEN 1
\end{lstlisting}
The driver reads \field{rate}.
"""


def found(tmp_path: Path, text: str, level: Severity = Severity.WARNING) -> list[str]:
    """The findings about a small document with this text at its end."""
    path = tmp_path / "virtio.tex"
    path.write_text(PORT + text + "\n", "utf-8")
    return [f"{f.rule} {f.message}" for f in lint_spec(str(tmp_path)).findings if f.severity >= level]


def listing(text: str) -> str:
    return f"\\begin{{lstlisting}}\n{text}\n\\end{{lstlisting}}"


def codes(*rows: str) -> str:
    return "\\begin{tabular}{|l|l|}\n\\hline\n" + " \\\\\n".join(rows) + " \\\\\n\\hline\n\\end{tabular}"


SHIFTED = "VS203 'VIRTIO_PORT_QUEUE' shifts a 32-bit {} by {} bits; in C that has no defined value"
SAID = "VS206 'VIRTIO_PORT_OPEN' is said to be"
OUTSIDE = "VS406 'MUST' stands outside the sections of requirements"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (listing("#define VIRTIO_PORT_QUEUE (1 << 0x21)"), [SHIFTED.format("1", 33)]),
        (listing("#define VIRTIO_PORT_QUEUE (0x1 << 33)"), [SHIFTED.format("0x1", 33)]),
        (listing("#define VIRTIO_PORT_QUEUE ((1U) << (33))"), [SHIFTED.format("1", 33)]),
        (listing("#define VIRTIO_PORT_QUEUE (7 << 30)"), [SHIFTED.format("7", 30)]),
        (r"See struct~virtio_port_confg.", ["VS107 no listing defines 'struct virtio_port_confg'"]),
        ("The the driver reads it.", ["VS025 'the' stands twice"]),
        (r"The driver MUST~not do it.", ["VS405 'MUST not' is no requirement keyword", OUTSIDE]),
        (r"The driver MUST NOT not do it.", ["VS405 'MUST NOT not' negates twice", OUTSIDE]),
        ("A \\field{VIRTIO_PORT_OPEN} (0x3) comes.", [f"{SAID} 0x3, but is 0x1 at virtio.tex:14"]),
        ("A VIRTIO\\_PORT\\_OPEN~(3) comes.", [f"{SAID} 3, but is 1 at virtio.tex:14"]),
        (r"See \cref{sec:Port Device,sec:Port Devices}.", ["VS403 no label 'sec:Port Devices'"]),
        (r"See \vref{sec:Port Devices}.", ["VS403 no label 'sec:Port Devices'"]),
        (r"\field{rate} is 8\,bytes.", ["VS110 'rate' is said to have 8 bytes; in the listing it has 4"]),
        (
            codes("Code & Name", "0x1 & PORT_A", "0x2 & PORT_B", "0x3 - 0x7f & reserved", "0x9000 - 0xffff & reserved"),
            ["VS213 the table says nothing about 0x80 to 0x8fff"],
        ),
        (
            listing("struct virtio_port_names { le32 count; u8 names[2 * cuont]; };"),
            ["VS115 nothing says what 'cuont' is, the length of 'names'"],
        ),
        (
            listing("struct virtio_port_names { le32 count; u8 names[VIRTIO_PORT_MAX]; };"),
            ["VS115 nothing says what 'VIRTIO_PORT_MAX' is, the length of 'names'"],
        ),
        (
            "\\begin{lstlistng}\nu8 x;\n\\end{lstlisting}",
            ["VS005 '\\end{lstlisting}' closes nothing"],
        ),
        ("The driver MUST to do it.", [OUTSIDE, "VS409 'MUST to' lacks a verb, or has it in the wrong form"]),
        (
            listing("struct virtio_port_h {\n#define VIRTIO_PORT_HDR_A 1\n#define VIRTIO_PORT_HDR_B 1\n u8 flags; };"),
            ["VS250 code 0x1 is 'VIRTIO_PORT_HDR_B' here and 'VIRTIO_PORT_HDR_A' at virtio.tex:19"],
        ),
        # one defect is told once
        (
            "\\field{burst_size} is only valid if VIRTIO_PORT_F_BURST is negotiated.",
            ["VS205 'VIRTIO_PORT_F_BURST' is not defined"],
        ),
        (
            "\\begin{description}\n\\item[VIRTIO_PORT_F_RATE] Requires VIRTIO_PORT_F_RATES.\n\\end{description}",
            ["VS303 there is no feature 'VIRTIO_PORT_F_RATES'"],
        ),
    ],
)  # fmt: skip
def test_other_spellings_of_a_defect(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert found(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        listing("#define VIRTIO_PORT_QUEUE (1ULL << 33)"),
        listing("#define VIRTIO_PORT_QUEUE (1UL << 33)"),
        # a command in its class, and another family
        listing("#define VIRTIO_PORT_CTRL 0\n#define VIRTIO_PORT_CTRL_STOP 0"),
        listing("#define VIRTIO_PORT_STATE_UP 7\n\n#define VIRTIO_PORT_FLAG_UP 7"),
        listing("#define VIRTIO_PORT_LAST 7\n#define VIRTQ_FIRST 7"),
        listing("#define VIRTIO_PORT_QUEUE (1 << 31)\n#define VIRTIO_PORT_MASK (0xff << 24)"),
        "The driver sends a port Port events.",
        r"\subsection{Ties}\label{sec:Port~Device / Ties} See~\ref{sec:Port~Device / Ties}.",
        "As RFC 2119 says, MUST and SHOULD bind.",
        r"\newcommand{\must}{The driver MUST not.} \def\may{MAY not} \providecommand{\x}[1]{MUST not #1}",
        r"\field{rate} is 8 bytes aligned. \field{rate} is 8 bytes after the first. \field{rate} is 12 bytes from it.",
        listing("struct virtio_port_names { u8 names[2 * total]; };") + "\nThe device has \\field{total} names.",
        listing("struct virtio_port_names { u8 names[sizeof(struct virtio_port_config)]; };"),
        listing("struct virtio_port_names { u8 pad[ Padding ]; };"),
        # a table that is not read defines its names
        codes("Name & Meaning", "VIRTIO_PORT_A & code 0x1", "VIRTIO_PORT_B & code 0x2") + "\nIt sends VIRTIO_PORT_A.",
        # parts of a table that reserves nothing
        codes("Code & Name", "0x1 & PORT_A", "0x2 & PORT_B", "0x8000 & PORT_C"),
    ],
)  # fmt: skip
def test_other_spellings_of_what_is_right(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize("number", ["", " (TBD)", "(1", " (one)"])
def test_a_feature_without_a_number_is_one_finding(tmp_path: Path, number: str) -> None:
    text = (
        f"\\subsection{{Feature bits}}\n\\begin{{description}}\n\\item[VIRTIO_PORT_F_NAMES{number}] It has names.\n"
        "\\end{description}\nIf VIRTIO_PORT_F_NAMES is negotiated, so be it.\n"
        + listing("struct virtio_port_names { le32 names; /* only if VIRTIO_PORT_F_NAMES negotiated */ };")
    )
    assert found(tmp_path, text) == ["VS031 feature bit 'VIRTIO_PORT_F_NAMES' has no number"]


def test_what_the_device_has_to_bear_is_its_requirement(tmp_path: Path) -> None:
    section = "\\devicenormative{\\subsection}{Rates}{Port Device / Rates}"
    text = f"{section}\nWhatever the driver MAY send, the device MUST take."
    assert found(tmp_path, text) == []


def test_a_list_of_references_in_the_conformance_chapter(tmp_path: Path) -> None:
    text = (
        "\\devicenormative{\\subsection}{Rates}{Port Device / Rates}\nThe device MUST keep the rate.\n"
        "\\devicenormative{\\subsection}{Names}{Port Device / Names}\nThe device MUST keep the name.\n"
        "\\conformance{\\section}{Port Device Conformance}\n"
        "\\cref{devicenormative:Port Device / Rates, devicenormative:Port Device / Names}"
    )
    assert found(tmp_path, text) == []


def test_a_feature_is_not_offered_for_what_it_requires(tmp_path: Path) -> None:
    path = tmp_path / "virtio.tex"
    path.write_text(
        PORT + "\\begin{description}\n\\item[VIRTIO_PORT_F_RATE] Requires VIRTIO_PORT_F_GATE.\n\\end{description}\n",
        "utf-8",
    )
    (finding,) = (f for f in lint_spec(str(tmp_path)).findings if f.rule == "VS303")
    assert finding.hint == "" and finding.excerpt[finding.column - 1 :].startswith("VIRTIO_PORT_F_GATE")
