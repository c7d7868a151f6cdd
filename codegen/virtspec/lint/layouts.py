"""Rules about the layout of structures: sizes, padding, and where arrays end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.lint.draft import Draft
from virtspec.lint.pages import Page
from virtspec.lint.registry import Hit, rule
from virtspec.lint.spelling import Names, did_you_mean
from virtspec.model import (
    Aggregate,
    Array,
    Bits,
    Expression,
    ExternalLength,
    Integer,
    Rest,
    Struct,
    StructRef,
    Type,
    members_in,
    names_in,
)

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LENGTH_NAME = re.compile(
    r"\bsizeof\b|\b(?:struct|union)\s+\w+|(?<![\w.])[A-Z][a-z]+\b|(?<![\w.])([A-Za-z_][A-Za-z0-9_]*)"
)
_COUNT_NAME = re.compile(r"count|size|len|num|nr_|entries|elements|(?:^|_)n(?:$|_)", re.IGNORECASE)
# the data of a request lies between its header and what the device answers
_ANSWER = re.compile(r"status|result|ack|resp|^in_|in$|residual|errors|out$|buf$|tail|sense|ret")
_PACKED = re.compile(r"\b(?:packed|no padding|not padded|without padding)\b", re.IGNORECASE)
# not how it is aligned, nor how far it is from another one
_BYTES = re.compile(
    r"[0-9]{1,6}\s+bytes\b(?!\s+(?:align|after|before|behind|beyond|past|from|apart|away|more|less|larger|smaller))"
)
_STRUCT_SIZE = re.compile(
    r"(?:\\field\s*\{)?struct(?:ure)?\s+(?P<tag>[a-z]\w*)\}?\s+(?:is|has(?:\s+a\s+size\s+of)?|occupies|takes)\s+"
    r"(?:exactly\s+|always\s+)?$"
    r"|size\s+of\s+(?:the\s+)?(?:\\field\s*\{)?struct(?:ure)?\s+(?P<tag2>[a-z]\w*)\}?\s+is\s+(?:exactly\s+)?$"
)
_THIS_SIZE = re.compile(r"(?:the|this)\s+structure,?\s+(?:it\s+)?is\s+exactly\s+$", re.IGNORECASE)
_FIELD_SIZE = re.compile(r"\\field\s*\{(?P<name>[A-Za-z_]\w*)\}\s+is\s+(?:fixed\s+to\s+|exactly\s+|always\s+)?$")
_DEFINED = re.compile(r"\bstruct\s+(\w+)\s*\{")

LOOK_BACK = 160
"""How far before a number of bytes its subject is looked for, in characters."""


@rule("VS103", "recursive-struct", Severity.ERROR)
def recursive_struct(draft: Draft) -> Iterator[Hit]:
    r"""No structure contains itself: it would have no size.

    Bad:
        \begin{lstlisting}
        struct port_tree { le32 value; struct port_tree child; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_tree { le32 value; le32 child_index; };
        \end{lstlisting}
    """
    reported: set[frozenset[str]] = set()
    for struct, error in draft.layout_errors:
        if "contains itself" not in error:
            continue
        cycle = frozenset(_IDENTIFIER.findall(error.partition("itself:")[2]))
        if cycle not in reported:
            reported.add(cycle)
            yield Hit(at=struct.place, message=error, subject=f"{struct.kind} {struct.name}")


@rule("VS104", "too-large", Severity.ERROR)
def too_large(draft: Draft) -> Iterator[Hit]:
    r"""A structure fits into a buffer, whose length has 32 bits.

    Bad:
        \begin{lstlisting}
        struct port_data { u8 bytes[0x200000000]; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_data { u8 bytes[512]; };
        \end{lstlisting}
    """
    for struct, error in draft.layout_errors:
        if "contains itself" not in error:
            yield Hit(at=struct.place, message=error, subject=f"{struct.kind} {struct.name}")


@rule("VS108", "padded-member", Severity.WARNING)
def padded_member(draft: Draft) -> Iterator[Hit]:
    r"""Members lie on multiples of their size, or the structure is marked as packed.

    The standard has no implicit padding, but the structures are copied into C, where a compiler inserts some. Padding
    that C would only add at the end is a note.

    Bad:
        \begin{lstlisting}
        struct port_queue {
                le16 index;
                le64 address;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_queue {
                le16 index;
                u8 reserved[6];
                le64 address;
        };
        \end{lstlisting}
    """
    alignments = _Alignments(draft)
    for struct in draft.spec.structs:
        if struct.kind != "struct" or struct.packed:
            continue
        if not _said_packed(draft, struct):
            yield from _padding(draft, struct, alignments)


def _padding(draft: Draft, struct: Struct, alignments: _Alignments) -> Iterator[Hit]:
    offset: int | None = 0
    strictest = 1
    for member in struct.members:
        alignment = alignments.of(member.type)
        strictest = max(strictest, alignment)
        if offset is not None and offset % alignment:
            bits = [bit.name for bit in member.type.fields] if isinstance(member.type, Bits) else []
            name = f"'{member.name or bits[0]}'" if member.name or bits else "a member without a name"
            yield Hit(
                at=member.place if member.place.line else struct.place,
                message=f"{name} lies at offset {offset}; a C compiler would pad it to a multiple of {alignment}",
                subject=f"struct {struct.name}",
                hint="reorder or add a reserved member, or say that the structure is packed",
            )
            return
        size = draft.size(member.type)
        offset = None if size is None or offset is None else offset + size
    if offset is not None and offset % strictest:
        yield Hit(
            at=struct.place,
            message=f"the structure has {offset} bytes; a C compiler would pad it to a multiple of {strictest}",
            subject=f"struct {struct.name}",
            severity=Severity.NOTE,
        )


class _Alignments:
    """The alignment that C gives to a type, each structure's computed once."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._structs: dict[str, int] = {}

    def of(self, type_: Type) -> int:
        match type_:
            case Integer(bits=bits):
                return bits // 8
            case Bits(container=container):
                return container.size
            case Array(element=element):
                return self.of(element)
            case Aggregate(members=members):
                return max((self.of(m.type) for m in members), default=1)
            case StructRef(name=name):
                if name not in self._structs:
                    self._structs[name] = 1  # for one that contains itself
                    struct = self._draft.structs.get(name)
                    if struct is not None and not struct.packed:
                        self._structs[name] = max((self.of(m.type) for m in struct.members), default=1)
                return self._structs[name]
            case _:
                return 1


def _said_packed(draft: Draft, struct: Struct) -> bool:
    """Whether the text behind the structure says that it has no padding."""
    where = draft.offset(struct.place)
    if where is None:
        return False
    file, start = where
    listing = draft.listing_at(file, start)
    return listing is not None and _PACKED.search(file.text, listing.end, listing.end + 600) is not None


@rule("VS109", "uncounted-array", Severity.WARNING)
def uncounted_array(draft: Draft) -> Iterator[Hit]:
    r"""An array without a length is the last member of its part, or something counts its elements.

    Between the device-readable and the device-writable part of a request the descriptors tell the length. A last member
    that takes the rest of the buffer, with structures as its elements, is a note.

    Bad:
        \begin{lstlisting}
        struct port_list {
                le16 ports[];
                le32 flags;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_list {
                le16 port_count;
                le16 ports[port_count];
                le32 flags;
        };
        \end{lstlisting}
    """
    for struct in draft.spec.structs:
        if struct.kind != "struct" or any(m.direction for m in struct.members):
            continue
        for index, member in enumerate(struct.members):
            type_ = member.type
            if not (isinstance(type_, Array) and isinstance(type_.length, Rest)):
                continue
            following = struct.members[index + 1 :]
            counted = any(_COUNT_NAME.search(m.name) for m in struct.members[:index])
            if counted or any(_ANSWER.search(m.name) for m in following):
                continue
            if following or isinstance(type_.element, (StructRef, Aggregate)):
                yield Hit(
                    at=member.place,
                    message=f"nothing counts the elements of '{member.name}'"
                    + (", and members follow it" * bool(following)),
                    subject=f"struct {struct.name}",
                    hint="give it a length, or move it to the end" if following else "",
                    severity=None if following else Severity.NOTE,
                )


@rule("VS110", "wrong-size", Severity.ERROR)
def wrong_size(draft: Draft) -> Iterator[Hit]:
    r"""A size that the text gives is the size that the listing gives.

    Bad:
        \begin{lstlisting}
        struct port_config { le32 rate; le16 flags; };
        \end{lstlisting}
        The structure is exactly 8 bytes long.

    Good:
        \begin{lstlisting}
        struct port_config { le32 rate; le16 flags; };
        \end{lstlisting}
        The structure is exactly 6 bytes long.
    """
    for page in draft.pages:
        for match in _BYTES.finditer(page.text):
            start, first = match.start(), max(0, match.start() - LOOK_BACK)
            claimed = int(match[0].split()[0])
            struct = _STRUCT_SIZE.search(page.text, first, start)
            field = _FIELD_SIZE.search(page.text, first, start)
            if struct:
                yield from _compare(draft, page, start, struct["tag"] or struct["tag2"], claimed)
            elif field:
                yield from _compare_member(draft, page, start, field["name"], claimed)
            elif _THIS_SIZE.search(page.text, first, start):
                before = [c for c in draft.listings if c.file is page.file and c.end <= start]
                tags = _DEFINED.findall(before[-1].bare) if before else []
                if len(tags) == 1:
                    yield from _compare(draft, page, start, tags[0], claimed)


def _compare_member(draft: Draft, page: Page, start: int, name: str, claimed: int) -> Iterator[Hit]:
    sizes = _member_sizes(draft, page.module(start), name)
    if sizes and None not in sizes and claimed not in sizes:
        listed = " or ".join(str(size) for size in sorted(s for s in sizes if s is not None))
        yield Hit(
            at=(page.file, start),
            message=f"'{name}' is said to have {claimed} bytes; in the listing it has {listed}",
        )


def _compare(draft: Draft, page: Page, start: int, tag: str, claimed: int) -> Iterator[Hit]:
    struct = draft.structs.get(tag)
    if struct is None or struct.variant != 1:
        return
    size = draft.size(StructRef(name=tag))
    if size is not None and size != claimed:
        yield Hit(
            at=(page.file, start),
            message=f"'struct {tag}' is said to have {claimed} bytes; its listing has {size}",
            subject=f"struct {tag}",
        )


def _member_sizes(draft: Draft, module: str, name: str) -> set[int | None]:
    """The sizes of the members of that name in a module; None among them where one depends on data."""
    sizes: set[int | None] = set()
    for struct in draft.spec.structs:
        if struct.module == module:
            for _, member in members_in(struct.members):
                if member.name == name:
                    sizes.add(draft.size(member.type))
    return sizes


@rule("VS112", "unbounded-dimensions", Severity.WARNING)
def unbounded_dimensions(draft: Draft) -> Iterator[Hit]:
    r"""At most one dimension of an array is left open: where a row ends must be known.

    Bad:
        \begin{lstlisting}
        struct port_keys { u8 keys[][]; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_keys { u8 keys[][16]; };
        \end{lstlisting}
    """
    for struct in draft.spec.structs:
        for _, member in members_in(struct.members):
            open_dimensions = 0
            type_ = member.type
            while isinstance(type_, Array):
                open_dimensions += isinstance(type_.length, Rest)
                type_ = type_.element
            if open_dimensions > 1:
                yield Hit(
                    at=member.place,
                    message=f"{open_dimensions} dimensions of '{member.name}' have no length",
                    subject=f"{struct.kind} {struct.name}",
                )


@rule("VS115", "unknown-length", Severity.WARNING)
def unknown_length(draft: Draft) -> Iterator[Hit]:
    r"""What tells the length of an array is a member, a constant, or something that the text speaks of.

    In a chapter that is checked alone, only a name that resembles a member or a constant of its own is found.

    Bad:
        \begin{lstlisting}
        struct port_list {
                le16 port_count;
                le16 ports[port_cuont];
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_list {
                le16 port_count;
                le16 ports[port_count];
        };
        \end{lstlisting}
    """
    for struct in draft.spec.structs:
        members = frozenset(names_in(struct.members))
        for _, member in members_in(struct.members):
            for name in _length_names(member.type):
                if any(name in known for known in (members, draft.constants, draft.all_fields, draft.tags)):
                    continue
                if any(name in words for words in draft.words.values()):
                    continue  # the prose speaks of it
                near = Names(members).like(name) or draft.constant_names.like(name)
                where = draft.offset(member.place)
                if where is None or not (near or draft.whole):
                    continue
                file, start = where
                at = file.text.find(name, start, start + len(file.line_text(member.place.line)))
                yield Hit(
                    at=(file, max(start, at)),
                    message=f"nothing says what '{name}' is, the length of '{member.name}'",
                    subject=f"{struct.kind} {struct.name}",
                    hint=did_you_mean(near),
                )


def _length_names(type_: Type) -> Iterator[str]:
    """The names in the lengths of an array that are no member's, or stand in an expression; without those behind `.`,
    those of structures, and words for people: `[Padding]`."""
    while isinstance(type_, Array):
        match type_.length:
            case ExternalLength(name=text) | Expression(text=text) if not text.startswith("<"):
                yield from (match[1] for match in _LENGTH_NAME.finditer(text) if match[1])
            case _:
                pass
        type_ = type_.element
