"""Recursive descent over a listing, with recovery: every listing becomes definitions, opaque stretches, or both.

    listing := (define | body ';' | enum ';' | group [name] ';' | type declarators ';' | opaque)*

A problem is reported at its place, and reading goes on behind it: the dialect of the published listings has missing
and wrong separators, prose beside members, and text that a mail archive has damaged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtspec.diagnostics import Sink, at
from virtspec.expressions import Token
from virtspec.listing.cursor import MAX_DEPTH, SCALARS, TooDeep
from virtspec.listing.definitions import parse_define, parse_enum
from virtspec.listing.lexer import tokenize
from virtspec.listing.members import MemberParser
from virtspec.listing.syntax import Body, Declaration, Enum, Item, Opaque, TypeName
from virtspec.source import SourceFile

_PSEUDO_CODE = "pseudo-code or a formula"
MANGLED = "looks like a definition, and cannot be read as one"

# a member: no statement declares a variable of such a type
_WIRE_TYPE = re.compile(r"(?<![\w.>])(?:__)?[lb]e(?:16|32|64)\s+[A-Za-z_]\w*\s*(?:\[[^\]\n]*\])*\s*[;:]")

_GUARD = re.compile(r"#\s*ifndef\s+(\w+)\s*$")
_NEVER = re.compile(r"#\s*if\s+0\s*$")
_IF = re.compile(r"#\s*if")
_ELSE = re.compile(r"#\s*el")
_ENDIF = re.compile(r"#\s*endif\b")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a listing holds. `opaque` is the reason why it holds no definition, "" where it does."""

    items: tuple[Item, ...]
    opaque: str


def parse_listing(file: SourceFile, start: int, end: int, escape: str, sink: Sink) -> Parsed:
    """The definitions of the listing whose body lies from `start` to `end` of a file."""
    tokens, comments = tokenize(file, start, end, escape, sink)
    items = _Parser(file, tokens, comments, sink).listing()
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


def _opaque_reason(text: str) -> str:
    if _WIRE_TYPE.search(text):
        return MANGLED
    if "::=" in text:
        return "ASN.1"
    if re.search(r"=\s*<|@[0-9a-fA-F]+\s*\{", text):
        return "device tree"
    if re.search(r"=\s*\{", text):
        return "an initialised object"
    return _PSEUDO_CODE


class _Parser(MemberParser):
    """Walks through the top level of a listing."""

    def listing(self) -> list[Item]:
        items: list[Item] = []
        try:
            while (token := self.peek()).kind != "end":
                items.extend(self.top_item(token))
                if token is self.peek():
                    self.position += 1
        except TooDeep as what:
            self.sink.fatal(
                "VS006",
                at(self.file, self.tokens[self.position].start),
                f"{what} nest deeper than {MAX_DEPTH} levels",
                subject=self.subject,
            )
        return _merge(items)

    def top_item(self, token: Token) -> list[Item]:
        if token.kind == "define":
            self.next()
            defined = parse_define(self, token)
            return [defined] if defined else []
        if token.kind == "directive":
            self.directive()
            return []
        if token.text == ";":
            self.next()
            return []
        if token.text in ("struct", "union") and self.begins_body():
            return [self.top_body()]
        if token.text == "enum" and self.begins_body():
            enum = parse_enum(self)
            self.end_of_definition(f"enum '{enum.name}'" if enum.name else "enum")
            return [enum]
        if token.text == "typedef" and self.ahead(1).text in ("struct", "union", "enum"):
            mark = self.position
            self.next()
            if self.begins_body():
                return [self.named_type(self.peek())]
            self.position = mark
        if token.text in SCALARS:
            if self.ahead(1).text == "{":
                return [self.top_group()]
            mark = self.position
            fields = self.bare_fields()
            if fields:
                return list(fields)
            self.position = mark
        return [self.opaque()]

    def directive(self) -> None:
        """A line for the preprocessor; only what C never sees, and the name of an include guard, are passed over."""
        text = self.next().text
        guard = _GUARD.match(text)
        if guard and self.peek().kind == "define" and self.peek().text.split()[1:] == [guard[1]]:
            self.next()
        if not _NEVER.match(text):
            return
        mark, depth = self.position, 1
        while (token := self.next()).kind != "end":
            if token.kind != "directive":
                continue
            depth += 1 if _IF.match(token.text) else -1 if _ENDIF.match(token.text) else 0
            if not depth or (depth == 1 and _ELSE.match(token.text)):
                return
        self.position = mark  # nothing ends it

    def named_type(self, keyword: Token) -> Body | Enum:
        """`struct { … } name;` behind `typedef`: a body without a tag is called as its type is."""
        item = parse_enum(self) if keyword.text == "enum" else self.body()
        alias = self.next().text if self.peek().kind == "name" else ""
        item.name = item.name or alias
        self.typedefs.add(alias)
        self.end_of_definition(f"{keyword.text} '{item.name}'" if item.name else keyword.text)
        self.subject = ""
        return item

    def top_body(self) -> Body:
        self.subject = ""
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
        if self.peek().kind == "end" and brace.text not in ("}", ")"):
            return  # it is the brace that is missing, which has been told
        self.error("VS012", brace.start, f"{what} has no ';' behind its '}}'", hint="add ';' behind the '}'")

    def top_group(self) -> Item:
        group = self.group(self.next())
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
