"""Rules of the reading family that look at the text once it has been read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.latex.blocks import Item, Table
from virtspec.latex.document import Located
from virtspec.lint.draft import Draft, ancestors
from virtspec.lint.registry import Edit, Hit, rule
from virtspec.model import Bits, Integer, Member, innermost, members_in
from virtspec.source import SourceFile

_COMMANDS = ("field", "ref", "nameref", "hyperref", "textbf", "textit", "texttt", "emph", "label", "footnote")
_PART_OF_NAME = re.compile(r"[\\A-Za-z0-9_@]")
_NAKED = re.compile(r"[a-z,.] (\{[a-z]+_[a-z_]+\})")
_DOUBLED = re.compile(r"\b([A-Za-z]{2,12})[ \n]\s*((?i:\1))\b")
_TWICE = frozenset(("that", "had", "is", "blah"))
MISSPELT = {wrong: right.replace("_", " ") for wrong, right in (pair.split(":") for pair in """
        accomodate:accommodate adress:address aligment:alignment alligned:aligned aquire:acquire
        availabe:available avaliable:available begining:beginning commited:committed compatability:compatibility
        consistant:consistent defintion:definition definiton:definition desciptor:descriptor descripter:descriptor
        existance:existence explicitely:explicitly identifer:identifier implemetation:implementation
        independant:independent intialization:initialization intialize:initialize lenght:length
        maintainance:maintenance mechanim:mechanism neccessary:necessary negociated:negotiated
        negotation:negotiation notifcation:notification occurance:occurrence occured:occurred occuring:occurring
        paramater:parameter paramter:parameter paramters:parameters persistant:persistent preceed:precede
        preceeded:preceded prefered:preferred priviledge:privilege recieve:receive recieved:received
        recieves:receives recomended:recommended refered:referred reponse:response requirment:requirement
        reseved:reserved retreive:retrieve seperate:separate seperately:separately specfic:specific
        specifc:specific stucture:structure sturcture:structure succesful:successful succesfully:successfully
        successfull:successful sucess:success suport:support supress:suppress teh:the thier:their
        transfered:transferred transmision:transmission transmited:transmitted unkown:unknown upto:up_to
        virtqeue:virtqueue wether:whether wich:which writen:written
        """.split())}
"""Words that are misspelt often, and how they are spelt."""

_CODES = re.compile(r"\b0x[0-9A-Fa-f]+\b|(?:^|&)\s*[0-9]+\s*(?:&|\\\\)", re.MULTILINE)
_NAME = re.compile(r"\b[A-Z][A-Z0-9]+(?:\\?_[A-Z0-9]+)+\b")
_FEATURE_ITEM = re.compile(r"\s*([A-Z][A-Z0-9]*(?:\\?_[A-Z0-9]+)*\\?_F(?:\\?_[A-Z0-9]+)+)\s*(\([^()]*\)?)?\s*$")
_NUMBER = re.compile(r"\(\s*(?:0[xX][0-9A-Fa-f]+|[0-9]+)\s*\)")
_FEATURES = re.compile(r"(?:legacy interface: )?(?:reserved )?feature bits?$", re.IGNORECASE)
MAX_LABEL = 200
"""The longest label of an item, in characters, that can be a feature bit's."""

_REQUIRES = re.compile(r"\s*[Rr]equires\b")


@rule("VS010", "opaque-listing", Severity.NOTE)
def opaque_listing(draft: Draft) -> Iterator[Hit]:
    r"""A listing defines structures and constants; what else stands in one is read by nobody but people.

    Pseudo-code, formulas and examples are fine where they are meant as such.

    Bad:
        \begin{lstlisting}
        while (more()) { take(); }
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
        };
        \end{lstlisting}
    """
    for skipped in draft.spec.coverage.skipped:
        if skipped.what == "listing" and "is not there" not in skipped.reason:
            yield Hit(at=skipped.place, message=f"the listing is not read: {skipped.reason}")


@rule("VS023", "native-endian-type", Severity.WARNING)
def native_endian_type(draft: Draft) -> Iterator[Hit]:
    r"""A member of more than one byte says its byte order: `le32` or `be32`, not `u32`.

    Everything but the legacy interface is little-endian; what has no order can be read either way. In the parts on the
    legacy interface this is a note, because there the guest's own order is sometimes meant.

    Bad:
        \begin{lstlisting}
        struct port_config {
                u32 rate;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
        };
        \end{lstlisting}
    """
    for struct in draft.spec.structs:
        for member, integer in _native(struct.members):
            where = draft.offset(member.place)
            if where is None:
                continue
            code = draft.listing_at(*where)
            section = code.section if code else None
            suggestion = f"le{integer.bits}"
            yield Hit(
                at=where,
                message=f"'{member.name}' has the type '{integer.spelling}', which has no byte order",
                subject=f"{struct.kind} {struct.name}",
                hint=f"write '{suggestion}' if it is little-endian",
                severity=Severity.NOTE if section is not None and section.legacy else None,
            )


def _native(members: tuple[Member, ...]) -> Iterator[tuple[Member, Integer]]:
    for _, member in members_in(members):
        type_ = innermost(member.type)
        container = type_.container if isinstance(type_, Bits) else type_
        if isinstance(container, Integer) and container.order == "native":
            yield member, container


@rule("VS024", "lost-backslash", Severity.ERROR)
def lost_backslash(draft: Draft) -> Iterator[Hit]:
    r"""A command begins with a backslash; without it, its name is printed.

    Bad:
        The driver reads field{rate} first.

    Good:
        The driver reads \field{rate} first.
    """
    for page in draft.pages:
        for command in _COMMANDS:
            start = page.text.find(f"{command}{{")
            while start >= 0:
                if start and not _PART_OF_NAME.match(page.text[start - 1]):
                    yield Hit(
                        at=(page.file, start),
                        message=f"'{command}{{' is printed as it is: its backslash is missing",
                        hint=f"write '\\{command}{{'",
                        edits=(Edit(file=page.file, start=start, end=start, text="\\"),),
                    )
                start = page.text.find(f"{command}{{", start + 1)
        for match in _NAKED.finditer(page.text):
            yield Hit(
                at=(page.file, match.start(1)),
                message=f"'{match[1]}' has no command before its braces: it is printed as plain text",
                hint=f"write '\\field{match[1]}' if it is a field",
                severity=Severity.WARNING,
            )


@rule("VS025", "doubled-word", Severity.WARNING)
def doubled_word(draft: Draft) -> Iterator[Hit]:
    r"""No word stands twice in a row by mistake.

    Bad:
        The driver reads the the rate first.

    Good:
        The driver reads the rate first.
    """
    for page in draft.pages:
        for match in _DOUBLED.finditer(page.text):
            # "The the" begins a sentence; "port Port" is a word and a name
            if match[1] in (match[2], match[2].capitalize()) and match[2] not in _TWICE and "\n\n" not in match[0]:
                yield Hit(
                    at=(page.file, match.start()),
                    message=f"'{match[2]}' stands twice",
                    subject=page.title(match.start()),
                )


@rule("VS026", "misspelt-word", Severity.WARNING)
def misspelt_word(draft: Draft) -> Iterator[Hit]:
    r"""Words are spelt as in a dictionary; those that are often misspelt are found.

    Bad:
        The driver recieves the rate.

    Good:
        The driver receives the rate.
    """
    used = {word.lower() for counted in draft.words.values() for word in counted}
    wrong = {word: right for word, right in MISSPELT.items() if word in used}
    if not wrong:
        return
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, wrong))})\b(?!_)", re.IGNORECASE)
    for page in draft.pages:
        for match in pattern.finditer(page.text):
            right = wrong[match[1].lower()]
            right = right.capitalize() if match[1][0].isupper() else right
            yield Hit(
                at=(page.file, match.start()),
                message=f"'{match[1]}' is misspelt",
                subject=page.title(match.start()),
                hint=f"write '{right}'",
                edits=(Edit(file=page.file, start=match.start(), end=match.end(), text=right),),
            )


@rule("VS030", "unread-table", Severity.NOTE)
def unread_table(draft: Draft) -> Iterator[Hit]:
    r"""A table of codes has one column for the codes and one for the names, so that both can be read.

    Bad:
        \begin{tabular}{|l|l|}
        \hline
        Name & Meaning \\
        \hline
        PORT_OPEN & code 0x1, the port opens \\
        PORT_CLOSE & code 0x2, the port closes \\
        \hline
        \end{tabular}

    Good:
        \begin{tabular}{|l|l|l|}
        \hline
        Code & Name & Meaning \\
        \hline
        0x1 & PORT_OPEN & the port opens \\
        0x2 & PORT_CLOSE & the port closes \\
        \hline
        \end{tabular}
    """
    for file, start, _ in _unread_tables(draft):
        yield Hit(at=(file, start), message="the table has names and codes, but no column of codes that can be read")


def _unread_tables(draft: Draft) -> Iterator[tuple[SourceFile, int, str]]:
    """The tables with names and codes that are not read: where each stands, and its body."""
    skipped = {s.place for s in draft.spec.coverage.skipped if s.what == "table"}
    for located in draft.document.blocks:
        block = located.block
        if isinstance(block, Table) and skipped and located.place in skipped:
            body = located.file.text[block.body : block.end]
            # members side by side are the layout of one message, with the values in it
            layout = body.partition("\\\\")[0].count("\\field") > 1
            if not layout and _CODES.search(body) and _NAME.search(body):
                yield located.file, block.start, body


@rule("VS031", "unread-item", Severity.WARNING)
def unread_item(draft: Draft) -> Iterator[Hit]:
    r"""The item of a feature bit gives its number: `NAME (n)`.

    Bad:
        \subsection{Feature bits}
        \begin{description}
        \item[PORT_F_RATE] The device reports its rate.
        \end{description}

    Good:
        \subsection{Feature bits}
        \begin{description}
        \item[PORT_F_RATE (0)] The device reports its rate.
        \end{description}
    """
    for name, located in _unnumbered(draft):
        yield Hit(
            at=(located.file, located.block.start),
            message=f"feature bit '{name}' has no number",
            subject=" / ".join(s.title for s in reversed(list(ancestors(located.section)))),
        )


def _unnumbered(draft: Draft) -> Iterator[tuple[str, Located]]:
    """The items that define a feature bit without a number, with its name."""
    for located in draft.document.blocks:
        block = located.block
        if not isinstance(block, Item) or block.label is None or len(block.label) > MAX_LABEL:
            continue
        match = _FEATURE_ITEM.match(block.label)
        section = located.section
        if not match or section is None or not _FEATURES.match(section.title):
            continue
        if not _NUMBER.fullmatch(match[2] or "") and not _REQUIRES.match(
            located.file.text, block.body, block.body + 40
        ):
            name = match[1].replace("\\", "")
            if name not in draft.features:
                yield name, located


def defined_without_value(draft: Draft) -> frozenset[str]:
    """The names that the document defines, but whose values cannot be read: that has been told once."""
    features = frozenset(name for name, _ in _unnumbered(draft))
    tables = (body for _, _, body in _unread_tables(draft))
    return features.union(name[0].replace("\\", "") for body in tables for name in _NAME.finditer(body))
