"""Recursive descent over a listing, with recovery: every listing becomes definitions, opaque stretches, or both.

    listing := (define | body ';' | enum ';' | group [name] ';' | type declarators ';' | opaque)*
    body    := ('struct' | 'union') [name] '{' item* '}' [attributes]
    item    := define | enum ';' | elision | (type | body | group) declarators ';'
    group   := scalar '{' (name ':' width (';' | ',') | 'union' '{' … '}' ';')* '}'
    enum    := 'enum' [name] '{' [name ['=' expr]] (',' …)* '}'

A problem is reported at its place, and reading goes on behind it: the dialect of the published listings has missing
and wrong separators, prose beside members, and text that a mail archive has damaged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtspec.diagnostics import Sink, at
from virtspec.listing.expressions import NoExpression, parse_expression
from virtspec.listing.lexer import Token, lex, tokenize
from virtspec.listing.syntax import (
    BitEntry,
    BitGroup,
    Body,
    BodyItem,
    Declaration,
    Define,
    Dimension,
    Elision,
    Enum,
    Enumerator,
    Expr,
    Item,
    Opaque,
    Remark,
    TypeName,
)
from virtspec.source import SourceFile

SCALARS = frozenset(
    f"{prefix}{order}{bits}"
    for prefix in ("", "__")
    for order, widths in (("le", (8, 16, 32, 64)), ("be", (8, 16, 32, 64)), ("u", (8, 16, 32, 64)))
    for bits in widths
) | {"char", "uint8_t", "uint16_t", "uint32_t", "uint64_t"}
"""The integer types of the dialect."""

MAX_DEPTH = 24
"""How deep structs may nest in one another; the deepest published one has four levels."""

_DEFINE = re.compile(r"#[ \t]*define[ \t]+([A-Za-z_][A-Za-z0-9_]*)(\([^()]*\))?", re.DOTALL)
_ATTRIBUTES = ("__attribute__", "__packed", "packed")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a listing holds. `opaque` is the reason why it holds no definition, "" where it does."""

    items: tuple[Item, ...]
    opaque: str


def parse_listing(file: SourceFile, start: int, end: int, escape: str, sink: Sink) -> Parsed:
    """The definitions of the listing whose body lies from `start` to `end` of a file."""
    tokens = tokenize(file, start, end, escape, sink)
    items = _Parser(file, tokens, sink).listing()
    opaque = [item for item in items if isinstance(item, Opaque)]
    if opaque and any(item.reason == _PSEUDO_CODE for item in opaque):
        # `u32 before, after;` in front of a loop declares variables, no fields
        items = [
            Opaque(i.start, i.start, "variables of pseudo-code") if isinstance(i, Declaration) else i for i in items
        ]
    if any(not isinstance(item, Opaque) for item in items):
        return Parsed(tuple(items), "")
    reason = next((item.reason for item in items if isinstance(item, Opaque)), "holds nothing but comments")
    return Parsed(tuple(items), reason)


_PSEUDO_CODE = "pseudo-code or a formula"


def _opaque_reason(text: str) -> str:
    if "::=" in text:
        return "ASN.1"
    if re.search(r"=\s*<|@[0-9a-fA-F]+\s*\{", text):
        return "device tree"
    if re.search(r"=\s*\{", text):
        return "an initialised object"
    return _PSEUDO_CODE


class _TooDeep(Exception):
    """Structs nest deeper than `MAX_DEPTH`."""


class _Parser:
    """The state of the descent: the tokens, where we are, and the comments passed since the last member."""

    def __init__(self, file: SourceFile, tokens: list[Token], sink: Sink) -> None:
        self.file = file
        self.tokens = tokens
        self.sink = sink
        self.position = 0
        self.pending: list[Remark] = []
        self.subject = ""
        self.depth = 0

    # --- tokens ---

    def peek(self, ahead: int = 0) -> Token:
        """The next token that is no comment; comments before it are kept as pending remarks."""
        while self.tokens[self.position].kind == "comment":
            token = self.tokens[self.position]
            self.pending.append(Remark(token.text, token.start))
            self.position += 1
        if not ahead:
            return self.tokens[self.position]
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

    # --- the listing ---

    def listing(self) -> list[Item]:
        items: list[Item] = []
        try:
            while (token := self.peek()).kind != "end":
                items.extend(self.top_item(token))
                if token is self.peek():
                    self.position += 1
        except _TooDeep:
            self.sink.fatal(
                "VS006",
                at(self.file, self.tokens[self.position].start),
                f"braces nest deeper than {MAX_DEPTH} levels",
                subject=self.subject,
            )
        return _merge(items)

    def top_item(self, token: Token) -> list[Item]:
        if token.kind == "define":
            self.next()
            defined = self.define(token)
            return [defined] if defined else []
        if token.kind == "directive" or token.text == ";":
            self.next()
            return []
        if token.text in ("struct", "union") and self.begins_body():
            return [self.top_body()]
        if token.text == "enum" and self.begins_body():
            enum = self.enum()
            self.end_of_definition(f"enum '{enum.name}'" if enum.name else "enum")
            return [enum]
        if token.text in SCALARS:
            if self.peek(1).text == "{":
                return [self.top_group()]
            mark = self.position
            fields = self.bare_fields()
            if fields:
                return list(fields)
            self.position = mark
        return [self.opaque()]

    def begins_body(self) -> bool:
        """Whether `struct`, `union` or `enum` at the next token is followed by a body."""
        return self.peek(1).text == "{" or (self.peek(1).kind == "name" and self.peek(2).text == "{")

    def top_body(self) -> Body:
        self.subject = ""
        self.pending.clear()
        body = self.body()
        self.end_of_definition(f"{body.kind} '{body.name}'" if body.name else body.kind)
        self.subject = ""
        return body

    def end_of_definition(self, what: str) -> None:
        """The `;` behind a closing brace."""
        if self.take(";"):
            return
        brace = self.tokens[self.position - 1]
        if self.peek().kind == "junk" and not self.peek().fresh:
            self.damaged(self.next(), what)
            return
        self.error("VS012", brace.start, f"{what} has no ';' behind its '}}'", hint="add ';' behind the '}'")

    def top_group(self) -> Item:
        group = self.group()
        name = ""
        if self.peek().kind == "name" and not self.peek().fresh:
            name = self.next().text
        self.end_of_definition("the bit-field group")
        return Declaration(name, group, group.start) if name else group

    def bare_fields(self) -> list[Declaration]:
        """`le64 offloads;` outside any struct; nothing where it is a statement."""
        type_token = self.next()
        type_ = TypeName("", type_token.text, type_token.start)
        fields: list[Declaration] = []
        while True:
            token = self.peek()
            if token.kind != "name":
                return []
            self.next()
            dimensions = self.dimensions()
            fields.append(Declaration(token.text, type_, token.start, dimensions))
            if self.take(","):
                continue
            if self.take(";"):
                fields[-1].after = self.trailing()
                return fields
            return []

    def opaque(self) -> Opaque:
        """Steps over what is no definition: to the end of the statement or block, or before the next definition."""
        first = self.next()
        depth = 1 if first.text in ("{", "(") else 0
        last = first
        while (token := self.peek()).kind != "end":
            if not depth and token.fresh and self.begins_definition(token):
                break
            last = self.next()
            if last.text in ("{", "("):
                depth += 1
            elif last.text in ("}", ")"):
                depth = max(0, depth - 1)
                if last.text == "}" and not depth:
                    break
            elif last.text == ";" and not depth:
                break
        end = last.start + len(last.text)
        return Opaque(first.start, end, _opaque_reason(self.file.text[first.start : end]))

    def begins_definition(self, token: Token) -> bool:
        if token.kind == "define":
            return True
        return token.text in ("struct", "union", "enum") and self.begins_body()

    # --- struct and union ---

    def body(self) -> Body:
        """`struct name { … } attributes`, up to and without the declarators behind it."""
        keyword = self.next()
        name = self.next().text if self.peek().kind == "name" else ""
        body = Body("union" if keyword.text == "union" else "struct", name, keyword.start)
        outer = self.subject
        if name:
            self.subject = f"{body.kind} {name}"
        self.next()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeep
        self.pending.clear()
        self.body_items(body.items, keyword)
        self.depth -= 1
        body.packed = self.attributes()
        self.subject = outer
        return body

    def body_items(self, items: list[BodyItem], keyword: Token) -> None:
        while True:
            token = self.peek()
            if token.kind == "end":
                self.sink.fatal(
                    "VS019",
                    at(self.file, keyword.start),
                    f"'{keyword.text} {{' is not closed before the listing ends",
                    subject=self.subject,
                    hint="add the missing '}'",
                )
                return
            if token.text == "}":
                self.next()
                return
            mark = self.position
            items.extend(self.body_item(token))
            if self.position == mark:
                self.position += 1

    def body_item(self, token: Token) -> list[BodyItem]:
        if token.kind == "define":
            self.next()
            defined = self.define(token)
            return [defined] if defined else []
        if token.kind == "elision":
            self.next()
            self.sink.note(
                "VS020", at(self.file, token.start), "the listing leaves out members here", subject=self.subject
            )
            return [Elision(token.start)]
        if token.text == "enum" and self.begins_body():
            enum = self.enum()
            self.take(";")
            return [enum]
        if token.kind == "name":
            return list(self.declarations())
        self.next()
        if token.text != ";" and token.kind != "directive":
            self.error("VS011", token.start, f"unexpected '{token.text[:20]}' where a member should begin")
            self.skip_line()
        return []

    def skip_line(self) -> None:
        """To the next line, the end of the statement, or before a closing brace."""
        while (token := self.peek()).kind != "end" and not token.fresh and token.text != "}":
            if self.next().text == ";":
                return

    def declarations(self) -> list[Declaration]:
        """A type and its declarators up to and with the `;`."""
        before = tuple(self.pending)
        self.pending.clear()
        type_ = self.type()
        if type_ is None:
            return []
        declared: list[Declaration] = []
        if self.peek().text == ";" and not isinstance(type_, TypeName):
            self.next()
            if isinstance(type_, Body) and type_.name:
                self.warn("VS011", type_.start, f"{type_.kind} '{type_.name}' declares a tag here, but no member")
            declared.append(Declaration("", type_, type_.start, before=before))
            declared[-1].after = self.trailing()
            return declared
        while True:
            declaration = self.declarator(type_, before)
            if declaration is None:
                return declared
            declared.append(declaration)
            before = ()
            if not self.take(","):
                break
        self.end_of_declaration(declared[-1])
        declared[-1].after = self.trailing()
        return declared

    def type(self) -> TypeName | Body | BitGroup | None:
        token = self.peek()
        if token.text in ("struct", "union"):
            if self.begins_body():
                return self.body()
            self.next()
            name = self.peek()
            if name.kind != "name":
                self.error("VS011", token.start, f"'{token.text}' without a name or a body")
                self.skip_line()
                return None
            self.next()
            return TypeName("union" if token.text == "union" else "struct", name.text, token.start)
        if token.text in SCALARS and self.peek(1).text == "{":
            return self.group()
        if token.text not in SCALARS and not (self.peek(1).kind == "name" and not self.peek(1).fresh):
            self.error("VS011", token.start, f"'{token.text[:40]}' is no member: a type and a name were expected")
            self.next()
            self.skip_line()
            return None
        if token.text == "enum":
            self.next()
            return TypeName("enum", self.next().text, token.start)
        if token.text not in SCALARS:
            self.error("VS022", token.start, f"unknown type '{token.text[:40]}'")
        self.next()
        return TypeName("", token.text, token.start)

    def declarator(self, type_: TypeName | Body | BitGroup, before: tuple[Remark, ...]) -> Declaration | None:
        token = self.peek()
        if token.kind != "name":
            self.error("VS011", token.start, f"expected the name of a member, found '{token.text[:20]}'")
            self.skip_line()
            return None
        self.next()
        name = token.text
        end = token.start + len(name)
        while self.peek().text == "-" and self.peek().start == end and self.peek(1).kind == "name":
            self.next()
            part = self.next()
            name += f"-{part.text}"
            end = part.start + len(part.text)
        if "-" in name:
            self.warn("VS017", token.start, f"'{name}' is no identifier", hint=f"write '{name.replace('-', '_')}'")
        dimensions = self.dimensions()
        bits = None
        if self.peek().text == ":":
            self.next()
            bits = self.expression("width of a bit-field")
        return Declaration(name, type_, token.start, dimensions, bits, before)

    def end_of_declaration(self, declaration: Declaration) -> None:
        token = self.peek()
        if token.text == ";":
            self.next()
            return
        if token.kind == "junk" and not token.fresh:
            self.damaged(self.next(), f"field '{declaration.name}'")
            return
        last = self.tokens[self.position - 1]
        behind = last.start + len(last.text)
        if token.text in (":", ".") and not token.fresh:
            self.next()
            self.error("VS013", token.start, f"'{token.text}' behind field '{declaration.name}' where ';' belongs")
            return
        self.error(
            "VS012",
            behind,
            f"field '{declaration.name}' has no ';'",
            hint=f"add ';' behind '{self.file.text[last.start : behind][:40]}'",
        )

    def damaged(self, token: Token, what: str) -> None:
        self.error(
            "VS016",
            token.start,
            f"damaged character {token.text[:1]!a} behind {what}, read as ';'",
            hint="the text was changed in transit; put ';' back",
        )

    def trailing(self) -> tuple[Remark, ...]:
        """Comments and stray prose behind a declaration, on its line."""
        remarks: list[Remark] = []
        words: list[Token] = []
        while (token := self.tokens[self.position]).kind != "end" and not token.fresh:
            if token.kind == "comment":
                remarks.append(Remark(token.text, token.start))
            elif not words and (token.text == "}" or token.text in SCALARS or token.text in ("struct", "union")):
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

    def dimensions(self) -> tuple[Dimension, ...]:
        found: list[Dimension] = []
        while self.peek().text == "[":
            found.append(self.dimension())
        return tuple(found)

    def dimension(self) -> Dimension:
        bracket = self.next()
        first = self.position
        depth = 1
        while True:
            token = self.tokens[self.position]
            if token.kind == "end" or token.text in (";", "{", "}"):
                self.error("VS011", bracket.start, "'[' is not closed", hint="add the missing ']'")
                break
            self.position += 1
            if token.text == "[":
                depth += 1
            elif token.text == "]":
                depth -= 1
                if not depth:
                    break
        inner = [t for t in self.tokens[first : self.position] if t.kind != "comment"]
        comments = [t.text for t in self.tokens[first : self.position] if t.kind == "comment"]
        if inner and inner[-1].text == "]":
            inner.pop()
        if not inner:
            return Dimension(None, _comment_text(comments[0]) if comments else "", bracket.start)
        text = " ".join(self.file.text[inner[0].start : inner[-1].start + len(inner[-1].text)].split())
        try:
            expr, after = parse_expression([*inner, Token("end", "", 0, True)], 0)
        except NoExpression:
            expr, after = None, 0
        return Dimension(expr if after == len(inner) else None, text, bracket.start)

    def attributes(self) -> bool:
        """Whether `__attribute__((packed))` follows; it is consumed."""
        packed = False
        while self.peek().text in _ATTRIBUTES:
            packed |= self.next().text != "__attribute__"
            if self.peek().text != "(":
                continue
            depth = 0
            while (token := self.next()).kind != "end":
                depth += (token.text == "(") - (token.text == ")")
                packed |= token.text in ("packed", "__packed__")
                if not depth:
                    break
        return packed

    # --- bit-field groups, enums, defines ---

    def group(self) -> BitGroup:
        container = self.next()
        brace = self.next()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeep
        group = BitGroup(TypeName("", container.text, container.start), container.start)
        self.group_entries(group.entries, brace, union=False)
        self.depth -= 1
        return group

    def group_entries(self, entries: list[BitEntry | list[BitEntry]], brace: Token, *, union: bool) -> None:
        while True:
            token = self.peek()
            if token.kind == "end":
                self.sink.fatal(
                    "VS019", at(self.file, brace.start), "'{' is not closed before the listing ends", subject=self.subject
                )
                return
            if token.text == "}":
                self.next()
                return
            if token.text == "union" and self.peek(1).text == "{" and not union:
                self.next()
                inner = self.next()
                arms: list[BitEntry | list[BitEntry]] = []
                self.group_entries(arms, inner, union=True)
                entries.append([arm for arm in arms if isinstance(arm, BitEntry)])
                self.take(";")
            elif token.kind == "name" and self.peek(1).text == ":":
                entries.append(self.bit_entry())
            else:
                self.next()
                if token.text != ";":
                    self.error("VS011", token.start, f"unexpected '{token.text[:20]}' in a bit-field group")
                    self.skip_line()

    def bit_entry(self) -> BitEntry:
        name = self.next()
        self.next()
        before = tuple(self.pending)
        self.pending.clear()
        width = self.expression("width of a bit-field")
        separator = self.peek()
        if separator.text == ",":
            self.next()
            self.warn("VS013", separator.start, f"',' behind '{name.text}' where ';' belongs", hint="write ';'")
        elif separator.kind == "junk" and not separator.fresh:
            self.damaged(self.next(), f"field '{name.text}'")
        elif not self.take(";"):
            self.error("VS012", separator.start, f"field '{name.text}' has no ';'", hint="add ';' behind its width")
        return BitEntry(name.text, width, name.start, (*before, *self.trailing()))

    def expression(self, what: str) -> Expr | None:
        self.peek()
        try:
            expr, self.position = parse_expression(self.tokens, self.position)
        except NoExpression as error:
            self.error("VS021", self.peek().start, f"{what} is no constant expression: {error}")
            return None
        return expr

    def enum(self) -> Enum:
        keyword = self.next()
        name = self.next().text if self.peek().kind == "name" else ""
        brace = self.next()
        enum = Enum(name, keyword.start)
        while True:
            token = self.next()
            if token.kind == "end":
                self.sink.fatal("VS019", at(self.file, brace.start), "'enum {' is not closed before the listing ends")
                return enum
            if token.text == "}":
                return enum
            if token.kind == "name":
                expr = self.expression(f"value of '{token.text}'") if self.take("=") else None
                enum.enumerators.append(Enumerator(token.text, expr, token.start))
                separator = self.peek()
                if separator.text not in (",", "}") and separator.kind != "end":
                    self.error("VS013", separator.start, f"expected ',' behind '{token.text}'", hint="write ','")
                    if separator.text == ";":
                        self.next()
            elif token.text != "," and token.kind not in ("define", "directive"):
                self.error("VS011", token.start, f"unexpected '{token.text[:20]}' in an enum")

    def define(self, token: Token) -> Define | None:
        match = _DEFINE.match(token.text)
        if not match:
            self.error("VS011", token.start, "'#define' without a name")
            return None
        name = match[1]
        parameters = None
        if match[2] is not None:
            parameters = tuple(p.strip() for p in match[2][1:-1].split(",") if p.strip())
        base = token.start + match.end()
        body = token.text[match.end() :].replace("\\\n", "  ")
        tokens = [t for t in lex(body, self.file, base, self.sink) if t.kind != "comment"]
        text = " ".join(t.text for t in tokens[:-1])
        if tokens[0].kind == "end":
            return Define(name, parameters, None, "", token.start)
        try:
            expr, after = parse_expression(tokens, 0)
        except NoExpression:
            return Define(name, parameters, None, text, token.start)
        rest = tokens[after]
        if rest.text == ";" and tokens[after + 1].kind == "end":
            self.warn("VS018", rest.start, f"';' belongs to the value of '{name}'", hint="remove the ';'")
        elif rest.kind != "end":
            self.sink.note(
                "VS015",
                at(self.file, rest.start),
                f"prose behind the value of '{name}'",
                hint="put it between '/*' and '*/'",
            )
        return Define(name, parameters, expr, text, token.start)


def _comment_text(comment: str) -> str:
    """The words of a comment, without its marks."""
    return " ".join(comment.removeprefix("//").removeprefix("/*").removesuffix("*/").split())


def _merge(items: list[Item]) -> list[Item]:
    """Neighbouring opaque stretches as one."""
    merged: list[Item] = []
    for item in items:
        last = merged[-1] if merged else None
        if isinstance(item, Opaque) and isinstance(last, Opaque):
            reason = last.reason if last.reason != _PSEUDO_CODE else item.reason
            merged[-1] = Opaque(last.start, item.end, reason)
        else:
            merged.append(item)
    return merged
