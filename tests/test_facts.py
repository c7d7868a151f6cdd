"""Who writes what, what a code carries, and which member holds it: facts from prose, from lists and by inference."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtspec.annotations import load_annotations
from virtspec.diagnostics import Sink
from virtspec.inputs import open_source
from virtspec.latex.document import read_document
from virtspec.latex.text import digest
from virtspec.layout import Layouts
from virtspec.link import link_document
from virtspec.model import Binding, Feature, Integer, Not, Registry, Spec, features_of, members_in
from virtspec.pipeline import generate, read_spec
from virtspec.read.tables import MAX_ROWS


@pytest.fixture(scope="module")
def latest(root: Path) -> Spec:
    return read_spec(str(root / "spec/models/virtio-1.4.json"))


def read(tmp_path: Path, text: str, facts: str = "", sink: Sink | None = None) -> Spec:
    (tmp_path / "widget.tex").write_text(text, "utf-8")
    (tmp_path / "facts.toml").write_text(facts, "utf-8")
    sink = sink or Sink()
    document = read_document(open_source(str(tmp_path / "widget.tex")), sink)
    load_annotations.cache_clear()
    return link_document(document, sink, "", load_annotations(tmp_path / "facts.toml"))


def bound(spec: Spec, code: str) -> list[Binding]:
    return [b for r in spec.registries for e in r.entries if e.name == code for b in e.bindings]


def registry(spec: Spec, key: str) -> Registry:
    return next(r for r in spec.registries if r.key == key)


def directions(spec: Spec, tag: str) -> str:
    struct = spec.struct(tag)
    assert struct is not None
    return "".join((m.direction or "-")[0] for m in struct.members)


# --- payloads ---------------------------------------------------------------------------------------------


def test_the_parts_of_a_crypto_request(latest: Spec) -> None:
    stateless = Feature(name="VIRTIO_CRYPTO_F_HASH_STATELESS_MODE")
    assert {(b.member.partition(".")[2], b.struct, b.condition) for b in bound(latest, "VIRTIO_CRYPTO_HASH")} == {
        ("op_flf", "virtio_crypto_hash_data_flf", Not(term=stateless)),
        ("op_vlf", "virtio_crypto_hash_data_vlf", Not(term=stateless)),
        ("op_flf", "virtio_crypto_hash_data_flf_stateless", stateless),
        ("op_vlf", "virtio_crypto_hash_data_vlf_stateless", stateless),
    }
    created = {(b.slot, b.struct) for b in bound(latest, "VIRTIO_CRYPTO_MAC_CREATE_SESSION")}
    assert created == {
        ("virtio_crypto_op_ctrl_req.op_flf", "virtio_crypto_mac_create_session_flf"),
        ("virtio_crypto_op_ctrl_req.op_vlf", "virtio_crypto_mac_create_session_vlf"),
        ("virtio_crypto_op_ctrl_req.op_outcome", "virtio_crypto_create_session_input"),
    }


def test_every_crypto_opcode_has_its_parts(latest: Spec) -> None:
    for name in ("virtio_crypto_ctrl_header_opcode", "virtio_crypto_op_header_opcode"):
        for entry in registry(latest, f"crypto/registry/{name}").entries:
            assert any(b.member.endswith(".op_flf") for b in entry.bindings), entry.name


@pytest.mark.parametrize(
    ("code", "bindings"),
    [
        ("VIRTIO_SCSI_T_TMF", {("request", "virtio_scsi_ctrl_tmf")}),
        ("VIRTIO_SCSI_T_TRANSPORT_RESET", {("value", "virtio_scsi_event")}),
        ("VIRTIO_CAN_TX", {("request", "virtio_can_tx_out"), ("response", "virtio_can_tx_in")}),
        ("VIRTIO_MEDIA_CMD_MMAP", {("request", "virtio_media_cmd_mmap"), ("response", "virtio_media_resp_mmap")}),
        ("VIRTIO_MEDIA_EVT_ERROR", {("value", "virtio_media_event_error")}),
        (
            "VIRTIO_GPIO_MSG_GET_LINE_NAMES",
            {("request", "virtio_gpio_request"), ("response", "virtio_gpio_response_N")},
        ),
        ("VIRTIO_NET_CTRL_VLAN_ADD", {("data", "le16")}),
        ("VIRTIO_NET_STATS_TYPE_REPLY_CVQ", {("value", "virtio_net_stats_cvq")}),
        ("VIRTIO_IOMMU_PROBE_T_RESV_MEM", {("value", "virtio_iommu_probe_resv_mem")}),
        ("VIRTIO_RTC_NOTIF_ALARM", {("value", "virtio_rtc_notif_alarm")}),
    ],
)
def test_payloads(latest: Spec, code: str, bindings: set[tuple[str, str]]) -> None:
    assert {(b.role, b.struct) for b in bound(latest, code)} == bindings


def test_one_struct_behind_another(latest: Spec) -> None:
    read_ = [b for b in bound(latest, "VIRTIO_SND_R_CTL_READ") if b.role == "response"]
    assert [(b.struct, b.behind, b.first) for b in read_] == [
        ("virtio_snd_hdr", False, True),
        ("virtio_snd_ctl_value", True, False),
    ]


def test_registers_have_access_and_width(latest: Spec) -> None:
    registers = registry(latest, "mmio/registry/mmio_device_register_layout/offset").entries
    assert {(e.access, e.bindings[0].struct) for e in registers} == {
        ("R", "le32"),
        ("W", "le32"),
        ("RW", "le32"),
        ("RW", "device configuration"),
    }


# --- lists ------------------------------------------------------------------------------------------------


def test_lists_that_blank_lines_tell_apart(latest: Spec) -> None:
    responses = registry(latest, "scsi/registry/virtio_scsi_s")
    assert [e.code for e in responses.entries] == list(range(10))
    assert responses.fields == ("virtio_scsi_req_cmd.response",)
    attributes = registry(latest, "scsi/registry/virtio_scsi_req_cmd_task_attr")
    assert [(e.code, e.name) for e in attributes.entries][:2] == [
        (0, "VIRTIO_SCSI_S_SIMPLE"),
        (1, "VIRTIO_SCSI_S_ORDERED"),
    ]
    types = registry(latest, "scsi/registry/virtio_scsi_t")
    assert {e.name: e.code for e in types.entries} == {
        "VIRTIO_SCSI_T_TMF": 0,
        "VIRTIO_SCSI_T_AN_QUERY": 1,
        "VIRTIO_SCSI_T_AN_SUBSCRIBE": 2,
    }


def test_a_list_called_by_how_its_names_begin(latest: Spec) -> None:
    assert registry(latest, "gpio/registry/virtio_gpio_msg").fields == ("virtio_gpio_request.type",)
    assert registry(latest, "crypto/registry/hash_services").fields == (
        "virtio_crypto_hash_create_session_flf.algo",
        "virtio_crypto_hash_data_flf_stateless.sess_para.algo",
        "virtio_crypto_alg_chain_data_flf_stateless.sess_para.hash.algo",
    )


def test_codes_that_are_numbers_of_bits(latest: Spec) -> None:
    features = registry(latest, "sound/registry/virtio_snd_pcm_f")
    assert features.bits == ("virtio_snd_pcm_info.features", "virtio_snd_pcm_set_params.features")
    assert not features.fields
    formats = registry(latest, "sound/registry/virtio_snd_pcm_fmt")
    assert formats.bits == ("virtio_snd_pcm_info.formats",)
    assert formats.fields == ("virtio_snd_pcm_set_params.format",)
    # shifted as well, but with something beside it
    assert not registry(latest, "sound/registry/virtio_snd_ctl_role").bits
    shutdown = registry(latest, "vsock/registry/virtio_vsock_shutdown_f")
    assert (shutdown.bits, shutdown.fields) == (("virtio_vsock_hdr.flags",), ())
    options = registry(latest, "crypto/registry/ipsec_options")
    assert options.bits == (
        "virtio_crypto_ipsec_mode_cap.options",
        "virtio_crypto_resource_obj_ipsec_sa_256b_key.options",
    )
    members = {f"{s.name}.{path}": m for s in latest.structs for path, m in members_in(s.members)}
    numbered = [(members[path], e.code) for r in latest.registries for path in r.bits for e in r.entries]
    assert all(isinstance(m.type, Integer) and code < m.type.bits for m, code in numbered)


@pytest.mark.parametrize("sentence", ["\\field{how} is a combination of:", "\\field{how} has the following bits:"])
@pytest.mark.parametrize(
    ("codes", "fields", "bits"),
    [
        ("\\begin{lstlisting}\n#define WIDGET_A 0\n#define WIDGET_B 1\n\\end{lstlisting}\n", "", "how"),
        ("\\begin{lstlisting}\nenum widgets { WIDGET_A = 1, WIDGET_B, WIDGET_C };\n\\end{lstlisting}\n", "", "how"),
        ("\\begin{lstlisting}\n#define WIDGET_A 1\n#define WIDGET_B 2\n\\end{lstlisting}\n", "how", ""),
        ("\\begin{tabular}{ll}\nBit & Name \\\\\n0 & WIDGET_A \\\\\n1 & WIDGET_B \\\\\n\\end{tabular}\n", "", "how"),
    ],
)
def test_bits_that_a_sentence_announces(tmp_path: Path, sentence: str, codes: str, fields: str, bits: str) -> None:
    spec = read(tmp_path, f"\\section{{Widget Device}}\n{STRUCT}\n{sentence}\n\n{codes}")
    (found,) = spec.registries
    assert (found.fields, found.bits) == tuple((f"widget_ask.{name}",) if name else () for name in (fields, bits))
    assert found.flags == bool(fields)


@pytest.mark.parametrize("mention", ["1 << WIDGET_X_*", "1 << WIDGET_X_XXX", "bits: 1<<WIDGET_X_XXX"])
def test_a_comment_that_shifts_a_list(tmp_path: Path, mention: str) -> None:
    spec = read(
        tmp_path,
        "\\section{Widget Device}\n\\begin{lstlisting}\nenum { WIDGET_X_A = 0, WIDGET_X_B };\n"
        f"struct widget_ask {{\nle32 what; /* {mention} */\nu8 how; /* WIDGET_X_* */\n}};\n\\end{{lstlisting}}\n",
    )
    (found,) = spec.registries
    assert (found.bits, found.fields) == (("widget_ask.what",), ("widget_ask.how",))


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("device status", "device_status"),
        ("device\n status", "device_status"),
        ("struct widget_hdr", "widget_hdr"),
        ("hdr.rest[3]", "hdr.rest"),
        ("limit - 1", "limit"),
        ("Table Size", ""),
        ("sturct widget_hdr", ""),
    ],
)
def test_the_names_in_a_statement(tmp_path: Path, field: str, name: str) -> None:
    text = f"\\drivernormative{{\\section}}{{Widgets}}{{Widgets}}\nThe driver MUST read \\field{{{field}}}.\n"
    (clause,) = read(tmp_path, text).clauses
    assert clause.names == ((name,) if name else ())


def test_forms_of_a_message_hold_the_same_codes(latest: Spec) -> None:
    assert registry(latest, "blk/registry/virtio_blk_t_zone").fields == (
        "virtio_blk_req.type",
        "virtio_blk_req_za.type",
    )
    assert "virtio_blk_req_za.status" in registry(latest, "blk/registry/virtio_blk_s").fields
    # two responses with a member of one name are two
    assert registry(latest, "rtc/registry/virtio_rtc_resp_cross_cap_flags").fields == (
        "virtio_rtc_resp_cross_cap.flags",
    )


def test_bits_that_only_the_text_calls_so(latest: Spec) -> None:
    assert registry(latest, "net/registry/virtio_net_s").flags
    assert not registry(latest, "scsi/registry/virtio_scsi_evt_reset").flags


def test_a_condition_of_a_whole_list(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        TEXT,
        fact('key = "widget/registry/widget_cmd/WIDGET_CMD_A"\ncondition = "VIRTIO_F_VERSION_1"')
        + fact('key = "widget/registry/widget_cmd"\ncondition = "VIRTIO_F_RING_RESET"'),
    )
    entries = registry(spec, "widget/registry/widget_cmd").entries
    assert [e.condition for e in entries] == [Feature(name="VIRTIO_F_VERSION_1"), Feature(name="VIRTIO_F_RING_RESET")]


def test_each_statement_of_a_sentence_has_its_own_condition(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        "\\section{Widget Device}\n\\begin{lstlisting}\n"
        "struct widget_config { u8 size; u8 state; };\n\\end{lstlisting}\n"
        "The \\field{size} is there (but only valid if WIDGET_F_SIZE is set), and\n"
        "\\field{state} only exists if WIDGET_F_STATE is set.\n",
    )
    conditions = [m.condition for m in spec.structs[0].members]
    assert conditions == [Feature(name="WIDGET_F_SIZE"), Feature(name="WIDGET_F_STATE")]


@pytest.mark.parametrize("feature", ["WIDGET\\_F\\_SIZE", "\\texttt{WIDGET\\_F\\_SIZE}", "\\textbf{WIDGET_F_SIZE}"])
def test_names_in_any_type_face(tmp_path: Path, feature: str) -> None:
    spec = read(
        tmp_path,
        "\\section{Widget Device}\n\\subsection{Feature bits}\n"
        f"\\begin{{itemize}}\n\\item {feature} (bit 3): sizes\n"
        "\\end{itemize}\n\\begin{lstlisting}\nstruct widget_config { u8 size; };\n\\end{lstlisting}\n"
        f"The \\field{{size}} only exists if {feature} is set.\n",
    )
    assert [(f.name, f.bit) for f in spec.features] == [("WIDGET_F_SIZE", 3)]
    assert spec.structs[0].members[0].condition == Feature(name="WIDGET_F_SIZE")


@pytest.mark.parametrize("number", ["6", "06", "0x06"])
def test_numbers_in_the_labels_of_items(tmp_path: Path, number: str) -> None:
    text = f"\\section{{Widget Device}}\n\\begin{{description}}\n\\item[Left ({number})] a\n\\item[Right (7)] b\n"
    (codes,) = read(tmp_path, f"{text}\\end{{description}}\n").registries
    assert [e.code for e in codes.entries] == [6, 7]


def test_sizes_and_limits_are_no_codes(latest: Spec) -> None:
    names = {e.name for r in latest.registries for e in r.entries}
    assert not names & {"VIRTIO_CRYPTO_SYM_DATA_REQ_HDR_SIZE", "VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN"}


def test_tables_whose_heading_names_a_member(latest: Spec) -> None:
    revisions = registry(latest, "ccw/registry/setting_the_virtio_revision/revision")
    assert revisions.fields == ("virtio_rev_info.revision",)
    assert [e.code for e in revisions.entries] == [0, 1, 2]
    assert [(r.first, r.last, r.meaning) for r in revisions.ranges] == [(3, None, "reserved")]


TABLE = "\\begin{tabular}{ll}\nOpcode & Name \\\\\n0 & WIDGET_OP_A \\\\\n1 & WIDGET_OP_B \\\\\n\\end{tabular}\n"
LISTING = "\\begin{lstlisting}\n#define WIDGET_A 0\n#define WIDGET_B 1\n\\end{lstlisting}\n"
ENUM = "\\begin{lstlisting}\nenum widgets { WIDGET_A, WIDGET_B };\n\\end{lstlisting}\n"
ITEMS = "\\begin{description}\n\\item[Left (0)] a\n\\item[Right (1)] b\n\\end{description}\n"
STRUCT = "\\begin{lstlisting}\nstruct widget_ask { u8 what; u8 how; struct widget_end end; };\n\\end{lstlisting}\n"


@pytest.mark.parametrize("codes", [TABLE, LISTING, ENUM, ITEMS])
@pytest.mark.parametrize(
    ("sentence", "field"),
    [
        ("The \\field{what} is one of:", "what"),
        ("The \\field{how} of every request is one of", "how"),
        ("\\field{what} has one of the following values:", "what"),
        ("\\field{what} may take these values.", "what"),
        ("The values of \\field{how} are:", "how"),
        ("\\field{what} says which of the \\field{how} is one of these values:", ""),
        ("The driver sets \\field{what}.", ""),
        ("One of the devices has a \\field{what}, and the driver reads all of it before it looks at the next one.", ""),
        ("The \\field{end} is one of:", ""),
        ("The \\field{where} is one of:", ""),
    ],
)
def test_a_sentence_that_announces_the_values_of_a_member(
    tmp_path: Path, sentence: str, field: str, codes: str
) -> None:
    spec = read(tmp_path, f"\\section{{Widget Device}}\n{STRUCT}\n{sentence}\n\n{codes}")
    (found,) = spec.registries
    assert found.fields == ((f"widget_ask.{field}",) if field else ())


@pytest.mark.parametrize(
    ("sentence", "field"),
    [
        ("\\field{what} is one of \\field{enum widgets}.", "what"),
        ("The \\field{how} is a value of enum widgets.", "how"),
        ("\\begin{description}\n\\item[\\field{how}] a constant from enum widgets\n\\end{description}", "how"),
        ("The enum widgets is not what \\field{how} holds.", ""),
        ("\\field{what} and \\field{how} are values of \\field{enum widgets}.", ""),
        ("\\field{what} is one of \\field{enum others}.", ""),
    ],
)
def test_a_sentence_that_calls_an_enum(tmp_path: Path, sentence: str, field: str) -> None:
    (found,) = read(tmp_path, f"\\section{{Widget Device}}\n{STRUCT}{ENUM}\n{sentence}\n").registries
    assert found.fields == ((f"widget_ask.{field}",) if field else ())


@pytest.mark.parametrize(
    ("sentence", "field"),
    [
        ("For WIDGET_OP_A, \\field{what} is set to 0x0.", "what"),
        ("For the command WIDGET_OP_B, \\field{how} is set to\n01.", "how"),
        ("For WIDGET_OP_A, \\field{how} is set to 0. For WIDGET_OP_B, \\field{how} is set to 1.", "how"),
        ("For WIDGET_OP_B, \\field{how} is set to 7.", ""),
        ("For WIDGET_OP_C, \\field{how} is set to 1.", ""),
        ("For WIDGET_OP_B, \\field{where} is set to 1.", ""),
    ],
)
def test_a_member_that_is_set_to_a_code(tmp_path: Path, sentence: str, field: str) -> None:
    text = f"\\section{{Widget Device}}\n{STRUCT}\nCodes.\n\n{TABLE}\n{sentence}\n"
    (found,) = read(tmp_path, text).registries
    assert found.fields == ((f"widget_ask.{field}",) if field else ())


def test_a_comment_that_calls_an_enum(tmp_path: Path) -> None:
    body = "enum widgets { WIDGET_A, WIDGET_B };\nstruct widget {\n  u8 a;\n  u8 b; /* enum widgets */\n};"
    assert read(tmp_path, LISTED % body).registries[0].fields == ("widget.b",)


def test_what_two_files_define_are_two_lists(latest: Spec) -> None:
    split = registry(latest, "virtqueue/registry/virtq_desc_f")
    packed = registry(latest, "virtqueue/registry/packed_virtqueues_virtq_desc_f")
    assert split.fields == ("virtq_desc.flags",)
    assert {e.code for e in split.entries} == {1, 2, 4}
    assert packed.fields == ("pvirtq_desc.flags",)
    assert {e.code for e in packed.entries} == {1, 2, 4, 1 << 7, 1 << 15}


@pytest.mark.parametrize("environment", ["tblr", "longtblr", "NiceTabular", "xltabular", "tabulary", "tabular*"])
def test_tables_of_any_environment(tmp_path: Path, environment: str) -> None:
    width = "{5cm}" if environment in ("xltabular", "tabulary", "tabular*") else ""
    spec = read(
        tmp_path,
        f"\\section{{Widget Device}}\n\\begin{{{environment}}}{width}{{ll}}\nOpcode & Name \\\\\n"
        "0b01 & WIDGET_OP_A \\\\\n\\multicolumn{1}{c}{2} & WIDGET_OP_B \\\\\n3\\,--\\,7 & reserved \\\\\n"
        f"eight & WIDGET_OP_C \\\\\n\\end{{{environment}}}\n",
    )
    (found,) = spec.registries
    assert [(e.code, e.name) for e in found.entries] == [(1, "WIDGET_OP_A"), (2, "WIDGET_OP_B")]
    assert [(r.first, r.last) for r in found.ranges] == [(3, 7)]
    (lost,) = spec.coverage.skipped
    assert (lost.what, lost.place.line) == ("table", 7)
    assert lost.reason.startswith("lost in part: 'WIDGET_OP_C' has no code that can be read")


@pytest.mark.parametrize(
    ("heading", "codes"),
    [
        ("Name & Value", {1: "WIDGET_OP_A", 2: "WIDGET_OP_B"}),
        ("Operation & Code", {1: "WIDGET_OP_A", 2: "WIDGET_OP_B"}),
        ("Field & Size", {}),
    ],
)
def test_tables_of_names_and_their_values(tmp_path: Path, heading: str, codes: dict[int, str]) -> None:
    rows = "WIDGET_OP_A & 1 \\\\\nWIDGET_OP_B & 0x2 \\\\\n"
    text = f"\\section{{Widget Device}}\n\\begin{{tabular}}{{ll}}\n{heading} \\\\\n{rows}\\end{{tabular}}\n"
    assert {e.code: e.name for r in read(tmp_path, text).registries for e in r.entries} == codes


def test_a_table_without_end_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{code} & WIDGET_OP_{code} \\\\\n" for code in range(MAX_ROWS))
    text = f"\\section{{Widget Device}}\n\\begin{{tabular}}{{ll}}\nOpcode & Name \\\\\n{rows}\\end{{tabular}}\n"
    spec = read(tmp_path, text)
    assert not spec.registries
    assert [s.reason for s in spec.coverage.skipped] == [f"has {MAX_ROWS} rows or more"]


@pytest.mark.parametrize("environment", ["verbatim", "Verbatim", "minted", "lstlisting*"])
def test_listings_of_any_environment(tmp_path: Path, environment: str) -> None:
    argument = "{c}" if environment == "minted" else ""
    body = "struct widget_a { le32 n; u8 d[n]; };\ntypedef struct { le16 x; } widget_b;\n#define WIDGET_ALL (~0u)"
    spec = read(
        tmp_path, f"\\section{{Widget Device}}\n\\begin{{{environment}}}{argument}\n{body}\n\\end{{{environment}}}\n"
    )
    assert [s.name for s in spec.structs] == ["widget_a", "widget_b"]
    assert [(c.name, c.value) for c in spec.constants] == [("WIDGET_ALL", 0xFFFFFFFF)]
    assert dict(spec.coverage.tallies)["listings"].read == 1


LISTED = "\\section{Widget Device}\n\\begin{lstlisting}\n%s\n\\end{lstlisting}\n"


def test_what_only_the_preprocessor_sees(tmp_path: Path) -> None:
    guarded = "#ifndef WIDGET_H\n#define WIDGET_H\n#define WIDGET_MAX 3\nstruct widget { u8 a; };\n#endif"
    spec = read(tmp_path, LISTED % guarded)
    assert [c.name for c in spec.constants] == ["WIDGET_MAX"]
    never = "#if 0\nstruct old { u8 a; };\n# if X\n# endif\nstruct older { u8 a; };\n%s\nstruct new { u8 b; };\n#endif"
    assert [s.name for s in read(tmp_path, LISTED % never % "#else").structs] == ["new"]
    assert [s.name for s in read(tmp_path, LISTED % never % "#endif").structs] == ["new"]
    assert len(read(tmp_path, LISTED % never.replace("endif", "end") % "").structs) == 3  # nothing ends it


def test_qualifiers_are_no_types(tmp_path: Path) -> None:
    body = "struct widget { const le16 a; volatile struct part b; const volatile u8 c[2]; };\nstruct part { u8 d; };"
    widget, _ = read(tmp_path, LISTED % body).structs
    assert [m.name for m in widget.members] == ["a", "b", "c"]
    assert isinstance(widget.members[0].type, Integer) and widget.members[0].type.bits == 16


def test_a_name_before_its_bit_fields(tmp_path: Path) -> None:
    sink = Sink()
    spec = read(tmp_path, LISTED % "struct widget { u8 a; le32 caps { x : 4; y : 28; }; u8 b; };", sink=sink)
    assert [m.name for m in spec.structs[0].members] == ["a", "caps", "b"]
    assert [d.hint for d in sink.diagnostics if d.rule == "VS011"] == ["write 'le32 { … } caps;'"]


def test_members_of_an_enum_have_no_known_size(tmp_path: Path) -> None:
    """What lies behind such a member, also one with a width, is at no offset that could be told."""
    body = (
        "enum sort { SORT_A, SORT_B };\nstruct widget {\n u8 a;\n enum sort b : 8;\n u8 c;\n enum sort d;\n u8 e;\n};"
    )
    sink = Sink()
    spec = read(tmp_path, LISTED % body, sink=sink)
    assert [m.name for m in spec.structs[0].members] == ["a", "b", "c", "d", "e"]
    assert [s.offset for s in Layouts(spec).of(spec.structs[0]).slots] == [0, 1, None, None, None]
    assert [d.rule for d in sink.diagnostics] == ["VS106", "VS022"]
    assert spec.registries[0].fields == ()  # nor are the codes those of the next member


# --- directions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("virtio_snd_pcm_xfer", "r"),
        ("virtio_snd_pcm_status", "ww"),
        ("virtio_gpio_request", "rrr"),
        ("virtio_gpio_irq_response", "w"),
        ("virtio_scmi_response", "ww"),
        ("virtio_gpu_resource_unref", "rrr"),  # a request, with a response of its own
        ("virtio_rtc_resp_read", "ww"),
        ("virtio_admin_cmd_cap_get_result", "w"),  # fills `command_specific_result`
        ("virtio_crypto_create_session_input", "www"),  # fills `op_outcome`
        ("virtio_iommu_req_map", "rrrrrrw"),
        ("virtio_spi_transfer_req", "rrww"),
        ("virtio_can_rx", "wwwwwwww"),
        ("virtio_crypto_op_data_req", "rr-w"),  # `op_vlf` is read and written
        ("virtio_blk_req", "rrr-w"),  # `data` is either
        ("virtio_admin_cmd_list", "-"),  # the data of one command and the result of another
        ("virtio_console_control", "---"),  # goes both ways
        ("virtio_snd_hdr", "-"),  # a response by itself, and the beginning of requests
        ("virtio_gpu_ctrl_hdr", "------"),
        ("virtq_used_elem", "--"),  # a comment speaks of device-writable bytes, which these are not
    ],
)
def test_directions(latest: Spec, tag: str, expected: str) -> None:
    assert directions(latest, tag) == expected


def test_a_header_of_requests_and_responses_has_no_direction(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        "\\section{Widget Device}\n\\begin{lstlisting}\n#define WIDGET_TURN 1\n#define WIDGET_STOP 2\n"
        "struct widget_hdr { le32 type; };\n"
        "struct widget_turn {\n/* Device-readable part */\nstruct widget_hdr hdr; le32 angle; };\n\\end{lstlisting}\n"
        "\\begin{description}\n\\item[WIDGET_TURN] Request data is \\field{struct widget_turn}. "
        "Response type is WIDGET_STOP, response data is \\field{struct widget_hdr}.\n\\end{description}\n",
    )
    assert bound(spec, "WIDGET_TURN")
    assert (directions(spec, "widget_hdr"), directions(spec, "widget_turn")) == ("-", "rr")


def test_a_sentence_is_about_the_struct_with_the_member_it_lists(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        "\\section{Widget Device}\n\\begin{lstlisting}\nstruct widget_head { le32 id; };\n"
        "struct widget_tail { le32 state; };\n\\end{lstlisting}\n"
        "The header part consists of the following device-readable field:\n"
        "\\begin{description}\n\\item[\\field{id}] names it.\n\\end{description}\n",
    )
    assert (directions(spec, "widget_head"), directions(spec, "widget_tail")) == ("r", "-")


def test_values_that_are_allowed(latest: Spec) -> None:
    limited = {
        f"{s.name}.{m.name}": (m.allowed.first, m.allowed.last, features_of(m.allowed.condition))
        for s in latest.structs
        for m in s.members
        if m.allowed is not None
    }
    assert limited == {
        "virtio_crypto_config.max_dataqueues": (1, 65535, ()),
        "virtio_fs_config.num_request_queues": (1, 2**32 - 1, ()),
        "virtio_iommu_config.page_size_mask": (1, 2**64 - 1, ()),
        "virtio_net_config.max_virtqueue_pairs": (1, 0x8000, ("VIRTIO_NET_F_MQ",)),
        "virtio_net_config.mtu": (68, 65535, ("VIRTIO_NET_F_MTU",)),
        "virtio_net_config.rss_max_indirection_table_length": (128, 65535, ("VIRTIO_NET_F_RSS",)),
        "virtio_net_config.rss_max_key_size": (40, 255, ("VIRTIO_NET_F_RSS", "VIRTIO_NET_F_HASH_REPORT")),
        "virtnet_rss_ctx_cap.max_rss_contexts": (1, 65535, ("VIRTIO_NET_F_RSS_CONTEXT",)),
    }


@pytest.mark.parametrize(
    "values", ["to between 9 and 1 inclusive", "to 300 or greater", "to between 0 and 255 inclusive"]
)
def test_ranges_that_say_nothing_are_none(tmp_path: Path, values: str) -> None:
    spec = read(
        tmp_path,
        "\\section{Widget Device}\n\\begin{lstlisting}\nstruct widget { u8 n; };\n\\end{lstlisting}\n"
        f"The device MUST set \\field{{n}} {values}.\n",
    )
    assert spec.structs[0].members[0].allowed is None


# --- reviewed facts ---------------------------------------------------------------------------------------

TEXT = """\\section{Widget Device}\\label{sec:Widget}

A widget turns.

\\begin{lstlisting}
#define WIDGET_LONE 3
struct widget_ask { le16 what; u8 rest[4]; };
struct widget_more { le32 x; };
#define WIDGET_CMD_A 1
#define WIDGET_CMD_B 2
struct widget_sample { u8 a; };
\\end{lstlisting}
"""


def fact(body: str) -> str:
    return f'[[fact]]\n{body}\nsection = "sec:Widget"\ndigest = ["{digest("A widget turns.")}"]\n'


def test_facts_on_several_things(tmp_path: Path) -> None:
    commands = '["widget/registry/widget_cmd/WIDGET_CMD_A", "widget/registry/widget_cmd/WIDGET_CMD_B"]'
    spec = read(
        tmp_path,
        TEXT,
        fact(f'key = {commands}\nbind = {{ request = "widget_ask" }}')
        + fact('key = "widget/registry/widget_cmd/WIDGET_CMD_A"\nbind = { request = "+ widget_more" }')
        + fact(
            'key = "widget/registry/widget_cmd/WIDGET_CMD_B"\nbind = { data = "widget_more" }\n'
            'member = "widget_ask.rest"\nwhen = "not VIRTIO_F_VERSION_1"'
        )
        + fact('key = "widget/registry/widget_lone"\nfields = ["widget_ask.what"]')
        + fact('key = "widget/struct/widget_more"\ndirection = "writable"')
        + fact('key = "widget/struct/widget_sample"\nexample = true'),
    )
    assert not [s for s in spec.coverage.skipped if s.what == "annotation"]
    ask = Binding(role="request", struct="widget_ask")
    assert bound(spec, "WIDGET_CMD_A") == [ask, Binding(role="request", struct="widget_more", behind=True)]
    assert bound(spec, "WIDGET_CMD_B") == [
        ask,
        Binding(
            role="data",
            struct="widget_more",
            member="widget_ask.rest",
            condition=Not(term=Feature(name="VIRTIO_F_VERSION_1")),
        ),
    ]
    lone = registry(spec, "widget/registry/widget_lone")
    assert (lone.fields, lone.entries[0].code) == (("widget_ask.what",), 3)
    assert directions(spec, "widget_more") == "w"
    assert [s.name for s in spec.structs if s.example] == ["widget_sample"]
    kept, left = spec.without_examples()
    assert left == ("widget/struct/widget_sample",)
    assert "widget_sample" not in {s.name for s in kept.structs}


def test_a_lone_code_makes_no_list_by_itself(tmp_path: Path) -> None:
    assert "widget/registry/widget_lone" not in {r.key for r in read(tmp_path, TEXT).registries}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('bind = { data = "x" }\nmember = "rest"', "'member' is tag.path"),
        ('length = "n"\nmember = "x.y"', "'member' goes with 'bind'"),
        ('bind = { data = "x y" }', "binds nothing"),
    ],
)
def test_facts_that_cannot_be_understood(tmp_path: Path, body: str, message: str) -> None:
    from virtspec.diagnostics import SpecError

    (tmp_path / "facts.toml").write_text(fact(f'key = "a/b"\n{body}'), "utf-8")
    with pytest.raises(SpecError, match=message):
        load_annotations(tmp_path / "facts.toml")


def test_examples_are_told_and_not_rendered(root: Path, tmp_path: Path) -> None:
    report = generate([str(root / "spec/models/virtio-1.4.json")], tmp_path, Sink(), targets=("python",))
    reasons = {key: reason for key, reason, _ in report.not_rendered}
    assert reasons["introduction/struct/S"] == reasons["introduction/const/VIRTIO_FLD_A"] == "an example in the text"
    assert not (tmp_path / "python/virtwire/introduction.py").exists()
