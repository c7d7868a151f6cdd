"""The generated package as its users see it."""

from __future__ import annotations

import doctest
import io
import json
import mmap
import os
import pickle
import shlex
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import virtwire
from virtwire import (
    DecodeError,
    EncodeError,
    admin,
    blk,
    crypto,
    device_context,
    device_parts,
    framing,
    fs,
    gpu,
    iommu,
    lookup,
    net,
    pci,
    rpmb,
    scsi,
    typed,
)
from virtwire import input as input_
from virtwire._cli import main
from virtwire._dump import dump
from virtwire.conformance.check import main as check

PACKAGE = Path(virtwire.__file__).parents[1]


# --- one struct -------------------------------------------------------------------------------------------


def test_readme_example() -> None:
    cfg = net.VirtioNetConfig(mac=b"\x52\x54\x00\x12\x34\x56", mtu=1500)
    data = bytes(cfg)
    assert data[:12].hex() == "525400123456" + "0000" + "0000" + "dc05"
    assert net.VirtioNetConfig.from_bytes(data) == cfg
    assert net.VirtioNetConfig.SIZE == 28 == len(data)
    assert cfg != net.VirtioNetConfig() and cfg != data


def test_match_statement() -> None:
    match blk.VirtioBlkLifetime.from_bytes(b"\1\0\2\0\3\0"):
        case blk.VirtioBlkLifetime(pre_eol_info=blk.VIRTIO_BLK_PRE_EOL_INFO_NORMAL, device_lifetime_est_typ_b=b):
            assert b == 3
        case _:
            pytest.fail("does not match")
    match blk.VirtioBlkLifetime(pre_eol_info=2):
        case blk.VirtioBlkLifetime(1, _, _):
            pytest.fail("matches")
        case blk.VirtioBlkLifetime(2, a, _):
            assert a == 0


def test_values_out_of_range_are_never_masked() -> None:
    cfg = net.VirtioNetConfig(mtu=1 << 16)
    with pytest.raises(EncodeError, match="65536 is no unsigned integer of 16 bits") as caught:
        cfg.to_bytes()
    assert caught.value.path == "virtio_net_config.mtu"
    with pytest.raises(EncodeError, match=r"virtio_blk_config\.geometry\.heads"):
        blk.VirtioBlkConfig(geometry=blk.VirtioBlkGeometry(heads=256)).to_bytes()
    with pytest.raises(EncodeError, match="no room"):
        net.VirtioNetConfig().pack_into(bytearray(27))


def test_errors_show_the_bytes_and_survive_pickling() -> None:
    with pytest.raises(DecodeError) as caught:
        net.VirtioNetConfig.from_bytes(bytes(range(11)))
    error = caught.value
    assert isinstance(error, ValueError)
    assert (error.path, error.offset, error.needed, error.available) == ("virtio_net_config.mtu", 10, 2, 1)
    assert str(error).splitlines() == [
        "virtio_net_config.mtu: ends too early at offset 10: 2 bytes needed, 1 available",
        "  00000000  00 01 02 03 04 05 06 07 08 09 0a",
        "                                          ^^ ^^",
    ]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_code_tells_what_goes_with_it() -> None:
    head = gpu.VirtioGpuResourceAttachBacking(resource_id=1, nr_entries=2)
    entries = [gpu.VirtioGpuMemEntry(addr=1), gpu.VirtioGpuMemEntry(addr=2)]
    data = bytes(head) + b"".join(map(bytes, entries))
    codes = [c for c in vars(gpu).values() if isinstance(c, virtwire._registry.Registry) and c.tag == "type"]
    (registry,) = [c for c in codes if gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING in c]
    assert registry.decode(gpu.VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, data, "request") == [head, *entries]
    assert registry.named("VIRTIO_GPU_CMD_GET_EDID").code == 0x10A
    assert registry.decode(0xFFFF, b"?") == b"?"


def test_errors_name_the_innermost_member() -> None:
    with pytest.raises(DecodeError) as caught:
        blk.VirtioBlkConfig.from_bytes(bytes(19))
    assert (caught.value.path, caught.value.offset) == ("virtio_blk_config.geometry.sectors", 19)


def test_repr_names_constants() -> None:
    assert "type=VIRTIO_BLK_T_GET_ID" in repr(blk.VirtioBlkReq(type=8))
    assert "type=99" in repr(blk.VirtioBlkReq(type=99))


def test_big_endian_structs() -> None:
    frame = rpmb.VirtioRpmbFrame.from_bytes(bytes(500) + b"\0\0\0\1\0\2\0\3\0\4\0\5")
    assert (frame.write_counter, frame.address, frame.block_count, frame.result, frame.req_resp) == (1, 2, 3, 4, 5)


def test_net_header_in_all_its_forms() -> None:
    modern, merged, hashed, tunnel, outer = (
        "VIRTIO_F_VERSION_1",
        "VIRTIO_NET_F_MRG_RXBUF",
        "VIRTIO_NET_F_HASH_REPORT",
        "VIRTIO_NET_F_HOST_UDP_TUNNEL_GSO",
        "VIRTIO_NET_F_OUT_NET_HEADER",
    )
    for size, features in [
        (10, []),
        (12, [merged]),
        (12, [modern]),
        (20, [modern, hashed]),
        (24, [modern, hashed, tunnel]),
        (32, [modern, hashed, tunnel, outer]),
    ]:
        data = bytes(range(size))
        header = net.VirtioNetHdr.from_bytes(data, features=features)
        assert header.to_bytes() == data
        assert len(net.VirtioNetHdr().to_bytes(features=features)) == size
        with pytest.raises(DecodeError):
            net.VirtioNetHdr.from_bytes(data + b"\0", features=features)
    assert net.VirtioNetHdr.from_bytes(bytes(10), features=0).hash_value is None


def test_scsi_request_with_protection_information() -> None:
    request = scsi.VirtioScsiReqCmd(
        lun=bytes(8), id=7, cdb=bytes(32), pi_out=b"abc", dataout=b"payload", sense=bytes(96), pi_in=b"", datain=b""
    )
    readable, writable = request.to_buffers()
    assert len(readable) == 19 + 32 + 8 + 3 + 7 and len(writable) == 12 + 96
    again = scsi.VirtioScsiReqCmd.from_buffers(readable, writable, cdb_size=32, sense_size=96)
    assert again == request and again.pi_bytesout == 3
    plain = scsi.VirtioScsiReqCmd.from_readable(bytes(19 + 32) + b"x", cdb_size=32, features=0)
    assert plain.pi_out is None and plain.dataout == b"x"


def test_rss_configuration() -> None:
    value = net.VirtioNetRssConfig(
        indirection_table_mask=3,
        indirection_table=[net.RssRqId(vq_index_1_16=i) for i in range(4)],
        hash_key_data=b"k" * 40,
    )
    data = bytes(value)
    assert value.hash_key_length == 40 and net.VirtioNetRssConfig.from_bytes(data) == value
    added = net.VirtnetRssCtxAddModify(rss_ctx_id=1, rss=value)
    assert net.VirtnetRssCtxAddModify.from_bytes(bytes(added)) == added
    with pytest.raises(EncodeError, match=r"indirection_table_mask \+ 1 is 4"):
        net.VirtioNetRssConfig(indirection_table_mask=3, indirection_table=[]).to_bytes()


def test_iommu_probe_takes_its_length_from_the_configuration() -> None:
    data = bytes(72) + bytes(16) + b"\1\0\0\0"
    assert iommu.VirtioIommuReqProbe.from_bytes(data).properties == bytes(16)
    assert iommu.VirtioIommuReqProbe.from_bytes(data, probe_size=16).tail.status == 1


def test_views_over_a_memory_map(tmp_path: Path) -> None:
    path = tmp_path / "bar"
    path.write_bytes(bytes(4096))
    with path.open("r+b") as stream, mmap.mmap(stream.fileno(), 4096) as bar:
        view = pci.VirtioPciCommonCfgView(bar, 0x100)
        view.queue_select = 3
        view.queue_desc = 0x1234_5678_9ABC
        assert bar[0x116:0x118] == b"\3\0" and view.queue_desc == 0x1234_5678_9ABC
    assert pci.VirtioPciCommonCfg.unpack_from(path.read_bytes(), 0x100).queue_select == 3


def test_one_name_with_two_values() -> None:
    assert net.VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO == net.FEATURES["VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO"] == 65
    others = [v for n, v in vars(net).items() if n.startswith("VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO__")]
    assert others == [46]


def test_lookup_and_find() -> None:
    assert lookup("virtio_net_config") is net.VirtioNetConfig is lookup("struct virtio_net_config")
    assert virtwire.net is net and "net" in dir(virtwire)
    with pytest.raises(KeyError, match="virtio_net_config"):
        lookup("net_config")
    assert "virtio_blk_req" in virtwire.find("BLK_req")
    with pytest.raises(AttributeError):
        _ = virtwire.nothing
    assert virtwire._index.DEVICES and all(virtwire.lookup(d.config) for d in virtwire.DEVICES if d.config)


def test_help_shows_offsets_source_and_conditions() -> None:
    text = net.VirtioNetHdr.__doc__ or ""
    assert "device-types/net/description.tex:" in text
    assert "12      4  le32 hash_value, if VIRTIO_NET_F_HASH_REPORT" in text
    assert net.VirtioNetConfig.LAYOUT.field("mtu").offset == 10


def test_a_subclass_may_have_a_constructor_and_members_of_its_own() -> None:
    class Config(net.VirtioNetConfig):
        __slots__ = ("name",)

        def __init__(self, name: str) -> None:
            super().__init__(mtu=1500)
            self.name = name

    config = Config("eth0")
    assert net.VirtioNetConfig.from_bytes(bytes(config)).mtu == 1500
    assert config == Config("eth0") != Config("eth1") and "mtu=1500" in repr(config)
    assert type(Config.from_bytes(bytes(config))) is Config and Config.from_bytes(bytes(28)).mtu == 0
    config.mtu = 1 << 16
    with pytest.raises(EncodeError, match=r"virtio_net_config\.mtu"):
        bytes(config)


def test_another_member_selects_the_arm_of_a_union() -> None:
    config = input_.VirtioInputConfig(select=input_.VIRTIO_INPUT_CFG_ABS_INFO, size=20)
    config.u.abs = input_.VirtioInputAbsinfo(min=1, max=9)
    again = input_.VirtioInputConfig.from_bytes(bytes(config))
    assert again.arm("u") == "abs" and again.selected("u") == input_.VirtioInputAbsinfo(min=1, max=9)
    again.select = input_.VIRTIO_INPUT_CFG_UNSET
    assert again.arm("u") == "" and again.selected("u") == bytes(config.u)
    header = device_parts.VirtioDevPartHdr(part_type=device_parts.VIRTIO_DEV_PART_VQ_CFG)
    header.selector.vq_index = device_parts.VirtioDevPartHdrSelectorVqIndex(index=7)
    assert header.selected("selector").index == 7
    part = parts()[4]
    assert part.typed_selector("net") == net.VirtioNetDevPartCvqSelector(class_=0, command=1)
    assert parts()[3].typed_selector().index == 1


# --- features ---------------------------------------------------------------------------------------------


def test_features_of_any_width() -> None:
    bits = net.FEATURES.mask(["VIRTIO_NET_F_MAC", "VIRTIO_F_VERSION_1", "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO"])
    assert bits == 1 << 5 | 1 << 32 | 1 << 65
    assert net.FEATURES.names(bits) == ["VIRTIO_NET_F_MAC", "VIRTIO_F_VERSION_1", "VIRTIO_NET_F_GUEST_UDP_TUNNEL_GSO"]
    assert net.FEATURES.from_words(net.FEATURES.to_words(bits)) == bits
    assert net.FEATURES.names(1 << 200) == ["bit 200"]


# --- containers -------------------------------------------------------------------------------------------


def context() -> device_context.VirtioDevCtx:
    record = device_context.VirtioDevCtxFieldTlv
    return device_context.VirtioDevCtx(
        fields=[
            record.of(pci.VirtioPciCommonCfg(num_queues=3)),
            record.of(net.VirtioNetConfig(mtu=1500), code=device_context.VIRTIO_DEV_CTX_DEV_CFG_LAYOUT),
            record.of(device_context.VirtioDevCtxFeatures(feature_bits=[1 << 32, 2])),
            record.of(device_context.VirtioDevCtxPciVqCfg(vq_index=1, queue_size=256)),
            record.of(device_context.VirtioDevCtxVqSplitRuntime(vq_index=1, dev_avail_idx=9, enabled=1)),
            record.of(device_context.VirtioDevCtxVqSplitDevDescs(vq_index=1, desc_idx=[4, 5])),
            record(type=0x77, reserved=3, value=b"unknown"),
        ]
    )


def test_device_context_is_typed_and_lossless() -> None:
    value = context()
    data = bytes(value)
    again = device_context.VirtioDevCtx.from_bytes(data)
    assert again == value and bytes(again) == data and again.field_count == 7
    typed = [field.typed("net") for field in again.fields]
    assert typed[1] == net.VirtioNetConfig(mtu=1500)
    assert typed[5] == device_context.VirtioDevCtxVqSplitDevDescs(vq_index=1, desc_count=2, desc_idx=[4, 5])
    assert typed[6] == b"unknown"
    assert again.fields[1].typed() == bytes(net.VirtioNetConfig(mtu=1500))  # of a device type that nobody named
    assert again.fields[1].typed(1) == typed[1] == again.fields[1].typed("virtio_net_config")
    assert [f.type_name() for f in again.fields[-2:]] == ["VIRTIO_DEV_CTX_VQ_SPLIT_DEV_OWN_DESC", "reserved"]


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda w: w.__name__)
def test_device_context_iterates_over_buffers_and_streams(wrap: Any) -> None:
    value = context()
    assert list(device_context.VirtioDevCtx.iter_records(wrap(bytes(value)))) == value.fields
    with pytest.raises(DecodeError, match=r"\[6\]\.value: ends too early"):
        list(device_context.VirtioDevCtx.iter_records(wrap(bytes(value)[:-1])))
    with pytest.raises(DecodeError):
        list(device_context.VirtioDevCtx.iter_records(wrap(b"\1")))


def test_device_context_is_validated() -> None:
    value = context()
    assert [str(v) for v in value.validate("net")] == [
        "virtio_dev_ctx.fields[6].reserved at offset 255: is reserved, and not zero (device-context.tex:13)",
        "virtio_dev_ctx.fields[6].type at offset 251: type 0x77 is reserved (device-context.tex:13)",
    ]
    assert list(device_context.VirtioDevCtx.iter_violations(io.BytesIO(bytes(value)), "net")) == value.validate("net")
    del value.fields[6]
    assert [v.message for v in value.validate()] == ["states 7 records, has 6"]
    value.field_count = 6
    value.fields.append(value.fields[4])
    value.field_count = 7
    assert [v.message for v in value.validate()] == [
        "VIRTIO_DEV_CTX_VQ_SPLIT_RUNTIME_CFG for virtqueue 1 stands in [4] already"
    ]
    value.fields[0].value = b"short"
    value.fields[0].length = 5
    assert any("device_feature_select" in v.path or "device_feature" in v.path for v in value.validate())


def test_a_length_that_claims_much_costs_nothing() -> None:
    data = b"\1\0\0\0" + bytes(8) + (1 << 62).to_bytes(8, "little") + b"x"
    tracemalloc.start()
    for source in (data, io.BytesIO(data)):
        with pytest.raises(DecodeError):
            list(device_context.VirtioDevCtx.iter_records(source))
    with pytest.raises(DecodeError):
        device_context.VirtioDevCtx.from_bytes(b"\xff\xff\xff\xff" + data[4:])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 << 20


class Endless(io.RawIOBase):
    """A stream that makes its bytes as they are read."""

    def __init__(self, head: bytes, unit: bytes, count: int) -> None:
        super().__init__()
        self.head, self.unit, self.left = head, unit, count

    def read(self, size: int = -1) -> bytes:
        while self.left and len(self.head) < size:
            self.head += self.unit * min(64, self.left)
            self.left -= min(64, self.left)
        piece, self.head = self.head[:size], self.head[size:]
        return piece


def test_a_stream_larger_than_memory_needs_little() -> None:
    record = bytes(device_context.VirtioDevCtxFieldTlv(type=0x77, value=bytes(10_000)))
    count = 2_000
    stream = Endless(count.to_bytes(4, "little"), record, count)
    tracemalloc.start()
    total = sum(len(field.value) for field in device_context.VirtioDevCtx.iter_records(stream))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == count * 10_000 and peak < 4 << 20


def parts() -> list[device_parts.VirtioDevPart]:
    def part(code: int, value: bytes, selector: bytes = bytes(8)) -> device_parts.VirtioDevPart:
        header = device_parts.VirtioDevPartHdr(
            part_type=code, length=len(value), selector=device_parts.VirtioDevPartHdrSelector(selector)
        )
        return device_parts.VirtioDevPart(hdr=header, value=value)

    queue = bytes(device_parts.VirtioDevPartVqCfg(queue_size=8))
    return [
        part(device_parts.VIRTIO_DEV_PART_DRV_FEATURES, bytes(16)),
        part(device_parts.VIRTIO_DEV_PART_DEVICE_STATUS, b"\x0f"),
        part(device_parts.VIRTIO_DEV_PART_VQ_CFG, queue),
        part(device_parts.VIRTIO_DEV_PART_VQ_CFG, queue, b"\1" + bytes(7)),
        part(net.VIRTIO_NET_DEV_PART_CVQ_CFG_PART, b"\1", b"\0\1" + bytes(6)),
    ]


@pytest.mark.parametrize("cut", [0, 2, 10, 30, 100, 260])
def test_errors_in_a_stream_are_those_in_a_buffer(cut: int) -> None:
    data = bytes(context())[:cut]
    with pytest.raises(DecodeError) as whole:
        device_context.VirtioDevCtx.from_bytes(data)
    for source in (data, io.BytesIO(data), framing.DeviceData(framing.frame(data))):
        with pytest.raises(DecodeError) as caught:
            list(device_context.VirtioDevCtx.iter_records(source))
        first, *lines = str(caught.value).splitlines()
        assert first == str(whole.value).splitlines()[0]
        # of a stream, only the bytes of one record are there to be shown; they stand where those of a buffer do
        for line, other in zip(reversed(lines), reversed(str(whole.value).splitlines()[1:]), strict=False):
            assert len(line) == len(other) and all(a in (" ", b) for a, b in zip(line, other, strict=True))


def test_what_follows_the_last_record_is_left_alone() -> None:
    stream = io.BytesIO(bytes(context()) + b"next")
    assert len(list(device_context.VirtioDevCtx.iter_records(stream))) == 7 and stream.read() == b"next"


def test_a_part_of_the_pci_configuration_is_the_member_at_its_offset() -> None:
    record = device_parts.VirtioDevPart
    code = device_parts.VIRTIO_DEV_PART_PCI_COMMON_CFG
    part = record.of(5, code, member="num_queues")
    assert part.hdr.selected("selector").offset == 18 and part.value == b"\5\0"
    assert part.typed() == 5 and part.member() == "virtio_pci_common_cfg.num_queues"
    assert record.from_bytes(bytes(part)) == part
    status = record.of(15, device_parts.VIRTIO_DEV_PART_DEVICE_STATUS)
    assert (status.typed(), status.member()) == (15, "virtio_pci_common_cfg.device_status")
    with pytest.raises(EncodeError, match=r"num_queues: 65536 is no unsigned integer of 16 bits"):
        record.of(1 << 16, code, member="num_queues")
    with pytest.raises(EncodeError, match="nothing: is no integer"):
        record.of(1, code, member="nothing")
    for wrong in ({"code": code}, {"code": device_parts.VIRTIO_DEV_PART_VQ_CFG}, {}):
        with pytest.raises(ValueError, match=r"member|integer"):
            record.of(1, **wrong)
    part.value = b"\5"
    with pytest.raises(DecodeError, match=r"virtio_dev_part\.value\.num_queues: has another size"):
        part.typed()
    between = record.of(5, code, member="num_queues")
    between.hdr.selector = device_parts.VirtioDevPartHdrSelector(b"\x13" + bytes(7))
    assert between.typed() == b"\5\0" and between.member() == ""
    container = admin.VirtioAdminCmdDevPartsGetResult(parts=[part, between])
    assert [(v.path, v.offset) for v in container.validate()] == [
        ("virtio_admin_cmd_dev_parts_get_result.parts[0].hdr.length", 12),
        ("virtio_admin_cmd_dev_parts_get_result.parts[0].value.num_queues", 16),
        ("virtio_admin_cmd_dev_parts_get_result.parts[1].hdr.selector.pci_common_cfg.offset", 21),
    ]


def test_device_parts_in_commands_and_frames() -> None:
    result = admin.VirtioAdminCmdDevPartsGetResult(parts=parts())
    data = bytes(result)
    assert admin.VirtioAdminCmdDevPartsGetResult.from_bytes(data) == result
    assert [p.typed("net") for p in result.parts][1:3] == [15, device_parts.VirtioDevPartVqCfg(queue_size=8)]
    assert result.parts[4].type_name("net") == "VIRTIO_NET_DEV_PART_CVQ_CFG_PART"
    assert result.validate("net") == []
    stream = framing.frame(data[:33]) + framing.frame(b"skip", tag=9, flags=1) + framing.frame(data[33:])
    for source in (stream, io.BytesIO(stream)):
        assert list(device_parts.VirtioDevPart.iter_from(framing.DeviceData(source))) == result.parts
    assert [f.size for f in framing.DeviceData(stream).frames()] == [33, 4, len(data) - 33]
    with pytest.raises(DecodeError, match="unknown tag 9"):
        framing.DeviceData(framing.frame(b"x", tag=9)).read()
    whole = 0
    for cut in range(len(stream)):
        try:
            found = list(device_parts.VirtioDevPart.iter_from(framing.DeviceData(stream[:cut])))
        except DecodeError:
            continue
        assert found == result.parts[: len(found)]
        whole += 1
    assert whole == 1  # only the empty stream ends where both a part and a frame end


def test_admin_commands_say_what_they_carry() -> None:
    result = admin.VirtioAdminCmdDevPartsGetResult(parts=parts()[:1])
    selected = admin.VirtioAdminCmdDevPartsGetData(type=admin.VIRTIO_ADMIN_CMD_DEV_PARTS_GET_TYPE_ALL)
    command = admin.VirtioAdminCmd(
        opcode=admin.VIRTIO_ADMIN_CMD_DEV_PARTS_GET,
        command_specific_data=struct.unpack("<2Q", bytes(selected)),
        command_specific_result=bytes(result),
    )
    again = admin.VirtioAdminCmd.from_buffers(*command.to_buffers())
    assert again == command
    assert again.typed("command_specific_data") == selected
    assert again.typed("command_specific_result") == result
    again.opcode = 0x7000
    assert again.typed("command_specific_result") == bytes(result)


def test_device_parts_are_validated() -> None:
    wrong = parts()
    wrong = [wrong[2], wrong[0], wrong[2], wrong[3]]
    found = admin.VirtioAdminCmdDevPartsGetResult(parts=wrong).validate("net")
    assert [v.message for v in found] == [
        "VIRTIO_DEV_PART_DRV_FEATURES has to precede VIRTIO_DEV_PART_VQ_CFG",
        "VIRTIO_DEV_PART_VQ_CFG for the same selector stands in [0] already",
    ]


# --- command line -----------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_decode_attributes_every_byte(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(
        capsys, "decode", "virtio_blk_discard_write_zeroes", "--hex", "01" + "00" * 7 + "08000000 01000000"
    )
    assert code == 0
    assert out.splitlines() == [
        "                                   virtio_blk_discard_write_zeroes",
        "00000000  01 00 00 00 00 00 00 00    sector = 1",
        "00000008  08 00 00 00                num_sectors = 8",
        "                                     flags (virtio_blk_discard_write_zeroes.flags)",
        "0000000c  01 00 00 00                  unmap = 1",
        "                                       reserved = 0",
    ]
    path = tmp_path / "context.bin"
    path.write_bytes(b"junk" + bytes(context()))
    code, out, _ = run(capsys, "decode", "virtio_dev_ctx", str(path), "--offset", "4", "--device", "net")
    shown = b"".join(bytes.fromhex(line[10:33]) for line in out.splitlines() if line[:8].strip())
    assert code == 0 and shown == bytes(context())
    assert "mtu = 1500 (0x5dc)" in out and "= 0x100000000 VIRTIO_F_VERSION_1" in out
    assert "value (reserved)" in out and "\x1b" not in out


def test_decode_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decode", "virtio_dev_ctx", "--device", "1", "--json", "--hex", bytes(context()).hex())
    document = json.loads(out)
    assert code == 0 and document["value"]["fields"][1]["value"]["mtu"] == 1500


@pytest.mark.parametrize(
    "wrong", [-1, 5, 1 << 70, 1.5, "x", [None], [[]], {"a": 1}, object()], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize(
    ("cls", "member"),
    [
        (blk.VirtioBlkZoneReport, "zones"),
        (blk.VirtioBlkDiscardWriteZeroes, "flags"),
        (device_context.VirtioDevCtx, "fields"),
        (device_parts.VirtioDevPart, "hdr"),
        (net.VirtioNetRssConfig, "indirection_table"),
        (net.VirtioNetRssConfig, "hash_key_data"),
        (admin.VirtioAdminCmdDevPartsGetData, "hdr_list"),
        (fs.VirtioFsReadReq, "in_"),
        (gpu.VirtioGpuRespDisplayInfo, "pmodes"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_value_of_another_type_is_told(cls: Any, member: str, wrong: object) -> None:
    value = cls()
    setattr(value, member, wrong)
    with pytest.raises(EncodeError, match=cls.C_NAME):
        value.to_bytes()


def test_a_list_inside_itself_is_told() -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    value: Any = device_context.VirtioDevCtx()
    value.field_count, value.fields = 1, cyclic
    with pytest.raises(EncodeError, match=r"fields\[0\]: a value of type list cannot stand here"):
        value.to_bytes()


def test_bit_fields_take_only_numbers_that_fit() -> None:
    flags = blk.VirtioBlkDiscardWriteZeroesFlags()
    for wrong in (-1, 2, 1.0, "1", None, []):
        with pytest.raises(EncodeError, match=r"unmap: .* is no unsigned integer of 1 bits"):
            flags.unmap = wrong  # type: ignore[assignment]
    flags.unmap = True
    assert flags.unmap == 1


def test_the_examples_of_the_help_and_of_the_readme_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = {
        "virtio_dev_ctx": bytes(context()),
        "virtio_net_ctrl": bytes.fromhex("0100 0400 00"),
        "virtio_scsi_req_cmd": bytes(19 + 32 + 8 + 12 + 96),
    }
    examples: list[str] = []
    for command in ("decode", "show", "list", "find"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        _, _, text = capsys.readouterr().out.partition("examples:\n")
        examples += [line.removeprefix("  virtwire ") for line in text.splitlines()]
    readme = (PACKAGE / "README.md").read_text("utf-8").partition("## On the command line")[2]
    for line in readme.splitlines():
        if line.startswith("python -m virtwire "):
            examples.append(line.removeprefix("python -m virtwire "))
    assert len(examples) >= 13
    for example in examples:
        words, _, redirected = example.replace("[", "").replace("]", "").partition("<")
        arguments = shlex.split(words, comments=True)
        for name in {"context.bin", "request.bin"} & {*arguments, redirected}:
            Path(name).write_bytes(inputs[arguments[1]])
            if redirected:
                monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(name).read_bytes())))
        code, out, err = run(capsys, *arguments)
        assert (code, err) == (0, "") and out, example


def test_what_can_be_read_before_an_error_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A record with a wrong length moves the ones behind it: the error is found in one of those."""
    status = "0301 00 00 0000000000000000 {} 0f"
    blob = " ".join(status.format(length) for length in ("01000000", "00000000", "01000000"))
    code, out, err = run(capsys, "decode", "virtio_admin_cmd_dev_parts_get_result", "--hex", blob)
    assert code == 1 and "virtio_admin_cmd_dev_parts_get_result.parts[2]" in err
    assert [line.split()[0] for line in out.splitlines() if "(virtio_dev_part)" in line] == ["parts[0]", "parts[1]"]
    assert "value: no VIRTIO_DEV_PART_DEVICE_STATUS" in out
    places = [line[:8] for line in out.splitlines() if "part_type" in line]
    assert places == ["00000000", "00000011"]
    code, out, err = run(capsys, "decode", "virtio_dev_ctx", "--hex", "02000000" + "01000000" + "00" * 12 + "02")
    assert code == 1 and "fields[0] (virtio_dev_ctx_field_tlv)" in out and "fields[1]" in err


def test_the_selector_of_a_device_type_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    part = "0002 00 00 0400000000000000 02000000 0400"
    told = run(capsys, "decode", "virtio_dev_part", "--hex", part, "--device", "net")[1]
    assert "selector (virtio_net_dev_part_cvq_selector)\n00000004  04" in told and "class_ = 4" in told
    untold = run(capsys, "decode", "virtio_dev_part", "--hex", part)[1]
    assert "selector (pci_common_cfg, vq_index, device_type_raw)" in untold


def test_several_records_are_a_container(capsys: pytest.CaptureFixture[str]) -> None:
    part = "0301 00 00 0000000000000000 01000000 0f"
    code, _, err = run(capsys, "decode", "virtio_dev_part", "--hex", f"{part} {part}")
    assert code == 1 and "hint: several of them are a virtio_admin_cmd_dev_parts_get_result or a" in err
    assert "hint" not in run(capsys, "decode", "virtio_dev_part", "--hex", part[:20])[2]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["decode", "virtio_nix", "--hex", ""], 2, "no struct 'virtio_nix'"),
        (["decode", "virtio_net_config", "--hex", "00"], 1, "virtio_net_config.mac: ends too early"),
        (["decode", "virtio_net_config", "--hex", "00"], 1, "hint: of a configuration space that ends"),
        (["decode", "virtio_net_config", "--hex", "00", "--allow-short"], 1, "mac: ends inside a field"),
        (["decode", "virtio_net_config", "--hex", "0g"], 2, "--hex '0g': two hexadecimal digits"),
        (["decode", "virtio_net_config", "/nowhere/x"], 2, "/nowhere/x"),
        (["decode", "virtio_net_config", "--hex", "", "--offset", "9"], 2, "--offset 9"),
        (["decode", "virtio_net_config", "--hex", "", "--set", "x=1"], 2, "--set x"),
        (["decode", "virtio_scsi_req_cmd", "--hex", ""], 2, "give --set cdb_size=N"),
        (["decode", "virtio_net_hdr", "--hex", "00", "--features", "NIX"], 2, "no feature 'NIX'"),
        (["decode", "virtio_net_config", "--hex", "", "--device", "nix"], 2, "--device nix"),
        (["decode", "virtio_net_ctrl", "--hex", "0400"], 2, "give command_specific_data_size"),
        (["decode", "virtio_net_ctrl", "--hex", "0400", "--split", "3"], 2, "--split 3: there are 2 bytes"),
        (["decode", "virtio_net_config", "--hex", "", "--split", "0"], 2, "does not lie in two buffers"),
        (["decode", "virtio_blk_lifetime", "--hex", "00" * 9, "--offset", "7"], 1, "at offset 9: 2 bytes needed, 0"),
        (["show", "nix"], 2, "no struct"),
        (["show", "virtio_net_config", "--variant", "9"], 2, "no variant 9 of 'virtio_net_config'"),
        (["list", "nix"], 2, "no module"),
        (["find", "nothing of the kind"], 1, "no struct and no constant has 'nothing of the kind'"),
    ],
)
def test_wrong_use_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    result, out, err = run(capsys, *arguments)
    assert result == code and message in err and "Traceback" not in err and out == ""


@pytest.mark.parametrize("module", ["virtwire", "virtwire.conformance.check"])
def test_standard_input_that_was_closed_is_told(module: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    if module == "virtwire":
        assert main(["decode", "virtio_vsock_config"]) == 2
    else:
        assert check(["--device-context", "-"]) == 2
    assert "standard input" in capsys.readouterr().err


def test_show_list_and_find(capsys: pytest.CaptureFixture[str]) -> None:
    assert "     10     2  le16 mtu" in run(capsys, "show", "virtio_net_config")[1]
    assert json.loads(run(capsys, "show", "virtio_net_config", "--json")[1])["size"] == 28
    listed = run(capsys, "list", "pmem")[1].splitlines()
    assert len(listed) == 3 and listed[0].split()[:2] == ["pmem", "virtio_pmem_config"]
    assert "VIRTIO_NET_F_MTU" in run(capsys, "find", "f_mtu")[1]
    assert "VIRTIO_BLK_T_SECURE_ERASE" in run(capsys, "find", "14")[1]


def test_show_tells_conditions_directions_and_what_is_just_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    shown = run(capsys, "show", "virtio_net_hdr")[1]
    condition = "if VIRTIO_NET_F_OUT_NET_HEADER or VIRTIO_NET_F_IPSEC"
    assert f"26     6  u8 padding_reserved_2[6]  # {condition}" in shown
    shown = run(capsys, "show", "virtio_fs_read_req")[1].splitlines()
    assert shown[2].endswith("struct fuse_in_header in  # of another project: bytes")
    assert shown[5].strip() == "-- device-writable --" and "fuse_out_header out" in shown[6]
    assert "keys[key_length]" in run(capsys, "show", "virtio_net_resource_obj_ff_rule")[1]
    assert "u8 ...[elided]  # left out" in run(capsys, "show", "virtio_scsi_ctrl")[1]


def test_constants_and_flags_are_named_where_they_belong(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "decode", "virtio_net_ctrl", "--hex", "0400 0200 00", "--set", "command_specific_data_size=2")[1]
    assert "class_ = 4 VIRTIO_NET_CTRL_MQ\n" in out and "command = 0 VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET\n" in out
    assert "ack = 0 VIRTIO_NET_OK\n" in out
    out = run(capsys, "decode", "pvirtq_desc", "--hex", "00" * 14 + "8300")[1]
    assert "flags = 131 (0x83) VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_NEXT\n" in out
    out = run(capsys, "decode", "virtq_desc", "--hex", "00" * 12 + "8300 0000")[
        1
    ]  # the other ring's flags are none here
    assert "flags = 131 (0x83) VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | 0x80\n" in out
    out = run(capsys, "decode", "pvirtq_event_suppress", "--hex", "0580 0200")[1]
    assert "desc_event_flags = 2 RING_EVENT_FLAGS_DESC\n" in out
    out = run(capsys, "decode", "virtio_i2c_out_hdr", "--hex", "00" * 4 + "06000000")[1]  # codes that number bits
    assert "flags = 6 1 << VIRTIO_I2C_FLAGS_M_RD | 0x4\n" in out
    assert "flags = 0\n" in run(capsys, "decode", "virtio_i2c_out_hdr", "--hex", "00" * 8)[1]
    out = run(capsys, "decode", "virtio_vsock_hdr", "--hex", "00" * 32 + "01000000" + "00" * 8)[1]
    assert "flags = 1\n" in out  # of a shutdown, or of a message: nothing here says which
    header = admin.VirtioAdminCmdResourceObjCmdHdr(type=net.VIRTIO_NET_RESOURCE_OBJ_FF_RULE)
    assert "id=0" in repr(header) and "VIRTIO_NET" not in repr(header)  # of a device type that nobody named
    lines = [line.text for line in dump(header, device="net")]
    assert lines[1] == f" = {header.type} ({header.type:#x}) VIRTIO_NET_RESOURCE_OBJ_FF_RULE"


def test_json_has_the_arm_that_is_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    part = device_parts.VirtioDevPart.of(5, device_parts.VIRTIO_DEV_PART_PCI_COMMON_CFG, member="num_queues")
    value = json.loads(run(capsys, "decode", "virtio_dev_part", "--json", "--hex", bytes(part).hex())[1])["value"]
    assert value["hdr"]["selector"] == {"raw": "1200000000000000", "pci_common_cfg": {"offset": 18, "reserved": 0}}
    assert (value["value"], value["member"]) == (5, "virtio_pci_common_cfg.num_queues")


def test_a_request_in_two_buffers_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decode", "virtio_net_ctrl", "--hex", "0400 0200 00", "--split", "4")
    assert code == 0 and "command_specific_data = 02 00\n" in out and "ack = 0" in out


def test_every_byte_of_every_new_object_is_attributed() -> None:
    for name in virtwire._index.STRUCTS:
        cls = lookup(name)
        if issubclass(cls, virtwire._runtime.Union):
            continue
        value = cls()
        at = 0
        for line in dump(value):
            assert not line.size or line.offset == at
            at += line.size
        assert at == len(bytes(value))


# --- the package ------------------------------------------------------------------------------------------


def python(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, **more
    )


def test_import_is_lazy_and_pulls_in_little() -> None:
    code = (
        "import sys; before = set(sys.modules); from virtwire import net; "
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('virtwire')))"
        "; print(sorted(m for m in sys.modules if m.startswith('virtwire.') and '._' not in m))"
    )
    done = python("-S", "-c", code)
    foreign, own = done.stdout.splitlines()
    for heavy in ("dataclasses", "inspect", "argparse", "json", "asyncio", "logging"):
        assert f"'{heavy}'" not in foreign
    assert own == "['virtwire.net']"


def test_module_runs_and_stands_a_closed_pipe() -> None:
    done = python("-m", "virtwire", "decode", "virtio_pmem_req", input="")
    assert done.returncode == 1 and "virtio_pmem_req.type: ends too early" in done.stderr
    with subprocess.Popen(
        [sys.executable, "-m", "virtwire", "list"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_without_docstrings_and_assertions_it_works_as_well() -> None:
    done = python("-OO", "-c", "from virtwire import net; print(net.VirtioNetConfig.LAYOUT.field('mtu').offset)")
    assert done.stdout == "10\n"


def test_readme_says_what_is_so() -> None:
    failed, tried = doctest.testfile(str(PACKAGE / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert failed == 0 and tried > 20


def test_a_crypto_request_says_what_its_parts_are() -> None:
    session = crypto.VirtioCryptoCipherSessionFlf(algo=crypto.VIRTIO_CRYPTO_CIPHER_AES_CBC, key_len=16, op=1)
    fixed = crypto.VirtioCryptoSymCreateSessionFlf(
        op_flf=bytes(session).ljust(48, b"\0"), op_type=crypto.VIRTIO_CRYPTO_SYM_OP_CIPHER
    )
    request = crypto.VirtioCryptoOpCtrlReq(
        header=crypto.VirtioCryptoCtrlHeader(opcode=crypto.VIRTIO_CRYPTO_CIPHER_CREATE_SESSION),
        op_flf=bytes(fixed),
        op_vlf=b"k" * 16,
        op_outcome=bytes(crypto.VirtioCryptoCreateSessionInput(session_id=7)),
    )
    again = crypto.VirtioCryptoOpCtrlReq.from_buffers(*request.to_buffers(), flf_len=56, vlf_len=16)
    assert again.typed("op_flf") == fixed
    assert again.typed("op_outcome").session_id == 7
    # the struct may be shorter than the member that it fills
    assert typed(fixed, "op_flf") == session
    # the code and the length of the key are in the fixed part
    rest = again.typed("op_vlf")
    assert typed(rest, "op_vlf", by=fixed) == crypto.VirtioCryptoCipherSessionVlf(cipher_key=b"k" * 16)
    request.header.opcode = 0x7F
    assert request.typed("op_flf") == bytes(fixed)


def test_features_decide_what_a_member_holds() -> None:
    request = crypto.VirtioCryptoOpDataReq(
        header=crypto.VirtioCryptoOpHeader(opcode=crypto.VIRTIO_CRYPTO_MAC),
        op_flf=bytes(crypto.VirtioCryptoHashDataFlf(src_data_len=2, hash_result_len=3)),
        op_vlf=b"abMAC",
    )
    assert typed(request, "op_flf", features=0) == crypto.VirtioCryptoMacDataFlf.from_bytes(request.op_flf)
    assert typed(request, "op_vlf", features=0) == crypto.VirtioCryptoMacDataVlf(src_data=b"ab", hash_result=b"MAC")
    assert typed(request, "op_flf") == request.op_flf  # nobody said which
    stateless = crypto.VirtioCryptoMacDataFlfStateless(src_data_len=2)
    request.op_flf = bytes(stateless)
    assert typed(request, "op_flf", features=["VIRTIO_CRYPTO_F_MAC_STATELESS_MODE"]) == stateless


def test_lengths_in_hostile_bytes_are_bounded() -> None:
    request = crypto.VirtioCryptoOpDataReq(
        header=crypto.VirtioCryptoOpHeader(opcode=crypto.VIRTIO_CRYPTO_HASH),
        op_flf=bytes(crypto.VirtioCryptoHashDataFlf(src_data_len=0xFFFFFFFF, hash_result_len=0xFFFFFFFF)),
        op_vlf=b"ab",
    )
    with pytest.raises(DecodeError):
        typed(request, "op_vlf", features=0)
    request.op_flf = b"\1"
    with pytest.raises(DecodeError):
        typed(request, "op_vlf", features=0)


def test_a_command_belongs_to_its_class() -> None:
    command = net.VirtioNetCtrl(class_=2, command=0, command_specific_data=b"\x05\x00")
    assert command.typed("command_specific_data") == 5  # a VLAN, not the tunnel types of another class
    command.class_ = 7
    command.command_specific_data = b"\x05\x00\x00\x00"
    assert command.typed("command_specific_data") == net.VirtnetHashTunnel(enabled_tunnel_types=5)
    command.class_ = 99
    assert command.typed("command_specific_data") == b"\x05\x00\x00\x00"


def test_names_are_those_of_the_members_own_list() -> None:
    flf = crypto.VirtioCryptoHashCreateSessionFlf(algo=14)
    assert "algo=14" in repr(flf)  # 14 is a cipher, and this is no cipher
    assert "VIRTIO_CRYPTO_HASH_SHA_256" in repr(crypto.VirtioCryptoHashCreateSessionFlf(algo=4))


def test_type_checkers_let_a_configuration_end_early_and_nobody_look_in_vain(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(
        "from virtwire import blk, net\n"
        "config = net.VirtioNetConfig.from_bytes(b'', allow_short=True)\n"
        "if config.mtu is None:\n"
        "    print('absent')\n"
        "packets: int = config.mtu + 14\n"
        "name: str = config.mtu\n"
        "config.mac.nonsense\n"
        "blk.VirtioBlkConfig().geometry.cylinders.nonsense\n"
        "pairs = net.VirtioNetCtrlMqPairsSet()\n"
        "if pairs.virtqueue_pairs is None:\n"
        "    print('never')\n",
        "utf-8",
    )
    package = Path(virtwire.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unreachable", "--no-error-summary", "use.py"]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache")],
        cwd=tmp_path,
        env={"MYPYPATH": str(package), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line.partition(": error: ")[0] for line in done.stdout.splitlines() if ": error: " in line]
    assert said == ["use.py:6", "use.py:7", "use.py:8", "use.py:11"], done.stdout + done.stderr


def test_an_arm_that_ends_too_early() -> None:
    class Reply(virtwire._unions.Union):
        C_NAME = "reply"
        SIZE = None
        ARMS = ("status", "slots", "name")
        status = virtwire._unions.int_arm("<I")
        slots = virtwire._unions.ints_arm("<2H", 1)
        name = virtwire._unions.bytes_arm(4, 1)

    reply = Reply(b"\1\2\0\3\0")
    assert (reply.slots, reply.name) == ((2, 3), b"\2\0\3\0")
    for raw, arm, available in (
        (b"\1\2", "status", 2),
        (b"\1\2", "slots", 1),
        (b"", "slots", 0),
        (b"\1\2\3", "name", 2),
    ):
        with pytest.raises(DecodeError, match="ends too early") as caught:
            getattr(Reply(raw), arm)
        assert (caught.value.path, caught.value.needed, caught.value.available) == (f"reply.{arm}", 4, available)
