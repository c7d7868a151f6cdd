"""Rules about structures: which there are, and which the text speaks of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.lint.draft import Draft
from virtspec.lint.pages import Page
from virtspec.lint.registry import Edit, Hit, given, rule
from virtspec.lint.spelling import did_you_mean, distance
from virtspec.model import members_in, names_in

_USE = re.compile(r"\b(?P<word>[sue][a-z]{3,6})\s+(?P<tag>[a-z][a-z0-9]*(?:\\?_[a-z0-9]+)+)\b")
_KEYWORDS = ("struct", "union", "enum")
_RESERVED = re.compile(r"(?:reserved|rsvd|padding|pad|unused)[0-9]*$")


@given("VS101", Severity.WARNING)
def conflicting_structs() -> None:
    r"""A name stands for one structure; the same structure may be shown in several places.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        struct port_config { le64 rate; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        struct port_status { le64 rate; };
        \end{lstlisting}
    """


@given("VS102", Severity.ERROR)
def undefined_struct() -> None:
    r"""A structure that a member uses is defined by the specification.

    One of another project, as `fuse_in_header`, is a note: its size is not known here.

    Bad:
        \begin{lstlisting}
        struct virtio_port_config { struct virtio_port_rate rate; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct virtio_port_rate { le32 bits; };
        struct virtio_port_config { struct virtio_port_rate rate; };
        \end{lstlisting}
    """


@given("VS105", Severity.ERROR)
def duplicate_member() -> None:
    r"""The members of a structure have different names.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 rate; le32 rate; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config { le32 rate; le32 burst_rate; };
        \end{lstlisting}
    """


@given("VS106", Severity.ERROR)
def bad_bit_fields() -> None:
    r"""Bit-fields have a width, and together fit into their container.

    Bad:
        \begin{lstlisting}
        struct port_flags {
                le16 {
                        number : 12;
                        reserved : 8;
                };
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_flags {
                le16 {
                        number : 12;
                        reserved : 4;
                };
        };
        \end{lstlisting}
    """


@rule("VS107", "unknown-struct-in-prose", Severity.WARNING)
def unknown_struct_in_prose(draft: Draft) -> Iterator[Hit]:
    r"""A structure that the text names is one that a listing defines.

    Structures of other projects are left alone. In a chapter that is checked alone only names count that look like one
    of its own structures.

    Bad:
        The value is in the format of \field{struct port_feature}.
        \begin{lstlisting}
        struct port_features { le64 bits; };
        \end{lstlisting}

    Good:
        The value is in the format of \field{struct port_features}.
        \begin{lstlisting}
        struct port_features { le64 bits; };
        \end{lstlisting}
    """
    stems = _stems(draft)
    for page in draft.pages:
        for match in _USE.finditer(page.text):
            tag = match["tag"].replace("\\", "")
            word = match["word"]
            if word in _KEYWORDS:
                if tag not in draft.tags:
                    yield from _unknown_tag(draft, page, match.start("tag"), tag, stems)
            elif tag in draft.tags and word not in ("structs", "unions", "enums", "structure"):
                meant = draft.tags[tag]
                if distance(word, meant) <= 2:
                    yield Hit(
                        at=(page.file, match.start()),
                        message=f"'{word} {tag}': the keyword is misspelt",
                        hint=f"write '{meant}'",
                        edits=(Edit(file=page.file, start=match.start(), end=match.end("word"), text=meant),),
                    )


def _unknown_tag(draft: Draft, page: Page, start: int, tag: str, stems: frozenset[str]) -> Iterator[Hit]:
    if stem(tag) not in stems and not (draft.whole and tag.startswith("virtio_")):
        return
    if draft.is_reported("VS251", page.file, start, f"'struct {tag}'"):
        return
    yield Hit(
        at=(page.file, start),
        message=f"no listing defines 'struct {tag}'",
        hint=did_you_mean(draft.tag_names.like(tag)),
    )


def stem(tag: str) -> str:
    """What the names of related structures begin with: their first two words, or all but the last one."""
    words = tag.split("_")
    return "_".join(words[: max(1, min(2, len(words) - 1))])


def _stems(draft: Draft) -> frozenset[str]:
    """The stems of the structures that the document is about; a chapter alone is not about the transports' ones."""
    found = frozenset(map(stem, draft.tags))
    return found if draft.whole else found - {"virtio", "virtio_pci"}


@rule("VS111", "undescribed-reserved", Severity.NOTE)
def undescribed_reserved(draft: Draft) -> Iterator[Hit]:
    r"""The text says what to do with a reserved member: who sets it to zero, who ignores it.

    Bad:
        \begin{lstlisting}
        struct port_config { le16 rate; le16 reserved; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config { le16 rate; le16 reserved; };
        \end{lstlisting}
        The device sets \field{reserved} to zero and the driver ignores it.
    """
    for struct in draft.spec.structs:
        for _, member in members_in(struct.members):
            if not _RESERVED.match(member.name) or member.name in draft.words.get(struct.module, ()):
                continue
            where = draft.offset(member.place)
            if where and not re.search(r"/[/*]", where[0].line_text(member.place.line)):
                yield Hit(
                    at=where,
                    message=f"nothing says what to do with '{member.name}'",
                    subject=f"{struct.kind} {struct.name}",
                )


@rule("VS113", "unused-struct", Severity.NOTE)
def unused_struct(draft: Draft) -> Iterator[Hit]:
    r"""A structure is used: by another one, by the text, or at least one of its members is spoken of.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        struct port_limits { le32 burst; };
        \end{lstlisting}
        The driver reads \field{rate} of \field{struct port_config}.

    Good:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        struct port_limits { le32 burst; };
        \end{lstlisting}
        The driver reads \field{rate} of \field{struct port_config}
        and \field{burst} of \field{struct port_limits}.
    """
    bound = {b.tag for registry in draft.spec.registries for entry in registry.entries for b in entry.bindings}
    for struct in draft.structs.values():
        if struct.parent or struct.name in bound or struct.name.endswith("_config"):
            continue
        known = draft.words.get(struct.module, Counter())
        names = [name for name in names_in(struct.members) if len(name) > 2]
        if draft.all_words[struct.name] == 1 + len(struct.also) and not any(name in known for name in names):
            yield Hit(
                at=struct.place,
                message=f"nothing uses '{struct.kind} {struct.name}'",
                subject=f"{struct.kind} {struct.name}",
                hint="say where it is used, or remove it",
            )


@rule("VS114", "repeated-struct", Severity.NOTE)
def repeated_struct(draft: Draft) -> Iterator[Hit]:
    r"""A structure is defined once; a second copy will one day differ.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        \end{lstlisting}
        The driver reads \field{struct port_config} again:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config { le32 rate; };
        \end{lstlisting}
        The driver reads \field{struct port_config} again.
    """
    for struct in draft.spec.structs:
        for place in struct.also:
            if struct.kind in ("struct", "union"):
                yield Hit(
                    at=place,
                    message=f"'{struct.kind} {struct.name}' is defined at {struct.place} too, and alike",
                    subject=f"{struct.kind} {struct.name}",
                )
