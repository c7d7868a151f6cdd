"""Which module a section belongs to: one per device type, and one per chapter that defines structures.

Modules name the generated files and begin every key of the model, so the same chapter must get the same name in every
release. Since 1.3 each device type has a folder, which gives the name; for the older releases the section titles do.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NO_WORD = re.compile(r"[^a-z0-9]+")
_FOLDER = re.compile(r"(?:^|/)device-types/([A-Za-z0-9_-]+)/")

_CHAPTERS = tuple(
    (re.compile(pattern, re.IGNORECASE), module)
    for pattern, module in (
        (r"introduction$", "introduction"),
        (r"virtio over pci", "pci"),
        (r"virtio over mmio", "mmio"),
        (r"virtio over channel i/o", "ccw"),
        (r"(split |packed )?virtqueues?$", "virtqueue"),
        (r"device groups$", "admin"),
        (r"device parts$", "device_parts"),
        (r"device context$", "device_context"),
    )
)

_COMMON = re.compile(
    r"basic facilities|general initialization|reserved feature bits|virtio transport options|device types$"
    r"|creating new|conformance|virtio_queue",
    re.IGNORECASE,
)

_DEVICE = re.compile(r"(.+?)(?: host| adapter| controller)? device$", re.IGNORECASE)

# the folders that 1.3 gave to device types whose titles say something else
_FOLDERS = {
    "network": "net",
    "block": "blk",
    "socket": "vsock",
    "file_system": "fs",
    "memory": "mem",
    "memory_balloon": "balloon",
    "traditional_memory_balloon": "balloon",
}


@lru_cache(maxsize=8192)
def slug(text: str) -> str:
    """A title or file name as the name of a module: lower-case letters, digits and `_`."""
    return _NO_WORD.sub("_", text.lower()).strip("_")[:64] or "unnamed"


@lru_cache(maxsize=4096)
def module_of(path: tuple[str, ...], file: str) -> str:
    """The module of a section, given the titles from the outermost to it, and the file it stands in."""
    if module := _folder(file):
        return module
    for depth, title in enumerate(path):
        if chapter := _chapter(title):
            return chapter
        if depth == 0 and _COMMON.match(title):
            continue
        device = device_module(title)
        if device and (depth == 0 or path[depth - 1].lower() == "device types"):
            return device
    if path and _COMMON.match(path[0]):
        return "common"
    stem = file.rpartition("/")[2].removesuffix(".tex")
    return slug(path[0]) if path else slug(stem)


@lru_cache(maxsize=1024)
def _folder(file: str) -> str:
    """The device type in whose folder a file stands; "" for another file."""
    folder = _FOLDER.search(file)
    return slug(folder[1]) if folder else ""


@lru_cache(maxsize=4096)
def _chapter(title: str) -> str:
    return next((module for pattern, module in _CHAPTERS if pattern.match(title)), "")


def device_module(title: str) -> str:
    """The module of a device type by the title of its section; "" where the title is not one of a device type."""
    match = _DEVICE.match(title)
    if not match:
        return ""
    name = slug(match[1])
    return _FOLDERS.get(name, name)
