"""virtwire where it is used wrongly or at its edges: one clear error, never a value that nobody meant."""

from __future__ import annotations

import array
from typing import Any

import pytest

from virtwire import (
    DecodeError,
    EncodeError,
    admin,
    device_context,
    device_parts,
    gpu,
    rpmb,
    virtqueue,
    vsock,
)


def test_bit_fields_behind_the_end_are_absent() -> None:
    short = virtqueue.PvirtqEventSuppressFlags.from_bytes(b"", allow_short=True)
    assert (short.desc_event_flags, short.reserved) == (None, None)
    assert "desc_event_flags=None" in repr(short)
    assert short.to_bytes() == b""
    short.desc_event_flags = 2
    assert short.to_bytes() == b"\x02\x00"


@pytest.mark.parametrize("code", ["H", "I", "Q"])
def test_buffers_of_larger_elements_count_in_bytes(code: str) -> None:
    packet = vsock.VirtioVsockPacket(hdr=vsock.VirtioVsockHdr(len=4), data=b"abcd")
    words = array.array(code, packet.to_bytes())
    assert vsock.VirtioVsockPacket.from_bytes(words) == packet
    assert vsock.VirtioVsockPacket.unpack_from(array.array(code, packet.to_bytes() + bytes(64))) == packet
    assert len(list(virtqueue.PvirtqDesc.iter_unpack(memoryview(array.array(code, bytes(48)))))) == 3
    view = vsock.VirtioVsockHdrView(words)
    view.op = 3
    assert vsock.VirtioVsockPacket.from_bytes(words).hdr.op == 3 and bytes(view) == words.tobytes()[:44]


@pytest.mark.parametrize("offset", [-64, -8, -1, 257])
def test_records_do_not_begin_outside_the_buffer(offset: int) -> None:
    data = bytes(256)
    for container in (device_context.VirtioDevCtx, admin.VirtioAdminCmdDevPartsGetResult):
        with pytest.raises(DecodeError):
            list(container.iter_records(data, offset))
    with pytest.raises(DecodeError):
        list(device_parts.VirtioDevPart.iter_from(data, None, offset))


def test_numbers_and_other_structs_do_not_stand_for_the_bytes_of_an_arm() -> None:
    selector = device_parts.VirtioDevPartHdrSelector()
    for arm in ("device_type_raw", "vq_index", "raw"):
        with pytest.raises(EncodeError):
            setattr(selector, arm, 8)
    with pytest.raises(EncodeError, match="PciCommonCfg is needed, not VirtioVsockConfig"):
        selector.pci_common_cfg = vsock.VirtioVsockConfig()  # type: ignore[assignment]
    with pytest.raises(EncodeError):
        device_parts.VirtioDevPartHdrSelector(8)  # type: ignore[arg-type]
    assert selector == bytes(8)


@pytest.mark.parametrize("wrong", [2, 1 << 70, -1, None, 1.5, "x", [None], vsock.VirtioVsockConfig()])
def test_a_view_refuses_what_is_no_such_value(wrong: Any) -> None:
    buffer = bytearray(b"\x55" * 512)
    suppress = virtqueue.PvirtqEventSuppressView(buffer)
    displays = gpu.VirtioGpuRespDisplayInfoView(buffer)
    part = device_parts.VirtioDevPartHdrView(buffer)
    members = [
        (suppress, "desc"),
        (displays, "pmodes"),
        (part, "selector"),
        (rpmb.VirtioRpmbFrameView(buffer), "key_mac"),
    ]
    members += [(suppress.desc, "desc_event_off")] if wrong != 2 else []
    for view, member in members:
        with pytest.raises(EncodeError, match=member):
            setattr(view, member, wrong)
    assert buffer == b"\x55" * 512
