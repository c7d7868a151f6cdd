"""A position in a listing's tokens, and what every part of the parser does there: look ahead, report, step over.

Comments are stepped over on the way; they are kept as remarks for the member they stand at.
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

MAX_DEPTH = 24
"""How deep structs, or an array's dimensions, may nest in one another; the deepest published one has four levels."""


class TooDeep(Exception):
    """Structs or dimensions, as its text says, nest deeper than `MAX_DEPTH`."""


class Cursor:
    """The tokens, where we are, the comments passed since the last member, and the struct we are in."""

    def __init__(self, file: SourceFile, tokens: list[Token], sink: Sink) -> None:
        self.file = file
        self.tokens = tokens
        self.sink = sink
        self.position = 0
        self.pending: list[Remark] = []
        self.typedefs: set[str] = set()
        self.subject = ""
        self.depth = 0

    def peek(self, ahead: int = 0) -> Token:
        """The next token that is no comment; comments before it are kept as pending remarks."""
        token = self.tokens[self.position]
        while token.kind == "comment":
            self.pending.append(Remark(token.text, token.start))
            self.position += 1
            token = self.tokens[self.position]
        if not ahead:
            return token
        position = self.position
        while ahead and self.tokens[position].kind != "end":
            position += 1
            if self.tokens[position].kind != "comment":
                ahead -= 1
        return self.tokens[position]

    def next(self) -> Token:
        token = self.peek()
        if token.kind != "end":
            self.position += 1
        return token

    def take(self, text: str) -> bool:
        if self.peek().text == text:
            self.position += 1
            return True
        return False

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
        return self.peek(1).text == "{" or (self.peek(1).kind == "name" and self.peek(2).text == "{")

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
        if token.text in ("}", "struct", "union") or token.text in SCALARS:
            return True
        following = self.tokens[self.position + 1 : self.position + 3]
        if token.kind != "name" or not following:
            return False
        if group:
            return following[0].text == ":"
        # a member of a type that nobody knows: two words and a semicolon are no prose
        return following[0].kind == "name" and following[-1].text in (";", "[") and not following[0].fresh

    def trailing(self, *, group: bool = False) -> tuple[Remark, ...]:
        """Comments and stray prose behind a declaration, on its line; in a bit-field group `name :` begins the next."""
        remarks: list[Remark] = []
        words: list[Token] = []
        while (token := self.tokens[self.position]).kind != "end" and not token.fresh:
            if token.kind == "comment":
                remarks.append(Remark(token.text, token.start))
            elif token.text == "}" or (not words and self.begins_member(token, group=group)):
                break
            else:
                words.append(token)
            self.position += 1
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
        self.peek()
        try:
            expr, self.position = parse_expression(self.tokens, self.position)
        except NoExpression as error:
            self.error("VS021", self.peek().start, f"{what} is no constant expression: {error}")
            return None
        return expr
