"""A driver's first steps with virtio devices on PCI; every structure is read and written with virtwire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from machine import Machine, QemuError

from virtwire import DEVICES, Device, lookup
from virtwire.common import ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK
from virtwire.pci import (
    VIRTIO_PCI_CAP_COMMON_CFG,
    VIRTIO_PCI_CAP_DEVICE_CFG,
    VIRTIO_PCI_CAP_NOTIFY_CFG,
    VirtioPciCap,
    VirtioPciCommonCfg,
    VirtioPciNotifyCap,
)
from virtwire.virtqueue import (
    VIRTQ_DESC_F_NEXT,
    VIRTQ_DESC_F_WRITE,
    VirtqAvail,
    VirtqDesc,
    VirtqUsed,
)

VENDOR = 0x1AF4
FIRST_ID = 0x1040
CAPABILITY_VENDOR = 0x09

RAM = 0x100000
WINDOW = 0xC0000000
PAGE = 0x1000


class Bus:
    """PCI bus 0, by ports 0xcf8 and 0xcfc, and the addresses that are given to BARs."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._next = WINDOW

    def read(self, slot: int, offset: int, size: int = 4) -> int:
        """Read from configuration space."""
        self.machine.write_port(0xCF8, 4, 0x80000000 | slot << 11 | offset & ~3)
        return self.machine.read_port(0xCFC + (offset & 3), size)

    def write(self, slot: int, offset: int, value: int, size: int = 4) -> None:
        """Write to configuration space."""
        self.machine.write_port(0xCF8, 4, 0x80000000 | slot << 11 | offset & ~3)
        self.machine.write_port(0xCFC + (offset & 3), size, value)

    def assign(self, slot: int) -> dict[int, int]:
        """Give every memory BAR of a device an address; addresses by number of the BAR."""
        found: dict[int, int] = {}
        number = 0
        while number < 6:
            at = 0x10 + 4 * number
            self.write(slot, at, 0xFFFFFFFF)
            low = self.read(slot, at)
            wide = low & 7 == 4
            if low & 1 == 0 and low & ~0xF:
                size = -(low & ~0xF) & 0xFFFFFFFF
                self._next = (self._next + size - 1) // size * size
                self.write(slot, at, self._next)
                if wide:
                    self.write(slot, at + 4, 0)
                found[number] = self._next
                self._next += size
            number += 2 if wide else 1
        self.write(slot, 4, 6, 2)  # memory, bus master
        return found

    def virtio_slots(self) -> Iterator[int]:
        """The slots with virtio devices."""
        for slot in range(32):
            number = self.read(slot, 0)
            if number & 0xFFFF == VENDOR and number >> 16 > FIRST_ID:
                yield slot


class Window:
    """A structure in a BAR. Each member is accessed by itself and with its own width, as a driver has to."""

    def __init__(self, machine: Machine, address: int, size: int, cls: Any) -> None:
        self.machine = machine
        self.address = address
        self.size = min(size, cls.SIZE)
        self.cls = cls

    def read(self) -> Any:
        """The whole structure, as far as the device has it."""
        data = bytearray(self.size)
        for f in self.cls.LAYOUT:
            if f.offset + f.size <= self.size and f.size in (1, 2, 4, 8):
                for at in range(f.offset, f.offset + f.size, 4):
                    size = min(4, f.size)
                    value = self.machine.read_number(self.address + at, size)
                    data[at : at + size] = value.to_bytes(size, "little")
        return self.cls.from_bytes(bytes(data), allow_short=True)

    def set(self, name: str, value: int) -> None:
        """Write one member."""
        f = self.cls.LAYOUT.field(name)
        data = value.to_bytes(f.size, "little")
        for at in range(0, f.size, 4):
            size = min(4, f.size)
            self.machine.write_number(
                self.address + f.offset + at, size, int.from_bytes(data[at : at + size], "little")
            )

    def get(self, name: str) -> int:
        """Read one member."""
        f = self.cls.LAYOUT.field(name)
        return self.machine.read_number(self.address + f.offset, f.size)


@dataclass
class Memory:
    """Guest memory, handed out page by page."""

    machine: Machine
    free: int = RAM

    def take(self, size: int) -> int:
        """The address of so many zero bytes."""
        at = self.free
        self.free += (size + PAGE - 1) // PAGE * PAGE
        self.machine.write(at, bytes(size))
        return at


@dataclass
class Queue:
    """A split virtqueue."""

    device: VirtioDevice
    index: int
    size: int
    descriptors: int
    driver: int
    used: int
    notify: int
    head: int = 0
    done: int = 0
    ring: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)

    def add(self, readable: Sequence[bytes], writable: Sequence[int]) -> list[tuple[int, int]]:
        """Make a buffer available; gives the place and size of each writable part, and keeps them in `places`."""
        parts = [(data, 0) for data in readable] + [(bytes(size), VIRTQ_DESC_F_WRITE) for size in writable]
        machine, memory = self.device.machine, self.device.memory
        head = self.head
        places: list[tuple[int, int]] = []
        for i, (data, flags) in enumerate(parts):
            at = memory.take(len(data))
            machine.write(at, data)
            last = i + 1 == len(parts)
            descriptor = VirtqDesc(
                addr=at,
                len=len(data),
                flags=flags | (0 if last else VIRTQ_DESC_F_NEXT),
                next=0 if last else head + i + 1,
            )
            machine.write(self.descriptors + (head + i) * (VirtqDesc.SIZE or 0), bytes(descriptor))
            if flags:
                places.append((at, len(data)))
        self.head = head + len(parts)
        self.ring.append(head)
        self.places += places
        if len(self.ring) > self.size or self.head > self.size:
            raise QemuError("this driver does not use a ring twice")
        ring = (self.ring + [0] * self.size)[: self.size]
        avail = VirtqAvail(flags=0, idx=len(self.ring), ring=ring, used_event=None)
        machine.write(self.driver, avail.to_bytes(features=0))
        machine.write_number(self.notify, 2, self.index)
        return places

    def wait(self) -> int:
        """Wait for the next used buffer; the number of bytes that the device has written."""
        machine = self.device.machine
        size = 4 + 8 * self.size

        def state() -> Any:
            return VirtqUsed.from_bytes(machine.read(self.used, size), queue_size=self.size, features=0)

        machine.wait(f"virtqueue {self.index} of {self.device.name}", lambda: state().idx != self.done)
        used = state().ring[self.done % self.size]
        if used.id != self.ring[self.done]:
            raise QemuError(f"buffer {used.id} is used, {self.ring[self.done]} was expected")
        self.done += 1
        return int(used.len)

    def request(self, readable: Sequence[bytes], writable: Sequence[int] = ()) -> bytes:
        """Send a buffer and wait for it: what the device has written."""
        places = self.add(readable, writable)
        written = self.wait()
        data = b"".join(self.device.machine.read(at, size) for at, size in places)
        return data[:written]


class VirtioDevice:
    """A virtio device in a slot of the bus."""

    def __init__(self, bus: Bus, slot: int, memory: Memory) -> None:
        self.machine = bus.machine
        self.memory = memory
        self.slot = slot
        number = bus.read(slot, 0) >> 16
        number -= FIRST_ID
        # some device types have an id but no chapter
        self.type = next((d for d in DEVICES if d.id == number), Device(number, f"type {number}", "", ""))
        self.name = self.type.module
        bars = bus.assign(slot)
        self.capabilities = list(self._walk(bus))
        places = {}
        for raw in self.capabilities:
            cap = VirtioPciCap.from_bytes(raw[: VirtioPciCap.SIZE or 0])
            if cap.bar in bars:
                places.setdefault(cap.cfg_type, (bars[cap.bar] + cap.offset, cap.length, raw))
        address, length, _ = places[VIRTIO_PCI_CAP_COMMON_CFG]
        self.common = Window(self.machine, address, length, VirtioPciCommonCfg)
        address, _, raw = places[VIRTIO_PCI_CAP_NOTIFY_CFG]
        self._notify = address, VirtioPciNotifyCap.from_bytes(raw).notify_off_multiplier
        self._config: tuple[int, int] | None = None
        if VIRTIO_PCI_CAP_DEVICE_CFG in places:
            self._config = places[VIRTIO_PCI_CAP_DEVICE_CFG][:2]

    def _walk(self, bus: Bus) -> Iterator[bytes]:
        """The bytes of every virtio capability."""
        at = bus.read(self.slot, 0x34, 1)
        for _ in range(48):
            if not at:
                return
            if bus.read(self.slot, at, 1) == CAPABILITY_VENDOR:
                size = bus.read(self.slot, at + 2, 1)
                yield bytes(bus.read(self.slot, at + i, 1) for i in range(size))
            at = bus.read(self.slot, at + 1, 1)
        raise QemuError("the list of capabilities does not end")

    # --- configuration ------------------------------------------------------------------------------------

    def features(self) -> int:
        """The features that the device offers."""
        bits = 0
        for word in range(4):
            self.common.set("device_feature_select", word)
            bits |= self.common.get("device_feature") << 32 * word
        return bits

    def config(self, size: int | None = None) -> Any:
        """The device's configuration; `size` is how much of it the device has."""
        cls = lookup(self.type.config)
        assert self._config is not None
        address, length = self._config
        length = min(length, cls.SIZE or 0, (cls.SIZE or 0) if size is None else size)
        return cls.from_bytes(self.machine.read(address, length), allow_short=True)  # type: ignore[union-attr]

    def write_config(self, offset: int, data: bytes) -> None:
        """Write to the device's configuration."""
        assert self._config is not None
        self.machine.write(self._config[0] + offset, data)

    def start(self, features: int) -> None:
        """Reset, negotiate these features, and set all virtqueues up."""
        self.common.set("device_status", 0)
        status = 0
        for bit in (ACKNOWLEDGE, DRIVER):
            status |= bit
            self.common.set("device_status", status)
        for word in range(4):
            self.common.set("driver_feature_select", word)
            self.common.set("driver_feature", features >> 32 * word & 0xFFFFFFFF)
        status |= FEATURES_OK
        self.common.set("device_status", status)
        if not self.common.get("device_status") & FEATURES_OK:
            raise QemuError(f"{self.name} does not accept the features {features:#x}")
        self.queues = [self._queue(i) for i in range(self.common.get("num_queues"))]
        self.common.set("device_status", status | DRIVER_OK)

    def _queue(self, index: int) -> Queue:
        self.common.set("queue_select", index)
        size = min(self.common.get("queue_size"), 64)
        self.common.set("queue_size", size)
        descriptors = self.memory.take(16 * size)
        driver = self.memory.take(6 + 2 * size)
        used = self.memory.take(6 + 8 * size)
        self.common.set("queue_desc", descriptors)
        self.common.set("queue_driver", driver)
        self.common.set("queue_device", used)
        self.common.set("queue_enable", 1)
        address, multiplier = self._notify
        notify = address + self.common.get("queue_notify_off") * multiplier
        return Queue(self, index, size, descriptors, driver, used, notify)


def devices_of(machine: Machine) -> dict[int, VirtioDevice]:
    """All virtio devices of a machine by slot."""
    bus, memory = Bus(machine), Memory(machine)
    return {slot: VirtioDevice(bus, slot, memory) for slot in bus.virtio_slots()}
