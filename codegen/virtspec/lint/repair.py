"""Repairs of what the reader reports, where there is one certain way: a `;` that is missing, a wrong separator."""

from __future__ import annotations

import re

from virtspec.diagnostics import Diagnostic
from virtspec.lint.registry import Edit

# nothing follows on the line but a comment, or prose in parentheses
_LINE_ENDS = re.compile(r"[ \t]*(?:\n|\Z|/[*/]|\()")


def repairs(diagnostic: Diagnostic) -> tuple[Edit, ...]:
    """The edits that repair what a diagnostic reports; none where that is not certain."""
    file, start = diagnostic.span.file, diagnostic.span.start
    character = file.text[start : start + 1]
    match diagnostic.rule:
        case "VS012":
            # at the end of a member, or at the brace that ends a definition
            position = start + 1 if character == "}" else start
            if file.text[position - 1 : position].isspace() or not _LINE_ENDS.match(file.text, position):
                return ()
            return (Edit(file=file, start=position, end=position, text=";"),)
        case "VS013" if character and character in ",:." and "';'" in f"{diagnostic.message} {diagnostic.hint}":
            return (Edit(file=file, start=start, end=start + 1, text=";"),)
        case "VS013" if character == ";" and "write ','" in diagnostic.hint:
            return (Edit(file=file, start=start, end=start + 1, text=","),)
        case "VS016":
            return (Edit(file=file, start=start, end=start + 1, text=";"),)
        case "VS018" if character == ";":
            return (Edit(file=file, start=start, end=start + 1, text=""),)
        case _:
            return ()
