"""virtwire where it is used wrongly or at its edges: one clear error, never a value that nobody meant."""

from __future__ import annotations

import array
import io
from collections.abc import Callable
from typing import Any

import pytest

from virtwire import (
    DecodeError,
    EncodeError,
    admin,
    blk,
    can,
    device_context,
    device_parts,
    framing,
    gpu,
    mem,
    net,
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


@pytest.mark.parametrize(
    ("value", "member", "wrong", "path"),
    [
        (vsock.VirtioVsockHdr(), "type", b"ab", "type"),
        (vsock.VirtioVsockHdr(), "type", [1], "type"),
        (vsock.VirtioVsockConfig(), "guest_cid", vsock.VirtioVsockConfig(), "guest_cid"),
        (blk.VirtioBlkConfig(), "topology", vsock.VirtioVsockConfig(), "topology"),
        (blk.VirtioBlkConfig(), "topology", bytes(8), "topology"),
        (virtqueue.PvirtqIndirectDescriptorTable(), "desc", [vsock.VirtioVsockConfig()] * 2, "desc[0]"),
        (virtqueue.PvirtqIndirectDescriptorTable(), "desc", b"abc", "desc[0]"),
        (gpu.VirtioGpuRespDisplayInfo(), "pmodes", [5] * 16, "pmodes[0]"),
        (admin.VirtioAdminCmdCapGetResult(), "cap_specific_data", [b"x"], "cap_specific_data"),
        (admin.VirtioAdminCmdQueryCapIdResult(), "supported_caps", 5, "supported_caps"),
    ],
)
def test_only_values_of_the_type_of_a_member_are_encoded(value: Any, member: str, wrong: object, path: str) -> None:
    setattr(value, member, wrong)
    with pytest.raises(EncodeError) as caught:
        value.to_bytes()
    assert caught.value.path == f"{value.C_NAME}.{path}"


def test_what_ends_early_is_no_element_and_no_arm() -> None:
    """Else the elements behind it would move, or old bytes would be its end."""
    mode = gpu.VirtioGpuDisplayOne.from_bytes(bytes(16), allow_short=True)
    response = gpu.VirtioGpuRespDisplayInfo(pmodes=[mode] + [gpu.VirtioGpuDisplayOne(enabled=1)] * 15)
    with pytest.raises(EncodeError, match=r"pmodes\[0\]: ends early"):
        response.to_bytes()
    half = virtqueue.PvirtqDesc.from_bytes(bytes(8), allow_short=True)
    with pytest.raises(EncodeError, match=r"desc\[0\]: ends early"):
        virtqueue.PvirtqIndirectDescriptorTable(desc=[half]).to_bytes()
    selector = device_parts.VirtioDevPartHdrSelector(b"\xff" * 8)
    arm = device_parts.VirtioDevPartHdrSelectorVqIndex.from_bytes(b"\1\0", allow_short=True)
    with pytest.raises(EncodeError, match="vq_index"):
        selector.vq_index = arm
    assert selector == b"\xff" * 8


def test_a_code_that_stands_for_several_structs_of_variable_size() -> None:
    tables = [net.VirtioNetCtrlMac(macs=[b"abcdef"]), net.VirtioNetCtrlMac(macs=[b"ABCDEF", b"012345"])]
    control = net.VirtioNetCtrl(
        class_=net.VIRTIO_NET_CTRL_MAC,
        command=net.VIRTIO_NET_CTRL_MAC_TABLE_SET,
        command_specific_data=b"".join(map(bytes, tables)),
    )
    assert control.typed("command_specific_data") == tables
    control.command_specific_data += b"\1"
    with pytest.raises(DecodeError, match=r"virtio_net_ctrl_mac\[2\].entries: ends too early"):
        control.typed("command_specific_data")


@pytest.mark.parametrize("order", ["Little", "BIG", "", "<", None])
def test_what_is_no_byte_order_is_not_taken_for_one(order: Any) -> None:
    data = gpu.VirtioGpuRespMapInfo().to_bytes()
    with pytest.raises(ValueError, match="is no byte order"):
        gpu.VirtioGpuRespMapInfo.from_bytes(data, byteorder=order)
    with pytest.raises(ValueError, match="is no byte order"):
        gpu.VirtioGpuRespMapInfo.unpack_from(data, byteorder=order)
    with pytest.raises(ValueError, match="is no byte order"):
        gpu.VirtioGpuRespMapInfo(map_info=1).to_bytes(byteorder=order)


def test_device_data_is_a_raw_stream() -> None:
    stream = framing.frame(b"abcdef") + framing.frame(b"optional", 9, framing.FLAG_TAG_OPTIONAL) + framing.frame(b"gh")
    buffer = bytearray(4)
    data = framing.DeviceData(stream)
    assert (data.readinto(buffer), buffer) == (4, b"abcd")
    reader = io.BufferedReader(framing.DeviceData(stream))
    assert (reader.read(5), reader.read(5), reader.read(1)) == (b"abcde", b"fgh", b"")


@pytest.mark.parametrize("stated", [None, 2, 8])
def test_items_of_several_bytes_do_not_stand_for_bytes(stated: int | None) -> None:
    words: Any = array.array("I", [1, 2])
    packet = can.VirtioCanTxOut(sdu=words) if stated is None else can.VirtioCanTxOut(length=stated, sdu=words)
    config = net.VirtioNetConfig(mac=array.array("H", [1, 2, 3]))  # type: ignore[arg-type]
    union = device_parts.VirtioDevPartHdrSelector()
    view = net.VirtioNetConfigView(bytearray(64))

    def assign(holder: Any, name: str, value: Any) -> None:
        setattr(holder, name, value)

    for path, wrong in {
        "virtio_can_tx_out.sdu": packet.to_bytes,
        "virtio_net_config.mac": config.to_bytes,
        "virtio_net_ctrl_mac.macs[0]": net.VirtioNetCtrlMac(entries=1, macs=[config.mac]).to_bytes,
        "selector.raw": lambda: assign(union, "raw", words),
        "selector.device_type_raw": lambda: assign(union, "device_type_raw", words),
        "virtio_net_config.mac ": lambda: assign(view, "mac", config.mac),
    }.items():
        with pytest.raises(EncodeError, match=r"items of \d bytes cannot stand for bytes") as error:
            wrong()
        assert error.value.path.endswith(path.strip())


@pytest.mark.parametrize(
    "kind", [bytearray, memoryview, lambda data: array.array("B", data), lambda d: memoryview(d * 2)[::2]]
)
def test_buffers_of_bytes_stand_for_bytes(kind: Callable[[bytes], Any]) -> None:
    same = kind(b"\7" * 6)
    packet = can.VirtioCanTxOut(sdu=same)
    assert packet.to_bytes() == can.VirtioCanTxOut(sdu=b"\7" * 6).to_bytes() and packet.length == 6
    assert net.VirtioNetConfig(mac=same).to_bytes()[:6] == b"\7" * 6
    assert net.VirtioNetCtrlMac(entries=1, macs=[same]).to_bytes() == b"\1\0\0\0" + b"\7" * 6


@pytest.mark.parametrize(
    ("value", "member", "elements"),
    [
        (net.VirtioNetCtrlMac(entries=2), "macs", [bytes(6), bytes(6)]),
        (blk.VirtioScsiPcReq(), "data", [bytes(512)]),
        (device_context.VirtioDevCtx(field_count=1), "fields", [device_context.VirtioDevCtxFieldTlv()]),
        (admin.VirtioAdminCmdDevPartsGetResult(), "parts", [device_parts.VirtioDevPart()]),
        (admin.VirtioAdminCmdList(), "device_admin_cmd_opcodes", [1, 2]),
        (gpu.VirtioGpuRespCapset(), "capset_data", b"ab"),
        (mem.VirtioMemReq(), "padding", [1, 2, 3]),
        (net.VirtioNetConfig(), "mac", bytes(6)),
    ],
)
def test_an_iterator_is_no_value_of_a_member(value: Any, member: str, elements: Any) -> None:
    """The constructor makes a list of it; an attribute that is one would be empty the second time."""
    assert hasattr(value, member)
    for _ in range(2):
        setattr(value, member, iter(elements))
        with pytest.raises(EncodeError, match="cannot stand here") as error:
            value.to_bytes()
        assert error.value.path.endswith(f".{member}")
    setattr(value, member, elements)
    assert value.to_bytes() == value.to_bytes() != b""
