"""One pass over a LaTeX text: sections, labels, listings, tables, items, and what they include.

The scanner looks only at the commands that carry structure and steps over everything else, which makes it about
thirty times faster than a general LaTeX parser and immune to what stands in listings. Scanning is pure: the same text
gives the same blocks, so equal files are scanned once per process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from virtspec.latex.arguments import argument, option, squeeze
from virtspec.latex.blocks import Block, Heading, Input, Item, Label, ListEdge, Listing, Role, Settings, Table
from virtspec.latex.hidden import VERBATIM, passed_over

LEVELS = {
    "part": -1,
    "chapter": 0,
    "section": 1,
    "subsection": 2,
    "subsubsection": 3,
    "paragraph": 4,
    "subparagraph": 5,
}

TABLES = frozenset(
    "tabular tabular* tabularx tabulary longtable xltabular supertabular tblr longtblr talltblr"
    " NiceTabular NiceTabular* NiceTabularX".split()
)
WIDE = frozenset({"tabularx", "tabulary", "tabular*", "xltabular", "NiceTabular*", "NiceTabularX"})
"""Tables that are given their width before their columns."""
LISTS = frozenset({"itemize", "itemize*", "enumerate", "enumerate*", "description", "description*"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A defect of the LaTeX that the scanner met."""

    start: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What one text holds: its blocks in order, where comments begin and end, in turn, where definitions of commands
    begin, the defects, and whether it hides a part of itself."""

    blocks: tuple[Block, ...]
    comments: tuple[int, ...]
    definitions: tuple[int, ...]
    problems: tuple[Problem, ...]
    hides: bool


# Every alternative starts with a backslash, which is all that the regular expression engine then searches for; most
# commands are done with by their first letter. An escaped backslash is matched so that it starts nothing.
_COMMAND = re.compile(
    r"\\(?=[bceidlnprs\\])(?:"
    r"(?P<begin>begin\{(?P<opened>[A-Za-z]+\*?)\})"
    r"|(?P<end>end\{(?P<closed>[A-Za-z]+\*?)\})"
    r"|(?P<item>item(?![A-Za-z]))"
    r"|(?P<label>label\{)"
    r"|(?P<heading>(?:chapter|(?:sub){0,2}section|(?:sub)?paragraph|part)(?![A-Za-z])\*?)"
    r"|(?P<normative>(?:driver|device)normative(?![A-Za-z]))"
    r"|(?P<conformance>conformance(?![A-Za-z]))"
    r"|(?P<definition>(?:(?:re)?new|provide)command(?![A-Za-z]))"
    r"|(?P<input>(?:input|include)(?![A-Za-z]))"
    r"|(?P<iffalse>iffalse(?![A-Za-z@]))"
    r"|(?P<lstinput>lstinputlisting(?![A-Za-z]))"
    r"|(?P<lstset>lstset(?![A-Za-z]))"
    r"|\\)"
)

_BARE_INPUT = re.compile(r"\s+([A-Za-z0-9_./-]+)")
_DEFINITION = re.compile(r"\\(?:re)?newcommand\*?\s*\{?\\$|\\def\s*\\$|\\(?:re)?newenvironment\*?\s*\{$")


# for what there are thousands of: a constructor is a function, which takes as long again
_make = tuple.__new__


@lru_cache(maxsize=1024)
def scan_text(text: str) -> Scan:
    """The structure of one LaTeX text."""
    return _Scanner(text).run()


class _Scanner:
    """The state of one pass."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.blocks: list[Block] = []
        self.comments: list[int] = []
        self.definitions: list[int] = []
        self.problems: list[Problem] = []
        self.hides = False
        self.open: list[tuple[str, int, int]] = []  # environment, its start, the block to complete or -1

    def run(self) -> Scan:
        text = self.text
        position = 0
        search = _COMMAND.search
        steps = {
            "begin": self._begin,
            "end": self._end,
            "item": self._item,
            "label": self._label,
            "heading": self._heading,
            "normative": self._normative,
            "conformance": self._conformance,
            "definition": self._definition,
            "input": self._input,
            "lstinput": self._lstinput,
            "lstset": self._lstset,
            "iffalse": self._iffalse,
        }
        comment = self._comment(0)
        while match := search(text, position):
            kind = match.lastgroup
            if match.start() > comment:
                position, comment = self._behind_comments(comment, match.start())
                continue
            position = match.end() if kind is None else steps[kind](match)
            if position > comment:
                # the body of a listing has none; amidst the arguments of a command there may be some
                comment = self._comment(position) if kind == "begin" else self._behind_comments(comment, position)[1]
        self._behind_comments(comment, len(text))
        for environment, start, _ in self.open:
            self.problems.append(Problem(start, "VS005", f"'\\begin{{{environment}}}' has no '\\end{{{environment}}}'"))
        if self.hides and (unended := passed_over(text)[1]) is not None:
            self.problems.append(Problem(unended, "VS005", "'\\iffalse' has no '\\fi'"))
        return Scan(
            blocks=tuple(self.blocks),
            comments=tuple(self.comments),
            definitions=tuple(self.definitions),
            problems=tuple(self.problems),
            hides=self.hides,
        )

    def _comment(self, position: int) -> int:
        """Where the next comment begins; behind the text where there is none. A percent sign is escaped by the last of
        an odd number of backslashes."""
        text = self.text
        while (percent := text.find("%", position)) >= 0:
            before = text[position:percent]
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                return percent
            position = percent + 1
        return len(text)

    def _behind_comments(self, comment: int, limit: int) -> tuple[int, int]:
        """Steps over the comment that begins somewhere, and those behind it before a limit: where the last one ends,
        and where the next one begins."""
        position = comment
        while comment < limit:
            end = self.text.find("\n", comment)
            position = end if end >= 0 else len(self.text)
            self.comments += (comment, position)
            comment = self._comment(position)
        return position, comment

    def _defining(self, start: int) -> bool:
        """Whether the command stands in its own definition (`\\newcommand{\\conformance}`), not in use."""
        before = self.text[max(0, start - 40) : start + 1]
        return ("new" in before or "def" in before) and _DEFINITION.search(before) is not None

    def _begin(self, match: re.Match[str]) -> int:
        environment = match["opened"]
        start, after = match.start(), match.end()
        if environment in VERBATIM:
            return self._verbatim(environment, start, after)
        if environment in TABLES:
            self.open.append((environment, start, len(self.blocks)))
            body = self._after_columns(environment, after)
            self.blocks.append(Table(start, environment, body, body))
            return body
        if environment in LISTS:
            self.open.append((environment, start, -1))
            self.blocks.append(_make(ListEdge, (start, environment, True)))
        return after

    def _after_columns(self, environment: str, after: int) -> int:
        """Where a table's rows begin: behind its width, position and column arguments."""
        arguments = 2 if environment in WIDE else 1
        position = after
        while arguments:
            optional = self._option(position)
            if optional:
                position = optional[1] + 1
                continue
            found = argument(self.text, position)
            if not found:
                break
            position = found[1] + 1
            arguments -= 1
        return position

    def _verbatim(self, environment: str, start: int, after: int) -> int:
        closing = f"\\end{{{environment}}}"
        end = self.text.find(closing, after)
        nested = self.text.find(f"\\begin{{{environment}}}", after)
        if end < 0 or 0 <= nested < end:
            self.problems.append(Problem(start, "VS005", f"'\\begin{{{environment}}}' has no '{closing}'"))
            return nested if nested >= 0 else len(self.text)
        if environment == "comment":
            self.hides = True
        else:
            options = ""
            body = after
            if (found := self._option(after)) and found[1] < end:
                options = self.text[found[0] : found[1]]
                body = found[1] + 1
            if environment == "minted" and (language := argument(self.text, body)) and language[1] < end:
                body = language[1] + 1
            self.blocks.append(Listing(start, body, end, options))
        return end + len(closing)

    def _end(self, match: re.Match[str]) -> int:
        environment = match["closed"]
        if environment not in TABLES and environment not in LISTS:
            return match.end()
        if self.open and self.open[-1][0] == environment:
            _, start, index = self.open.pop()
            if index >= 0:
                table = self.blocks[index]
                assert isinstance(table, Table)
                self.blocks[index] = Table(start, environment, table.body, match.start())
            else:
                self.blocks.append(_make(ListEdge, (match.start(), environment, False)))
        else:
            opened = f"; the last open environment is '{self.open[-1][0]}'" if self.open else ""
            self.problems.append(Problem(match.start(), "VS005", f"'\\end{{{environment}}}' closes nothing{opened}"))
        return match.end()

    def _item(self, match: re.Match[str]) -> int:
        start, after = match.span()
        label = None
        if found := option(self.text, after):
            label, after = self.text[found[0] : found[1]], found[1] + 1
        self.blocks.append(_make(Item, (start, label, after)))
        return after

    def _label(self, match: re.Match[str]) -> int:
        found = argument(self.text, match.end() - 1)
        if not found:
            return match.end()
        self.blocks.append(_make(Label, (match.start(), squeeze(self.text[found[0] : found[1]]))))
        return found[1] + 1

    def _heading(self, match: re.Match[str]) -> int:
        command = match["heading"].rstrip("*")
        after = match.end()
        optional = self._option(after)
        if optional:
            after = optional[1] + 1
        found = argument(self.text, after)
        if not found or self._defining(match.start()):
            return match.end()
        self.blocks.append(Heading(match.start(), LEVELS[command], squeeze(self.text[found[0] : found[1]])))
        # a label in the title itself belongs to the heading: let the scan go through it
        return found[0]

    def _option(self, start: int) -> tuple[int, int] | None:
        """The optional argument that begins right here: behind a blank, a bracket may be text."""
        return option(self.text, start) if self.text[start : start + 1] == "[" else None

    def _arguments(self, start: int, count: int) -> tuple[list[str], int] | None:
        arguments: list[str] = []
        position = start
        for _ in range(count):
            found = argument(self.text, position)
            if not found:
                return None
            arguments.append(self.text[found[0] : found[1]])
            position = found[1] + 1
        return arguments, position

    def _normative(self, match: re.Match[str]) -> int:
        if self._defining(match.start()):
            return match.end()
        parsed = self._arguments(match.end(), 3)
        if not parsed:
            return match.end()
        (command, title, label), after = parsed
        role: Role = "driver" if match["normative"].startswith("driver") else "device"
        level = LEVELS.get(command.strip().lstrip("\\").rstrip("*"))
        if level is None:
            return match.end()
        words = "Driver" if role == "driver" else "Device"
        self.blocks.append(
            Heading(
                match.start(),
                level,
                f"{words} Requirements: {squeeze(title)}",
                f"{role}normative:{squeeze(label)}",
                role,
            )
        )
        return after

    def _conformance(self, match: re.Match[str]) -> int:
        if self._defining(match.start()):
            return match.end()
        parsed = self._arguments(match.end(), 2)
        if not parsed:
            return match.end()
        (command, title), after = parsed
        level = LEVELS.get(command.strip().lstrip("\\").rstrip("*"))
        if level is None:
            return match.end()
        self.blocks.append(Heading(match.start(), level, squeeze(title), conformance=True))
        # the title is scanned again for its label
        return match.end() if "\\label" in title else after

    def _definition(self, match: re.Match[str]) -> int:
        self.definitions.append(match.start())
        return match.end()

    def _input(self, match: re.Match[str]) -> int:
        found = argument(self.text, match.end())
        if found:
            path, after = self.text[found[0] : found[1]].strip(), found[1] + 1
        else:
            bare = _BARE_INPUT.match(self.text, match.end())
            if not bare:
                return match.end()
            path, after = bare[1], bare.end()
        if path and "#" not in path and not self._defining(match.start()):
            self.blocks.append(Input(match.start(), path))
        return after

    def _lstinput(self, match: re.Match[str]) -> int:
        after = match.end()
        options = ""
        optional = self._option(after)
        if optional:
            options = self.text[optional[0] : optional[1]]
            after = optional[1] + 1
        found = argument(self.text, after)
        if not found:
            return match.end()
        path = self.text[found[0] : found[1]].strip()
        self.blocks.append(Listing(match.start(), found[0], found[1], options, path))
        return found[1] + 1

    def _iffalse(self, match: re.Match[str]) -> int:
        self.hides = True
        return match.end()

    def _lstset(self, match: re.Match[str]) -> int:
        found = argument(self.text, match.end())
        if not found:
            return match.end()
        self.blocks.append(Settings(match.start(), self.text[found[0] : found[1]]))
        return found[1] + 1
