"""What has been written of an example: its bytes, and the value that each of them holds."""

from __future__ import annotations

from typing import Literal

from virtspec.compat import assert_never
from virtspec.emit.conformance.values import RESERVED, Choice, Leaf, NoExample, Value
from virtspec.model import Bits, Integer


class Written:
    """Bytes in the making. `forced` are the values that members have to have, by path; `native` says that there are
    integers whose byte order the reader has to be told."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.out = bytearray()
        self.leaves: list[Leaf] = []
        self.native = False
        self.forced = dict(choice.forced)

    def take(self, size: int, reserved: bool) -> bytes:
        """The next bytes by the chosen fill. No two bytes of the pattern within 256 are alike."""
        at = len(self.out)
        pattern = bytes((i * 37 + 0x5B) & 0xFF for i in range(at, at + size))
        if reserved:
            return pattern if self.choice.reserved else bytes(size)
        match self.choice.fill:
            case "pattern":
                return pattern
            case "zeros":
                return bytes(size)
            case "ones":
                return b"\xff" * size
            case "high":
                return b"\x80" * size
            case _:
                assert_never(self.choice.fill)

    def integer(self, integer: Integer, path: str, reserved: bool) -> None:
        """Write an integer."""
        order: Literal["little", "big"]
        if integer.order == "native":
            order = self.choice.order
            self.native = self.native or integer.size > 1
        else:
            order = integer.order
        if path in self.forced:
            value = self.forced[path]
            if not 0 <= value < 1 << integer.bits:
                raise NoExample(f"'{path}' cannot hold the length {value}")
        elif self.choice.fill == "high" and not reserved:
            value = 1 << (integer.bits - 1)
        else:
            value = int.from_bytes(self.take(integer.size, reserved), order)
        self.leaf(path, value, value.to_bytes(integer.size, order), integer.bits, order)

    def bits(self, bits: Bits, prefix: str) -> None:
        """Write an integer that is divided into bit-fields."""
        container = bits.container
        order: Literal["little", "big"] = self.choice.order if container.order == "native" else container.order
        raw = int.from_bytes(self.take(container.size, reserved=False), order)
        value = 0
        for bit in bits.fields:
            mask = (1 << bit.width) - 1
            if prefix + bit.name in self.forced:
                raw = raw & ~(mask << bit.offset) | (self.forced[prefix + bit.name] & mask) << bit.offset
            if RESERVED.fullmatch(bit.name):
                raw = raw & ~(mask << bit.offset) | (mask << bit.offset if self.choice.reserved else 0)
        for bit in bits.fields:
            if bit.name:
                value |= raw & ((1 << bit.width) - 1) << bit.offset
        offset = len(self.out)
        self.out += value.to_bytes(container.size, order)
        for bit in bits.fields:
            if bit.name:
                self.leaves.append(
                    Leaf(
                        path=prefix + bit.name,
                        value=value >> bit.offset & ((1 << bit.width) - 1),
                        offset=offset,
                        size=container.size,
                        bits=bit.width,
                    )
                )

    def leaf(
        self,
        path: str,
        value: Value,
        data: bytes,
        bits: int = 0,
        order: Literal["little", "big", ""] = "",
        fixed: bool = False,
    ) -> None:
        """Write bytes that have a value."""
        self.leaves.append(
            Leaf(path=path, value=value, offset=len(self.out), size=len(data), bits=bits, order=order, fixed=fixed)
        )
        self.out += data
