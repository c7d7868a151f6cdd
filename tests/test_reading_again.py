"""What revisions share is read once: a reading in a process that has read others says the same as one in a new one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from virtspec import model_json
from virtspec.diagnostics import Sink, render_all
from virtspec.latex.text import plain_text
from virtspec.pipeline import read_spec

FILES = {
    "virtio.tex": "\\chapter{Basic Facilities of a Virtio Device}\n\\input{words.tex}\n\\chapter{Device Types}\n"
    "\\input{device-types/toy/description.tex}\n\\input{device-types/other/description.tex}\n",
    "words.tex": "\\drivernormative{\\section}{Words}{Words}\n"
    "The driver MUST read this. See \\field{mode} and VIRTIO_TOY_F_MODE.\n",
    "device-types/toy/description.tex": "\\section{Toy Device}\\label{sec:Toy}\n"
    "\\subsection{Feature bits}\n\\begin{description}\n\\item[VIRTIO_TOY_F_MODE (1)] \\field{mode} is valid.\n"
    "\\input{device-types/toy/more.tex}\n\\end{description}\n"
    "\\subsection{Device configuration layout}\n\\begin{lstlisting}\n#define VIRTIO_TOY_N 4\n"
    "struct virtio_toy_config {\n        le32 mode;\n        u8 names[VIRTIO_TOY_N];\n"
    "        le16 x\n};\n\\end{lstlisting}\n"
    "\\drivernormative{\\subsection}{Toy}{Toy}\nThe driver MUST NOT write \\field{mode}.\n",
    "device-types/toy/more.tex": "\\item[VIRTIO_TOY_F_MORE (2)] Requires VIRTIO_TOY_F_MODE.\n",
    "device-types/other/description.tex": "\\section{Other Device}\n\\begin{lstlisting}\nstruct virtio_other {\n"
    "        struct virtio_toy_config toy;\n        u8 data[VIRTIO_TOY_N];\n};\n\\end{lstlisting}\n",
}

EDITS = (
    ("words.tex", "read this", "read this, and that"),
    ("words.tex", "The driver", "\n\nThe driver"),
    ("device-types/toy/description.tex", "VIRTIO_TOY_N 4", "VIRTIO_TOY_N 6"),  # a constant that another file uses
    ("device-types/toy/description.tex", "struct virtio_toy_config", "struct virtio_toy_conf"),  # a tag, too
    ("device-types/toy/description.tex", "\\section{Toy Device}", "\\section{Game Device}"),  # a section around a file
    ("device-types/toy/more.tex", "(2)", "(3)"),  # a list that goes through two files
    ("device-types/toy/description.tex", "\\end{description}\n", ""),
    ("virtio.tex", "\\chapter{Device Types}", "\\chapter{Devices}"),
    ("virtio.tex", "\\input{words.tex}", "\\input{words.tex}\n\\input{words.tex}"),
    ("device-types/other/description.tex", "\\begin{lstlisting}", "\\lstset{escapechar=|}\n\\begin{lstlisting}"),
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def said(tree: Path) -> tuple[str, str]:
    sink = Sink()
    return model_json.dump(read_spec(str(tree), sink)), render_all(sink.in_order())


def forget() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("virtspec"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def test_a_reading_after_others_says_the_same(tree: Path) -> None:
    seen = {said(tree)}
    for name, old, new in EDITS:
        path = tree / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        after_others = said(tree)
        forget()
        assert after_others == said(tree), f"{new!r} in {name}"
        seen.add(after_others)
    assert len(seen) == len(EDITS) - 2  # three edits change nothing that the model has


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("$16 * $(Queue Size)", "16 *(Queue Size)"),
        ("a $ x + y $ b", "a x + y b"),
        ("\\$5 and \\$6", "$5 and $6"),
        ("see \\url{http://a/b?c=d&e=f#g_h}", "see http://a/b?c=d&e=f#g_h"),
        ("\\multirow{3}{*}{\\ldots}", "…"),
    ],
)
def test_formulas_and_addresses_are_plain_text(fragment: str, text: str) -> None:
    assert plain_text(fragment) == text
