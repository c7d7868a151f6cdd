"""Structs, unions and bit-field groups of a listing, member by member, with recovery.

body    := ('struct' | 'union') [name] '{' item* '}' [attributes]
item    := define | enum ';' | elision | (type | body | group) declarators ';'
group   := scalar '{' (name ':' width (';' | ',') | 'union' '{' … '}' ';')* '}'
"""

from __future__ import annotations

from virtspec.diagnostics import at
from virtspec.expressions import NoExpression, Token, parse_expression
from virtspec.listing.cursor import MAX_DEPTH, QUALIFIERS, SCALARS, Cursor, TooDeep
from virtspec.listing.definitions import parse_define, parse_enum
from virtspec.listing.syntax import (
    BitEntry,
    BitGroup,
    Body,
    BodyItem,
    Declaration,
    Dimension,
    Elision,
    Remark,
    TypeName,
    field_called,
)

_ATTRIBUTES = ("__attribute__", "__packed", "packed")
_TYPES = SCALARS | QUALIFIERS | {"struct", "union", "enum"}


class MemberParser(Cursor):
    """Descends into the bodies of structs and unions."""

    def body(self) -> Body:
        """`struct name { … } attributes`, up to and without the declarators behind it."""
        keyword = self.next()
        name = self.next().text if self.peek().kind == "name" else ""
        body = Body("union" if keyword.text == "union" else "struct", name, keyword.start)
        outer = self.subject
        if name:
            self.subject = f"{body.kind} {name}"
        self.remarks()  # what stands in front of the body is about none of its members
        self.next()
        self.enter()
        self.body_items(body.items, keyword)
        self.leave()
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
            defined = parse_define(self, token)
            return [defined] if defined else []
        if token.kind == "elision":
            self.next()
            self.sink.note(
                "VS020", at(self.file, token.start), "the listing leaves out members here", subject=self.subject
            )
            return [Elision(token.start)]
        if token.text == "enum" and self.begins_body():
            enum = parse_enum(self)
            self.take(";")
            return [enum]
        if token.kind == "name":
            return list(self.declarations())
        self.next()
        if token.text != ";":
            self.error("VS011", token.start, f"unexpected '{token.text[:20]}' where a member should begin")
            self.skip_line()
        return []

    def declarations(self) -> list[Declaration]:
        """A type and its declarators up to and with the `;`."""
        before = self.remarks()
        if (
            self.ahead(2).text == "{"
            and ":" in (self.ahead(3).text, self.ahead(4).text)
            and self.peek().text in SCALARS
        ):
            return [self.named_before_group(before)]
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
                self.end_of_declaration(declared[-1])
                break
            if self.ends_declarators():
                comma, field = self.tokens[self.position - 1], field_called(declaration.name)
                self.error("VS013", comma.start, f"',' behind {field} where ';' belongs", hint="write ';'")
                break
        declared[-1].after = self.trailing()
        return declared

    def ends_declarators(self) -> bool:
        """Whether what follows a comma is no declarator, but the next member or the end of the body."""
        word = self.peek().text
        return word == "}" or word in _TYPES or (word in self.typedefs and self.ahead(1).kind == "name")

    def named_before_group(self, before: tuple[Remark, ...]) -> Declaration:
        """`le32 flags { … };` means `le32 { … } flags;`."""
        container, name = self.next(), self.next()
        self.error(
            "VS011",
            name.start,
            f"the name '{name.text[:40]}' stands before the bit-fields, not behind them",
            hint=f"write '{container.text} {{ … }} {name.text[:40]};'",
        )
        declaration = Declaration(name.text, self.group(container), name.start, before=before)
        self.end_of_declaration(declaration)
        declaration.after = self.trailing()
        return declaration

    def type(self) -> TypeName | Body | BitGroup | None:
        token = self.peek()
        while token.text in QUALIFIERS and self.begins_type(1):
            self.next()
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
        if token.text in SCALARS and self.ahead(1).text == "{":
            return self.group(self.next())
        if token.text not in SCALARS and not (self.ahead(1).kind == "name" and not self.ahead(1).fresh):
            self.error("VS011", token.start, f"'{token.text[:40]}' is no member: a type and a name were expected")
            self.next()
            self.skip_line()
            return None
        if token.text == "enum":
            self.next()
            return TypeName("enum", self.next().text, token.start)
        if token.text not in SCALARS and token.text not in self.typedefs:
            self.error("VS022", token.start, f"unknown type '{token.text[:40]}'")
        self.next()
        return TypeName("", token.text, token.start)

    def begins_type(self, count: int) -> bool:
        """Whether the token so many behind the next one is a type: a known one, or a name before the member's name."""
        token = self.ahead(count)
        return token.text in _TYPES or (token.kind == self.ahead(count + 1).kind == "name")

    def declarator(self, type_: TypeName | Body | BitGroup, before: tuple[Remark, ...]) -> Declaration | None:
        token = self.peek()
        misplaced: tuple[Dimension, ...] = ()
        if token.text == "[":
            # `u8[6] mac;` means `u8 mac[6];`
            misplaced = self.dimensions()
            self.warn("VS011", token.start, "the dimensions stand behind the type, not behind the member's name")
            token = self.peek()
        if token.text == ":" and isinstance(type_, TypeName):
            self.next()
            return Declaration("", type_, token.start, (), True, self.expression("width of a bit-field"), before)
        if token.kind != "name":
            self.error("VS011", token.start, f"expected the name of a member, found '{token.text[:20]}'")
            self.skip_line()
            return None
        self.next()
        name = token.text
        if self.peek().text == "-":
            name = self.hyphenated(token)
        dimensions = (*self.dimensions(), *misplaced)
        bit_field = self.take(":")
        bits = self.expression("width of a bit-field") if bit_field else None
        return Declaration(name, type_, token.start, dimensions, bit_field, bits, before)

    def hyphenated(self, first: Token) -> str:
        """The name that begins with a token, when others are joined to it by hyphens."""
        name = first.text
        end = first.start + len(name)
        while self.peek().text == "-" and self.peek().start == end and self.ahead(1).kind == "name":
            self.next()
            part = self.next()
            name += f"-{part.text}"
            end = part.start + len(part.text)
        if "-" in name:
            self.warn("VS017", first.start, f"'{name}' is no identifier", hint=f"write '{name.replace('-', '_')}'")
        return name

    def end_of_declaration(self, declaration: Declaration) -> None:
        token = self.peek()
        if token.text == ";":
            self.next()
            return
        if token.kind == "junk" and not token.fresh:
            self.damaged(self.next(), field_called(declaration.name))
            return
        last = self.tokens[self.position - 1]
        behind = last.start + len(last.text)
        if token.text in (":", ".") and not token.fresh:
            self.next()
            self.error(
                "VS013", token.start, f"'{token.text}' behind {field_called(declaration.name)} where ';' belongs"
            )
            return
        if self._more_before_semicolon(token):
            self.error("VS011", token.start, f"unexpected '{token.text[:20]}' behind {field_called(declaration.name)}")
            self.skip_line()
            return
        self.error(
            "VS012",
            behind,
            f"{field_called(declaration.name)} has no ';'",
            hint=f"add ';' behind '{self.file.text[last.start : behind][:40]}'",
        )

    def _more_before_semicolon(self, token: Token) -> bool:
        """Whether the line goes on to a `;`, with something that is no other member (`u32 x y;`, `le16 x = 5;`)."""
        if token.fresh or token.kind == "end" or self.begins_member(token, group=False):
            return False
        for other in self.tokens[self.position + 1 :]:
            if other.fresh or other.kind == "end":
                return False
            if other.text == ";":
                return True
        return False

    def dimensions(self) -> tuple[Dimension, ...]:
        found: list[Dimension] = []
        while self.peek().text == "[":
            found.append(self.dimension())
            if len(found) > MAX_DEPTH:
                raise TooDeep("dimensions")
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
        inner = self.tokens[first : self.position]
        if inner and inner[-1].text == "]":
            inner.pop()
        if not inner:
            comments = self.comments[bracket.comments : self.tokens[first].comments]
            return Dimension(None, _comment_text(comments[0].text) if comments else "", bracket.start)
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

    # --- bit-field groups ---

    def group(self, container: Token) -> BitGroup:
        """The bit-fields of an integer of the type `container`, from the brace before the first."""
        brace = self.next()
        self.enter()
        group = BitGroup(TypeName("", container.text, container.start), container.start)
        self.group_entries(group.entries, brace, union=False)
        self.leave()
        return group

    def group_entries(self, entries: list[BitEntry | list[BitEntry]], brace: Token, *, union: bool) -> None:
        while True:
            token = self.peek()
            if token.kind == "end":
                self.sink.fatal(
                    "VS019",
                    at(self.file, brace.start),
                    "'{' is not closed before the listing ends",
                    subject=self.subject,
                )
                return
            if token.text == "}":
                self.next()
                return
            if token.text == "union" and self.ahead(1).text == "{" and not union:
                self.next()
                inner = self.next()
                arms: list[BitEntry | list[BitEntry]] = []
                self.group_entries(arms, inner, union=True)
                entries.append([arm for arm in arms if isinstance(arm, BitEntry)])
                self.take(";")
            elif token.text == ":" or (token.kind == "name" and self.ahead(1).text == ":"):
                entries.append(self.bit_entry())
            else:
                self.next()
                if token.text != ";":
                    self.error("VS011", token.start, f"unexpected '{token.text[:20]}' in a bit-field group")
                    self.skip_line()

    def bit_entry(self) -> BitEntry:
        """`name : width;`; one without a name takes bits that nothing is said of."""
        start = self.peek().start
        name = "" if self.peek().text == ":" else self.next().text
        self.next()
        before = self.remarks()
        width = self.expression("width of a bit-field")
        separator = self.peek()
        if separator.text == ",":
            self.next()
            self.warn("VS013", separator.start, f"',' behind {field_called(name)} where ';' belongs", hint="write ';'")
        elif separator.kind == "junk" and not separator.fresh:
            self.damaged(self.next(), field_called(name))
        elif not self.take(";"):
            self.error("VS012", separator.start, f"{field_called(name)} has no ';'", hint="add ';' behind its width")
        return BitEntry(name, width, start, (*before, *self.trailing(group=True)))


def _comment_text(comment: str) -> str:
    """The words of a comment, without its marks."""
    return " ".join(comment.removeprefix("//").removeprefix("/*").removesuffix("*/").split())
