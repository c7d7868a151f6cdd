"""Rules about constants: one value for one name, and no name without a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from virtspec.diagnostics import Severity
from virtspec.latex.blocks import Heading, Item
from virtspec.lint.draft import Draft, constants_in
from virtspec.lint.features import requirements
from virtspec.lint.listings import defined_without_value
from virtspec.lint.pages import Page
from virtspec.lint.registry import Edit, Hit, given, rule
from virtspec.lint.spelling import did_you_mean
from virtspec.model import gates_of, members_in
from virtspec.source import SourceFile

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_FORMER = re.compile(
    r"\b(?:also|was|were|previously|formerly|originally)\s+(?:\w+\s+)?(?:called|known|named|referred)|\bknown\s+as\b"
    r"|\bcalled\b|referred\s+to|but\s+the\s+(?:layout|value)",
    re.IGNORECASE,
)
_PREFIXES = ("VIRTIO_", "VIRTQ_", "VRING_", "CCW_")
_SET_TO = re.compile(
    r"\}?,\s+(?:the\s+)?\\field\s*\{\w+\}\s+is\s+set\s+to\s+(?P<value>0x[0-9A-Fa-f]{1,16}|[0-9]{1,20})\b"
)
_GIVEN = re.compile(r"\}?\s+\((?P<value>0x[0-9A-Fa-f]{1,16}|[0-9]{1,20})\)(?!\s*\])")
_FOR = re.compile(
    r"\bFor\s+(?:the\s+)?(?:(?:command|field|device\s+part|capability|part|request)\s+)?(?:\\field\s*\{)?$"
)
_MIXED = re.compile(r"\b[A-Z][A-Z0-9]+\\?_(?:[A-Z0-9]|\\?_)*[a-z](?:[A-Za-z0-9]|\\?_)*")
_FAMILY = re.compile(r"_?\\?[*{<]")
_SHIFT = re.compile(
    r"(?<![A-Za-z0-9_])(?P<number>0[xX][0-9A-Fa-f]{1,8}|[1-9][0-9]{0,9})[uU]?\s*\)?\s*"
    r"<<\s*\(?\s*(?P<bits>0[xX][0-9A-Fa-f]{1,2}|[1-9][0-9]?)(?![A-Za-z0-9_])"
)


@given("VS201", Severity.WARNING)
def conflicting_values() -> None:
    r"""A name has one value.

    Bad:
        \begin{lstlisting}
        #define PORT_OPEN 1
        #define PORT_OPEN 2
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        #define PORT_OPEN 1
        #define PORT_CLOSE 2
        \end{lstlisting}
    """


@given("VS202", Severity.ERROR)
def unknown_name() -> None:
    r"""The value of a constant is made of numbers and of constants that the specification defines.

    Bad:
        \begin{lstlisting}
        #define PORT_SPEED_FAST 4
        #define PORT_SPEED_MAX (PORT_SPEED_FATS + 1)
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        #define PORT_SPEED_FAST 4
        #define PORT_SPEED_MAX (PORT_SPEED_FAST + 1)
        \end{lstlisting}
    """


@rule("VS203", "value-overflow", Severity.WARNING)
def value_overflow(draft: Draft) -> Iterator[Hit]:
    r"""A value fits into its type: at most 64 bits, and what has 32 bits in C, as a plain `1`, stays within them.

    Bad:
        \begin{lstlisting}
        #define PORT_STATS_QUEUE (1 << 32)
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        #define PORT_STATS_QUEUE (1ULL << 32)
        \end{lstlisting}
    """
    for constant in draft.spec.constants:
        if "64 bits" in constant.reason or constant.reason.startswith("shift by"):
            yield Hit(
                at=constant.place,
                message=f"the value of '{constant.name}' cannot be had: {constant.reason}",
                severity=Severity.ERROR,
            )
            continue
        for shift in _SHIFT.finditer(constant.expression):
            number, bits = int(shift["number"], 0), int(shift["bits"], 0)
            if number < 1 << 32 <= number << bits < 1 << 64:
                yield Hit(
                    at=constant.place,
                    message=f"'{constant.name}' shifts a 32-bit {shift['number']} by {bits} bits; "
                    "in C that has no defined value",
                    hint=f"write '{shift['number']}ULL'",
                )


@given("VS204", Severity.NOTE)
def foreign_value() -> None:
    r"""A value that another project defines is not known here.

    Bad:
        \begin{lstlisting}
        #define PORT_MEMORY_MMAP V4L2_MEMORY_MMAP
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        #define PORT_MEMORY_MMAP 1
        \end{lstlisting}
    """


@rule("VS205", "undefined-constant", Severity.ERROR)
def undefined_constant(draft: Draft) -> Iterator[Hit]:
    r"""A constant that the text names is defined by a listing, a table or an item.

    Without a name that could be meant it is a warning. In a chapter that is checked alone only misspellings of its own
    names are found. Former names, which the text calls so, are left alone.

    Bad:
        \begin{lstlisting}
        #define VIRTIO_PORT_CMD_OPEN 1
        \end{lstlisting}
        The driver sends VIRTIO_PROT_CMD_OPEN.

    Good:
        \begin{lstlisting}
        #define VIRTIO_PORT_CMD_OPEN 1
        \end{lstlisting}
        The driver sends VIRTIO_PORT_CMD_OPEN.
    """
    written = frozenset().union(*draft.listing_words.values(), draft.tags, defined_without_value(draft))
    # a feature that another one requires has a rule of its own
    required = {(r.file, start) for r in requirements(draft) for start in (r.start, *(start for _, start in r.needs))}
    upper = {name.upper(): name for name in sorted(draft.constants)}
    for page in draft.pages:
        yield from _other_case(page, upper, written)
    for page, matches in draft.names:
        free = [match for match in matches if (page.file, match.start()) not in required]
        yield from _undefined_in(draft, page.file, page.text, page, free, written)
    conditions = frozenset(name for s in draft.spec.structs for _, m in members_in(s.members) for name in gates_of(m))
    for file, comments in _comments(draft).items():
        # a condition on an unknown feature has a rule of its own
        yield from _undefined_in(draft, file, comments, None, constants_in(comments), written | conditions)


def _other_case(page: Page, upper: Mapping[str, str], written: frozenset[str]) -> Iterator[Hit]:
    """The names with small letters that are a constant's but for those."""
    for match in _MIXED.finditer(page.text):
        name = match[0].replace("\\", "")
        meant = upper.get(name.upper(), name)
        if meant != name and name not in written and not _is_former(page, match.start()):
            yield Hit(
                at=(page.file, match.start()),
                message=f"'{name}' is not defined",
                hint=did_you_mean((meant,)),
                edits=(
                    (Edit(file=page.file, start=match.start(), end=match.end(), text=meant),)
                    if "\\" not in match[0]
                    else ()
                ),
            )


def _undefined_in(
    draft: Draft,
    file: SourceFile,
    text: str,
    page: Page | None,
    names: Iterable[re.Match[str]],
    written: frozenset[str],
) -> Iterator[Hit]:
    known = draft.constant_names
    places: dict[str, list[re.Match[str]]] = {}
    for match in names:
        name = match[0].replace("\\", "")
        if name in known or name in written or _is_pattern(text, match.end(), name, draft.constants):
            continue
        if page is not None and _is_former(page, match.start()):
            continue
        places.setdefault(name, []).append(match)
    for name, matches in places.items():
        certain = known.misspelt(name)
        near = known.like(name) if certain or name.startswith(_PREFIXES) else ()
        if not certain and not (name.startswith(_PREFIXES) and draft.whole):
            continue
        yield Hit(
            at=(file, matches[0].start()),
            message=f"'{name}' is not defined",
            hint=did_you_mean(near),
            severity=None if near else Severity.WARNING,
            edits=tuple(
                Edit(file=file, start=m.start(), end=m.end(), text=certain)
                for m in matches
                if certain and "\\" not in m[0]
            ),
            again=tuple(m.start() for m in matches[1:]),
        )


def _comments(draft: Draft) -> dict[SourceFile, str]:
    """The comments of the listings of each file at their offsets, all else blank."""
    found: dict[SourceFile, list[str]] = {}
    ends: dict[SourceFile, int] = {}
    for code in draft.listings:
        for match in _COMMENT.finditer(code.file.text, code.start, code.end):
            end = ends.get(code.file, 0)
            if match.start() >= end:
                found.setdefault(code.file, []).append(" " * (match.start() - end) + match[0])
                ends[code.file] = match.end()
    return {file: "".join(pieces) for file, pieces in found.items()}


def _is_pattern(text: str, end: int, name: str, known: frozenset[str]) -> bool:
    """Whether a name stands for a family of names: `PORT_F_XXX`, `PORT_F_*` of existing ones."""
    if name.endswith(("_XXX", "_XX", "_X", "_N")):
        return True
    return _FAMILY.match(text, end) is not None and any(k.startswith(name) for k in known)


def _is_former(page: Page, offset: int) -> bool:
    first, last = page.sentence(offset)
    return _FORMER.search(page.text, first, last) is not None


@rule("VS206", "value-in-prose", Severity.ERROR)
def value_in_prose(draft: Draft) -> Iterator[Hit]:
    r"""A value that the text gives for a name is the one that its table or listing gives.

    Bad:
        \begin{lstlisting}
        #define VIRTIO_PORT_CMD_OPEN 0x1
        \end{lstlisting}
        For the command VIRTIO_PORT_CMD_OPEN, \field{opcode} is set to 0x2.

    Good:
        \begin{lstlisting}
        #define VIRTIO_PORT_CMD_OPEN 0x1
        \end{lstlisting}
        For the command VIRTIO_PORT_CMD_OPEN, \field{opcode} is set to 0x1.
    """
    values: dict[str, dict[int, str]] = {}
    for constant in draft.spec.constants:
        if constant.value is not None:
            values.setdefault(constant.name, {})[constant.value] = str(constant.place)
    items = {
        (b.file.path, b.file.line(b.block.start)) for b in draft.document.blocks if isinstance(b.block, (Item, Heading))
    }
    for page, matches in draft.names:
        for match in matches:
            stated = _SET_TO.match(page.text, match.end())
            if stated is None or not _FOR.search(page.text, max(0, match.start() - 60), match.start()):
                stated = _GIVEN.match(page.text, match.end())
                # an item defines, it does not refer
                if stated is None or (page.file.path, page.file.line(match.start())) in items:
                    continue
            name, text = match[0].replace("\\", ""), stated["value"]
            number = int(text, 16) if text[:2] == "0x" else int(text)
            known = values.get(name)
            if known and number not in known:
                value, place = next(iter(known.items()))
                shown = hex(value) if text[:2] == "0x" else str(value)
                yield Hit(
                    at=(page.file, stated.start("value")),
                    message=f"'{name}' is said to be {text}, but is {shown} at {place}",
                    subject=name,
                )


@rule("VS207", "enum-collision", Severity.ERROR)
def enum_collision(draft: Draft) -> Iterator[Hit]:
    r"""A name of an enum that has no value of its own does not fall on the value of another one.

    It does when a value is written out further up and the names behind it count on from there.

    Bad:
        \begin{lstlisting}
        enum port_state { PORT_OPEN = 1, PORT_CLOSED = 0, PORT_BROKEN };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        enum port_state { PORT_CLOSED = 0, PORT_OPEN, PORT_BROKEN };
        \end{lstlisting}
    """
    values = {c.name: c.value for c in draft.spec.constants if c.kind == "enum"}
    for code in draft.listings:
        if "enum" not in code.text:
            continue
        bare = code.bare
        for match in re.finditer(r"\benum\s*(\w*)\s*\{([^{}]*)\}", bare):
            seen: dict[int, str] = {}
            for name in re.finditer(r"(?:^|,)\s*([A-Za-z_]\w*)\s*(=)?", match[2]):
                value = values.get(name[1])
                if value is None:
                    continue
                if name[2] is None and value in seen:
                    yield Hit(
                        at=(code.file, code.start + match.start(2) + name.start(1)),
                        message=f"'{name[1]}' counts on to {value}, which is the value of '{seen[value]}'",
                        subject=f"enum {match[1]}".strip(),
                    )
                seen.setdefault(value, name[1])
