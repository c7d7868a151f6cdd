"""What the Python templates are given: frozen, complete, without anything left to compute or to look up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

LARGE = 1 << 16
"""From how many bytes on a default value is large."""

AttributeKind: TypeAlias = Literal[
    # of fixed size
    "int",
    "bits",
    "bytes",
    "ints",
    "pieces",
    "rows",
    "struct",
    "structs",
    "union",
    # of variable size
    "var_bytes",
    "var_ints",
    "var_pieces",
    "var_rows",
    "var_structs",
    "var_struct",
    "var_items",
    "var_union",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BitView:
    """A bit-field; `overlaps` an earlier one of the same container (arms of a union)."""

    name: str
    path: str
    offset: int
    width: int
    overlaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmView:
    """An arm of a union: the expression that makes its descriptor, and the type of its values, which is `declared`
    where the expression does not tell it. The attribute `name` of a struct stands for the arm `arm` of an unnamed union
    inside."""

    name: str
    arm: str
    factory: str
    type: str
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a generated class. `cls` is the class of a nested value or of elements, `format` that of its
    integers, `count` the number of elements of an array of fixed length, `unit` the size of one element in bytes.
    `rows` is what the class calls the rows of an array of arrays, `row` how that is made and `element` what is in it.
    What is `opaque` is kept as bytes: a number of its elements does not tell how many.

    `default` is how the constructor fills the attribute: a value, one computed from an array's length, or elements
    whose number another member gives. `declared` is its type where that is more than what the constructor takes.
    """

    name: str
    path: str
    kind: AttributeKind
    type: str
    size: int | None
    format: str = ""
    cls: str = ""
    count: int = 0
    unit: int = 1
    bits: tuple[BitView, ...] = ()
    arms: tuple[ArmView, ...] = ()
    rows: str = ""
    row: str = ""
    element: str = ""
    optional: bool = False
    opaque: bool = False
    derived: str = ""
    filled: str = ""
    declared: str = ""

    @property
    def large(self) -> bool:
        """Whether its default value is made only when it is needed, not when the module is imported."""
        return (self.size or 0) > LARGE and not self.optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A nested object that decoding makes before it unpacks: `self.geometry = geometry = _new(VirtioBlkGeometry)`."""

    variable: str
    owner: str
    cls: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What turns the bytes that were unpacked for an array, in `variable`, into its elements; those that are `native`
    need to be told the byte order."""

    target: str
    variable: str
    kind: AttributeKind
    format: str = ""
    cls: str = ""
    rows: str = ""
    unit: int = 1
    native: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One call of `pack`: the codec, its format, and the values."""

    codec: str
    format: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive members of fixed size, unpacked at once with `codec`, a module-level `struct.Struct`, and packed at
    once, or in pieces where there are many.

    `nested` are the variables that encoding takes nested objects into: `geometry = self.geometry`.
    """

    codec: str
    format: str
    size: int
    native: bool
    targets: tuple[str, ...]
    packs: tuple[Pack, ...]
    fresh: tuple[Fresh, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    nested: tuple[tuple[str, str], ...] = ()
    lengths: tuple[tuple[str, int], ...] = ()

    @property
    def codecs(self) -> tuple[tuple[str, str], ...]:
        """The codecs that the module needs, each with its format."""
        needed = {self.codec: self.format} | {p.codec: p.format for p in self.packs} if self.targets else {}
        if not self.native:
            return tuple(needed.items())
        return tuple(
            pair for name, format_ in needed.items() for pair in ((name, f"<{format_}"), (f"{name}_BIG", f">{format_}"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A length that the struct does not carry: the keyword that gives it.

    It may be left out where it follows from what remains: `whole` is that of the buffer, for which all of `others`
    have to be given, and `ragged` what must be zero for a whole number of elements; `part` and `part_others` are the
    same within the device-readable part, if the member is `limited` to it. For a struct inside, `target` is the
    variable for the end of the bytes that are left to it.
    """

    keyword: str
    target: str = ""
    whole: str = ""
    ragged: str = ""
    others: tuple[str, ...] = ()
    part: str = ""
    part_others: tuple[str, ...] = ()
    required: bool = False
    limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of decoding: a run, or one member of variable size. `index` is the number of its first member;
    `unsigned` tells that the count cannot be negative."""

    index: int
    condition: str = ""
    first: str = ""
    run: Run | None = None
    attribute: Attribute | None = None
    count: str = ""
    unsigned: bool = False
    open: Open | None = None
    arguments: str = ""
    passed: str = ""
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What encoding verifies: the number of elements of an array against what another member says."""

    name: str
    count: str
    text: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionView:
    """A condition on negotiated features: the local name of its truth, and how that is computed."""

    name: str
    expression: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectView:
    """Which member tells the arm of a union that is in force, and the arm for each of its values."""

    union: str
    member: str
    arms: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A line of the layout table: `text` for people, `row` for the program."""

    text: str
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewMember:
    """A member of a zero-copy view: the expression that makes its descriptor."""

    name: str
    factory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerMember:
    """A member under the name that it had up to the release `last`; `argument` tells that the constructor takes it."""

    name: str
    new: str
    last: str
    type: str
    argument: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassView:
    """A class for a struct or union."""

    kind: Literal["flat", "stepped", "union"]
    name: str
    c_name: str
    source: str
    since: str
    size: int | None
    fixed_size: int
    native: bool
    summary: str
    fields: tuple[FieldView, ...] = ()
    relations: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    arms: tuple[ArmView, ...] = ()
    steps: tuple[Step, ...] = ()
    opens: tuple[Open, ...] = ()
    conditions: tuple[ConditionView, ...] = ()
    checks: tuple[Check, ...] = ()
    view: tuple[ViewMember, ...] = ()
    iterated: bool = False
    featured: bool = False
    readable: int | None = None
    readable_size: int | None = None
    selects: tuple[SelectView, ...] = ()
    record: object = None
    container: object = None
    former: tuple[FormerMember, ...] = ()

    @property
    def parameters(self) -> tuple[Attribute, ...]:
        """The attributes in the order in which the constructor sets them: arrays first, whose lengths others take;
        last those that are filled up to a length that another member gives."""
        derived = any(a.derived for a in self.attributes)
        return tuple(
            sorted(self.attributes, key=lambda a: 2 if a.filled else 0 if derived and a.kind.startswith("var_") else 1)
        )

    @property
    def ordered(self) -> bool:
        """Whether arrays of integers in the guest's own byte order are decoded by a format that begins with `order`."""
        return any(a.kind in ("ints", "var_ints") and a.format.startswith("=") for a in self.attributes)

    @property
    def parts(self) -> str:
        """How the attributes are encoded one by one: per attribute `<H`, `<H:8` (integers in 8 bytes), `4s:8` (pieces
        of 4 bytes in 8), `:6` (6 bytes) or `:` (any number), with `?` before one that may be absent, and the class of
        what is nested behind it: `:8@VirtqUsedElem`, `:@VirtqUsedElem[]`."""
        parts: list[str] = []
        for a in self.attributes:
            text = f"{a.unit}s" if a.kind in ("pieces", "var_pieces") else a.format
            if a.kind not in ("int", "bits"):
                text += ":" if a.size is None else f":{a.size}"
            if a.rows:
                text += f"@{self.name}.{a.rows}[]"
            elif a.kind.removeprefix("var_") in ("struct", "structs", "items", "union"):
                text += f"@{a.cls}[]" if a.kind.endswith("s") else f"@{a.cls}"
            parts.append(f"?{text}" if a.optional else text)
        return " ".join(parts)

    @property
    def viewed(self) -> bool:
        """Whether there is a view. Nothing but bit-fields without a name is nothing to see, but the view of what is
        around it holds it."""
        return bool(self.view) or any(a.kind == "bits" and not a.bits for a in self.attributes)

    @property
    def viewed_former(self) -> tuple[FormerMember, ...]:
        """The former names of what a zero-copy view has."""
        viewed = {member.name for member in self.view}
        return tuple(f for f in self.former if f.new in viewed)

    @property
    def fixed(self) -> bool:
        """Whether all objects take the same number of bytes."""
        return self.size is not None and not self.featured

    @property
    def plain(self) -> bool:
        """Whether the constructor takes exactly the attributes."""
        return self.public == tuple(a.name for a in self.attributes)

    @property
    def public(self) -> tuple[str, ...]:
        """The names of the constructor's arguments, in the order of the listing."""
        names: list[str] = []
        for a in self.attributes:
            names += [b.name for b in a.bits] if a.kind == "bits" else [a.name]
        return tuple(names)
