"""The drawings of a report of changes: every byte of a structure in one place, whatever shares it."""

from __future__ import annotations

from diff_texts import compare

from virtspec.report.drawing import Picture, pictures


def drawn(members: str) -> tuple[Picture, ...]:
    """The pictures of a structure whose last member has changed."""
    old, new = (f"struct x_req {{ {members} {last} }};" for last in ("le16 last;", "le32 last;"))
    (change,) = (c for c in compare(old, new).changes if c.layout is not None)
    assert change.layout is not None
    return pictures(change.layout, "old")


def titles(members: str) -> list[str]:
    """What the boxes of the bytes say, each once."""
    return list(dict.fromkeys(box.title for box in drawn(members)[0].boxes))


def test_an_arm_that_is_longer_than_the_members_of_the_one_before_it() -> None:
    members = "le32 head; union { struct { le32 a; le32 b; } pair; u8 raw[12]; } u; le32 behind;"
    assert titles(members) == [
        "le32 head at 0, 4 bytes",
        "le32 a at 4, 4 bytes | le32 b at 8, 4 bytes | u8 raw[12] at 4, 12 bytes",
        "le32 behind at 16, 4 bytes",
        "le16 last at 20, 2 bytes",
    ]


def test_an_arm_that_is_shorter_shares_only_its_own_bytes() -> None:
    members = "union { struct { le32 a; le32 b; } pair; le32 one; } u;"
    assert titles(members) == [
        "le32 a at 0, 4 bytes | le32 one at 0, 4 bytes",
        "le32 b at 4, 4 bytes",
        "le16 last at 8, 2 bytes",
    ]


def test_arms_whose_members_interlock() -> None:
    members = "union { struct { le32 a; le32 b; } x; struct { le16 c; le32 d; le16 e; } y; } u;"
    assert titles(members) == [
        "le32 a at 0, 4 bytes | le16 c at 0, 2 bytes | le32 b at 4, 4 bytes | le32 d at 2, 4 bytes"
        " | le16 e at 6, 2 bytes",
        "le16 last at 8, 2 bytes",
    ]


def test_nothing_of_no_bytes_takes_room() -> None:
    assert titles("le32 head; u8 none[0];") == ["le32 head at 0, 4 bytes", "le16 last at 4, 2 bytes"]


def test_bit_fields_are_one_box_and_a_picture_of_their_own() -> None:
    whole, bits = drawn("u8 kind; le16 { number : 15; wrap : 1; };")
    assert [box.title for box in whole.boxes] == [
        "u8 kind at 0, 1 byte",
        "le16 number:15 at 1, bits 0 to 14 | le16 wrap:1 at 1, bit 15",
        "le16 last at 3, 2 bytes",
    ]
    assert [(box.title, box.width // bits.boxes[0].width) for box in bits.boxes] == [
        ("le16 wrap:1 at 1, bit 15", 1),
        ("le16 number:15 at 1, bits 0 to 14", 15),
    ]


def test_members_behind_one_of_variable_size_follow_it() -> None:
    assert titles("le16 count; u8 data[count];") == [
        "le16 count at 0, 2 bytes",
        "u8 data[count] at 2, of variable size",
        "le16 last, 2 bytes",
    ]
