"""Every struct of the generated package: values to bytes and back, bytes to objects and back, and hostile bytes."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import random
import re
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import virtwire
from virtwire import DecodeError
from virtwire._former import Former
from virtwire._layout import parts_of
from virtwire._runtime import Struct
from virtwire._unions import BitField, Union

EXAMPLES = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def classes(base: type) -> Iterator[type[Any]]:
    for module in virtwire.MODULES:
        loaded = importlib.import_module(f"virtwire.{module}")
        for value in vars(loaded).values():
            if inspect.isclass(value) and issubclass(value, base) and value.__module__ == loaded.__name__:
                yield value


STRUCTS = list(classes(Struct))
UNIONS = list(classes(Union))
every_struct = pytest.mark.parametrize("cls", STRUCTS, ids=lambda c: f"{c.__module__.rpartition('.')[2]}.{c.__name__}")


# --- values for a class, from the signature of its constructor --------------------------------------------


@cache
def values(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Objects of a class with any content that can be encoded."""
    if issubclass(cls, Union):
        return st.binary(min_size=cls.SIZE or 0, max_size=cls.SIZE or 24).map(cls)
    arguments: dict[str, st.SearchStrategy[Any]] = {}
    parts = {part.name: part for part in parts_of(cls)}
    counted = "_check" in vars(cls)
    for parameter in parameters(cls):
        strategy = argument(cls, parameter, parts.get(parameter.name), counted)
        if strategy is not None:
            arguments[parameter.name] = strategy
    return st.builds(lambda **given: cls(**given), **arguments)


def parameters(cls: type[Any]) -> list[inspect.Parameter]:
    """The constructor's arguments, without the names that these had in earlier releases."""
    taken = [p for p in inspect.signature(cls.__init__).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return [p for p in taken if not isinstance(inspect.getattr_static(cls, p.name, None), Former)]


def argument(cls: type[Any], parameter: inspect.Parameter, part: Any, counted: bool) -> st.SearchStrategy[Any] | None:
    annotation = str(parameter.annotation)
    bit = inspect.getattr_static(cls, parameter.name, None)
    if isinstance(bit, BitField):
        return st.integers(0, (1 << bit.width) - 1) if parameter.default == 0 else None
    inner = re.search(r"(?:Iterable\[)?(?:_(\w+)\.)?([A-Z]\w+)\]?", annotation.replace("Iterable[", ""))
    computed = [f for f in cls.LAYOUT if f.length and not f.length.isidentifier() and "." not in f.path]
    words = {word for f in computed for word in (f.path, *re.findall(r"\w+", f.length or ""))}
    if "_check" in vars(cls) and parameter.name in words:
        return None  # bound to each other by an expression; tests of their own
    if parameter.default is ...:
        return None  # as long as an array, or present by default
    if annotation.startswith("int"):
        bits = 8 * struct.calcsize(part.format.replace("=", "<"))
        return st.integers(0, 7) | st.integers(0, (1 << bits) - 1) if parameter.default == 0 else None
    if parameter.default is None and "Iterable" in annotation and part.size is None:
        return None  # as long as another member says
    if annotation.startswith("bytes"):
        return st.binary(min_size=part.size or 0, max_size=24 if part.size is None else part.size)
    if annotation.startswith("Iterable[int]"):
        width = struct.calcsize(part.format.replace("=", "<"))
        item = st.integers(0, (1 << 8 * width) - 1)
        count = None if part.size is None else part.size // width
        return st.lists(item, min_size=count or 0, max_size=4 if count is None else count)
    if annotation.startswith("Iterable[bytes]"):
        return None
    if inner is None:
        return None
    module = importlib.import_module(f"virtwire.{inner[1]}") if inner[1] else importlib.import_module(cls.__module__)
    element = getattr(module, inner[2])
    if annotation.startswith("Iterable"):
        count = None if part.size is None else part.size // element.SIZE
        if count is not None and count > 4:
            return None
        return st.lists(values(element), min_size=count or 0, max_size=3 if count is None else count)
    # an object whose array says how long it is would contradict a length given here
    return None if counted else values(element)


class Disagreement(Exception):
    """An object with arrays of different lengths where one number stands for all of them."""


def agree(condition: bool) -> None:
    if not condition:
        raise Disagreement


def lengths(value: Any) -> dict[str, int]:
    """The keyword arguments for lengths that a struct does not carry, from an object."""
    cls = type(value)
    accepted = set(inspect.signature(cls.from_bytes).parameters) - {"data", "allow_short", "features", "byteorder"}
    found: dict[str, int] = {}
    for field in cls.LAYOUT:
        if field.length is None or "." in field.path:
            continue
        content: Any = getattr(value, field.path.replace("-", "_").replace("...", "elided"), None)
        if content is None or not hasattr(content, "__len__"):
            continue
        words = "_".join(field.length.strip("<>").split()).lower().rpartition(".")[2]
        name = field.path.replace("-", "_").replace("...", "elided")
        for keyword in (words, f"{words}_", f"{name}_size", f"{name}_count"):
            if keyword in accepted:
                # one length for several arrays, as the size of a queue is
                agree(found.get(keyword, len(content)) == len(content))
                in_bytes = keyword == f"{name}_size" and not isinstance(content, bytes)
                found.setdefault(keyword, len(b"".join(map(bytes, content))) if in_bytes else len(content))
    for part in parts_of(cls):
        inner = getattr(value, part.name)
        if isinstance(inner, Struct):
            shared = {k: v for k, v in lengths(inner).items() if k in accepted}
            agree(all(found.get(k, v) == v for k, v in shared.items()))
            found.update(shared)
            found.update({f"{part.name}_{k}": v for k, v in lengths(inner).items() if f"{part.name}_{k}" in accepted})
        elif f"{part.name}_size" in accepted:
            found.setdefault(f"{part.name}_size", len(inner))
    return found


# --- properties -------------------------------------------------------------------------------------------


@every_struct
@EXAMPLES
@given(data=st.data())
def test_values_survive_encoding(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(values(cls))
    encoded = bytes(value)
    try:
        keywords = lengths(value)
    except Disagreement:
        assume(False)
    assert cls.from_bytes(encoded, **keywords) == value
    assert cls.unpack_from(b"\xaa" + encoded, 1, **keywords) == value
    buffer = bytearray(len(encoded) + 2)
    assert value.pack_into(buffer, 1) == len(encoded) + 1
    assert bytes(buffer[1:-1]) == encoded and (buffer[0], buffer[-1]) == (0, 0)
    leaves = list(value.leaves())
    assert sum(leaf.size for leaf in leaves) == len(encoded)


@every_struct
def test_a_new_object_encodes_copies_pickles_and_shows_itself(cls: type[Any]) -> None:
    value = cls()
    encoded = value.to_bytes()
    assert cls.SIZE is None or len(encoded) == cls.SIZE
    assert len(encoded) >= cls.FIXED_SIZE or cls.SIZE is None
    assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value) == copy.copy(value)
    assert repr(value).startswith(cls.__name__ + "(")
    assert virtwire.lookup(cls.C_NAME) if "." not in cls.C_NAME and cls.C_NAME in virtwire._index.STRUCTS else True


@every_struct
def test_hostile_bytes_are_kept_or_refused(cls: type[Any]) -> None:
    """Whatever the bytes: an object that encodes to the same bytes, or a `DecodeError` that says where."""
    chance = random.Random(cls.C_NAME)
    default = bytes(cls())
    keywords = lengths(cls())
    for _ in range(40):
        size = max(0, len(default) + chance.choice([-9, -1, 0, 0, 0, 1, 2, 7, 8, 16, 40]))
        data = bytes(chance.choice([0, 0, 1, 2, 3, 255, chance.randrange(256)]) for _ in range(size))
        chosen = {name: chance.randrange(4) for name in keywords}
        if len(chosen) == 1 and chance.random() < 0.5:
            signature = inspect.signature(cls.from_bytes)
            chosen = {k: v for k, v in chosen.items() if signature.parameters[k].default is inspect.Parameter.empty}
        try:
            value = cls.from_bytes(data, **chosen)
        except DecodeError as error:
            assert error.path and str(error)  # noqa: PT017 - bytes need not be wrong
            continue
        assert value.to_bytes() == data


@every_struct
def test_every_shorter_input_is_refused_with_its_place(cls: type[Any]) -> None:
    if not cls.SIZE or cls.SIZE > 2048:
        return
    data = bytes(cls.SIZE)
    for size in range(cls.SIZE):
        with pytest.raises(DecodeError) as caught:
            cls.from_bytes(data[:size])
        assert caught.value.offset is not None and caught.value.offset <= size
        assert caught.value.needed is not None and caught.value.available is not None
        assert caught.value.offset + caught.value.needed > size
    with pytest.raises(DecodeError, match="1 byte too many"):
        cls.from_bytes(data + b"\0")


@every_struct
def test_negative_offsets_are_refused(cls: type[Any]) -> None:
    with pytest.raises(DecodeError, match="negative offset"):
        cls.unpack_from(bytes(cls()) * 2, -1, **lengths(cls()))


@pytest.mark.parametrize("cls", UNIONS, ids=lambda c: c.__name__)
def test_unions_keep_their_bytes_whichever_arm_is_read(cls: type[Any]) -> None:
    raw = bytes(range(256)) * 3
    value = cls(raw[: cls.SIZE or 64])
    before = bytes(value)
    for arm in cls.ARMS:
        try:
            content = getattr(value, arm)
        except DecodeError:
            assert cls.SIZE is None
            continue
        setattr(value, arm, content)
        assert bytes(value)[: len(before)].startswith(before[: min(len(before), len(bytes(value)))])
        value.raw = before


# --- layout -----------------------------------------------------------------------------------------------


def reach(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = getattr(value, attribute(type(value), name))
    return value


def attribute(cls: type[Any], name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_" if name.startswith("__") else "")
    return plain if hasattr(cls, plain) else f"{plain}_"


@every_struct
def test_members_lie_where_the_layout_says(cls: type[Any]) -> None:
    """Mark the bytes of one member at a time; exactly that member changes."""
    if cls.SIZE is None:
        return
    order = {"b": "big"}
    for field in cls.LAYOUT:
        if field.offset is None or not field.size or "[]" in field.path or field.path == "...":
            continue
        data = bytearray(cls.SIZE)
        data[field.offset : field.offset + field.size] = bytes((i * 7 + 1) & 0xFF for i in range(field.size))
        value = cls.from_bytes(data)
        content = reach(value, field.path)
        marked = bytes(data[field.offset : field.offset + field.size])
        if field.bit_offset is not None:
            whole = int.from_bytes(marked, order.get(field.type[0], "little"))  # type: ignore[arg-type]
            assert content == whole >> field.bit_offset & (1 << (field.bit_size or 0)) - 1
        elif isinstance(content, int):
            assert content == int.from_bytes(marked, order.get(field.type[0], "little"))  # type: ignore[arg-type]
        elif isinstance(content, (Struct, Union, bytes)):
            assert bytes(content) == marked
        elif field.path and isinstance(content, tuple) and content:
            joined = b"".join(
                (
                    item.to_bytes(field.size // len(content), order.get(field.type[0], "little"))  # type: ignore[arg-type]
                    if isinstance(item, int)
                    else bytes(item)
                )
                for item in content
            )
            assert joined == marked
