"""Rules about labels and the references to them."""

from __future__ import annotations

from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.lint.draft import Draft
from virtspec.lint.registry import Hit, rule
from virtspec.lint.spelling import Names, did_you_mean
from virtspec.source import SourceFile

_NORMATIVE = ("drivernormative:", "devicenormative:")
_FOREIGN = frozenset({"LastPage"})  # set by a LaTeX package


@rule("VS402", "entry-without-section", Severity.ERROR)
def entry_without_section(draft: Draft) -> Iterator[Hit]:
    r"""What refers to a section of requirements, as the conformance chapter does, refers to one that exists.

    Bad:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{drivernormative:Port / Rates}
        \item \ref{drivernormative:Port / Names}
        \end{itemize}

    Good:
        \drivernormative{\subsection}{Rates}{Port / Rates}
        The driver MUST read the rate.
        \conformance{\section}{Port Driver Conformance}
        \begin{itemize}
        \item \ref{drivernormative:Port / Rates}
        \end{itemize}
    """
    if not draft.whole and not draft.conformance:
        return
    known = Names([label for label in draft.labels if label.startswith(_NORMATIVE)])
    for reference in draft.references:
        if reference.label.startswith(_NORMATIVE) and reference.label not in known:
            yield Hit(
                at=(reference.file, reference.start),
                message=f"there are no requirements '{reference.label}'",
                hint=did_you_mean(filter(None, (known.nearly(reference.label),))),
            )


@rule("VS403", "dangling-reference", Severity.ERROR)
def dangling_reference(draft: Draft) -> Iterator[Hit]:
    r"""A reference has a label to refer to.

    In a chapter that is checked alone this cannot be known; only a label that resembles one of its own is found.

    Bad:
        \section{Rates}\label{sec:Port / Rates}
        See \ref{sec:Port / Rate}.

    Good:
        \section{Rates}\label{sec:Port / Rates}
        See \ref{sec:Port / Rates}.
    """
    known = Names(draft.labels)
    for reference in draft.references:
        label = reference.label
        if label in draft.labels or label in _FOREIGN or label.startswith(_NORMATIVE):
            continue
        near = known.nearly(label)
        if near or draft.whole:
            yield Hit(
                at=(reference.file, reference.start),
                message=f"no label '{label}'",
                hint=did_you_mean(filter(None, (near,))),
            )


@rule("VS404", "duplicate-label", Severity.ERROR)
def duplicate_label(draft: Draft) -> Iterator[Hit]:
    r"""A label is set once: LaTeX refers to the last of several, in silence.

    Bad:
        \section{Rates}\label{sec:Port / Rates}
        \section{Names}\label{sec:Port / Rates}

    Good:
        \section{Rates}\label{sec:Port / Rates}
        \section{Names}\label{sec:Port / Names}
    """
    for label, places in draft.labels.items():
        file, start = places[0]
        message = f"label '{label}' is set at {file.path}:{file.line(start)} too"
        later: dict[SourceFile, list[int]] = {}
        for other, offset in places[1:]:
            later.setdefault(other, []).append(offset)
        for other, offsets in later.items():
            yield Hit(at=(other, offsets[0]), message=message, again=tuple(offsets[1:]))


@rule("VS413", "skipped-level", Severity.WARNING)
def skipped_level(draft: Draft) -> Iterator[Hit]:
    r"""A heading is at most one level below the one before it.

    LaTeX numbers a skipped level as 0, and the tables of contents show a gap.

    Bad:
        \section{Rates}
        \subsubsection{Limits}

    Good:
        \section{Rates}
        \subsection{Limits}
    """
    history = {page.file.path for page in draft.all_pages} - {page.file.path for page in draft.pages}
    for before, section in zip(draft.document.sections, draft.document.sections[1:], strict=False):
        levels = section.heading.level - before.heading.level
        if levels < 2 or section.file.path in history:
            continue
        yield Hit(
            at=(section.file, section.heading.start),
            message=f"'{section.title}' is {levels} levels below '{before.title}'",
            subject=section.title,
        )
