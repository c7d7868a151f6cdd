"""The rules about what is on the wire: structures (VD101 to VD128), and the values and tables of codes in them (VD131
to VD159)."""

from __future__ import annotations

from virtspec.diff.change import Verdict
from virtspec.diff.rule import rules

_COMPATIBLE, _UNDECIDED, _BREAKING = Verdict.COMPATIBLE, Verdict.UNDECIDED, Verdict.BREAKING

STRUCTS = rules(
    "wire",
    (
        "VD101",
        "member-appended",
        (_COMPATIBLE, _UNDECIDED, _BREAKING),
        "a member behind all that were there",
        "What was there keeps its place. In a configuration space, behind a condition, or as a tail that may be empty, "
        "peers that do not know the member are not affected.",
    ),
    (
        "VD102",
        "member-inserted",
        (_BREAKING,),
        "a member before others that were there",
        "Everything behind it moves: old and new peers read different bytes.",
    ),
    (
        "VD103",
        "member-removed",
        (_BREAKING,),
        "a member that is gone, with its bytes",
        "What followed it moves, or the struct is shorter than an old peer expects.",
    ),
    ("VD104", "member-moved", (_BREAKING,), "a member at another place", "Old and new peers read different bytes."),
    (
        "VD105",
        "members-swapped",
        (_BREAKING,),
        "two members that have exchanged their places",
        "Each peer takes one for the other; where both have the same type, nothing notices.",
    ),
    (
        "VD106",
        "member-retyped",
        (_BREAKING, _UNDECIDED),
        "a member of another type",
        "The same bytes mean something else. Undecided where one of the two types says nothing about the bytes.",
    ),
    ("VD107", "width-changed", (_BREAKING,), "an integer of another width", "The member takes more or fewer bytes."),
    (
        "VD108",
        "byte-order-changed",
        (_BREAKING,),
        "little-endian turned big-endian, or the reverse",
        "The same bytes are another number.",
    ),
    (
        "VD109",
        "byte-order-stated",
        (_UNDECIDED,),
        "a byte order where the type gave none, or none any more",
        "The old listing left the byte order open. Who took it as the new one states it is not affected; the listing "
        "does not say whether all did.",
    ),
    (
        "VD110",
        "reserved-consumed",
        (_COMPATIBLE,),
        "reserved space or padding that has got a meaning",
        "Nothing moves. A sender of the old text leaves these bytes zero, and a receiver of the old text ignores them.",
    ),
    (
        "VD111",
        "member-retired",
        (_UNDECIDED,),
        "a member whose bytes are reserved now",
        "Nothing moves, but an old peer still fills or reads the bytes; whether that matters, only the text can say.",
    ),
    (
        "VD112",
        "tail-grown",
        (_UNDECIDED, _COMPATIBLE, _BREAKING),
        "a struct that is larger than before, without a condition",
        "A check for the exact size fails between old and new peers; where the struct lies inside another one or in an "
        "array, what follows it moves.",
    ),
    ("VD113", "dimension-changed", (_BREAKING,), "an array of another number of elements", "Its size changes."),
    (
        "VD114",
        "variable-part-changed",
        (_BREAKING, _UNDECIDED),
        "an array whose length is given in another way",
        "Peers disagree about where it ends. Undecided where the old text did not say it, or the new one does not.",
    ),
    (
        "VD115",
        "arm-added",
        (_COMPATIBLE, _UNDECIDED, _BREAKING),
        "another arm of a union",
        "Where it fits into the union's size, who does not know it sees the bytes it saw before. Where it does not, "
        "the struct grows: undecided at its end, breaking where something lies behind the union.",
    ),
    ("VD116", "arm-removed", (_BREAKING,), "an arm of a union that is gone", "Old peers still send it."),
    (
        "VD117",
        "bit-field-split",
        (_UNDECIDED, _BREAKING),
        "an integer divided into bit-fields, a bit-field into several, or the reverse",
        "The bytes stay; whether old values still mean the same, only the text can say.",
    ),
    ("VD118", "bits-moved", (_BREAKING,), "a bit-field at another position", "Old and new peers read different bits."),
    ("VD119", "bit-field-added", (_COMPATIBLE,), "a bit-field where bits were free", "No other bit moves."),
    (
        "VD120",
        "bit-field-removed",
        (_UNDECIDED,),
        "a bit-field that is gone or reserved now",
        "No other bit moves, but an old peer still sets or reads the bits.",
    ),
    ("VD121", "bits-resized", (_BREAKING,), "a bit-field of another width", "Its range and its neighbours change."),
    (
        "VD122",
        "direction-changed",
        (_BREAKING,),
        "a member in the other part of a descriptor chain",
        "It is written by the other side.",
    ),
    ("VD123", "kind-changed", (_BREAKING,), "a struct that is a union, or the reverse", "Its members move."),
    ("VD124", "struct-removed", (_BREAKING,), "a struct that is gone", "Old peers still exchange it."),
    ("VD125", "struct-added", (_COMPATIBLE,), "a new struct", "Nobody exchanged it before."),
    (
        "VD126",
        "embedded-size-changed",
        (_BREAKING,),
        "a struct whose members move because one inside it has another size",
        "What follows the inner struct moves.",
    ),
    (
        "VD127",
        "stride-changed",
        (_BREAKING,),
        "an array of structs whose elements have another size",
        "From the second element on, old and new peers read different bytes.",
    ),
    (
        "VD128",
        "example-turned",
        (_UNDECIDED,),
        "a struct or constant that only explains something now, or is no mere example any more",
        "Whether peers exchange it, only the text can say.",
    ),
)

VALUES = rules(
    "wire",
    ("VD131", "value-changed", (_BREAKING,), "a constant with another value", "Old and new peers say different codes."),
    ("VD132", "constant-added", (_COMPATIBLE,), "a new constant", "Nobody used it before."),
    ("VD133", "constant-removed", (_BREAKING,), "a constant that is gone", "Old peers still use its value."),
    (
        "VD134",
        "enum-shifted",
        (_BREAKING,),
        "values of an enumeration that have changed together",
        "An enumerator put in or taken out shifts all that follow without a value of their own.",
    ),
    ("VD135", "enum-appended", (_COMPATIBLE,), "an enumerator behind all others", "No other value changes."),
    (
        "VD136",
        "sentinel-moved",
        (_COMPATIBLE,),
        "the end marker of an enumeration at its new end",
        "It counts the enumerators and is not exchanged.",
    ),
    (
        "VD137",
        "value-restated",
        (_UNDECIDED,),
        "a macro or value that cannot be computed, and is written in another way",
        "Whether it is the same value cannot be told.",
    ),
    (
        "VD141",
        "entry-added",
        (_COMPATIBLE, _UNDECIDED),
        "a new code in a table",
        "Nobody used the code before. Undecided where it was kept for vendors: one of them may.",
    ),
    ("VD142", "entry-moved", (_BREAKING,), "a name with another code", "Old and new peers say different codes."),
    ("VD143", "entry-removed", (_BREAKING,), "a code that is gone from a table", "Old peers still use it."),
    (
        "VD144",
        "range-shrunk",
        (_UNDECIDED, _BREAKING),
        "a range of codes that is smaller by more than its new entries",
        "Codes that were kept for a use, or for the future, have lost that.",
    ),
    ("VD145", "range-changed", (_UNDECIDED, _COMPATIBLE), "a range of codes with another meaning", "The text decides."),
    ("VD146", "registry-removed", (_BREAKING,), "a table of codes that is gone", "Old peers still use its codes."),
    ("VD147", "registry-added", (_COMPATIBLE,), "a new table of codes", "Nobody used its codes before."),
    (
        "VD148",
        "binding-changed",
        (_BREAKING,),
        "a code with another struct as its payload",
        "Old and new peers read the payload differently.",
    ),
    ("VD149", "binding-added", (_COMPATIBLE,), "a code whose payload is stated now", "It was left open before."),
    ("VD150", "binding-removed", (_UNDECIDED,), "a code whose payload is not stated any more", "The text decides."),
    ("VD151", "device-added", (_COMPATIBLE,), "a new device type", "Nobody implements it yet."),
    ("VD152", "device-removed", (_BREAKING,), "a device type that is gone", "Implementations of it exist."),
    ("VD153", "device-id-changed", (_BREAKING,), "a device type with another id", "Drivers do not find the device."),
    (
        "VD154",
        "access-changed",
        (_BREAKING, _UNDECIDED),
        "a register that is read or written otherwise than before",
        "Old drivers use it as they did. Undecided where it may be used in more ways now, which an old device need not "
        "serve, or where one of the two texts does not say.",
    ),
    (
        "VD155",
        "range-added",
        (_COMPATIBLE,),
        "codes that are kept for a use now, or for the future",
        "Nobody used them.",
    ),
    (
        "VD156",
        "codes-moved",
        (_BREAKING, _UNDECIDED, _COMPATIBLE),
        "a table whose codes stand in another member, number the bits of another, or go further into another code",
        "Old and new peers look elsewhere for them. Compatible where it was left open before, or is one place more; "
        "undecided where it is left open now, or is one place less.",
    ),
    (
        "VD157",
        "masks-changed",
        (_UNDECIDED,),
        "a table whose codes can be combined now, or not any more",
        "Whether a peer takes a combination for an unknown code, only the text can say.",
    ),
    (
        "VD158",
        "order-changed",
        (_UNDECIDED,),
        "a table whose codes have to come in ascending order now, or not any more",
        "A sender of the one text may not keep the order that a receiver of the other one relies on.",
    ),
    (
        "VD159",
        "configuration-changed",
        (_BREAKING, _UNDECIDED, _COMPATIBLE),
        "a device type with another structure as its configuration",
        "Old and new peers read the configuration differently. Compatible where none was stated before, undecided "
        "where none is stated now.",
    ),
)
