"""The linter as its users meet it: the command, its formats, what it leaves out, and the patches it writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from virtspec.cli import main
from virtspec.diagnostics import Severity
from virtspec.linting import lint_spec
from virtspec.report.findings import Finding, with_fingerprints
from virtspec.report.github import findings_github
from virtspec.report.junit import findings_junit
from virtspec.report.sarif import findings_sarif

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CHAPTER = r"""\section{Port Device}\label{sec:Port Device}
\subsection{Feature bits}\label{sec:Port Device / Feature bits}
\begin{description}
\item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
\end{description}
\subsection{Configuration}
\begin{lstlisting}
struct virtio_port_config {
        le32 rate
        le32 burst_size;
};
#define VIRTIO_PORT_CMD_OPEN 1;
\end{lstlisting}
The driver reads \field{brust_size} after VIRTIO_PROT_CMD_OPEN.
\drivernormative{\subsubsection}{Configuration}{Port Device / Configuration}
The driver MUST not write to \field{rate}.
"""

REPAIRED = (
    CHAPTER.replace("rate\n        le32 burst", "rate;\n        le32 burst")
    .replace("OPEN 1;", "OPEN 1")
    .replace("brust", "burst")
    .replace("PROT_CMD", "PORT_CMD")
    .replace("MUST not", "MUST NOT")
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small specification in a directory."""
    directory = tmp_path / "spec"
    directory.mkdir()
    (directory / "virtio.tex").write_text("\\chapter{Device Types}\n\\input{port}\n", "utf-8")
    (directory / "port.tex").write_text(CHAPTER, "utf-8")
    return directory


@pytest.fixture
def repository(tree: Path) -> Path:
    """The same in a git repository."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "The specification")
    return tree


def git(directory: Path, *arguments: str) -> str:
    identity = {"NAME": "A U Thor", "EMAIL": "author@example.com"}
    environment = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in identity.items()}
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        env={**os.environ, **environment, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rules_of(path: Path) -> list[str]:
    return [f.rule for f in lint_spec(str(path)).findings if f.severity > Severity.NOTE]


def lint_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[dict[str, object]]:
    main(["lint", *map(str, arguments), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "virtspec.lint/1"
    findings: list[dict[str, object]] = document["findings"]
    return findings


# --- the command ------------------------------------------------------------------------------------------


def test_text_shows_place_line_caret_and_hint(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(tree)]) == 1
    output = capsys.readouterr().out
    assert (
        "port.tex:9:18: error: VS012 missing-semicolon: field 'rate' has no ';'\n"
        "  in struct virtio_port_config\n"
        "            le32 rate\n"
        "                     ^\n"
        "  hint: add ';' behind 'rate'\n"
    ) in output
    assert output.splitlines()[-1].startswith("3 errors, 2 warnings")


@pytest.mark.parametrize(("threshold", "code"), [("error", 0), ("warning", 1), ("note", 1)])
def test_fail_on(tmp_path: Path, threshold: str, code: int) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text("\\section{Rates}\nThe driver MUST read the rate.\n", "utf-8")
    assert main(["lint", str(chapter), "--fail-on", threshold]) == code


def test_nothing_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text("\\section{Rates}\n", "utf-8")
    assert main(["lint", str(chapter), "--fail-on", "note"]) == 0
    assert capsys.readouterr().out == "nothing found\n"


def test_unreadable_input_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(tmp_path / "absent")]) == 2
    (tmp_path / "model.json").write_text("{}", "utf-8")
    assert main(["lint", str(tmp_path / "model.json")]) == 2
    (tmp_path / "mail.txt").write_text("hello\n", "utf-8")
    assert main(["lint", str(tmp_path / "mail.txt")]) == 2
    assert capsys.readouterr().out == ""


def test_what_cannot_be_trusted_is_an_error_not_a_crash(tmp_path: Path) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text("\\begin{lstlisting}\nstruct a {\n\\end{lstlisting}\n", "utf-8")
    findings = lint_spec(str(chapter)).findings
    assert [(f.rule, f.severity) for f in findings if f.severity > Severity.NOTE] == [("VS019", Severity.ERROR)]


def test_structs_nested_through_one_another(tmp_path: Path) -> None:
    lines = [f"struct s{n} {{ struct s{n + 1} inner; }};" for n in range(4000)]
    chapter = tmp_path / "chapter.tex"
    chapter.write_text("\\begin{lstlisting}\n" + "\n".join([*lines, "struct s4000 { u8 a; };"]), "utf-8")
    chapter.write_text(chapter.read_text("utf-8") + "\n\\end{lstlisting}\n", "utf-8")
    assert "VS006" in rules_of(chapter) or "VS104" in rules_of(chapter)


def test_a_label_that_is_set_often_is_one_finding(tmp_path: Path) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text("\\section{Parts}\n" + "\\label{sec:Same}\n" * 5000, "utf-8")
    (finding,) = (f for f in lint_spec(str(chapter)).findings if f.rule == "VS404")
    assert finding.line == 3 and finding.message.endswith("again on lines 4, 5, 6, 7, 8, 9, 10, 11, …")


DIVIDED = r"""\chapter{Basics}
\section{Parts}
\begin{tabular}{|l|l|}
Code & Meaning \\
0x0 - 0xff & Common parts \\
0x100 - 0x1ff & Device type specific parts \\
\end{tabular}
\chapter{Device Types}
\section{Port Device}
\subsection{Device ID}
77
\subsection{Parts}
\begin{tabular}{|l|l|}
Code & Name \\
0x100 & PORT_PART_RATE \\
0x20 & PORT_PART_NAME \\
\end{tabular}
\subsubsection{PORT_PART_RATE}
\begin{tabular}{|l|l|}
Unit & Name \\
0x1 & PORT_RATE_BITS \\
0x2 & PORT_RATE_BYTES \\
\end{tabular}
"""


def test_codes_of_a_device_in_the_range_of_all_devices(tmp_path: Path) -> None:
    (tmp_path / "virtio.tex").write_text("\\input{parts}\n\\input{port}\n", "utf-8")
    parts, _, port = DIVIDED.partition("\\chapter{Device Types}")
    (tmp_path / "parts.tex").write_text(parts, "utf-8")
    (tmp_path / "port.tex").write_text("\\chapter{Device Types}" + port, "utf-8")
    findings = lint_spec(str(tmp_path)).findings
    assert [f.message for f in findings if f.rule == "VS214"] == [
        "0x20 'PORT_PART_NAME' is in a range that parts.tex:3 keeps for all devices"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\\subsection{Feature bits}\n\\begin{description}\n\\item[VIRTIO"
        + "_F" * 30_000
        + "!] x\n\\end{description}\n",
        "\\section{Feature Bits}\n\\begin{description}\n\\item[" + "1" * 60_000 + "x] for\n\\end{description}\n",
        "AB" + "_AB" * 300_000 + "_x",
        "\\begin{comment}\n" * 5_000,
        "\n".join(f"VIRTIO_PORT_{n}_OPEN\n\n\\field{{rate_{n}}}" for n in range(3_000)),
        "\n".join(f"\\ref{{sec:Port / {n}}}" for n in range(5_000)),
        "\\begin{description}\n"
        + "\n".join(f"\\item[VIRTIO_F_A{n}] Requires VIRTIO_F_A{n + 1}." for n in range(2_000))
        + "\\end{description}\n",
        "\\drivernormative{\\section}{R}{R}\n" + "The device MUST not contains it " * 5_000,
        "\\field{x} " + " " * 200_000 + "of",
        "{" * 50_000,
        "word " * 30_000,
    ],
    ids=[
        "features",
        "bits",
        "name",
        "comments",
        "names",
        "references",
        "requires",
        "keywords",
        "blanks",
        "braces",
        "words",
    ],
)
def test_hostile_text_takes_a_bounded_time(tmp_path: Path, text: str) -> None:
    (tmp_path / "virtio.tex").write_text(
        "\\chapter{Port}\\label{sec:Port}\n\\begin{lstlisting}\nstruct a { le32 rate_x; };\n\\end{lstlisting}\n" + text,
        "utf-8",
    )
    started = time.process_time()
    lint_spec(str(tmp_path))
    assert time.process_time() - started < 10


def test_commands_without_their_arguments(tmp_path: Path) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text(
        "\\section{\\href}\n\\section{\\hyperref{} \\multirow}\n\\section{\\href{x} \\textbf}\n", "utf-8"
    )
    assert rules_of(chapter) == []


def test_a_name_that_nothing_resembles_is_found_in_a_whole_document_only(tmp_path: Path) -> None:
    text = "\\chapter{Ports}\nThe driver sends VIRTIO_PORT_CMD_OPEN.\n"
    (tmp_path / "virtio.tex").write_text(text, "utf-8")
    (tmp_path / "chapter.tex").write_text(text, "utf-8")
    assert rules_of(tmp_path) == ["VS205"]
    assert rules_of(tmp_path / "chapter.tex") == []


def test_former_names_and_families_of_names_are_no_defects(tmp_path: Path) -> None:
    (tmp_path / "virtio.tex").write_text(
        "\\begin{lstlisting}\n#define VIRTIO_PORT_OPEN 1\n\\end{lstlisting}\n"
        "The constant VIRTIO_PORT_OPEN was previously called VIRTIO_PORT_START.\n\n"
        "All of VIRTIO_PORT_* and VIRTIO_PORT_XXX are 16 bits wide.\n\n"
        "% VIRTIO_PORT_GONE stands in a comment\n",
        "utf-8",
    )
    assert rules_of(tmp_path) == []


# --- formats ----------------------------------------------------------------------------------------------


def test_a_small_letter_in_a_constant(tmp_path: Path) -> None:
    (tmp_path / "a.tex").write_text(
        "\\begin{lstlisting}\n#define PORT_STATUS 1\n#define PORT_TYPE_IPv4 2\n\\end{lstlisting}\n"
        "PORT_STAtUS and PORT\\_STATUs, but PORT_STATUS, PORT_TYPE_IPv4 and PORT_Other.\n",
        "utf-8",
    )
    found = [(f.message, f.hint) for f in lint_spec(str(tmp_path / "a.tex")).findings if f.rule == "VS205"]
    assert found == [
        ("'PORT_STAtUS' is not defined", "did you mean 'PORT_STATUS'?"),
        ("'PORT_STATUs' is not defined", "did you mean 'PORT_STATUS'?"),
    ]


def test_json_is_complete_and_the_same_every_time(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for _ in range(2):
        main(["lint", str(tree), "--format", "json"])
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    document = json.loads(outputs[0])
    keys = ["rule", "name", "severity", "file", "line", "column", "subject", "message", "hint", "fingerprint"]
    assert all(list(finding) == keys for finding in document["findings"])
    assert {f["rule"] for f in document["findings"]} >= {"VS012", "VS018", "VS205", "VS223", "VS405"}
    assert document["coverage"]["listings"] == {"total": 1, "read": 1, "opaque": 0}


def conforms(text: str) -> dict[str, Any]:
    """The run of a SARIF log that keeps what the schema asks for, and what only the standard's text does: ids of rules
    are unique, an index is that of the rule, what is relative to a base is a relative reference."""
    log: dict[str, Any] = json.loads(text)
    schema = json.loads((Path(__file__).parent / "lint" / "sarif-2.1.0-subset.schema.json").read_text("utf-8"))
    jsonschema.validate(log, schema)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for base in run["originalUriBaseIds"].values():
        assert base.get("uri", "/").endswith("/")
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"].strip() and result["partialFingerprints"]["virtspec/v1"]
        for location in result["locations"]:
            artifact = location["physicalLocation"]["artifactLocation"]
            assert artifact["uriBaseId"] in run["originalUriBaseIds"]
            uri = urlsplit(artifact["uri"])
            assert uri.path and (uri.scheme, uri.netloc, uri.query, uri.fragment) == ("", "", "", "")
            assert not uri.path.startswith("/") and ".." not in uri.path.split("/")
    return run  # type: ignore[no-any-return]


def test_sarif_conforms_to_its_standard(root: Path, tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lint", str(tree), "--format", "sarif"])
    assert conforms(capsys.readouterr().out)["results"]
    models = [str(root / "spec" / "models" / f"virtio-{edition}.json") for edition in ("1.3", "1.4")]
    main(["diff", *models, "--format", "sarif"])
    assert len(conforms(capsys.readouterr().out)["results"]) > 100
    main(["lint", str(root / "docs" / "examples" / "lamp.tex"), "--level", "error", "--format", "sarif"])
    assert conforms(capsys.readouterr().out)["results"] == []


def test_sarif_escapes_paths_and_keeps_findings_without_a_line() -> None:
    finding = Finding(rule="VS006", name="too-deep", severity=Severity.ERROR, file="a b%.tex", line=0, message="m")
    result = json.loads(findings_sarif([finding], []))["runs"][0]["results"][0]
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%20b%25.tex"
    assert "region" not in location and "ruleIndex" not in result


def test_github_escapes_what_would_end_a_command() -> None:
    finding = Finding(
        rule="VS012",
        name="missing-semicolon",
        severity=Severity.WARNING,
        file="a,b:c.tex",
        line=3,
        column=4,
        message="50%\n::error::no",
    )
    assert findings_github([finding]) == (
        "::warning file=a%2Cb%3Ac.tex,line=3,col=4,title=VS012 missing-semicolon::50%25%0A::error::no\n"
    )


def test_junit_is_xml_and_counts(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lint", str(tree), "--format", "junit"])
    suites = ET.fromstring(capsys.readouterr().out)
    cases = suites.findall("./testsuite/testcase")
    assert int(suites.attrib["tests"]) == len(cases)
    assert int(suites.attrib["failures"]) == len(suites.findall(".//failure")) == 3
    assert int(suites.attrib["skipped"]) == len(suites.findall(".//skipped"))


def test_junit_survives_what_xml_forbids() -> None:
    finding = Finding(rule="VS012", name="n", severity=Severity.ERROR, file="f", line=1, message='\x00<&">\ud800')
    suites = ET.fromstring(findings_junit([finding], Severity.ERROR).encode("utf-8", "replace"))
    assert suites.find(".//failure") is not None
    assert ET.fromstring(findings_junit([], Severity.ERROR)).attrib["tests"] == "1"


def test_terminal_is_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_text("\\section{A\x1b[31m}\nThe driver MUST read \x1b[2J it.\n", "utf-8")
    main(["lint", str(chapter)])
    assert "\x1b" not in capsys.readouterr().out


# --- what is left out -------------------------------------------------------------------------------------


def test_fingerprint_does_not_depend_on_the_line() -> None:
    def finding(line: int, message: str) -> Finding:
        return Finding(rule="VS101", name="n", severity=Severity.ERROR, file="f.tex", line=line, message=message)

    here, there = (
        with_fingerprints([finding(line, f"defined differently at f.tex:{line}, again on lines 7, {line}")])[0]
        for line in (3, 300)
    )
    assert here.fingerprint == there.fingerprint
    first, second = with_fingerprints([finding(1, "m"), finding(2, "m")])
    assert first.fingerprint != second.fingerprint


def test_baseline(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["lint", str(tree), "--format", "json"])
    baseline = tmp_path / "baseline.json"
    baseline.write_text(capsys.readouterr().out, "utf-8")
    assert main(["lint", str(tree), "--baseline", str(baseline)]) == 0
    assert capsys.readouterr().out == "nothing found\n"
    # lines move, a defect goes, another one comes
    chapter = tree / "port.tex"
    chapter.write_text("% a line\n% another\n" + CHAPTER.replace("brust", "burst") + "It MUST not be 0.\n", "utf-8")
    assert main(["lint", str(tree), "--baseline", str(baseline)]) == 1
    done = capsys.readouterr()
    assert "port.tex:19:4: error: VS405" in done.out
    assert done.out.count(" error: ") + done.out.count(" warning: ") == 1
    assert "stale: is not found any more: port.tex: VS223 unknown-field" in done.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "virtspec.lint/1", "findings": [{}]}', "[" * 100_000])
def test_bad_baseline(tree: Path, tmp_path: Path, text: str) -> None:
    baseline = tmp_path / "baseline.json"
    baseline.write_text(text, "utf-8")
    assert main(["lint", str(tree), "--baseline", str(baseline)]) == 2


def test_suppressions(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "suppressions.toml"
    path.write_text(
        '[[suppress]]\nrule = "VS405"\nfile = "port*"\nreason = "the wording is under ballot"\n'
        '[[suppress]]\nrule = "VS014"\nreason = "nothing of the kind"\n'
        '[[suppress]]\nrule = "VD101"\nreason = "for comparisons"\n',
        "utf-8",
    )
    main(["lint", str(tree), "--suppressions", str(path)])
    done = capsys.readouterr()
    assert "VS405" not in done.out and "VS012" in done.out
    assert "VD101" not in done.err and "1 set aside" in done.err and "VS014 (nothing of the kind)" in done.err


def test_what_another_option_leaves_out_is_not_stale(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["lint", str(repository), "--format", "json"])
    baseline = tmp_path / "baseline.json"
    baseline.write_text(capsys.readouterr().out, "utf-8")
    path = tmp_path / "suppressions.toml"
    path.write_text('[[suppress]]\nrule = "VS405"\nreason = "the wording is under ballot"\n', "utf-8")
    everything = ["--since", "main", "--suppressions", str(path), "--baseline", str(baseline)]
    for options in (everything, everything[2:], everything[:4]):
        assert main(["lint", str(repository), *options]) == 0
        done = capsys.readouterr()
        assert "stale" not in done.err, options
        assert done.out == "nothing found\n", options


@pytest.mark.parametrize(
    "text",
    [
        '[[suppress]]\nrule = "VS405"\n',
        '[[suppress]]\nrule = "VS405"\nreason = " "\n',
        '[[suppress]]\nrule = "XY001"\nreason = "r"\n',
        '[[suppress]]\nrule = "VS999"\nreason = "r"\n',
        '[[suppress]]\nfile = "*"\nreason = "r"\n',
        '[[suppress]]\nrule = "VS405"\nreason = "r"\nline = "3"\n',
        "[[suppress]]\nrule = 405\n",
        "suppress = 3\n",
        "other = 3\n",
        "[[",
    ],
)
def test_bad_suppressions(tree: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "suppressions.toml"
    path.write_text(text, "utf-8")
    assert main(["lint", str(tree), "--suppressions", str(path)]) == 2


def test_since(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(repository), "--since", "main"]) == 0
    chapter = repository / "port.tex"
    # an equal defect before the known one: the new line is reported, not the old one
    chapter.write_text(CHAPTER.replace("The driver MUST not", "It MUST not stop.\nThe driver MUST not"), "utf-8")
    capsys.readouterr()
    found = lint_json(capsys, repository, "--since", "main")
    assert [(f["rule"], f["line"]) for f in found] == [("VS405", 16)]
    assert lint_json(capsys, chapter, "--since", "main") == found
    assert main(["lint", str(repository), "--since", "no-such-revision"]) == 2
    new = repository / "new.tex"
    new.write_text("\\section{New}\nThe driver MUST read.\n", "utf-8")
    capsys.readouterr()
    assert [f["rule"] for f in lint_json(capsys, new, "--since", "main")] == ["VS406"]


def test_since_a_chapter_was_split(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = repository / "port.tex"
    before, found, behind = CHAPTER.partition("The driver MUST not")
    (repository / "rest.tex").write_text(found + behind, "utf-8")
    chapter.write_text(f"{before}\n\\input{{rest.tex}}\n", "utf-8")
    assert lint_json(capsys, repository, "--since", "main") == []
    # what is added beside it is new, in whichever of the files
    chapter.write_text(f"{before}It MUST not stop.\n\\input{{rest.tex}}\n", "utf-8")
    assert [f["file"] for f in lint_json(capsys, repository, "--since", "main")] == ["port.tex"]


def test_a_requirement_in_a_file_of_its_own(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that begins without a heading goes on with the section in which it is included."""
    before, found, behind = REPAIRED.partition("The driver MUST NOT")
    (tree / "rest.tex").write_text(found + behind, "utf-8")
    (tree / "port.tex").write_text(f"{before}\n\\input{{rest.tex}}\n", "utf-8")
    rules = [f["rule"] for f in lint_json(capsys, tree)]
    assert "VS406" not in rules and "VS410" not in rules  # neither outside the requirements, nor is their section empty


# --- repairs ----------------------------------------------------------------------------------------------


def test_fix_applies_with_git_am(repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch = tmp_path / "repairs.patch"
    main(["lint", str(repository), "--fix", str(patch)])
    assert "5 of" in capsys.readouterr().err
    git(repository, "am", "-q", str(patch))
    assert (repository / "port.tex").read_text("utf-8") == REPAIRED
    assert "Repair 5 mechanical defects" in git(repository, "log", "-1", "--format=%s")
    main(["lint", str(repository), "--fix", "-"])
    assert capsys.readouterr().out == ""


def test_fix_of_a_file_without_a_last_newline(repository: Path, tmp_path: Path) -> None:
    text = "\\section{Rates}\n\\drivernormative{\\subsection}{R}{R}\nIt MUST not stop."
    (repository / "port.tex").write_text(text, "utf-8")
    git(repository, "commit", "-q", "-am", "No newline")
    patch = tmp_path / "repairs.patch"
    main(["lint", str(repository), "--fix", str(patch)])
    git(repository, "am", "-q", str(patch))
    assert (repository / "port.tex").read_text("utf-8") == text.replace("not", "NOT")


def test_fix_leaves_out_what_is_not_certain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = tmp_path / "chapter.tex"
    # what follows on the line may be a second member, or a type that was written twice
    chapter.write_text("\\begin{lstlisting}\nstruct a_b {\n    le16 x le16 y;\n};\n\\end{lstlisting}\n", "utf-8")
    assert main(["lint", str(chapter), "--fix", "-"]) == 0
    assert capsys.readouterr().out == ""


def test_fix_leaves_out_what_would_bring_a_new_defect(tmp_path: Path) -> None:
    from virtspec.lint.fix import verified
    from virtspec.lint.registry import Edit
    from virtspec.source import SourceFile

    good, bad = SourceFile("good.tex", "a b"), SourceFile("bad.tex", "a b")
    finding = Finding(rule="VS012", name="n", severity=Severity.ERROR, file="good.tex", line=1, message="m")
    worse = Finding(rule="VS011", name="n", severity=Severity.ERROR, file="bad.tex", line=1, message="m")
    repairs = [(finding, (Edit(file=file, start=1, end=1, text=";"),)) for file in (good, bad)]
    texts, repaired = verified(repairs, lambda changed: [worse] if "bad.tex" in changed else [])
    assert texts == {"good.tex": "a; b"} and repaired == (finding,)


def test_fix_does_not_touch_files_with_cr_lf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chapter = tmp_path / "chapter.tex"
    chapter.write_bytes(CHAPTER.replace("\n", "\r\n").encode())
    main(["lint", str(chapter), "--fix", "-"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("damage", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: b"\xef\xbb\xbf" + data])
@pytest.mark.parametrize("committed", [False, True])
def test_fix_makes_no_patch_that_does_not_apply(
    tree: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes], committed: bool
) -> None:
    (tree / "port.tex").write_bytes(damage((tree / "port.tex").read_bytes()))
    spec = str(tree)
    if committed:
        git(tree, "init", "-q", "-b", "main")
        git(tree, "add", ".")
        git(tree, "commit", "-q", "-m", "The specification")
        spec += "@main"
    assert main(["lint", spec, "--fix", "-"]) == 0
    assert capsys.readouterr().out == ""


def test_fix_of_a_commit_applies(repository: Path, tmp_path: Path) -> None:
    main(["lint", f"{repository}@main", "--fix", str(tmp_path / "fix.patch")])
    git(repository, "am", "-q", str(tmp_path / "fix.patch"))


def test_names_of_files_do_not_control_a_terminal(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "port.tex").rename(tree / "po\x1b[31mrt.tex")
    (tree / "virtio.tex").write_text("\\chapter{Device Types}\n\\input{po\x1b[31mrt}\n")
    assert main(["lint", str(tree)]) == 1
    output = capsys.readouterr()
    assert "[31mrt.tex:9:18: error" in output.out and "\x1b" not in output.out + output.err
    (tree / "po\x1b[31mrt.tex").write_bytes(b"\xff")
    main(["diff", str(tree), str(tree)])
    output = capsys.readouterr()
    assert "[31mrt.tex" in output.err and "\x1b" not in output.out + output.err


def test_since_with_a_mark_in_the_revision(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repository, "tag", "a@b")
    assert lint_json(capsys, f"{repository}@a@b", "--since", "main") == []


def test_a_mail_with_broken_lines_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patch = "Subject: it\nFrom: her\n\n--- /dev/null\n+++ b/new.tex\n@@ -0,0 +1 @@\n+\\section{New\nDevice}\n"
    (tmp_path / "it.txt").write_text(patch.replace("+1 @@", "+1,2 @@") + "+Words.\n")
    main(["lint", str(tmp_path / "it.txt")])
    assert "is no line of a hunk" in capsys.readouterr().err


# --- patches by mail --------------------------------------------------------------------------------------


def test_a_reply_that_quotes_a_patch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = CHAPTER.splitlines()
    patch = [
        "diff --git a/port.tex b/port.tex",
        "new file mode 100644",
        "index 0000000..5611382",
        "--- /dev/null",
        "+++ b/port.tex",
        f"@@ -0,0 +1,{len(lines)} @@",
        *(f"+{line}" for line in lines),
    ]
    quoted = [f"> {line}" for line in patch]
    quoted[12:12] = ["", "Is this enough?", ""]
    mail = tmp_path / "reply.txt"
    mail.write_text("\n".join(["Subject: Re: [PATCH] Ports", "", "On Monday, A U Thor wrote:", *quoted]), "utf-8")
    direct = tmp_path / "port.tex"
    direct.write_text(CHAPTER, "utf-8")
    assert lint_json(capsys, mail) == lint_json(capsys, direct)


def test_the_message_this_started_from(releases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = releases.parent / "seed" / "device-context-v1-review.txt"
    if not message.is_file():
        pytest.skip("the message is not here")
    found = {(f["rule"], f["line"]) for f in lint_json(capsys, message) if f["severity"] != "note"}
    # damaged semicolons, one tag for two structs, an undefined struct, a value bound to another section's struct
    assert {("VS016", 93), ("VS016", 94), ("VS016", 95), ("VS101", 89), ("VS251", 72), ("VS413", 50)} <= found
    assert found & {("VS222", 126), ("VS252", 127)}
    assert not {line for rule, line in found if rule == "VS403"}


# --- the releases -----------------------------------------------------------------------------------------


def test_known_defects_of_1_4_are_found(releases: Path) -> None:
    findings = lint_spec(str(releases / "v1.4")).findings
    found = {(f.rule, f.file, f.line) for f in findings if f.severity > Severity.NOTE}
    net, crypto = "device-types/net/description.tex", "device-types/crypto/description.tex"
    assert found >= {
        ("VS012", net, 621),
        ("VS013", "packed-ring.tex", 440),
        ("VS014", "admin.tex", 256),
        ("VS018", "device-types/gpu/description.tex", 732),
        ("VS024", "device-types/gpu/description.tex", 531),
        ("VS112", net, 3313),
        ("VS201", net, 2282),
        ("VS202", crypto, 430),
        ("VS203", net, 2489),
        ("VS205", net, 3669),
        ("VS206", "admin-cmds-resource-objects.tex", 148),
        ("VS206", "admin-cmds-resource-objects.tex", 173),
        ("VS212", "admin.tex", 149),
        ("VS213", "admin.tex", 162),
        ("VS214", "device-parts.tex", 109),
        ("VS205", "admin-cmds-device-parts.tex", 437),
        ("VS222", "admin-cmds-legacy-interface.tex", 133),
        ("VS225", crypto, 1581),
        ("VS223", "device-types/blk/description.tex", 619),
        ("VS251", net, 3182),
        ("VS301", net, 200),
        ("VS302", "content.tex", 931),
        ("VS401", "content.tex", 642),
        ("VS405", "admin.tex", 410),
        ("VS412", "device-types/scsi/description.tex", 133),
    }


def test_findings_of_1_4_are_few_and_for_the_most_part_judged(releases: Path) -> None:
    """The findings at warning and error of 1.4 were judged one by one; a rule that finds many more needs a look."""
    findings = lint_spec(str(releases / "v1.4")).findings
    assert 180 <= sum(f.severity > Severity.NOTE for f in findings) <= 260
