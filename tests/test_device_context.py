"""The device-context chapter says what its draft means: names, codes, types and places of every member."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import Severity, Sink
from virtspec.layout import Layouts
from virtspec.model import DEVICE_CONFIG, Range, Registry, Spec
from virtspec.pipeline import read_spec

CODES = {
    0x0: "VIRTIO_DEV_CTX_PCI_COMMON_RUNTIME_CFG",
    0x1: "VIRTIO_DEV_CTX_DEV_CFG_LAYOUT",
    0x2: "VIRTIO_DEV_CTX_DEV_FEATURES",
    0x3: "VIRTIO_DEV_CTX_PCI_VQ_CFG",
    0x4: "VIRTIO_DEV_CTX_VQ_SPLIT_RUNTIME_CFG",
    0x5: "VIRTIO_DEV_CTX_VQ_SPLIT_DEV_OWN_DESC",
}

# struct: its size, and for each member its type, offset and size
STRUCTS = {
    "virtio_dev_ctx": (None, {"field_count": ("le32", 0, 4), "fields": ("struct virtio_dev_ctx_field_tlv", 4, None)}),
    "virtio_dev_ctx_field_tlv": (
        None,
        {"type": ("le32", 0, 4), "reserved": ("le32", 4, 4), "length": ("le64", 8, 8), "value": ("u8", 16, None)},
    ),
    "virtio_dev_ctx_features": (None, {"feature_bits": ("le64", 0, None)}),
    "virtio_dev_ctx_pci_vq_cfg": (
        30,
        {
            "vq_index": ("le16", 0, 2),
            "queue_size": ("le16", 2, 2),
            "queue_msix_vector": ("le16", 4, 2),
            "queue_desc": ("le64", 6, 8),
            "queue_driver": ("le64", 14, 8),
            "queue_device": ("le64", 22, 8),
        },
    ),
    "virtio_dev_ctx_vq_split_runtime": (
        5,
        {"vq_index": ("le16", 0, 2), "dev_avail_idx": ("le16", 2, 2), "enabled": ("u8", 4, 1)},
    ),
    "virtio_dev_ctx_vq_split_dev_descs": (
        None,
        {"vq_index": ("le16", 0, 2), "desc_count": ("le16", 2, 2), "desc_idx": ("le16", 4, None)},
    ),
}


@pytest.fixture(scope="module")
def spec(root: Path) -> Spec:
    sink = Sink()
    spec = read_spec(str(root / "spec" / "device-context.tex"), sink)
    assert not [d.render() for d in sink.diagnostics if d.severity >= Severity.WARNING]
    return spec


@pytest.fixture(scope="module")
def layouts(spec: Spec) -> Layouts:
    return Layouts(spec)


@pytest.fixture(scope="module")
def registry(spec: Spec) -> Registry:
    (registry,) = spec.registries
    return registry


def test_there_is_nothing_else(spec: Spec) -> None:
    assert {s.name for s in spec.structs} == STRUCTS.keys()
    assert {c.name: c.value for c in spec.constants} == {name: code for code, name in CODES.items()}


@pytest.mark.parametrize("name", STRUCTS)
def test_struct(layouts: Layouts, name: str) -> None:
    layout = layouts.named(name)
    assert layout is not None
    size, members = STRUCTS[name]
    assert layout.size == size
    assert {slot.path: (slot.type, slot.offset, slot.size) for slot in layout.slots} == members


def test_types(registry: Registry) -> None:
    assert registry.tag == "type"
    assert {entry.code: entry.name for entry in registry.entries} == CODES
    assert registry.ranges == (Range(first=0x6, last=0xFFFFFFFF, meaning="reserved"),)


def test_each_type_has_its_format(registry: Registry) -> None:
    """The chapter is read alone here: a struct of another chapter is bound by its name all the same."""
    bound = {entry.code: [(b.role, b.struct) for b in entry.bindings] for entry in registry.entries}
    assert bound == {
        0x0: [("value", "virtio_pci_common_cfg")],
        0x1: [("value", DEVICE_CONFIG)],
        0x2: [("value", "virtio_dev_ctx_features")],
        0x3: [("value", "virtio_dev_ctx_pci_vq_cfg")],
        0x4: [("value", "virtio_dev_ctx_vq_split_runtime")],
        0x5: [("value", "virtio_dev_ctx_vq_split_dev_descs")],
    }


@pytest.fixture(scope="module")
def draft(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chapter as the mailing list's archive has it, out of the reply that quotes it."""
    mail = releases.parent / "seed" / "device-context-v1-review.txt"
    if not mail.exists():
        pytest.skip("the mail with the draft is not here")
    _, _, quoted = mail.read_text(encoding="utf-8").partition("> +++ b/device-context.tex\n")
    lines = [line.removeprefix("> +") for line in quoted.splitlines() if line.startswith("> +")]
    path = tmp_path_factory.mktemp("draft") / "device-context.tex"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_damaged_draft_is_read_and_each_defect_told(draft: Path) -> None:
    sink = Sink()
    layouts = Layouts(read_spec(str(draft), sink))
    told = [(d.rule, d.span.line, d.severity) for d in sink.in_order() if d.severity >= Severity.WARNING]
    listing = next(
        n for n, line in enumerate(draft.read_text(encoding="utf-8").splitlines(), 1) if "le64 queue_desc" in line
    )
    assert {(rule, line) for rule, line, _ in told if rule == "VS016"} == {("VS016", listing + i) for i in range(3)}
    assert "VS101" in {rule for rule, _, _ in told}, "two structs of one name"
    for name in STRUCTS.keys() - {"virtio_dev_ctx_features", "virtio_dev_ctx_pci_vq_cfg"}:
        layout = layouts.named(name)
        assert layout is not None
        assert (layout.size, {s.path: (s.type, s.offset, s.size) for s in layout.slots}) == STRUCTS[name]
    variants = [layout for layout in layouts.values() if layout.struct.name == "virtio_dev_ctx_pci_vq_cfg"]
    assert {layout.size for layout in variants} == {30, None}
