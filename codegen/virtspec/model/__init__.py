"""The linked model: everything a specification states that a program can use.

Frozen, slotted, keyword-only dataclasses and tuples; no behaviour beyond trivial queries. Where a thing
stands (`Place`) is not part of what it is: places never take part in comparison, so two models are equal
when they state the same facts.

Sizes and offsets are not stored here. They follow from the types, and `virtspec.layout` computes them.
"""

from __future__ import annotations

from virtspec.model.conditions import AllOf, AnyOf, Condition, Feature, FieldIs, Not, Prose, features_of
from virtspec.model.definitions import (
    DEVICE_CONFIG,
    Binding,
    Clause,
    Constant,
    ConstantKind,
    Device,
    Entry,
    FeatureBit,
    Range,
    Registry,
    Role,
    Struct,
)
from virtspec.model.place import NOWHERE, Place
from virtspec.model.spec import Coverage, Skipped, Spec, Tally
from virtspec.model.types import (
    Aggregate,
    Array,
    Bit,
    Bits,
    ByteOrder,
    ConfigRef,
    Count,
    Direction,
    Elided,
    Expression,
    External,
    ExternalLength,
    FieldRef,
    Integer,
    Length,
    Member,
    Rest,
    StructRef,
    Type,
    bits_of,
    gates_of,
    innermost,
    integer,
    members_in,
    names_in,
)

__all__ = [
    "DEVICE_CONFIG",
    "NOWHERE",
    "Aggregate",
    "AllOf",
    "AnyOf",
    "Array",
    "Binding",
    "Bit",
    "Bits",
    "ByteOrder",
    "Clause",
    "Condition",
    "ConfigRef",
    "Constant",
    "ConstantKind",
    "Count",
    "Coverage",
    "Device",
    "Direction",
    "Elided",
    "Entry",
    "Expression",
    "External",
    "ExternalLength",
    "Feature",
    "FeatureBit",
    "FieldIs",
    "FieldRef",
    "Integer",
    "Length",
    "Member",
    "Not",
    "Place",
    "Prose",
    "Range",
    "Registry",
    "Rest",
    "Role",
    "Skipped",
    "Spec",
    "Struct",
    "StructRef",
    "Tally",
    "Type",
    "bits_of",
    "features_of",
    "gates_of",
    "innermost",
    "integer",
    "members_in",
    "names_in",
]
