"""A position in a listing's tokens, and what every part of the parser does there: look ahead, report, step over.

Comments stand beside the tokens; they are remarks on the member they stand at.
"""

from __future__ import annotations

from virtspec.diagnostics import Sink, at
from virtspec.expressions import Expr, NoExpression, Token, parse_expression
from virtspec.listing.syntax import Remark
from virtspec.source import SourceFile

SCALARS = frozenset(
    f"{prefix}{order}{bits}"
    for prefix in ("", "__")
    for order, widths in (("le", (8, 16, 32, 64)), ("be", (8, 16, 32, 64)), ("u", (8, 16, 32, 64)))
    for bits in widths
) | {"char", "uint8_t", "uint16_t", "uint32_t", "uint64_t"}
"""The integer types of the dialect."""

QUALIFIERS = frozenset({"const", "volatile"})
"""Words before a type that say what a program may do with a member, and nothing of its bytes."""

MAX_DEPTH = 24
"""How deep structs, or an array's dimensions, may nest in one another; the deepest published one has four levels."""


class TooDeep(Exception):
    """Structs or dimensions, as its text says, nest deeper than `MAX_DEPTH`."""


class Cursor:
    """The tokens and comments, where we are, which comments belong to what we have passed, and the struct we are in."""

    def __init__(self, file: SourceFile, tokens: list[Token], comments: list[Token], sink: Sink) -> None:
        self.file = file
        self.tokens = tokens
        self.comments = comments
        self.sink = sink
        self.position = 0
        self.remarked = 0
        self.typedefs: set[str] = set()
        self.subject = ""
        self.depth = 0

    def peek(self) -> Token:
        """The next token."""
        return self.tokens[self.position]

    def ahead(self, count: int) -> Token:
        """The token so many behind the next one; at the end of the listing its end."""
        return self.tokens[min(self.position + count, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.tokens[self.position]
        if token.kind != "end":
            self.position += 1
        return token

    def take(self, text: str) -> bool:
        if self.tokens[self.position].text == text:
            self.position += 1
            return True
        return False

    def remarks(self) -> tuple[Remark, ...]:
        """The comments in front of the next token that belong to nothing yet."""
        first, self.remarked = self.remarked, self.tokens[self.position].comments
        if first == self.remarked:
            return ()
        return tuple(Remark(comment.text, comment.start) for comment in self.comments[first : self.remarked])

    def error(self, rule: str, start: int, message: str, hint: str = "") -> None:
        self.sink.error(rule, at(self.file, start), message, subject=self.subject, hint=hint)

    def warn(self, rule: str, start: int, message: str, hint: str = "") -> None:
        self.sink.warning(rule, at(self.file, start), message, subject=self.subject, hint=hint)

    def enter(self) -> None:
        """One level of braces deeper. Raises `TooDeep`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep("braces")

    def leave(self) -> None:
        self.depth -= 1

    def begins_body(self) -> bool:
        """Whether `struct`, `union` or `enum` at the next token is followed by a body."""
        return self.ahead(1).text == "{" or (self.ahead(1).kind == "name" and self.ahead(2).text == "{")

    def skip_line(self) -> None:
        """To the next line, the end of the statement, or before a closing brace."""
        while (token := self.peek()).kind != "end" and not token.fresh and token.text != "}":
            if self.next().text == ";":
                return

    def damaged(self, token: Token, what: str) -> None:
        self.error(
            "VS016",
            token.start,
            f"damaged character {token.text[:1]!a} behind {what}, read as ';'",
            hint="the text was changed in transit; put ';' back",
        )

    def begins_member(self, token: Token, *, group: bool) -> bool:
        """Whether a token behind a `;`, on its line, begins another member or ends the body, rather than prose."""
        begins = token.text in ("}", "struct", "union") or token.text in SCALARS or token.text in QUALIFIERS
        if begins or token.kind == "elision" or (group and token.text == ":"):
            return True
        following = self.tokens[self.position + 1 : self.position + 3]
        if token.kind != "name" or not following:
            return False
        if group:
            return following[0].text == ":"
        # a member of a type that nobody knows: two words and a semicolon are no prose
        return following[0].kind == "name" and following[-1].text in (";", "[") and not following[0].fresh

    def trailing(self, *, group: bool = False) -> tuple[Remark, ...]:
        """Comments in and behind a declaration, and stray prose behind it, on its line; in a bit-field group `name :`
        begins the next."""
        inside = self.tokens[self.position - 1].comments
        words: list[Token] = []
        while (token := self.tokens[self.position]).kind != "end" and not token.fresh:
            if token.text == "}" or (not words and self.begins_member(token, group=group)):
                break
            words.append(token)
            self.position += 1
        if not words and self.remarked == token.comments:
            return ()
        remarks: list[Remark] = []
        for number, comment in enumerate(self.comments[self.remarked : token.comments], self.remarked):
            if number >= inside and comment.fresh:
                break
            remarks.append(Remark(comment.text, comment.start))
            self.remarked = number + 1
        if words:
            end = words[-1].start + len(words[-1].text)
            self.sink.note(
                "VS015",
                at(self.file, words[0].start, end),
                "prose outside a comment",
                subject=self.subject,
                hint="put it between '/*' and '*/'",
            )
            remarks.append(Remark(self.file.text[words[0].start : end], words[0].start, comment=False))
        return tuple(remarks)

    def expression(self, what: str) -> Expr | None:
        try:
            expr, self.position = parse_expression(self.tokens, self.position)
        except NoExpression as error:
            self.error("VS021", self.peek().start, f"{what} is no constant expression: {error}")
            return None
        return expr
