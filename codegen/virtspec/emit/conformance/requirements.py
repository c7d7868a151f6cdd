"""What the values of members have to meet: ranges and relations of a model, which the runner checks on real data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from virtspec.emit.arithmetic import to_python
from virtspec.emit.formulas import MAX_SHIFT
from virtspec.expressions import (
    Binary,
    Expr,
    ExpressionError,
    Name,
    Number,
    SizeOf,
    Unary,
    parse_comparison,
)
from virtspec.model import (
    Aggregate,
    AllOf,
    AnyOf,
    Bits,
    Condition,
    Feature,
    FieldIs,
    Integer,
    Member,
    Not,
    Place,
    Spec,
    Struct,
    StructRef,
    condition_text,
    features_of,
)
from virtspec.names import is_identifier, python_field

SELF = "c"
"""What an expression calls the structure that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementView:
    """What a structure `c` has to meet. `member` is what a finding is about, `attributes` all that it takes; `holds`
    and `negotiated` are Python expressions, the latter over `has`, and `when` says that in words."""

    member: str
    attributes: tuple[str, ...]
    words: str
    holds: str
    negotiated: str
    when: str
    source: str


class Requirements:
    """The requirements of a model by the tag of the struct, and those that cannot be checked with the reason."""

    def __init__(self, spec: Spec) -> None:
        self.structs = {s.name: s for s in reversed(spec.structs)}
        self.constants = {c.name: c.value for c in reversed(spec.constants) if c.value is not None}
        self.not_rendered: list[tuple[str, str]] = []
        self.by_struct: Mapping[str, tuple[RequirementView, ...]] = {
            struct.name: views
            for struct in sorted(spec.structs, key=lambda s: s.name)
            if struct.variant == 1 and struct.kind == "struct" and (views := tuple(self._of(struct)))
        }

    def functions(self) -> tuple[str, ...]:
        """The functions that the expressions need."""
        holds = [view.holds for views in self.by_struct.values() for view in views]
        return tuple(name for name in ("quotient", "remainder") if any(f"{name}(" in text for text in holds))

    def _of(self, struct: Struct) -> Iterator[RequirementView]:
        for member in struct.members:
            if member.allowed is not None:
                limits = member.allowed
                text = f"{limits.first} <= {member.name} <= {limits.last}"
                try:
                    python = f"{limits.first} <= {self._resolve(struct, member.name)} <= {limits.last}"
                    yield self._view(struct, (member.name,), text, python, limits.condition, struct.place)
                except ExpressionError as reason:
                    self.not_rendered.append((f"{struct.key}/{member.name}", f"a check of its values: {reason}"))
        for relation in struct.relations:
            try:
                comparison = parse_comparison(relation.text)
                sides = [self._python(struct, side) for side in (comparison.left, comparison.right)]
                python = f"{sides[0]} {comparison.op} {sides[1]}"
                paths = tuple(dict.fromkeys(n for n in comparison.names() if self._members(struct, n)))
                yield self._view(struct, paths, relation.text, python, relation.condition, relation.evidence)
            except ExpressionError as reason:
                self.not_rendered.append((f"{struct.key}/{relation.text}", f"a check of the relation: {reason}"))

    def _view(
        self, struct: Struct, paths: tuple[str, ...], text: str, python: str, condition: Condition | None, place: Place
    ) -> RequirementView:
        if not paths:
            raise ExpressionError("it names no member")
        # what holds for a member holds where it means something
        needed = [member.condition for path in paths for member in self._members(struct, path)]
        terms = dict.fromkeys(t for c in (condition, *needed) if c is not None for t in _terms(c))
        of_features = [term for term in terms if features_of(term)]
        of_fields = [term for term in terms if not features_of(term)]
        truths = [self._truth(struct, term) for term in of_fields]
        if truths:
            python = f"not ({' and '.join(truths)}) or {python}"
            text += f" where {' and '.join(map(condition_text, of_fields))}"
        return RequirementView(
            member=paths[0],
            attributes=tuple(_attribute(path) for path in paths),
            words=text,
            holds=python,
            negotiated=" and ".join(self._truth(struct, term) for term in of_features),
            when=" and ".join(map(condition_text, of_features)),
            source=str(place if place.file else struct.place),
        )

    # --- expressions --------------------------------------------------------------------------------------

    def _python(self, struct: Struct, expr: Expr) -> str:
        """A side of a comparison; bit operations in parentheses, as C needs them and a reader likes them."""
        _check(expr)
        text = to_python(expr, lambda path: self._resolve(struct, path), lambda _tag: None)
        return f"({text})" if isinstance(expr, Binary) and expr.op in ("&", "|", "^") else text

    def _resolve(self, struct: Struct, path: str) -> str:
        """A member of a struct, or a constant, in Python."""
        if self._members(struct, path):
            return f"{SELF}.{_attribute(path)}"
        value = self.constants.get(path)
        if value is None:
            raise ExpressionError(f"'{path}' is neither a member nor a constant")
        return str(value)

    def _truth(self, struct: Struct, condition: Condition) -> str:
        match condition:
            case Feature(name=name) if is_identifier(name):
                return f'has("{name}")'
            case Not(term=term):
                return f"not {self._truth(struct, term)}"
            case AllOf(terms=terms) | AnyOf(terms=terms) if terms:
                word = " and " if isinstance(condition, AllOf) else " or "
                return f"({word.join(self._truth(struct, term) for term in terms)})"
            case FieldIs(path=path, value=value) if self._members(struct, path):
                number = int(value) if value.isascii() and value.isdigit() else self.constants.get(value)
                if number is not None:
                    return f"({self._resolve(struct, path)} == {number})"
            case _:
                pass
        raise ExpressionError("a condition that values and features do not decide")

    # --- members ------------------------------------------------------------------------------------------

    def _members(self, struct: Struct, path: str) -> tuple[Member, ...]:
        """The members through which a path leads to a number; none where it does not, or not through structs alone."""
        return self._below(struct.members, path)

    def _below(self, members: tuple[Member, ...], path: str) -> tuple[Member, ...]:
        name, _, rest = path.partition(".")
        for member in members:
            if not rest and not member.name and isinstance(member.type, Bits):
                bit = next((bit for bit in member.type.fields if bit.name == name), None)
                if bit is not None and is_identifier(name):
                    return (Member(name=name, type=member.type.container, condition=bit.condition),)
            if member.name != name or not is_identifier(name):
                continue
            if not rest:
                return (member,) if isinstance(member.type, Integer) else ()
            below = self._below(self._inner(member), rest)
            return (member, *below) if below else ()
        return ()

    def _inner(self, member: Member) -> tuple[Member, ...]:
        match member.type:
            case Aggregate(kind="struct", members=members):
                return members
            case StructRef(name=name) if name in self.structs and self.structs[name].kind == "struct":
                return self.structs[name].members
            case Bits(fields=fields, container=container):
                return tuple(Member(name=bit.name, type=container, condition=bit.condition) for bit in fields)
            case _:
                return ()


def _terms(condition: Condition) -> tuple[Condition, ...]:
    """What all have to be true."""
    return condition.terms if isinstance(condition, AllOf) else (condition,)


def _attribute(path: str) -> str:
    return ".".join(map(python_field, path.split(".")))


def _check(expr: Expr) -> None:
    """Raise `ExpressionError` where a value of a member could make an expression costly, or have no value."""
    match expr:
        case Binary(op="<<" | ">>", right=right) if not isinstance(right, Number) or right.value > MAX_SHIFT:
            raise ExpressionError("a shift by more than a small number")
        case Binary(op="/" | "%" as op, right=right) if (
            not isinstance(right, (Name, Number)) or right == Number(0, "0") or (op == "/" and isinstance(right, Name))
        ):
            raise ExpressionError("a division by what may be 0")
        case Binary(left=left, right=right):
            _check(left)
            _check(right)
        case Name() | Number():
            pass
        case SizeOf() | Unary() | _:
            raise ExpressionError("more than members, constants and arithmetic")
