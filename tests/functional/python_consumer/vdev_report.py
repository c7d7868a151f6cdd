"""Reports what a device context says, and answers a block request: an example of using virtwire."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from virtwire import DecodeError, EncodeError, blk, device_context, net


def report(path: Path, device: str) -> Iterator[str]:
    """One line for each field of a device context; the file is never held as a whole."""
    with path.open("rb") as stream:
        for field in device_context.VirtioDevCtx.iter_records(stream):
            match field.typed(device):
                case net.VirtioNetConfig(mac=mac, mtu=mtu):
                    yield f"network device {mac.hex(':')}, MTU {mtu}"
                case device_context.VirtioDevCtxFeatures(feature_bits=words):
                    yield "features: " + ", ".join(net.FEATURES.names(net.FEATURES.from_words(words)))
                case device_context.VirtioDevCtxPciVqCfg(vq_index=index, queue_size=size):
                    yield f"virtqueue {index}: {size} entries"
                case bytes(data):
                    yield f"{field.type_name(device)}: {len(data)} bytes"
                case other:
                    yield f"{field.type_name(device)}: {other}"


def example() -> bytes:
    """A device context for trying this out."""
    field = device_context.VirtioDevCtxFieldTlv
    config = net.VirtioNetConfig(mac=b"\x52\x54\x00\x00\x00\x01", mtu=1500)
    features = net.FEATURES.mask(["VIRTIO_NET_F_MTU", "VIRTIO_F_VERSION_1"])
    return bytes(
        device_context.VirtioDevCtx(
            fields=[
                field.of(config, code=device_context.VIRTIO_DEV_CTX_DEV_CFG_LAYOUT),
                field.of(device_context.VirtioDevCtxFeatures(feature_bits=net.FEATURES.to_words(features))),
                field.of(device_context.VirtioDevCtxPciVqCfg(vq_index=0, queue_size=256)),
                field(type=0x99, value=b"later"),
            ]
        )
    )


def answer(readable: bytes, disk: bytearray) -> tuple[bytes, bytes]:
    """Serve a read request: the data, and the status byte behind it."""
    head = blk.VirtioBlkReq.unpack_from(readable + b"\0", data_size=0)
    if head.type != blk.VIRTIO_BLK_T_IN:
        return b"", bytes([blk.VIRTIO_BLK_S_UNSUPP])
    start = 512 * head.sector
    return bytes(disk[start : start + 512]), bytes([blk.VIRTIO_BLK_S_OK])


def main() -> int:
    """Print the report for a file, or for the example."""
    path = Path(sys.argv[1])
    if not path.exists():
        path.write_bytes(example())
    try:
        for line in report(path, "net"):
            print(line)
    except (DecodeError, EncodeError) as error:
        print(error, file=sys.stderr)
        return 1
    data, status = answer(blk.VirtioBlkReq(type=blk.VIRTIO_BLK_T_IN, sector=1).to_bytes()[:16], bytearray(1024))
    print(f"read {len(data)} bytes, status {status.hex()}")
    view = net.VirtioNetConfigView(bytearray(net.VirtioNetConfig.SIZE or 0))
    view.mtu = 9000
    print(f"MTU {view.mtu} at offset {net.VirtioNetConfig.LAYOUT.field('mtu').offset}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
