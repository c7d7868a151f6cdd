"""Rules about requirements: where they stand, how they are worded, and whether the conformance chapter lists them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.latex.document import Section
from virtspec.lint.draft import Draft, Keyword, ancestors
from virtspec.lint.pages import Page
from virtspec.lint.registry import Edit, Hit, rule

_NOT = re.compile(r"\s+(not|Not|NOT)\b")
_SLIP = re.compile(r"(?:\s+NOT)?\s+(less|greater|contains|starts|be\s+be|to|[a-z]+[^aious\W]s)\b")
_SLIP_NO = frozenset(
    "access process pass address always express suppress compress cross discuss assess progress".split()
)
_ACTOR = re.compile(
    r"(?<!by )(?<!to )(?<!of )(?<!what )(?<!whatever )(?<!which )(?<!that )"
    r"\b(?:the|a|an|each|every)\s+(?:[a-z-]+\s+)?(device|driver)\s*$",
    re.IGNORECASE,
)
_DEFINITION = re.compile(r"key\s*words?\b|\bRFC\s*-?2119\b|\bBCP\s*-?14\b", re.IGNORECASE)
_BINDING = frozenset({"MUST", "SHALL", "SHOULD"})
_NEGATABLE = frozenset({"MUST", "SHALL", "SHOULD", "MAY"})


def _normative(draft: Draft, section: Section | None) -> bool:
    """Whether a section belongs to a part that states requirements, or to the conformance chapter."""
    return any(
        s.role is not None
        or s.heading.conformance
        or s.title == "Conformance"
        or s.label in draft.conformance
        or s.label.startswith(("drivernormative:", "devicenormative:"))
        for s in ancestors(section)
    )


@rule("VS401", "unlisted-clause", Severity.ERROR)
def unlisted_clause(draft: Draft) -> Iterator[Hit]:
    r"""The conformance chapter lists every section of requirements.

    What it does not list is not required of anybody.

    Bad:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate.
        \drivernormative{\subsection}{Names}{Port / Names}
        The driver MUST read the name.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{drivernormative:Port / Rates}
        \end{itemize}

    Good:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate.
        \drivernormative{\subsection}{Names}{Port / Names}
        The driver MUST read the name.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{drivernormative:Port / Rates}
        \item \ref{drivernormative:Port / Names}
        \end{itemize}
    """
    if not draft.conformance:
        return
    for section in draft.normative:
        if section.label not in draft.conformance:
            yield Hit(
                at=(section.file, section.heading.start),
                message=f"the conformance chapter does not list '{section.label}'",
                subject=section.title,
                hint=f"add '\\ref{{{section.label}}}' to the {section.role} conformance clauses",
            )


@rule("VS405", "keyword-case", Severity.ERROR)
def keyword_case(draft: Draft) -> Iterator[Hit]:
    r"""A negated requirement is written `MUST NOT`, `SHALL NOT` or `SHOULD NOT`; `MAY NOT` is no requirement.

    `MUST not` can be read as a MUST, and `MAY NOT` as a permission or as a prohibition. `MUST NOT not` demands what it
    looks like forbidding.

    Bad:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST not write the rate.

    Good:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST NOT write the rate.
    """
    for keyword in draft.keywords:
        word, page = keyword.word, keyword.page
        found = _NOT.match(page.text, keyword.start + len(word)) if word in _NEGATABLE else None
        if found is None:
            continue
        no = found[1]
        if word == "MAY":
            if no == "NOT" or _normative(draft, keyword.section):
                yield Hit(
                    at=(page.file, keyword.start),
                    message=f"'MAY {no}' is no requirement keyword: it can permit or forbid",
                    subject=_title(keyword),
                    hint="write 'MUST NOT' where it forbids, or say what may happen",
                )
        elif no != "NOT":
            yield Hit(
                at=(page.file, keyword.start),
                message=f"'{word} {no}' is no requirement keyword",
                subject=_title(keyword),
                hint=f"write '{word} NOT'",
                edits=(Edit(file=page.file, start=found.start(1), end=found.end(1), text="NOT"),),
            )
        elif _NOT.match(page.text, found.end()):
            yield Hit(
                at=(page.file, keyword.start),
                message=f"'{word} NOT not' negates twice",
                subject=_title(keyword),
                hint=f"write '{word} NOT', or '{word}' if nothing is forbidden",
            )


def _title(keyword: Keyword) -> str:
    return keyword.section.title if keyword.section else ""


@rule("VS406", "keyword-outside-clause", Severity.WARNING)
def keyword_outside_clause(draft: Draft) -> Iterator[Hit]:
    r"""Requirements stand in sections of requirements, where the conformance chapter finds them.

    MAY, RECOMMENDED and OPTIONAL outside of them are notes: they require nothing. Parts on the legacy interface have a
    rule of their own.

    Bad:
        \section{Rates}
        The driver MUST read the rate first.

    Good:
        \section{Rates}
        The driver reads the rate first.
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate first.
    """
    for keyword in draft.keywords:
        section = keyword.section
        if section is None or section.legacy or not keyword.word.isupper() or _normative(draft, section):
            continue
        if not _explains(keyword.page, keyword.start):
            yield Hit(
                at=(keyword.page.file, keyword.start),
                message=f"'{keyword.word}' stands outside the sections of requirements",
                subject=section.title,
                hint="move the requirement to a normative section, or write it without the keyword",
                severity=None if keyword.word in _BINDING else Severity.NOTE,
            )


def _explains(page: Page, offset: int) -> bool:
    """Whether the paragraph says what the keywords mean."""
    first, last = page.paragraph(offset)
    return _DEFINITION.search(page.text, first, last) is not None


@rule("VS407", "legacy-keyword", Severity.WARNING)
def legacy_keyword(draft: Draft) -> Iterator[Hit]:
    r"""A part on the legacy interface that requires something is listed in the conformance chapter.

    A part with nothing but MAY is a note.

    Bad:
        \section{Legacy Interface: Rates}\label{sec:Port / Legacy Interface: Rates}
        The driver MUST read the rate.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{sec:Port / Legacy Interface: Names}
        \end{itemize}
        \section{Legacy Interface: Names}\label{sec:Port / Legacy Interface: Names}

    Good:
        \section{Legacy Interface: Rates}\label{sec:Port / Legacy Interface: Rates}
        The driver MUST read the rate.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{sec:Port / Legacy Interface: Rates}
        \end{itemize}
    """
    if not draft.conformance:
        return
    reported: set[int] = set()
    for keyword in sorted(draft.keywords, key=lambda k: k.word not in _BINDING):
        section = keyword.section
        if section is None or not section.legacy or id(section) in reported or not keyword.word.isupper():
            continue
        if _normative(draft, section):
            continue
        reported.add(id(section))
        yield Hit(
            at=(keyword.page.file, keyword.start),
            message=f"'{keyword.word}' in a legacy part that the conformance chapter does not list",
            subject=section.title,
            hint=f"list '{section.label}' there" if section.label else "give the section a label and list it there",
            severity=None if keyword.word in _BINDING else Severity.NOTE,
        )


@rule("VS408", "wrong-clause-list", Severity.WARNING)
def wrong_clause_list(draft: Draft) -> Iterator[Hit]:
    r"""The conformance chapter lists a driver's requirements once, under the driver; a device's under the device.

    Bad:
        \devicenormative{\subsection}{Rates}{Port / Rates}
        The device MUST keep the rate.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{devicenormative:Port / Rates}
        \end{itemize}

    Good:
        \devicenormative{\subsection}{Rates}{Port / Rates}
        The device MUST keep the rate.
        \conformance{\section}{Port Device Conformance}
        \begin{itemize}
        \item \ref{devicenormative:Port / Rates}
        \end{itemize}
    """
    listed: dict[str, list[tuple[str, Page, int]]] = {}
    seen: set[tuple[str, str]] = set()
    for page, reference in draft.conformance_entries:
        section = page.section(reference.start)
        if section is None or not reference.label.startswith(("drivernormative:", "devicenormative:")):
            continue
        role = reference.label.partition("normative:")[0]
        title = section.title.lower()
        if role not in title and ("driver" in title) != ("device" in title):
            yield Hit(
                at=(page.file, reference.start),
                message=f"requirements of the {role} are listed under '{section.title}'",
                subject=reference.label,
            )
        entries = listed.setdefault(section.title, [])
        if (section.title, reference.label) in seen:
            yield Hit(
                at=(page.file, reference.start),
                message=f"'{reference.label}' is listed twice",
                subject=section.title,
            )
        seen.add((section.title, reference.label))
        entries.append((reference.label, page, reference.start))
    for title, entries in listed.items():
        kinds = Counter(_device_of(label) for label, _, _ in entries)
        usual, number = kinds.most_common(1)[0]
        for label, page, start in entries:
            if number >= 3 and usual and _device_of(label) not in ("", usual):
                message = f"requirements of '{_device_of(label)}' are listed under '{title}'"
                yield Hit(at=(page.file, start), message=message, subject=label)


def _device_of(label: str) -> str:
    """The device type in a label's path; "" where it is about none."""
    parts = [part.strip() for part in label.partition(":")[2].split(" / ")]
    return parts[1] if len(parts) > 1 and parts[0] == "Device Types" else ""


@rule("VS409", "keyword-grammar", Severity.WARNING)
def keyword_grammar(draft: Draft) -> Iterator[Hit]:
    r"""Behind a requirement keyword stands a verb in its plain form.

    Bad:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The request MUST contains the rate.

    Good:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The request MUST contain the rate.
    """
    for keyword in draft.keywords:
        found = (
            _SLIP.match(keyword.page.text, keyword.start + len(keyword.word)) if keyword.word in _NEGATABLE else None
        )
        if found is None or found[1] in _SLIP_NO:
            continue
        yield Hit(
            at=(keyword.page.file, keyword.start),
            message=f"'{keyword.word} {' '.join(found[1].split())}' lacks a verb, or has it in the wrong form",
            subject=_title(keyword),
        )


@rule("VS410", "empty-clause", Severity.NOTE)
def empty_clause(draft: Draft) -> Iterator[Hit]:
    r"""A section of requirements requires something.

    Bad:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver reads the rate.

    Good:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate.
    """
    spoken = {id(keyword.section) for keyword in draft.keywords}
    for section in draft.normative:
        if id(section) not in spoken and id(section) not in draft.parents:
            yield Hit(
                at=(section.file, section.heading.start),
                message="no MUST, SHOULD or MAY in this section of requirements",
                subject=section.label,
            )


@rule("VS411", "lower-case-keyword", Severity.NOTE)
def lower_case_keyword(draft: Draft) -> Iterator[Hit]:
    r"""A requirement is written in capitals; `must` in a section of requirements leaves open whether it is one.

    Bad:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate, and it must do so first.

    Good:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate, and it MUST do so first.
    """
    for keyword in draft.keywords:
        if keyword.word.islower() and any(s.role is not None for s in ancestors(keyword.section)):
            yield Hit(
                at=(keyword.page.file, keyword.start),
                message=f"'{keyword.word}' in a section of requirements",
                subject=_title(keyword),
                hint=f"write '{keyword.word.upper()}' if it is one",
            )


@rule("VS412", "wrong-role", Severity.WARNING)
def wrong_role(draft: Draft) -> Iterator[Hit]:
    r"""A section of device requirements says what the device does, one of driver requirements what the driver does.

    Bad:
        \devicenormative{\subsection}{Rates}{Port / Rates}
        The device MUST keep the rate. The driver MUST read it.

    Good:
        \devicenormative{\subsection}{Rates}{Port / Rates}
        The device MUST keep the rate.
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read it.
    """
    found: dict[int, list[Keyword]] = {}
    for keyword in draft.keywords:
        section = keyword.section
        if section is None or section.role is None or keyword.word not in _NEGATABLE:
            continue
        actor = _ACTOR.search(keyword.page.text, max(0, keyword.start - 60), keyword.start)
        if actor and actor[1].lower() != section.role and actor.start() >= keyword.page.sentence(keyword.start)[0]:
            found.setdefault(id(section), []).append(keyword)
    for keywords in found.values():
        section = keywords[0].section
        assert section is not None and section.role is not None
        other = "device" if section.role == "driver" else "driver"
        yield Hit(
            at=(keywords[0].page.file, keywords[0].start),
            message=f"a requirement on the {other} in a section of {section.role} requirements",
            subject=section.label,
            again=tuple(k.start for k in keywords[1:]),
        )
