"""virtwire against QEMU's device models: what it reads from them and tells them is what QEMU itself says of them.

QEMU runs without a guest. Memory and ports are reached through its qtest socket, everything that goes over them is made
and understood with virtwire, and QMP and the command line are the truth that it is compared with.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "qemu"))

from device import VirtioDevice, devices_of
from machine import Machine, QemuError

from virtwire import balloon, blk, console, crypto, gpu, iommu, mem, net, pci, pmem, scsi, virtqueue
from virtwire import input as hid

PROGRAM = shutil.which(os.environ.get("QEMU", "qemu-system-x86_64"))

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no QEMU; set QEMU or install qemu-system-x86")

SECTOR = bytes(range(256)) * 2
CONTENT = b"".join(SECTOR[i:] + SECTOR[:i] for i in range(64))
MIB = 1 << 20

# on the modern interface: event indices are left alone, and packed rings
NOT_NEGOTIATED = 1 << 29 | 1 << 34

# offered to legacy drivers only, and therefore not where we look
LEGACY_ONLY = {"VIRTIO_F_NOTIFY_ON_EMPTY", "VIRTIO_F_ANY_LAYOUT", "VIRTIO_NET_F_GSO"}

# what QEMU calls by the names that Linux gives them
QEMU_NAMES = {
    "VIRTIO_RING_F_EVENT_IDX": "VIRTIO_F_EVENT_IDX",
    "VIRTIO_RING_F_INDIRECT_DESC": "VIRTIO_F_INDIRECT_DESC",
    "VIRTIO_F_IOMMU_PLATFORM": "VIRTIO_F_ACCESS_PLATFORM",
}

# of each device its slot, QEMU's name, and the module that describes it
DEVICES = {
    "net": (2, "virtio-net", "net"),
    "blk": (3, "virtio-blk", "blk"),
    "scsi": (4, "virtio-scsi", "scsi"),
    "console": (5, "virtio-serial", "console"),
    "rng": (6, "virtio-rng", "common"),
    "balloon": (7, "virtio-balloon", "balloon"),
    "gpu": (8, "virtio-gpu", "gpu"),
    "keyboard": (9, "virtio-input", "input"),
    "tablet": (10, "virtio-input", "input"),
    "crypto": (11, "virtio-crypto", "crypto"),
    "iommu": (12, "virtio-iommu", "iommu"),
    "mem": (13, "virtio-mem", "mem"),
    "pmem": (14, "virtio-pmem", "pmem"),
    "mouse": (15, "virtio-input", "input"),
    "fs9p": (16, "virtio-9p", ""),
    "packed": (17, "virtio-blk", "blk"),
}


def arguments(directory: Path) -> list[str]:
    """QEMU's command line: the devices, and what they stand on."""
    disk, persistent, other = directory / "disk", directory / "persistent", directory / "other"
    disk.write_bytes(CONTENT)
    persistent.write_bytes(bytes(2 * MIB))
    other.write_bytes(CONTENT)

    def device(name: str, model: str, *properties: str) -> list[str]:
        return ["-device", ",".join([model, f"id={name}", f"addr={DEVICES[name][0]:#x}", *properties])]

    modern = "disable-legacy=on"
    return [
        *(
            "-netdev",
            f"dgram,id=n0,local.type=unix,local.path={directory}/nic,remote.type=unix,remote.path={directory}/wire",
        ),
        *device(
            "net", "virtio-net-pci", "netdev=n0,mac=52:54:00:12:34:56,host_mtu=1400,speed=1000,duplex=full", modern
        ),
        *("-blockdev", f"driver=file,node-name=f0,filename={disk}", "-blockdev", "driver=raw,node-name=b0,file=f0"),
        *device("blk", "virtio-blk-pci", "drive=b0,serial=SERIAL-7,num-queues=2,logical_block_size=512", modern),
        *("-blockdev", f"driver=file,node-name=f1,filename={other}", "-blockdev", "driver=raw,node-name=b1,file=f1"),
        *device("packed", "virtio-blk-pci", "drive=b1,packed=on,num-queues=1", modern),
        *device("scsi", "virtio-scsi-pci", "num_queues=3,cmd_per_lun=77,max_sectors=4242", modern),
        *("-blockdev", "driver=null-co,node-name=z0,size=1048576,read-zeroes=on"),
        *("-device", "scsi-hd,drive=z0,bus=scsi.0,scsi-id=3,lun=1,vendor=ACME,product=WIDGET"),
        *device("console", "virtio-serial-pci", "max_ports=5", modern),
        *("-chardev", "null,id=c0", "-device", "virtconsole,chardev=c0,bus=console.0,nr=2"),
        *device("rng", "virtio-rng-pci", modern),
        *device("balloon", "virtio-balloon-pci", modern),
        *device("gpu", "virtio-gpu-pci", "xres=800,yres=600,edid=on,max_outputs=2"),
        *device("keyboard", "virtio-keyboard-pci", "serial=KEYS-1"),
        *device("tablet", "virtio-tablet-pci"),
        *device("mouse", "virtio-mouse-pci"),
        *("-object", "cryptodev-backend-builtin,id=k0"),
        *device("crypto", "virtio-crypto-pci", "cryptodev=k0"),
        *device("iommu", "virtio-iommu-pci"),
        *("-object", "memory-backend-ram,id=m0,size=16M"),
        *device("mem", "virtio-mem-pci", "memdev=m0,block-size=2M,requested-size=4M"),
        *("-object", f"memory-backend-file,id=p0,mem-path={persistent},share=on,size=2M"),
        *device("pmem", "virtio-pmem-pci", "memdev=p0"),
        *("-fsdev", f"local,id=s0,path={directory},security_model=none"),
        *device("fs9p", "virtio-9p-pci", "fsdev=s0,mount_tag=shared", modern),
    ]


class Bench:
    """The machine, and its devices by the names in `DEVICES`."""

    def __init__(self, machine: Machine, wire: socket.socket, nic: Path) -> None:
        self.machine = machine
        self.wire = wire
        self.nic = nic
        by_slot = devices_of(machine)
        self.devices: dict[str, VirtioDevice] = {name: by_slot[slot] for name, (slot, *_) in DEVICES.items()}
        self._started: set[str] = set()

    def started(self, name: str) -> VirtioDevice:
        """A device that is set up and running."""
        device = self.devices[name]
        if name not in self._started:
            device.start(device.features() & ~NOT_NEGOTIATED)
            self._started.add(name)
        return device

    def status(self, name: str) -> Any:
        """What QEMU says of a device."""
        return self.machine.ask("x-query-virtio-status", path=self.path(name))

    @staticmethod
    def path(name: str) -> str:
        """QEMU's path of a device."""
        return f"/machine/peripheral/{name}/virtio-backend"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    assert PROGRAM is not None
    directory = tmp_path_factory.mktemp("qemu")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(directory / "wire"))
        wire.settimeout(20)
        with Machine(PROGRAM, arguments(directory)) as machine:
            yield Bench(machine, wire, directory / "nic")


each_device = pytest.mark.parametrize("name", DEVICES)


# --- every device -----------------------------------------------------------------------------------------


@each_device
def test_is_the_device_that_qemu_says(bench: Bench, name: str) -> None:
    device, status = bench.devices[name], bench.status(name)
    assert status["name"] == DEVICES[name][1]
    assert status["device-id"] == device.type.id


@each_device
def test_capabilities(bench: Bench, name: str) -> None:
    kinds = []
    for raw in bench.devices[name].capabilities:
        cap = pci.VirtioPciCap.unpack_from(raw)
        assert cap.cap_len == len(raw)
        assert bytes(cap) == raw[:16]
        assert cap.bar < 6
        kinds.append(pci.VIRTIO_PCI_CAP_CODES.meaning(cap.cfg_type))
        if cap.cfg_type == pci.VIRTIO_PCI_CAP_PCI_CFG:
            assert bytes(pci.VirtioPciCfgCap.from_bytes(raw)) == raw
        elif cap.cfg_type == pci.VIRTIO_PCI_CAP_NOTIFY_CFG:
            assert pci.VirtioPciNotifyCap.from_bytes(raw).notify_off_multiplier % 2 == 0
    assert sorted(kinds) == [
        "VIRTIO_PCI_CAP_COMMON_CFG",
        "VIRTIO_PCI_CAP_DEVICE_CFG",
        "VIRTIO_PCI_CAP_ISR_CFG",
        "VIRTIO_PCI_CAP_NOTIFY_CFG",
        "VIRTIO_PCI_CAP_PCI_CFG",
    ]


def qemu_names(features: Any) -> set[str]:
    """The features that QEMU lists, without its explanations."""
    names = {text.partition(":")[0] for text in features["transports"] + features.get("dev-features", [])}
    return {QEMU_NAMES.get(name, name) for name in names}


@pytest.mark.parametrize("name", [name for name, (*_, module) in DEVICES.items() if module])
def test_features_have_the_names_that_qemu_gives_them(bench: Bench, name: str) -> None:
    module = import_module(f"virtwire.{DEVICES[name][2]}")
    features = module.FEATURES if hasattr(module, "FEATURES") else net.FEATURES
    offered = bench.devices[name].features()
    theirs = bench.status(name)["host-features"]
    unknown = theirs.get("unknown-dev-features", 0) | theirs.get("unknown-transports", 0)
    ours = {text for text in features.names(offered & ~unknown) if not text.startswith("bit ")}
    assert ours - qemu_names(theirs) == set()
    assert qemu_names(theirs) - ours - LEGACY_ONLY <= {f for f in qemu_names(theirs) if f not in features}


@each_device
def test_common_configuration(bench: Bench, name: str) -> None:
    device = bench.started(name)
    status, common = bench.status(name), device.common.read()
    assert common.num_queues == len(device.queues)
    shown = {text.partition(":")[0].rpartition("_CONFIG_S_")[2] for text in status["status"]["statuses"]}
    bits = {"ACKNOWLEDGE": 1, "DRIVER": 2, "DRIVER_OK": 4, "FEATURES_OK": 8}
    assert common.device_status == sum(bits[text] for text in shown) == 15
    assert status["queue-sel"] == common.queue_select
    negotiated = bench.status(name)["guest-features"]
    assert "VIRTIO_F_VERSION_1" in qemu_names(negotiated)
    assert "VIRTIO_F_EVENT_IDX" not in qemu_names(negotiated)


@each_device
def test_virtqueues_lie_where_qemu_says(bench: Bench, name: str) -> None:
    for queue in bench.started(name).queues:
        theirs = bench.machine.ask("x-query-virtio-queue-status", path=bench.path(name), queue=queue.index)
        assert theirs["vring-num"] == queue.size
        places = (theirs["vring-desc"], theirs["vring-avail"], theirs["vring-used"])
        assert places == (queue.descriptors, queue.driver, queue.used)


# --- configurations ---------------------------------------------------------------------------------------


def test_net_configuration(bench: Bench) -> None:
    config = bench.devices["net"].config(17)
    assert config.mac == bytes.fromhex("525400123456")
    assert (config.mtu, config.speed, config.status) == (1400, 1000, net.VIRTIO_NET_S_LINK_UP)
    assert config.supported_hash_types is None


def test_blk_configuration(bench: Bench) -> None:
    config = bench.devices["blk"].config()
    assert (config.capacity, config.blk_size, config.num_queues) == (len(CONTENT) // 512, 512, 2)
    (node,) = (n for n in bench.machine.ask("query-named-block-nodes") if n["node-name"] == "b0")
    assert config.capacity * 512 == node["image"]["virtual-size"]


def test_scsi_configuration(bench: Bench) -> None:
    config = bench.devices["scsi"].config()
    assert (config.num_queues, config.cmd_per_lun, config.max_sectors) == (3, 77, 4242)
    assert (config.cdb_size, config.sense_size, config.event_info_size) == (32, 96, scsi.VirtioScsiEvent.SIZE)


def test_console_configuration(bench: Bench) -> None:
    assert bench.devices["console"].config().max_nr_ports == 5


def test_gpu_configuration(bench: Bench) -> None:
    config = bench.devices["gpu"].config(16)
    assert (config.num_scanouts, config.num_capsets, config.blob_alignment) == (2, 0, None)


def test_crypto_configuration(bench: Bench) -> None:
    config = bench.devices["crypto"].config()
    assert config.status == crypto.VIRTIO_CRYPTO_S_HW_READY
    assert config.crypto_services >> crypto.VIRTIO_CRYPTO_SERVICE_CIPHER & 1
    assert config.cipher_algo_l >> crypto.VIRTIO_CRYPTO_CIPHER_AES_CBC & 1


def test_memory_configurations(bench: Bench) -> None:
    listed = {d["data"]["id"]: d["data"] for d in bench.machine.ask("query-memory-devices")}
    config = bench.devices["mem"].config()
    assert (config.block_size, config.requested_size, config.region_size) == (2 * MIB, 4 * MIB, 16 * MIB)
    assert (config.addr, config.plugged_size) == (listed["mem"]["memaddr"], listed["mem"]["size"])
    config = bench.devices["pmem"].config()
    assert (config.start, config.size) == (listed["pmem"]["memaddr"], listed["pmem"]["size"])


def test_iommu_configuration(bench: Bench) -> None:
    config = bench.devices["iommu"].config()
    assert (config.input_range.start, config.input_range.end) == (0, 2**64 - 1)
    assert (config.probe_size, config.bypass) == (512, 1)
    path = bench.path("iommu")
    assert bool(config.bypass) == bench.machine.ask("qom-get", path=path, property="boot-bypass")


def test_input_configurations(bench: Bench) -> None:
    def select(name: str, what: int, sub: int = 0) -> Any:
        device = bench.devices[name]
        device.write_config(0, bytes([what, sub]))
        return device.config()

    for name, text in (
        ("keyboard", b"QEMU Virtio Keyboard"),
        ("tablet", b"QEMU Virtio Tablet"),
        ("mouse", b"QEMU Virtio Mouse"),
    ):
        config = select(name, hid.VIRTIO_INPUT_CFG_ID_NAME)
        # QEMU counts the byte that ends a string of C
        assert config.u.string[: config.size].rstrip(b"\0") == text
    config = select("keyboard", hid.VIRTIO_INPUT_CFG_ID_SERIAL)
    assert config.u.string[: config.size] == b"KEYS-1"
    ids = select("tablet", hid.VIRTIO_INPUT_CFG_ID_DEVIDS).u.ids
    assert (ids.bustype, ids.vendor, ids.product, ids.version) == (6, 0x0627, 3, 2)
    axis = select("tablet", hid.VIRTIO_INPUT_CFG_ABS_INFO, 0)
    assert axis.size == hid.VirtioInputAbsinfo.SIZE
    assert (axis.u.abs.min, axis.u.abs.max) == (0, 0x7FFF)


def test_balloon_follows_the_monitor(bench: Bench) -> None:
    device = bench.started("balloon")
    bench.machine.ask("balloon", value=48 * MIB)
    bench.machine.wait("the balloon's target", lambda: device.config().num_pages == 16 * MIB // 4096)
    device.write_config(4, (8 * MIB // 4096).to_bytes(4, "little"))
    assert device.config().actual == 8 * MIB // 4096
    assert bench.machine.ask("query-balloon")["actual"] == 56 * MIB


# --- requests ---------------------------------------------------------------------------------------------


def test_blk_read_and_serial(bench: Bench) -> None:
    queue = bench.started("blk").queues[0]

    def request(type_: int, sector: int, size: int) -> blk.VirtioBlkReq:
        head = bytes(blk.VirtioBlkReq(type=type_, sector=sector))[: blk.VirtioBlkReq.FIXED_SIZE]
        return blk.VirtioBlkReq.from_bytes(head + queue.request([head], [size, 1]))

    for sector in (0, 7, 63):
        answer = request(blk.VIRTIO_BLK_T_IN, sector, 512)
        assert (answer.status, answer.data) == (blk.VIRTIO_BLK_S_OK, CONTENT[512 * sector :][:512])
    answer = request(blk.VIRTIO_BLK_T_GET_ID, 0, 20)
    assert (answer.status, answer.data.rstrip(b"\0")) == (blk.VIRTIO_BLK_S_OK, b"SERIAL-7")
    assert request(blk.VIRTIO_BLK_T_IN, 10_000, 512).status == blk.VIRTIO_BLK_S_IOERR
    assert request(0x1234, 0, 512).status == blk.VIRTIO_BLK_S_UNSUPP


def test_blk_read_through_a_packed_virtqueue(bench: Bench) -> None:
    device, machine = bench.devices["packed"], bench.machine
    device.start(device.features() & ~NOT_NEGOTIATED | 1 << 34)
    queue = device.queues[0]
    assert "VIRTIO_F_RING_PACKED" in qemu_names(bench.status("packed")["guest-features"])
    available, used = virtqueue.VIRTQ_DESC_F_AVAIL, virtqueue.VIRTQ_DESC_F_USED
    size = virtqueue.PvirtqDesc.SIZE or 0
    head = bytes(blk.VirtioBlkReq(type=blk.VIRTIO_BLK_T_IN, sector=9))[: blk.VirtioBlkReq.FIXED_SIZE]
    parts = [(len(head), 0), (512, virtqueue.VIRTQ_DESC_F_WRITE), (1, virtqueue.VIRTQ_DESC_F_WRITE)]
    places = [device.memory.take(length) for length, _ in parts]
    machine.write(places[0], head)
    for i in (2, 1, 0):  # the first one last, since it makes the others valid
        length, flags = parts[i]
        flags |= available | (virtqueue.VIRTQ_DESC_F_NEXT if i < 2 else 0)
        descriptor = virtqueue.PvirtqDesc(addr=places[i], len=length, id=5, flags=flags)
        machine.write(queue.descriptors + i * size, bytes(descriptor))
    machine.write_number(queue.notify, 2, queue.index)

    def first() -> virtqueue.PvirtqDesc:
        return virtqueue.PvirtqDesc.from_bytes(machine.read(queue.descriptors, size))

    machine.wait("the packed virtqueue", lambda: first().flags & used)
    assert (first().id, first().len) == (5, 513)
    answer = blk.VirtioBlkReq.from_bytes(head + machine.read(places[1], 512) + machine.read(places[2], 1))
    assert (answer.status, answer.data) == (blk.VIRTIO_BLK_S_OK, CONTENT[512 * 9 :][:512])
    device.start(device.features() & ~NOT_NEGOTIATED)


def test_scsi_inquiry(bench: Bench) -> None:
    device = bench.started("scsi")

    def command(cdb: bytes, size: int, lun: bytes) -> scsi.VirtioScsiReqCmd:
        request = scsi.VirtioScsiReqCmd(
            lun=lun, id=77, cdb=cdb.ljust(32, b"\0"), pi_bytesout=None, pi_bytesin=None, pi_out=None, pi_in=None
        )
        readable = request.to_readable()
        written = device.queues[2].request([readable], [108, size])
        return scsi.VirtioScsiReqCmd.from_buffers(readable, written, cdb_size=32, sense_size=96, features=0)

    answer = command(bytes.fromhex("120000002400"), 36, bytes([1, 3, 0x40, 1, 0, 0, 0, 0]))
    assert (answer.response, answer.status, answer.residual) == (scsi.VIRTIO_SCSI_S_OK, 0, 0)
    assert answer.datain[8:16] == b"ACME    "
    assert answer.datain[16:32] == b"WIDGET          "
    answer = command(bytes.fromhex("ff"), 36, bytes([1, 3, 0x40, 1, 0, 0, 0, 0]))
    assert (answer.response, answer.status) == (scsi.VIRTIO_SCSI_S_OK, 2)
    assert answer.sense[: answer.sense_len][2] & 0xF == 5
    assert command(bytes(6), 36, bytes([1, 9, 0x40, 0, 0, 0, 0, 0])).response == scsi.VIRTIO_SCSI_S_BAD_TARGET


def test_scsi_task_management(bench: Bench) -> None:
    device = bench.started("scsi")
    request = scsi.VirtioScsiCtrlTmf(
        type=scsi.VIRTIO_SCSI_T_TMF,
        subtype=scsi.VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
        lun=bytes([1, 3, 0x40, 1, 0, 0, 0, 0]),
    )
    readable = request.to_readable()
    answer = scsi.VirtioScsiCtrlTmf.from_buffers(readable, device.queues[0].request([readable], [1]))
    assert answer.response in (scsi.VIRTIO_SCSI_S_OK, scsi.VIRTIO_SCSI_S_FUNCTION_COMPLETE)


def test_net_control(bench: Bench) -> None:
    device = bench.started("net")

    def command(class_: int, code: int, data: bytes) -> int:
        request = net.VirtioNetCtrl(class_=class_, command=code, command_specific_data=data)
        readable = bytes(request)[: 2 + len(data)]
        answer = net.VirtioNetCtrl.from_bytes(
            readable + device.queues[2].request([readable], [1]),
            command_specific_data_size=len(data),
            command_specific_result_size=0,
        )
        return answer.ack

    def filters() -> Any:
        (found,) = bench.machine.ask("query-rx-filter", name="net")
        return found

    assert command(net.VIRTIO_NET_CTRL_RX, net.VIRTIO_NET_CTRL_RX_PROMISC, b"\0") == net.VIRTIO_NET_OK
    assert filters()["promiscuous"] is False
    assert command(net.VIRTIO_NET_CTRL_RX, net.VIRTIO_NET_CTRL_RX_PROMISC, b"\1") == net.VIRTIO_NET_OK
    assert filters()["promiscuous"] is True
    one = net.VirtioNetCtrlMac(macs=[bytes.fromhex("525400aabbcc")])
    many = net.VirtioNetCtrlMac(macs=[bytes.fromhex("01005e000001"), bytes.fromhex("3333000000ff")])
    tables = bytes(one) + bytes(many)
    assert command(net.VIRTIO_NET_CTRL_MAC, net.VIRTIO_NET_CTRL_MAC_TABLE_SET, tables) == net.VIRTIO_NET_OK
    assert filters()["unicast-table"] == ["52:54:00:aa:bb:cc"]
    assert set(filters()["multicast-table"]) == {"01:00:5e:00:00:01", "33:33:00:00:00:ff"}
    assert command(0x7F, 0, b"") == net.VIRTIO_NET_ERR


def test_net_frames(bench: Bench) -> None:
    device = bench.started("net")
    header = net.VirtioNetHdr(gso_type=net.VIRTIO_NET_HDR_GSO_NONE).to_bytes(features=["VIRTIO_F_VERSION_1"])
    assert len(header) == 12
    frame = bytes.fromhex("ffffffffffff52540012345688b5") + bytes(range(46))
    assert device.queues[1].request([header, frame]) == b""
    assert bench.wire.recv(2048) == frame

    device.queues[0].add([], [2048])
    bench.wire.sendto(frame[6:12] + frame[:6] + frame[12:], str(bench.nic))
    written = device.queues[0].wait()
    at, _ = device.queues[0].places[0]
    data = bench.machine.read(at, written)
    received = net.VirtioNetHdr.from_bytes(data[:12], features=["VIRTIO_F_VERSION_1"])
    assert (received.gso_type, received.num_buffers) == (net.VIRTIO_NET_HDR_GSO_NONE, 1)
    assert data[12:] == frame[6:12] + frame[:6] + frame[12:]


def test_gpu_displays(bench: Bench) -> None:
    queue = bench.started("gpu").queues[0]
    ask = gpu.VirtioGpuCtrlHdr(type=gpu.VIRTIO_GPU_CMD_GET_DISPLAY_INFO, flags=gpu.VIRTIO_GPU_FLAG_FENCE, fence_id=42)
    shown = gpu.VirtioGpuRespDisplayInfo.from_bytes(
        queue.request([bytes(ask)], [gpu.VirtioGpuRespDisplayInfo.SIZE or 0])
    )
    assert (shown.hdr.type, shown.hdr.fence_id) == (gpu.VIRTIO_GPU_RESP_OK_DISPLAY_INFO, 42)
    first = shown.pmodes[0]
    assert (first.r.width, first.r.height, first.enabled) == (800, 600, 1)
    assert not any(mode.enabled for mode in shown.pmodes[1:])

    edid = gpu.VirtioGpuGetEdid(hdr=gpu.VirtioGpuCtrlHdr(type=gpu.VIRTIO_GPU_CMD_GET_EDID), scanout=0)
    answer = gpu.VirtioGpuRespEdid.from_bytes(queue.request([bytes(edid)], [gpu.VirtioGpuRespEdid.SIZE or 0]))
    assert answer.hdr.type == gpu.VIRTIO_GPU_RESP_OK_EDID
    assert answer.edid[:8] == bytes.fromhex("00ffffffffffff00")
    assert sum(answer.edid[:128]) % 256 == 0


def test_gpu_refuses(bench: Bench) -> None:
    queue = bench.started("gpu").queues[0]
    create = gpu.VirtioGpuResourceCreate2d(
        hdr=gpu.VirtioGpuCtrlHdr(type=gpu.VIRTIO_GPU_CMD_RESOURCE_CREATE_2D),
        resource_id=1,
        format=gpu.VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
        width=64,
        height=32,
    )
    for expected in (gpu.VIRTIO_GPU_RESP_OK_NODATA, gpu.VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID):
        answer = gpu.VirtioGpuCtrlHdr.from_bytes(queue.request([bytes(create)], [gpu.VirtioGpuCtrlHdr.SIZE or 0]))
        assert answer.type == expected


def test_iommu_probe(bench: Bench) -> None:
    device = bench.started("iommu")
    size = device.config().probe_size

    def probe(endpoint: int) -> iommu.VirtioIommuReqProbe:
        request = iommu.VirtioIommuReqProbe(
            head=iommu.VirtioIommuReqHead(type=iommu.VIRTIO_IOMMU_T_PROBE), endpoint=endpoint
        )
        readable = request.to_readable()
        return iommu.VirtioIommuReqProbe.from_buffers(
            readable, device.queues[0].request([readable], [size + 4]), probe_size=size
        )

    answer = probe(DEVICES["blk"][0] << 3)
    assert answer.tail.status == iommu.VIRTIO_IOMMU_S_OK
    found = iommu.VirtioIommuProbeResvMem.unpack_from(answer.properties)
    assert (found.head.type, found.head.length) == (iommu.VIRTIO_IOMMU_PROBE_T_RESV_MEM, 20)
    # what a PC reserves for message-signalled interrupts
    assert (found.subtype, found.start, found.end) == (iommu.VIRTIO_IOMMU_RESV_MEM_T_MSI, 0xFEE00000, 0xFEEFFFFF)
    assert probe(20 << 3).tail.status == iommu.VIRTIO_IOMMU_S_NOENT


def test_mem_plug(bench: Bench) -> None:
    device = bench.started("mem")
    config = device.config()

    def ask(type_: int, arm: str) -> mem.VirtioMemResp:
        request = mem.VirtioMemReq(type=type_)
        part = getattr(request.u, arm)
        part.addr, part.nb_blocks = config.addr, 1
        setattr(request.u, arm, part)
        return mem.VirtioMemResp.from_bytes(device.queues[0].request([bytes(request)], [mem.VirtioMemResp.SIZE or 0]))

    def listed() -> int:
        return next(d["data"]["size"] for d in bench.machine.ask("query-memory-devices") if d["data"]["id"] == "mem")

    assert ask(mem.VIRTIO_MEM_REQ_STATE, "state").u.state.type == mem.VIRTIO_MEM_STATE_UNPLUGGED
    assert ask(mem.VIRTIO_MEM_REQ_PLUG, "plug").type == mem.VIRTIO_MEM_RESP_ACK
    assert device.config().plugged_size == listed() == 2 * MIB
    assert ask(mem.VIRTIO_MEM_REQ_STATE, "state").u.state.type == mem.VIRTIO_MEM_STATE_PLUGGED
    assert ask(mem.VIRTIO_MEM_REQ_UNPLUG, "unplug").type == mem.VIRTIO_MEM_RESP_ACK
    assert device.config().plugged_size == listed() == 0


def test_pmem_flush(bench: Bench) -> None:
    queue = bench.started("pmem").queues[0]
    request = pmem.VirtioPmemReq(type=pmem.VIRTIO_PMEM_REQ_TYPE_FLUSH)
    assert pmem.VirtioPmemResp.from_bytes(queue.request([bytes(request)], [4])).ret == 0


def test_random_bytes(bench: Bench) -> None:
    queue = bench.started("rng").queues[0]
    first, second = queue.request([], [32]), queue.request([], [32])
    assert first
    assert first != second


def test_console_ports(bench: Bench) -> None:
    device = bench.started("console")
    size = console.VirtioConsoleControl.SIZE or 0
    for _ in range(4):
        device.queues[2].add([], [size])
    ready = console.VirtioConsoleControl(id=0, event=console.VIRTIO_CONSOLE_DEVICE_READY, value=1)
    device.queues[3].request([bytes(ready)])
    at = device.queues[2]
    at.wait()
    added = console.VirtioConsoleControl.from_bytes(bench.machine.read(at.places[0][0], size))
    assert (added.id, added.event) == (2, console.VIRTIO_CONSOLE_DEVICE_ADD)


def test_keys(bench: Bench) -> None:
    queue = bench.started("keyboard").queues[0]
    size = hid.VirtioInputEvent.SIZE or 0
    for _ in range(4):
        queue.add([], [size])
    bench.machine.ask("send-key", keys=[{"type": "qcode", "data": "a"}], **{"hold-time": 1})
    events = []
    for i in range(4):
        queue.wait()
        events.append(hid.VirtioInputEvent.from_bytes(bench.machine.read(queue.places[i][0], size)))
    # EV_KEY 1, KEY_A 30, EV_SYN 0
    assert [(e.type, e.code, e.value) for e in events] == [(1, 30, 1), (0, 0, 0), (1, 30, 0), (0, 0, 0)]


def test_balloon_statistics(bench: Bench) -> None:
    device = bench.started("balloon")
    path = "/machine/peripheral/balloon"
    bench.machine.ask("qom-set", path=path, property="guest-stats-polling-interval", value=1)
    stats = [
        balloon.VirtioBalloonStat(tag=balloon.VIRTIO_BALLOON_S_MEMFREE, val=123456789),
        balloon.VirtioBalloonStat(tag=balloon.VIRTIO_BALLOON_S_MEMTOT, val=2**40 + 5),
    ]
    device.queues[2].add([b"".join(map(bytes, stats))], [])

    def shown() -> Any:
        return bench.machine.ask("qom-get", path=path, property="guest-stats")["stats"]

    bench.machine.wait("the statistics", lambda: shown()["stat-free-memory"] == 123456789)
    assert shown()["stat-total-memory"] == 2**40 + 5


def test_crypto_session(bench: Bench) -> None:
    """AES-128 in CBC mode, with the first block of the example in NIST SP 800-38A."""
    device = bench.started("crypto")
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    session = crypto.VirtioCryptoSymCreateSessionFlf(
        op_flf=bytes(
            crypto.VirtioCryptoCipherSessionFlf(
                algo=crypto.VIRTIO_CRYPTO_CIPHER_AES_CBC, key_len=len(key), op=crypto.VIRTIO_CRYPTO_OP_ENCRYPT
            )
        ).ljust(48, b"\0"),
        op_type=crypto.VIRTIO_CRYPTO_SYM_OP_CIPHER,
    )
    control = crypto.VirtioCryptoOpCtrlReq(
        header=crypto.VirtioCryptoCtrlHeader(
            opcode=crypto.VIRTIO_CRYPTO_CIPHER_CREATE_SESSION, algo=crypto.VIRTIO_CRYPTO_CIPHER_AES_CBC
        ),
        op_flf=bytes(session),
        op_vlf=key,
    )
    answer = crypto.VirtioCryptoCreateSessionInput.from_bytes(device.queues[-1].request([bytes(control)], [16]))
    assert answer.status == crypto.VIRTIO_CRYPTO_OK

    data = crypto.VirtioCryptoSymDataFlf(
        op_type_flf=bytes(crypto.VirtioCryptoCipherDataFlf(iv_len=16, src_data_len=16, dst_data_len=16)).ljust(
            40, b"\0"
        ),
        op_type=crypto.VIRTIO_CRYPTO_SYM_OP_CIPHER,
    )
    request = crypto.VirtioCryptoOpDataReq(
        header=crypto.VirtioCryptoOpHeader(opcode=crypto.VIRTIO_CRYPTO_CIPHER_ENCRYPT, session_id=answer.session_id),
        op_flf=bytes(data),
        op_vlf=bytes(range(16)) + plain,
    )
    written = device.queues[0].request([bytes(request)[:-1]], [16, 1])
    assert crypto.VirtioCryptoInhdr.from_bytes(written[16:]).status == crypto.VIRTIO_CRYPTO_OK
    assert written[:16] == bytes.fromhex("7649abac8119b246cee98e9b12e9197d")


@pytest.mark.parametrize("bad", [["-device", "nothing"], ["-nonsense"]])
def test_a_machine_that_does_not_start_says_why(bad: list[str]) -> None:
    assert PROGRAM is not None
    started: Callable[[], Machine] = lambda: Machine(PROGRAM, bad)  # noqa: E731
    with pytest.raises(QemuError, match=r"nothing|nonsense"):
        started()
