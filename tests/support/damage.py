"""Damage for texts and models: a few random edits, the same for the same seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from virtspec.source import MissingFile, SourceFile, decode, normalise

PIECES = (
    *"{}[]()\\%;,:&$#\"'*/=<>-_~^\n\t .0x9",
    *("struct ", "union {", "enum {", "};", "/*", "*/", "#define ", "\\begin{lstlisting}", "\\end{lstlisting}"),
    *("\\item[", "\\field{", "\\ref{", "\\section{", "\\label{", "\\input{", "\\begin{tabular}{|l|l|}", "\\\\ \\hline"),
    *(
        "0xFFFFFFFFFFFFFFFFFF",
        "(1 << 99999)",
        "[1 << 60]",
        "MUST not ",
        "VIRTIO_F_",
        "\u00cd",
        "\u2028",
        "\x00",
        "\ud7ff",
    ),
)

VALUES: tuple[Any, ...] = (
    *("", " ", "\n", "a b", "*/ stray();", '"""', "../../x", "__import__('os')", "class", "le32", "struct", "x" * 300),
    *(0, 1, -1, 5, 64, 1 << 31, 1 << 70, 1.5, None, True, (), {}, ("x",), {"a": 1}, {"rest": True}),
)


class OneFile:
    """A tree that holds one text."""

    def __init__(self, text: str) -> None:
        self.name = "variant"
        self.root = "variant.tex"
        self._text = text

    def read(self, path: str) -> SourceFile:
        if normalise(path) != self.root:
            raise MissingFile(f"no file '{path}'")
        return decode(self.root, self._text.encode("utf-8", "surrogatepass"))


def damaged(text: str, random_: random.Random) -> str:
    """A text with a few random edits; long ones are cut to a window, which is damage too."""
    if len(text) > 60_000:
        start = random_.randrange(len(text) - 60_000)
        text = text[start : start + 60_000]
    for _ in range(random_.choice((1, 1, 2, 5, 20))):
        start = random_.randrange(len(text) + 1)
        length = random_.choice((0, 1, 1, 2, 10, 200, 3000))
        match random_.randrange(5):
            case 0:
                text = text[:start] + text[start + length :]
            case 1:
                text = text[:start] + random_.choice(PIECES) * random_.choice((1, 1, 1, 40)) + text[start:]
            case 2:
                text = text[:start] + text[start : start + length] * 2 + text[start + length :]
            case 3:
                other = random_.randrange(len(text) + 1)
                text = text[:start] + text[other : other + length] + text[start:]
            case _:
                piece = list(text[start : start + length])
                random_.shuffle(piece)
                text = text[:start] + "".join(piece) + text[start + length :]
    return text


def damaged_document(document: Any, random_: random.Random) -> Any:
    """A JSON document with one value replaced or left out."""
    changed = copy.deepcopy(document)
    holder, key = random_.choice(list(_values(changed)))
    if random_.randrange(4):
        holder[key] = random_.choice(VALUES)
    else:
        del holder[key]
    return changed


def _values(node: Any) -> Iterator[tuple[Any, Any]]:
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield node, key
        yield from _values(value)
