"""What became of device types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from virtspec.diff.change import Change, Verdict
from virtspec.diff.constants import code_sample
from virtspec.diff.respell import Respelling
from virtspec.diff.rules import change
from virtspec.model import Device


def compare_devices(old: tuple[Device, ...], new: tuple[Device, ...], spelling: Respelling) -> Iterator[Change]:
    """The findings about device types."""
    known = {d.module: d for d in old}
    for device in new:
        was = known.pop(device.module, None)
        if was is None:
            was = next((d for d in known.values() if d.id == device.id and d.id is not None), None)
            if was is not None:
                del known[was.module]
        if was is None:
            yield change(
                "VD151",
                device.module,
                f"device type '{device.title}' is new, id {device.id}",
                new=_device(device),
                new_place=device.place,
            )
            continue
        facts: dict[str, Any] = {
            "old": _device(was),
            "new": _device(device),
            "old_place": was.place,
            "new_place": device.place,
        }
        if was.id != device.id:
            message = f"device type '{device.title}' has the id {device.id} and had {was.id}"
            yield change("VD153", device.module, message, sample=code_sample("id", was.id, device.id), **facts)
        if was.title != device.title:
            yield change("VD224", device.module, f"'{was.title}' is called '{device.title}' now", **facts)
        if was.module != device.module:
            message = (
                f"device type '{device.title}' belongs to the chapter '{device.module}' now, and did to '{was.module}'"
            )
            yield change("VD221", device.module, message, **facts)
        yield from _configuration(was, device, spelling, facts)
    for device in known.values():
        message = f"device type '{device.title}', id {device.id}, is gone"
        yield change("VD152", device.module, message, old=_device(device), old_place=device.place)


def _configuration(was: Device, device: Device, spelling: Respelling, facts: dict[str, Any]) -> Iterator[Change]:
    before, after = spelling.struct(was.config), device.config
    if before == after:
        return
    if not after and was.config in spelling.structs:
        return  # it was the configuration by its name
    if not before:
        message, verdict = f"is '{after}', and was not stated", Verdict.COMPATIBLE
    elif not after:
        message, verdict = f"is not stated any more, and was '{before}'", Verdict.UNDECIDED
    else:
        message, verdict = f"is '{after}', and was '{before}'", Verdict.BREAKING
    yield change("VD159", device.module, f"the configuration of '{device.title}' {message}", verdict, **facts)


def _device(device: Device) -> dict[str, Any]:
    facts: dict[str, Any] = {"title": device.title, "id": device.id}
    if device.config:
        facts["config"] = device.config
    return facts
