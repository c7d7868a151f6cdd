"""Small fragments of LaTeX as plain text: titles, table cells, item labels. The only importer of pylatexenc.

Most fragments hold nothing but the handful of commands below and are done with one regular expression; the others go
through pylatexenc, which is imported at the first of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text

_SPECIAL = re.compile(r"[\\{}$~%&^#`'-](?:(?<![`'-])|(?<=`)`|(?<=')'|(?<=-)-)")
_SIMPLE = re.compile(
    r"\\(?:field|emph|textbf|textit|texttt|mbox|text|underline)\{(?P<kept>[^{}\\$%&^#]*)\}"
    r"|\\url\{(?P<address>[^{}\\]*)\}"
    r"|\\multirow\{[^{}]*\}\{[^{}]*\}\{(?P<spanning>[^{}\\$%&^#]*)\}"
    r"|(?<!\\)\$(?P<formula>[\w\s+*/()=.,<>-]+)\$"
    r"|\\hyperref\[[^\]]*\]\{(?P<shown>(?:[^{}\\$~%&^#]|\\_)*)\}"
    r"|\\(?:label|index|ref|nameref|pageref)\{[^{}]*\}"
    r"|\\phantomsection(?![A-Za-z])(?:\{\})?"
    r"|\\(?P<escaped>[_%&#${}])"
    r"|(?P<blank>~|\\[ ,]|\\newline(?![A-Za-z]))"
    r"|(?P<dots>\\ldots(?:\{\}|(?![A-Za-z]))|\\dots(?:\{\}|(?![A-Za-z])))"
    r"|(?P<quote>``|'')"
    r"|(?P<dash>---?)"
)

MAX_FRAGMENT = 20_000
"""The longest fragment, in characters, that is converted; a longer one is no title, cell or label."""

MAX_NESTING = 3
"""How deep simple commands may stand in one another; deeper ones are left to pylatexenc."""

MAX_BRACES = 200
"""The most groups that a fragment may have to be converted; pylatexenc descends into each."""


@lru_cache(maxsize=16384)
def plain_text(fragment: str) -> str:
    """A fragment of LaTeX as plain text on one line."""
    if _SPECIAL.search(fragment) is None:
        return " ".join(fragment.split())
    text = _SIMPLE.sub(_simple, fragment)
    for _ in range(MAX_NESTING):
        if "\\" not in text or (done := _SIMPLE.sub(_simple, text)) == text:
            break
        text = done
    if text.count("{") > MAX_BRACES:
        text = _bare(text)
    elif "\\" in text or "$" in text or "{" in text:
        try:
            text = _converter().latex_to_text(fragment[:MAX_FRAGMENT])
        except Exception:  # what pylatexenc raises for a macro without its arguments: IndexError, KeyError, …
            text = _bare(text)
    return " ".join(text.split())


def _bare(text: str) -> str:
    """A text that cannot be converted, without its commands and braces."""
    return re.sub(r"\\[A-Za-z]+|[\\{}$]", "", text[:MAX_FRAGMENT])


def digest(text: str) -> str:
    """A short digest of a text, blank runs and case folded: stands for prose that is not copied."""
    words = text.lower().replace("\n", " ").strip(" ")
    if "  " in words or not words.isprintable():  # most texts have no other runs, and no other blanks
        words = " ".join(words.split())
    return sha256(words.encode()).hexdigest()[:16]


def _simple(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    shown = match[kind] if kind else ""
    match kind:
        case "kept" | "address" | "spanning":
            return shown
        case "formula":
            return shown.strip()
        case "shown":
            return shown.replace("\\_", "_")
        case "escaped":
            # these would be read as commands again; they are rare enough for pylatexenc
            return shown if shown in "_%&#" else match[0]
        case "blank":
            return " "
        case "dots":
            return "…"
        case "quote":
            return '"'
        case "dash":
            return "–" if len(shown) == 2 else "—"
        case _:
            return ""


@lru_cache(maxsize=1)
def _converter() -> LatexNodes2Text:
    from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
    from pylatexenc.latexwalker import get_default_latex_context_db as walker_db
    from pylatexenc.macrospec import std_macro

    class _Text(LatexNodes2Text):  # type: ignore[misc]
        """Plain text with the specification's own macros."""

        def latex_to_text(self, latex: str, **options: object) -> str:
            return str(super().latex_to_text(latex, latex_context=parser, tolerant_parsing=True, **options))

    parser = walker_db()
    parser.add_context_category(
        "virtio",
        macros=[
            std_macro("field", "{"),
            std_macro("hyperref", "[{"),
            std_macro("nameref", "{"),
            std_macro("ref", "{"),
            std_macro("multirow", "{{{"),
            std_macro("drivernormative", "{{{"),
            std_macro("devicenormative", "{{{"),
            std_macro("conformance", "{{"),
            std_macro("mmioreg", "{{{{{"),
        ],
        prepend=True,
    )

    def last(node: Any, converter: Any) -> str:
        """A macro's last argument; nothing where damaged text leaves it out."""
        arguments = node.nodeargd.argnlist if node.nodeargd is not None else ()
        return str(converter.nodelist_to_text([arguments[-1]])) if arguments and arguments[-1] is not None else ""

    shown = get_default_latex_context_db()
    shown.add_context_category(
        "virtio",
        macros=[
            *(MacroTextSpec(name, last) for name in ("field", "texttt", "hyperref", "multirow")),
            *(MacroTextSpec(name, "") for name in ("nameref", "ref")),
        ],
        prepend=True,
    )
    return _Text(latex_context=shown, math_mode="text", keep_comments=False)
