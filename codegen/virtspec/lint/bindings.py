"""Rules about which structure a value has, as the text binds them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.lint.draft import Draft
from virtspec.lint.registry import Hit, given, rule
from virtspec.model import Direction, StructRef, members_in

_STRUCT = r"(?:\\field\s*\{{)?\s*struct\s+(?P<{0}>[a-z]\w*)\s*\}}?"
_FORMAT = re.compile(
    r"\\field\s*\{(?P<member>[\w-]+)\}\s+(?:is|are)\s+in\s+(?:the\s+)?format(?:\s+of)?\s+" + _STRUCT.format("format")
)
_LENGTH = re.compile(r"\\field\s*\{length\}\s+is\s+the\s+length\s+of\s+(?:the\s+)?" + _STRUCT.format("length"))
_DEFINES = re.compile(r"\b(?:struct|union)\s+([A-Za-z_]\w*)\s*\{")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@given("VS251", Severity.ERROR)
def unknown_bound_struct() -> None:
    r"""A structure to which the text binds a code is defined by a listing.

    Bad:
        \section{Commands}
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x1 & PORT_CMD_OPEN \\
        0x2 & PORT_CMD_CLOSE \\
        \hline
        \end{tabular}
        \subsection{PORT_CMD_OPEN}
        The \field{command_specific_data} is in the format of \field{struct port_cmd_opn}.
        \begin{lstlisting}
        struct port_cmd_open { le16 index; };
        \end{lstlisting}

    Good:
        \section{Commands}
        \begin{tabular}{|l|l|}
        \hline
        Code & Name \\
        \hline
        0x1 & PORT_CMD_OPEN \\
        0x2 & PORT_CMD_CLOSE \\
        \hline
        \end{tabular}
        \subsection{PORT_CMD_OPEN}
        The \field{command_specific_data} is in the format of \field{struct port_cmd_open}.
        \begin{lstlisting}
        struct port_cmd_open { le16 index; };
        \end{lstlisting}
    """


@given("VS252", Severity.WARNING)
def contradictory_bindings() -> None:
    r"""The text binds a code to one structure, and its length to the same one.

    Bad:
        \section{Parts}
        \begin{tabular}{|l|l|}
        \hline
        Type & Name \\
        \hline
        0x1 & PORT_PART_STATE \\
        0x2 & PORT_PART_QUEUE \\
        \hline
        \end{tabular}
        \subsection{PORT_PART_STATE}
        For PORT_PART_STATE, \field{value} is in the format of \field{struct port_state}.
        \field{length} is the length of \field{struct port_queue}.
        \begin{lstlisting}
        struct port_state { le16 index; };
        struct port_queue { le16 index; le16 size; };
        \end{lstlisting}

    Good:
        \section{Parts}
        \begin{tabular}{|l|l|}
        \hline
        Type & Name \\
        \hline
        0x1 & PORT_PART_STATE \\
        0x2 & PORT_PART_QUEUE \\
        \hline
        \end{tabular}
        \subsection{PORT_PART_STATE}
        For PORT_PART_STATE, \field{value} is in the format of \field{struct port_state}.
        \field{length} is the length of \field{struct port_state}.
        \begin{lstlisting}
        struct port_state { le16 index; };
        struct port_queue { le16 index; le16 size; };
        \end{lstlisting}
    """


@rule("VS221", "binding-disagrees", Severity.ERROR)
def binding_disagrees(draft: Draft) -> Iterator[Hit]:
    r"""A value has the format and the length of the same structure.

    Bad:
        \begin{lstlisting}
        struct port_state { le16 index; };
        struct port_queue { le16 index; le16 size; };
        \end{lstlisting}
        The \field{value} is in format of \field{struct port_state}.
        The \field{length} is the length of \field{struct port_queue}.

    Good:
        \begin{lstlisting}
        struct port_queue { le16 index; le16 size; };
        \end{lstlisting}
        The \field{value} is in format of \field{struct port_queue}.
        The \field{length} is the length of \field{struct port_queue}.
    """
    for page in draft.pages:
        for match in _FORMAT.finditer(page.text):
            _, end = page.paragraph(match.start())
            length = _LENGTH.search(page.text, match.end(), end)
            again = _FORMAT.search(page.text, match.end(), end)
            if not length or (again and again.start() < length.start()) or length["length"] == match["format"]:
                continue
            if draft.is_reported("VS252", page.file, length.start(), f"'struct {length['length']}'"):
                continue
            yield Hit(
                at=(page.file, match.start("format")),
                message=f"'{match['member']}' has the format of 'struct {match['format']}', "
                f"but the length of 'struct {length['length']}'",
                subject=page.title(match.start()),
                hint="name the structure that this section defines in both places",
            )


@rule("VS222", "foreign-binding", Severity.WARNING)
def foreign_binding(draft: Draft) -> Iterator[Hit]:
    r"""A section that gives a value the format of a structure does not leave its own structure unused.

    Bad:
        \section{State}
        \begin{lstlisting}
        struct port_state { le16 index; };
        \end{lstlisting}
        \section{Queue}
        The \field{value} is in the format of \field{struct port_state}.
        \begin{lstlisting}
        struct port_queue { le16 index; le16 size; };
        \end{lstlisting}

    Good:
        \section{State}
        \begin{lstlisting}
        struct port_state { le16 index; };
        \end{lstlisting}
        \section{Queue}
        The \field{value} is in the format of \field{struct port_queue}.
        \begin{lstlisting}
        struct port_queue { le16 index; le16 size; };
        \end{lstlisting}
    """
    defined: dict[int, set[str]] = {}
    for code in draft.listings:
        if code.section is not None:
            defined.setdefault(id(code.section), set()).update(_DEFINES.findall(code.bare))
    for page in draft.pages:
        for match in _FORMAT.finditer(page.text):
            section = page.section(match.start())
            bound = match["format"]
            own = defined.get(id(section), set())
            if section is None or not own or bound in own or bound not in draft.tags:
                continue
            if draft.is_reported("VS252", page.file, match.start(), f"'struct {bound}'"):
                continue
            start, stop = page.extent(match.start())
            text = _LENGTH.sub(" ", page.text[start:stop])
            # a command's result may be spoken of in the section whose data are not
            spoken = own.intersection(_IDENTIFIER.findall(text.replace("\\_", "_")))
            left = {tag for tag in own if draft.all_words[tag] == 1} if spoken else own
            if left:
                listed = " and ".join(f"'struct {tag}'" for tag in sorted(left))
                yield Hit(
                    at=(page.file, match.start("format")),
                    message=f"'{match['member']}' has the format of 'struct {bound}', "
                    f"but this section defines {listed}",
                    subject=section.title,
                )


@rule("VS225", "contradicting-direction", Severity.WARNING)
def contradicting_direction(draft: Draft) -> Iterator[Hit]:
    r"""What a structure fills is accessed as the structure says: nothing in a device-readable part is device-writable.

    Bad:
        \begin{lstlisting}
        struct port_reply {
                /* Device-readable part */
                le16 index;
                /* Device-writable part */
                le16 size;
        };
        struct port_request {
                /* Device-readable part */
                le32 opcode;
                /* Device-writable part */
                struct port_reply reply;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_reply {
                le16 index;
                le16 size;
        };
        struct port_request {
                /* Device-readable part */
                le32 opcode;
                /* Device-writable part */
                struct port_reply reply;
        };
        \end{lstlisting}
    """
    filled: dict[str, dict[str, Direction]] = {}
    sides: dict[str, Direction] = {}
    for struct in draft.spec.structs:
        for path, member in members_in(struct.members, struct.name):
            if member.direction is not None:
                sides[path] = member.direction
                if isinstance(member.type, StructRef):
                    filled.setdefault(member.type.name, {})[path] = member.direction
    for registry in draft.spec.registries:
        for binding in (b for entry in registry.entries for b in entry.bindings if b.member in sides):
            filled.setdefault(binding.struct, {})[binding.member] = sides[binding.member]
    for tag, places in filled.items():
        whole = draft.structs.get(tag)
        for member in whole.members if whole is not None else ():
            path, side = next(((p, s) for p, s in places.items() if member.direction not in (None, s)), ("", None))
            if side is not None:
                yield Hit(
                    at=member.place,
                    message=f"'{member.name}' is device-{member.direction}, but '{path}', which its structure fills, "
                    f"is device-{side}",
                    subject=f"struct {tag}",
                )
