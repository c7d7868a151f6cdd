"""Constants: every `#define`, enumerator, table row and numbered item, with its value computed.

An expression may use other constants and function-like macros, in any order of appearance. A name with several values
is never resolved by order: it is reported, and what depends on it has no value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from virtspec.diagnostics import Sink, at
from virtspec.expressions import Binary, Expr, Name, Number, Unknown, evaluate, expression_text, names
from virtspec.link.suggest import closest
from virtspec.listing.syntax import Define, Enum
from virtspec.model import Constant, ConstantKind, Place
from virtspec.names import plain
from virtspec.source import SourceFile

MAX_DEPTH = 40
"""How deep uses of function-like macros may nest."""

MAX_CALLS = 1 << 16
"""How many uses of macros are computed in a document: a few short ones that each use the next twice make a million."""

MAX_VALUE = (1 << 64) - 1


@dataclass(slots=True, eq=False)
class Definition:
    """One place that gives a name a value: an expression, or a number that a table or item states."""

    name: str
    kind: ConstantKind
    module: str
    owner: str
    file: SourceFile
    start: int
    expr: Expr | None
    text: str = ""
    parameters: tuple[str, ...] | None = None
    implicit: bool = False
    _place: Place | None = None

    @property
    def place(self) -> Place:
        if self._place is None:
            self._place = self.file.place(self.start)
        return self._place


class Constants:
    """All definitions of a document, and the values of their names."""

    def __init__(self, definitions: Iterable[Definition], sink: Sink) -> None:
        self.sink = sink
        self.definitions = list(definitions)
        self.by_name: dict[str, list[Definition]] = {}
        for definition in self.definitions:
            self.by_name.setdefault(definition.name, []).append(definition)
        # most are plain numbers, which use nothing
        self._values: dict[int, int | Unknown] = {
            id(d): d.expr.value
            for d in self.definitions
            if isinstance(d.expr, Number) and d.parameters is None and d.expr.value <= MAX_VALUE
        }
        self._meant: dict[str, str] = {}
        self._begun: set[int] = set()
        self._depth = 0
        self._calls = 0

    def value(self, definition: Definition) -> int:
        """The value that one definition gives. Raises `Unknown`."""
        known = self.known(definition)
        if isinstance(known, Unknown):
            raise _anew(known)
        return known

    def known(self, definition: Definition) -> int | Unknown:
        """The value that one definition gives, or why there is none."""
        known = self._values.get(id(definition))
        if known is None:
            self._resolve(definition)
            known = self._values[id(definition)]
        return known

    def _resolve(self, definition: Definition) -> None:
        """Compute a definition behind all those that it uses: a chain of them may be longer than calls can nest."""
        waiting = [definition]
        while waiting:
            current = waiting[-1]
            key = id(current)
            if key not in self._begun:
                self._begun.add(key)
                if current.expr is not None:
                    used = (d for name in names(current.expr) for d in self.by_name.get(name, ()))
                    waiting += (d for d in used if id(d) not in self._begun)
                    continue
            waiting.pop()
            if key not in self._values:
                self._values[key] = self._compute(current)

    def meanings(self) -> frozenset[tuple[str, object]]:
        """What all names mean: whatever is computed from equal meanings is equal."""
        return frozenset(
            (
                d.name,
                (
                    (d.parameters, d.expr)
                    if d.parameters is not None
                    else k if isinstance(k := self.known(d), int) else str(k)
                ),
            )
            for d in self.definitions
        )

    def _compute(self, definition: Definition) -> int | Unknown:
        if definition.parameters is not None:
            return Unknown("is a function-like macro")
        if definition.expr is None:
            return Unknown(f"'{definition.text[:60]}' is no expression" if definition.text else "has no value")
        try:
            result = evaluate(definition.expr, self.lookup, self.call)
        except Unknown as error:
            return _anew(error)
        if not -(1 << 63) <= result <= MAX_VALUE:
            return Unknown("needs more than 64 bits")
        return result

    def meant(self, name: str) -> str:
        """The name that a name stands for, which may be defined as another one."""
        passed: set[str] = set()
        while name not in passed and name not in self._meant:
            passed.add(name)
            definitions = (d for d in self.by_name.get(name, ()) if d.parameters is None)
            others = {d.expr.name for d in definitions if isinstance(d.expr, Name)}
            name = others.pop() if len(others) == 1 else name
        meant = self._meant.get(name, name)
        # a chain of names may be as long as the document: none is gone through twice
        self._meant |= dict.fromkeys(passed, meant)
        return meant

    def lookup(self, name: str) -> int:
        """The value of a name. Raises `Unknown` where it has none or several."""
        definitions = self.by_name.get(name)
        if not definitions:
            raise Unknown(f"'{name}' is not defined by the specification", name)
        if any(id(d) in self._begun and id(d) not in self._values for d in definitions):
            raise Unknown("goes through itself")
        values = {self.value(d) for d in definitions}
        if len(values) > 1:
            raise Unknown(f"'{name}' has several values: {', '.join(map(str, sorted(values)))}", name)
        return values.pop()

    def call(self, name: str, arguments: tuple[int, ...]) -> int:
        """The value of a function-like macro for its arguments. Raises `Unknown`."""
        macros = [d for d in self.by_name.get(name, ()) if d.parameters is not None and d.expr is not None]
        if not macros:
            raise Unknown(f"macro '{name}' is not defined by the specification", name)
        macro = macros[0]
        if any((other.parameters, other.expr) != (macro.parameters, macro.expr) for other in macros):
            places = ", ".join(str(other.place) for other in macros)
            raise Unknown(f"macro '{name}' is defined in several ways: {places}", name)
        assert macro.parameters is not None and macro.expr is not None
        if len(macro.parameters) != len(arguments):
            raise Unknown(f"macro '{name}' takes {len(macro.parameters)} arguments, not {len(arguments)}", name)
        values = dict(zip(macro.parameters, arguments, strict=True))
        if self._depth >= MAX_DEPTH or self._calls >= MAX_CALLS:
            raise Unknown(f"macro '{name}' goes through too many macros, or through itself", name)
        self._calls += 1
        self._depth += 1
        try:
            return evaluate(macro.expr, lambda n: values[n] if n in values else self.lookup(n), self.call)
        finally:
            self._depth -= 1

    def suggest(self, name: str) -> str:
        """The defined name that is most like an unknown one; "" where none is near."""
        return closest(name, self.by_name, 0.85)

    def link(self) -> tuple[Constant, ...]:
        """One constant for every name and value; conflicts are reported and kept side by side."""
        for definition in self.definitions:
            if isinstance(known := self.known(definition), Unknown):
                self._report_unknown(definition, known)
        self._report_conflicts()
        constants: list[Constant] = []
        numbers: dict[str, int] = {}
        for name, definitions in self.by_name.items():
            for alike in self._alike(definitions) if len(definitions) > 1 else (definitions,):
                first = next((d for d in alike if d.kind == "feature"), alike[0])
                section = first.kind if first.kind in ("feature", "register") else "const"
                key = f"{first.module}/{section}/{plain(name)}"
                numbers[key] = number = numbers.get(key, 0) + 1
                if number > 1:
                    key = f"{key}#{number}"
                known = self.known(first)
                value, reason = (None, str(known)) if isinstance(known, Unknown) else (known, "")
                constants.append(_constant(key, value, reason, first, tuple(alike)))
        return tuple(constants)

    def _alike(self, definitions: Iterable[Definition]) -> Iterable[list[Definition]]:
        """The definitions of one name, those together that give it the same value, or the same text without a value."""
        found: dict[int | str, list[Definition]] = {}
        for definition in definitions:
            known = self.known(definition)
            found.setdefault(known if isinstance(known, int) else definition.text, []).append(definition)
        return found.values()

    def _report_unknown(self, definition: Definition, error: Unknown) -> None:
        if definition.parameters is not None:
            return
        where = at(definition.file, definition.start)
        near = self.suggest(error.name) if error.name and error.name not in self.by_name else ""
        message = f"'{definition.name}' has no value: {error}"
        if near:
            self.sink.error("VS202", where, message, hint=f"did you mean '{near}'?")
        elif error.name.upper().startswith(("VIRT", "CCW_")):
            self.sink.error("VS202", where, message)
        else:
            self.sink.note("VS204", where, message)

    def _report_conflicts(self) -> None:
        for name, definitions in self.by_name.items():
            if len(definitions) < 2:
                continue
            values: dict[int, Definition] = {}
            for definition in definitions:
                known = self._values.get(id(definition))
                if isinstance(known, int):
                    values.setdefault(known, definition)
            if len(values) < 2 or all(d.kind == "register" for d in values.values()):
                continue
            listed = ", ".join(f"{value} ({d.place})" for value, d in values.items())
            last = list(values.values())[-1]
            self.sink.warning("VS201", at(last.file, last.start), f"'{name}' has several values: {listed}")


@lru_cache(maxsize=8192)
def _constant(
    key: str, value: int | None, reason: str, first: Definition, definitions: tuple[Definition, ...]
) -> Constant:
    """The constant that some definitions of one name and value make; most revisions of a document leave it as it is."""
    places = dict.fromkeys(d.place for d in definitions) if len(definitions) > 1 else {}
    return Constant(
        key=key,
        name=first.name,
        kind=first.kind,
        module=first.module,
        value=value,
        expression=_written(first, value),
        reason=reason,
        owner=first.owner,
        parameters=first.parameters,
        place=first.place,
        also=tuple(place for place in places if place != first.place),
    )


def _anew(error: Unknown) -> Unknown:
    """The same error without its traceback: one that is kept would keep every frame, and through them the document."""
    return Unknown(str(error), error.name)


def _written(definition: Definition, value: int | None) -> str:
    """How the specification writes the value, where that is more than the decimal number."""
    if definition.expr is None:
        return definition.text
    if definition.implicit:
        return ""
    text = expression_text(definition.expr)
    return "" if text == str(value) else text


def of_define(define: Define, module: str, owner: str, file: SourceFile) -> Definition:
    """The definition that a `#define` makes."""
    return Definition(
        name=define.name,
        kind="define",
        module=module,
        owner=owner,
        file=file,
        start=define.start,
        expr=define.expr,
        text=define.text,
        parameters=define.parameters,
    )


def of_enum(enum: Enum, module: str, owner: str, file: SourceFile) -> list[Definition]:
    """The definitions of an enum's members; one without a value follows its predecessor, if that has one."""
    definitions: list[Definition] = []
    base: Expr | None = Number(0, "0")
    text = ""
    steps = 0
    for member in enum.enumerators:
        if member.expr is not None or member.text:
            base, text, steps = member.expr, member.text, 0
        expr = Binary("+", base, Number(steps, str(steps))) if steps and base is not None else base
        definitions.append(
            Definition(
                name=member.name,
                kind="enum",
                module=module,
                owner=enum.name or owner,
                file=file,
                start=member.start,
                expr=expr,
                text=f"{text} + {steps}" if text and steps else text,
                implicit=member.expr is None,
            )
        )
        steps += 1
    return definitions
