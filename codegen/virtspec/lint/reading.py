"""Rules of the reading family that the reader itself checks, for the most part: their pages in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtspec.diagnostics import Severity
from virtspec.lint.draft import Draft
from virtspec.lint.registry import Hit, given, rule

_END_OF_LISTING = re.compile(r"\\end\s*\{(lstlisting|verbatim|Verbatim|minted)\}")


@given("VS001", Severity.ERROR)
def unreadable_file() -> None:
    r"""Every file of the specification is a UTF-8 text of reasonable size.

    A file with other bytes in it cannot be read at all, so nothing that it defines is known.

    Bad:
        % latin1.tex holds a byte that is no UTF-8
        \input{latin1}

    Good:
        % a chapter in UTF-8
        \section{Registers}
    """


@given("VS002", Severity.WARNING)
def missing_file() -> None:
    r"""What `\input` and `\lstinputlisting` name is there.

    Bad:
        \input{no-such-chapter}

    Good:
        \section{Registers}
    """


@given("VS003", Severity.ERROR)
def input_cycle() -> None:
    r"""No file includes itself, directly or through others.

    Bad:
        \input{bad}

    Good:
        \section{Registers}
    """


@given("VS004", Severity.ERROR)
def outside_tree() -> None:
    r"""A specification names only files of its own tree.

    Bad:
        \input{../../outside}

    Good:
        \section{Registers}
    """


@rule("VS005", "unclosed-environment", Severity.ERROR)
def unclosed_environment(draft: Draft) -> Iterator[Hit]:
    r"""Every environment that begins ends, in the order of nesting; so does text that `\iffalse` hides.

    Bad:
        \begin{itemize}
        \item a port

    Good:
        \begin{itemize}
        \item a port
        \end{itemize}
    """
    # the reader looks at what is open; the end of a listing without a beginning stands in the prose
    for page in draft.all_pages:
        for match in _END_OF_LISTING.finditer(page.text):
            yield Hit(
                at=(page.file, match.start()),
                message=f"'{match[0]}' closes nothing",
                hint=f"what stands before it is no listing: look for its '\\begin{{{match[1]}}}'",
            )


@given("VS006", Severity.ERROR)
def too_deep() -> None:
    r"""Structures nest as deep as a reader can follow; more than 24 levels are not read.

    Bad:
        \begin{lstlisting}
        struct deep { struct { struct { struct { struct { struct { struct { struct { struct { struct { struct {
        struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { struct {
        struct { struct { struct { struct { u8 a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a;
        } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; } a; };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct shallow {
                u8 a;
        };
        \end{lstlisting}
    """


@given("VS011", Severity.ERROR)
def unexpected_text() -> None:
    r"""A structure holds members and nothing else; other text belongs into a comment.

    Bad:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
                = the rest follows;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
                /* the rest follows */
        };
        \end{lstlisting}
    """


@given("VS012", Severity.ERROR)
def missing_semicolon() -> None:
    r"""Every member and every definition ends with a `;`.

    Readers guess what was meant; code that is generated from the text, or copied out of it, does not compile.

    Bad:
        \begin{lstlisting}
        struct port_config {
                le32 rate
                le32 flags;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
                le32 flags;
        };
        \end{lstlisting}
    """


@given("VS013", Severity.WARNING)
def wrong_separator() -> None:
    r"""Members are separated by `;`, the names of an enum by `,`.

    Bad:
        \begin{lstlisting}
        struct port_event {
                le16 {
                        number : 15,
                        wrap : 1;
                };
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_event {
                le16 {
                        number : 15;
                        wrap : 1;
                };
        };
        \end{lstlisting}
    """


@given("VS014", Severity.WARNING)
def unclosed_comment() -> None:
    r"""Every `/*` has its `*/`.

    What follows an unclosed comment is, for a compiler, part of it.

    Bad:
        \begin{lstlisting}
        struct port_config {
                /* in units of 100 bits per second
                le32 rate;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                /* in units of 100 bits per second */
                le32 rate;
        };
        \end{lstlisting}
    """


@given("VS015", Severity.NOTE)
def stray_prose() -> None:
    r"""Words beside a member or a value stand in a comment.

    Bad:
        \begin{lstlisting}
        struct port_config {
                le32 rate;    (only if PORT_F_RATE negotiated)
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;    /* only if PORT_F_RATE negotiated */
        };
        \end{lstlisting}
    """


@given("VS016", Severity.ERROR)
def damaged_character() -> None:
    r"""A listing holds no characters that were damaged on their way, as in mail that was read in a wrong encoding.

    Bad:
        \begin{lstlisting}
        struct port_config {
                le64 descÍ
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le64 desc;
        };
        \end{lstlisting}
    """


@given("VS017", Severity.WARNING)
def not_an_identifier() -> None:
    r"""A member's name is an identifier, so that every language can use it.

    Bad:
        \begin{lstlisting}
        struct port_control {
                u8 port-data[4];
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_control {
                u8 port_data[4];
        };
        \end{lstlisting}
    """


@given("VS018", Severity.WARNING)
def define_semicolon() -> None:
    r"""The value of a `#define` ends without a `;`, which would become part of every expression that uses it.

    Bad:
        \begin{lstlisting}
        #define PORT_SPEED_MASK 0x0f;
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        #define PORT_SPEED_MASK 0x0f
        \end{lstlisting}
    """


@given("VS019", Severity.ERROR)
def unclosed_brace() -> None:
    r"""Every `{` of a listing is closed in it.

    Bad:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
        };
        \end{lstlisting}
    """


@given("VS020", Severity.NOTE)
def elided_part() -> None:
    r"""A structure lists all its members; where an ellipsis stands for some, its layout is not given.

    Bad:
        \begin{lstlisting}
        struct port_request {
                u8 command;
                ...
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_request {
                u8 command;
                u8 argument[];
        };
        \end{lstlisting}
    """


@given("VS021", Severity.ERROR)
def bad_number() -> None:
    r"""A value, a width and a length are constant expressions.

    Bad:
        \begin{lstlisting}
        enum port_state {
                PORT_OPEN = 09,
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        enum port_state {
                PORT_OPEN = 9,
        };
        \end{lstlisting}
    """


@given("VS022", Severity.ERROR)
def unknown_type() -> None:
    r"""A member has one of the types that the introduction declares.

    Bad:
        \begin{lstlisting}
        struct port_config {
                le24 rate;
        };
        \end{lstlisting}

    Good:
        \begin{lstlisting}
        struct port_config {
                le32 rate;
        };
        \end{lstlisting}
    """
