"""Facts that contradict each other are kept side by side and reported; the registries of the releases are complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.diagnostics import Sink
from virtspec.layout import Layouts
from virtspec.model import DEVICE_CONFIG, Aggregate, AnyOf, Array, Entry, Feature, Registry, Spec, bits_of, members_in
from virtspec.pipeline import read_spec

TABLE = """\\section{{Widget Device}}
\\begin{{tabular}}{{|l|l|}}
opcode & Name \\\\
{rows}
\\end{{tabular}}
\\begin{{lstlisting}}
struct widget_a {{ u8 x; }};
struct widget_b {{ u8 y; }};
\\end{{lstlisting}}
{text}
"""


def read(tmp_path: Path, rows: str, text: str = "") -> tuple[Spec, list[str]]:
    path = tmp_path / "widget.tex"
    path.write_text(TABLE.format(rows=rows, text=text), "utf-8")
    sink = Sink()
    spec = read_spec(str(path), sink)
    return spec, [f"{d.rule} {d.message}" for d in sink.in_order() if d.rule.startswith("VS2")]


def test_one_code_with_two_names(tmp_path: Path) -> None:
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\\n1 & WIDGET_CMD_B \\\\")
    assert [(e.code, e.name) for e in spec.registries[0].entries] == [(1, "WIDGET_CMD_A"), (1, "WIDGET_CMD_B")]
    assert found == ["VS250 code 0x1 is 'WIDGET_CMD_B' here and 'WIDGET_CMD_A' at widget.tex:4"]


def test_a_name_that_is_defined_as_another(tmp_path: Path) -> None:
    listing = "\\begin{lstlisting}\n#define WIDGET_S_UP 7\n#define WIDGET_S_ON WIDGET_S_UP\n%s\\end{lstlisting}\n"
    rows = "1 & WIDGET_CMD_A \\\\\n2 & WIDGET_CMD_B \\\\"
    assert read(tmp_path, rows, listing % "#define WIDGET_S_DOWN 8\n")[1] == []
    found = read(tmp_path, rows, listing % "#define WIDGET_S_LOOP WIDGET_S_LOOP\n#define WIDGET_S_UNTIL 7\n")[1]
    assert [message[:5] for message in found] == ["VS204", "VS250"]
    # whichever of its definitions comes first
    twice = listing.replace("#define", "#define WIDGET_S_ON 7\n#define", 1) % ""
    assert read(tmp_path, rows, twice)[1] == []


def test_bits_without_a_name(tmp_path: Path) -> None:
    listing = (
        "\\begin{lstlisting}\nstruct widget_bits {\n  le32 a : 3; le32 : 5; le32 b : 8;\n  le32 : 16;\n"
        "  be16 { x : 4; : 8; y : 4; } flags;\n};\n\\end{lstlisting}\n"
    )
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\", listing)
    struct = spec.struct("widget_bits")
    assert struct is not None and not found
    bits = [[(bit.name, bit.offset, bit.width) for bit in bits_of(member)] for member in struct.members]
    assert bits == [[("a", 0, 3), ("b", 8, 8)], [("x", 0, 4), ("y", 12, 4)]]


def test_bits_without_a_name_take_space(tmp_path: Path) -> None:
    listing = (
        "\\begin{lstlisting}\nstruct widget_bits {\n  le32 : 32;\n  u8 a : 3; u8 : 0; u8 b : 2;\n  be16 : 7;\n"
        "  const le16 : 4; const le16 c : 12;\n  u8 flags { : 3; d : 5; };\n  u8 last;\n};\n\\end{lstlisting}\n"
    )
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\", listing)
    struct = spec.struct("widget_bits")
    assert struct is not None and not found
    layout = Layouts(spec)[struct.key]
    assert layout.size == 12
    assert [(slot.path, slot.offset, slot.bit_offset) for slot in layout.leaves()] == [
        *(("a", 4, 0), ("b", 5, 0), ("c", 8, 4), ("flags.d", 10, 3), ("last", 11, None))
    ]


def test_a_comma_where_a_member_ends(tmp_path: Path) -> None:
    path = tmp_path / "widget.tex"
    text = "struct widget {\n  le32 a,\n  struct { u8 b; } c;\n  le16 d, le16 e;\n  u8 f, g,\n  const u8 h,\n};\n"
    path.write_text(f"\\begin{{lstlisting}}\n{text}\\end{{lstlisting}}\n", "utf-8")
    sink = Sink()
    (struct,) = read_spec(str(path), sink).structs
    assert [m.name for m in struct.members] == [*"acdefgh"]
    assert [(d.rule, d.span.line) for d in sink.in_order()] == [("VS013", 3), ("VS013", 5), ("VS013", 6), ("VS013", 7)]


def test_keywords_are_words_of_their_own(tmp_path: Path) -> None:
    text = (
        "\\subsection{Driver Requirements: Widget}\nThe flag WIDGET_F_OPTIONAL stands here.\n\n"
        "It MUST be. X_MAY is not.\n"
    )
    spec, _ = read(tmp_path, "1 & WIDGET_CMD_A \\\\", text)
    assert [(clause.level, clause.names) for clause in spec.clauses] == [("MUST", ())]


def test_a_code_inside_a_range(tmp_path: Path) -> None:
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\\n5 & WIDGET_CMD_B \\\\\n4 - 6 & reserved \\\\")
    assert len(spec.registries[0].entries) == 2
    assert found == ["VS250 code 0x5 of 'WIDGET_CMD_B' is in the reserved range 0x4-0x6"]


def test_a_code_in_many_ranges_is_told_once(tmp_path: Path) -> None:
    reserved = "0 - 6 & reserved \\\\\n" * 500
    _, found = read(tmp_path, "7 & WIDGET_CMD_A \\\\\n" + "5 & WIDGET_CMD_B \\\\\n" * 500 + reserved)
    assert found == ["VS250 code 0x5 of 'WIDGET_CMD_B' is in the reserved range 0x0-0x6"] * 500


def test_two_structs_for_one_payload(tmp_path: Path) -> None:
    text = (
        "For WIDGET_CMD_A \\field{value} is in the format of \\field{struct widget_a}.\n\n"
        "For WIDGET_CMD_A \\field{value} is in the format of \\field{struct widget_b}.\n"
    )
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\\n2 & WIDGET_CMD_B \\\\", text)
    assert [b.struct for b in spec.registries[0].entries[0].bindings] == ["widget_a", "widget_b"]
    assert len(found) == 1
    assert found[0].startswith("VS252 the value of WIDGET_CMD_A is 'struct widget_b' here and 'struct widget_a' at")


def test_a_length_of_another_struct(tmp_path: Path) -> None:
    text = (
        "For WIDGET_CMD_A \\field{value} is in the format of \\field{struct widget_a}.\n"
        "\\field{length} is the length of \\field{struct widget_b}.\n"
    )
    _, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\\n2 & WIDGET_CMD_B \\\\", text)
    assert len(found) == 1
    assert found[0].startswith("VS252 the length of WIDGET_CMD_A is that of 'struct widget_b', but its value is")


def test_a_struct_that_is_nowhere(tmp_path: Path) -> None:
    text = "For WIDGET_CMD_A \\field{value} is in the format of \\field{struct widget_aa}.\n"
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\\n2 & WIDGET_CMD_B \\\\", text)
    assert [b.struct for b in spec.registries[0].entries[0].bindings] == ["widget_aa"]
    assert found == ["VS251 WIDGET_CMD_A is bound to 'struct widget_aa', which is not defined here"]


def test_one_feature_with_two_bits(tmp_path: Path) -> None:
    text = (
        "\\subsection{Feature bits}\n\\begin{description}\n\\item[WIDGET_F_A (1)] x\n\\item[WIDGET_F_A (2)] y\n"
        "\\item[WIDGET_F_A (1)] z\n\\end{description}\n"
    )
    spec, found = read(tmp_path, "1 & WIDGET_CMD_A \\\\\n2 & WIDGET_CMD_B \\\\", text)
    assert [(f.key, f.bit) for f in spec.features] == [
        ("widget/feature/WIDGET_F_A", 1),
        ("widget/feature/WIDGET_F_A#2", 2),
    ]
    assert any(message.startswith("VS201 'WIDGET_F_A' has several values") for message in found)


# --- the releases -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def latest(releases: Path) -> Spec:
    return read_spec(str(releases / "v1.4"))


def entry(spec: Spec, name: str) -> Entry:
    found = [e for r in spec.registries for e in r.entries if e.name == name]
    assert found, name
    return found[0]


def bound(spec: Spec, name: str) -> set[tuple[str, str, bool]]:
    return {(b.role, b.struct, b.many) for b in entry(spec, name).bindings}


def registry(spec: Spec, key: str) -> Registry:
    (found,) = [r for r in spec.registries if r.key == key]
    return found


@pytest.mark.parametrize(
    ("name", "bindings"),
    [
        ("VIRTIO_ADMIN_CMD_LIST_QUERY", {("result", "virtio_admin_cmd_list", False)}),
        ("VIRTIO_ADMIN_CMD_LIST_USE", {("data", "virtio_admin_cmd_list", False)}),
        (
            "VIRTIO_ADMIN_CMD_DEV_PARTS_GET",
            {
                ("data", "virtio_admin_cmd_dev_parts_get_data", False),
                ("result", "virtio_admin_cmd_dev_parts_get_result", False),
            },
        ),
        ("VIRTIO_DEV_PARTS_CAP", {("data", "virtio_dev_parts_cap", False)}),
        ("VIRTIO_NET_FF_ACTION_CAP", {("data", "virtio_net_ff_actions", False)}),
        ("VIRTIO_NET_IPSEC_RESOURCE_CAP", {("data", "virtio_crypto_ipsec_resource_cap", False)}),
        (
            "VIRTIO_NET_RESOURCE_OBJ_FF_RULE",
            {
                ("data", "virtio_net_resource_obj_ff_rule", False),
                ("result", "virtio_net_resource_obj_ff_rule", False),
            },
        ),
        ("VIRTIO_DEV_PART_DEVICE_STATUS", {("value", "virtio_pci_common_cfg.device_status", False)}),
        (
            "VIRTIO_DEV_PART_VQ_CFG",
            {
                ("value", "virtio_dev_part_vq_cfg", False),
                ("selector", "virtio_dev_part_hdr.selector.vq_index", False),
            },
        ),
        ("VIRTIO_NET_DEV_PART_CVQ_CFG_PART", {("selector", "virtio_net_dev_part_cvq_selector", False)}),
        ("VIRTIO_NET_CTRL_MAC_TABLE_SET", {("data", "virtio_net_ctrl_mac", True)}),
        ("VIRTIO_NET_CTRL_MQ_RSS_CONFIG", {("data", "virtio_net_rss_config", False)}),
        (
            "VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING",
            {
                ("request", "virtio_gpu_resource_attach_backing", False),
                ("request", "virtio_gpu_mem_entry", True),
                ("response", "virtio_gpu_ctrl_hdr", False),
            },
        ),
        ("VIRTIO_IOMMU_T_MAP", {("request", "virtio_iommu_req_map", False)}),
        (
            "VIRTIO_RTC_REQ_READ",
            {("request", "virtio_rtc_req_read", False), ("response", "virtio_rtc_resp_read", False)},
        ),
        (
            "VIRTIO_SND_R_JACK_INFO",
            {
                ("request", "virtio_snd_query_info", False),
                ("response", "virtio_snd_hdr", False),
                ("response", "virtio_snd_jack_info", True),
            },
        ),
        ("CCW_CMD_WRITE_CONF", {("data", DEVICE_CONFIG, False)}),
    ],
)
def test_bindings(name: str, bindings: set[tuple[str, str, bool]], latest: Spec) -> None:
    assert bound(latest, name) == bindings


def test_bound_structs_exist(latest: Spec) -> None:
    tags = {s.name for s in latest.structs} | {DEVICE_CONFIG, "u8", "le16", "le32"}
    unknown = {
        (e.name, b.struct) for r in latest.registries for e in r.entries for b in e.bindings if b.tag not in tags
    }
    # the text names a struct that it does not define; see its diagnostic
    assert unknown == {
        ("VIRTIO_CRYPTO_RESOURCE_OBJ_IPSEC_INBOUND_SA", "virtio_crypto_resource_obj_ipsec_sa"),
        ("VIRTIO_NET_RESOURCE_OBJ_IPSEC_INB_SA", "virtio_crypto_resource_obj_ipsec_sa"),
    }


def test_fields_exist(latest: Spec) -> None:
    from virtspec.link.siblings import sibling_names

    members = {f"{s.name}.{name}" for s in latest.structs for name in sibling_names(s.members)}
    members |= {f"{s.name}.{path}" for s in latest.structs for path, _ in members_in(s.members)}
    members |= {
        f"{s.name}.{path}.{bit.name}" for s in latest.structs for path, m in members_in(s.members) for bit in bits_of(m)
    }
    assert {f for r in latest.registries for f in r.fields} <= members


def test_class_and_command(latest: Spec) -> None:
    classes = registry(latest, "net/registry/virtio_net_ctrl")
    assert classes.fields == ("virtio_net_ctrl.class",)
    assert {e.name: e.code for e in classes.entries} == {
        "VIRTIO_NET_CTRL_RX": 0,
        "VIRTIO_NET_CTRL_MAC": 1,
        "VIRTIO_NET_CTRL_VLAN": 2,
        "VIRTIO_NET_CTRL_ANNOUNCE": 3,
        "VIRTIO_NET_CTRL_MQ": 4,
        "VIRTIO_NET_CTRL_GUEST_OFFLOADS": 5,
        "VIRTIO_NET_CTRL_NOTF_COAL": 6,
        "VIRTIO_NET_CTRL_HASH_TUNNEL": 7,
        "VIRTIO_NET_CTRL_STATS": 8,
        "VIRTNET_RSS_CTX_CTRL": 9,
    }
    under = {
        r.under: [e.code for e in r.entries] for r in latest.registries if r.fields == ("virtio_net_ctrl.command",)
    }
    assert set(under) == {e.name for e in classes.entries}
    assert under["VIRTIO_NET_CTRL_MAC"] == [0, 1]


def test_device_status(latest: Spec) -> None:
    status = registry(latest, "common/registry/device_status_field")
    assert status.flags
    assert {e.name: e.code for e in status.entries}["DEVICE_NEEDS_RESET"] == 64
    assert len(status.entries) == 7


def test_conditions(latest: Spec) -> None:
    config = latest.struct("virtio_net_config")
    assert config is not None
    conditions = {m.name: m.condition for m in config.members}
    assert conditions["mtu"] == Feature(name="VIRTIO_NET_F_MTU")
    assert conditions["max_virtqueue_pairs"] == AnyOf(
        terms=(Feature(name="VIRTIO_NET_F_MQ"), Feature(name="VIRTIO_NET_F_RSS"))
    )
    assert not any(m.optional for m in config.members)
    assert all(m.evidence.line for m in config.members)
    assert entry(latest, "VIRTIO_GPU_CMD_GET_EDID").condition == Feature(name="VIRTIO_GPU_F_EDID")


def test_what_a_feature_gates(latest: Spec) -> None:
    gated = latest.gated()
    assert gated["VIRTIO_NET_F_MTU"] == ("virtio_net_config.mtu",)
    assert gated["VIRTIO_GPU_F_RESOURCE_BLOB"] == (
        "VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB",
        "VIRTIO_GPU_CMD_SET_SCANOUT_BLOB",
        "VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB",
        "VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB",
    )
    assert "virtio_net_hdr.hash_value" in gated["VIRTIO_NET_F_HASH_REPORT"]
    assert set(gated) <= {f.name for f in latest.features}


def test_every_array_has_a_length_that_can_be_used(latest: Spec) -> None:
    """A length is a number, a member, an expression, the rest, or what the standard leaves to the reader by name."""
    from virtspec.model import Elided

    def lengths(members: tuple[object, ...]) -> list[str]:
        found = []
        for member in members:
            type_ = member.type  # type: ignore[attr-defined]
            while isinstance(type_, Array):
                if isinstance(type_.length, Elided):
                    found.append(member.name)  # type: ignore[attr-defined]
                type_ = type_.element
            if isinstance(type_, Aggregate):
                found += lengths(type_.members)
        return found

    assert [s.name for s in latest.structs if lengths(s.members)] == ["virtio_scsi_ctrl"]
