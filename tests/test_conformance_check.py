"""Checks of real data: what holds, what is broken and where, and what the bytes do not tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from virtwire import device_context, device_parts, iommu, mem, net, pci
from virtwire._runtime import Struct
from virtwire.conformance.__main__ import main
from virtwire.conformance.check import check_bytes, check_device_context, check_device_parts
from virtwire.conformance.rules import RULES, Finding, Subject

COMMON = pci.VirtioPciCommonCfg(num_queues=4, device_status=15, admin_queue_index=4)
QUEUE = device_context.VirtioDevCtxPciVqCfg(vq_index=1, queue_size=256)
OWNED = device_context.VirtioDevCtxVqSplitDevDescs(vq_index=1, desc_idx=[3, 5])
FEATURES = device_context.VirtioDevCtxFeatures(
    feature_bits=[1 << net.VIRTIO_NET_F_CTRL_VQ | 1 << net.VIRTIO_NET_F_CTRL_RX | 1 << 32]
)


def context(*values: Struct, **more: Any) -> bytes:
    """A device context with these values, each as the type that stands for it."""
    field = device_context.VirtioDevCtxFieldTlv
    return bytes(device_context.VirtioDevCtx(fields=[field.of(value, **more) for value in values]))


def said(findings: list[Finding], rule: str) -> set[str]:
    """What a rule says."""
    return {finding.verdict for finding in findings if finding.rule == rule}


def broken(findings: list[Finding]) -> list[tuple[str, str, int | None]]:
    """What is broken: rule, path, offset."""
    return [(f.rule, f.path, f.offset) for f in findings if f.verdict == "broken"]


def test_a_good_context_holds() -> None:
    findings = check_device_context(context(COMMON, FEATURES, QUEUE, OWNED), "net")
    assert {f.verdict for f in findings} == {"holds"}
    assert {f.rule for f in findings} == {"complete", *RULES} - {"parts-are-in-order"}


@pytest.mark.parametrize("size", [0, 3, 5, 20, 40])
def test_what_ends_early_is_not_complete(size: int) -> None:
    (finding,) = check_device_context(context(COMMON, QUEUE)[:size])
    assert (finding.rule, finding.verdict) == ("complete", "broken")
    assert finding.offset is not None
    assert finding.offset <= size


class TestContext:
    def test_a_queue_that_the_device_does_not_have(self) -> None:
        findings = check_device_context(context(COMMON, device_context.VirtioDevCtxPciVqCfg(vq_index=4)))
        assert broken(findings) == [("queues-exist", "virtio_dev_ctx.fields[1]", 4 + 16 + 64 + 16)]
        assert said(check_device_context(context(QUEUE)), "queues-exist") == {"undecided"}

    def test_a_queue_twice(self) -> None:
        findings = check_device_context(context(COMMON, QUEUE, QUEUE))
        assert [rule for rule, *_ in broken(findings)] == ["nothing-is-said-twice"]
        twice = check_device_context(context(COMMON, COMMON))
        assert said(twice, "nothing-is-said-twice") == {"undecided"}

    @pytest.mark.parametrize(
        ("size", "unknown", "split", "packed"),
        [
            (0, {"holds"}, {"holds"}, {"holds"}),
            (256, {"holds"}, {"holds"}, {"holds"}),
            (100, {"undecided"}, {"broken"}, {"holds"}),
            (40000, {"broken", "undecided"}, {"broken"}, {"broken"}),
        ],
    )
    def test_queue_sizes(self, size: int, unknown: set[str], split: set[str], packed: set[str]) -> None:
        queue = device_context.VirtioDevCtxPciVqCfg(queue_size=size)
        assert said(check_device_context(context(queue)), "values-are-allowed") == unknown
        for bits, verdicts in ((0, split), (1 << net.FEATURES["VIRTIO_F_RING_PACKED"], packed)):
            words = [bits & (1 << 64) - 1, bits >> 64]
            findings = check_device_context(
                context(device_context.VirtioDevCtxFeatures(feature_bits=words), queue), "net"
            )
            assert said(findings, "values-are-allowed") == verdicts

    @pytest.mark.parametrize(("indices", "verdict"), [([0, 255], "holds"), ([256], "broken"), ([7, 7], "broken")])
    def test_descriptors(self, indices: list[int], verdict: str) -> None:
        owned = device_context.VirtioDevCtxVqSplitDevDescs(vq_index=1, desc_idx=indices)
        assert said(check_device_context(context(QUEUE, owned)), "descriptors-exist") == {verdict}
        assert "undecided" in said(check_device_context(context(owned)), "descriptors-exist")

    def test_features(self) -> None:
        alone = device_context.VirtioDevCtxFeatures(feature_bits=[1 << net.VIRTIO_NET_F_CTRL_RX])
        rule = "features-have-what-they-require"
        assert said(check_device_context(context(alone), "net"), rule) == {"broken"}
        assert said(check_device_context(context(alone)), rule) == {"undecided"}

    def test_reserved_members(self) -> None:
        findings = check_device_context(context(COMMON, QUEUE, reserved=1))
        assert broken(findings) == [
            ("reserved-is-zero", "virtio_dev_ctx.fields[0].reserved", 8),
            ("reserved-is-zero", "virtio_dev_ctx.fields[1].reserved", 4 + 16 + 64 + 4),
        ]

    def test_types_and_formats(self) -> None:
        field = device_context.VirtioDevCtxFieldTlv
        data = bytes(
            device_context.VirtioDevCtx(
                fields=[field(type=9, value=b"x"), field(type=3, value=b"short"), field(type=1)]
            )
        )
        findings = check_device_context(data)
        assert [rule for rule, *_ in broken(findings)] == ["types-are-defined", "values-have-the-format-of-their-type"]
        # without the device's type nobody knows its configuration
        assert "undecided" in said(findings, "values-have-the-format-of-their-type")


def test_device_parts() -> None:
    part = device_parts.VirtioDevPart
    features = part.of(device_parts.VirtioDevPartFeatures(feature_bits=[1 << 32]), 0x101)
    queue = part.of(device_parts.VirtioDevPartVqCfg(queue_size=64))
    good = check_device_parts(bytes(features) + bytes(queue))
    assert said(good, "parts-are-in-order") == {"holds"}
    wrong = check_device_parts(bytes(queue) + bytes(features))
    assert broken(wrong) == [
        ("parts-are-in-order", "virtio_admin_cmd_dev_parts_get_result.parts[1]", len(bytes(queue)))
    ]
    (order,) = (f for f in wrong if f.rule == "parts-are-in-order")
    assert order.clauses


def test_any_struct_and_its_clauses() -> None:
    good = check_bytes("virtio_iommu_fault", bytes(iommu.VirtioIommuFault()))
    wrong = check_bytes("virtio_iommu_fault", bytes(iommu.VirtioIommuFault(reserved=b"\0\1\0", reserved1=7)))
    assert broken(wrong) == [
        ("reserved-is-zero", "virtio_iommu_fault.reserved", 1),
        ("reserved-is-zero", "virtio_iommu_fault.reserved1", 12),
    ]
    assert {f.clauses for f in wrong if f.verdict == "broken"} == {f.clauses for f in good if f.clauses}


class TestValues:
    RULE = "values-are-allowed"

    @pytest.mark.parametrize("mtu", [0, 67])
    def test_a_value_that_only_counts_with_a_feature(self, mtu: int) -> None:
        config = net.VirtioNetConfig(mtu=mtu, max_virtqueue_pairs=1)
        field = device_context.VirtioDevCtxFieldTlv
        for bits, verdict in ((1 << net.VIRTIO_NET_F_MTU, "broken"), (0, "holds")):
            features = device_context.VirtioDevCtxFeatures(feature_bits=[bits])
            fields = [field(type=1, value=bytes(config)), field.of(features)]
            findings = check_device_context(bytes(device_context.VirtioDevCtx(fields=fields)), "net")
            assert said(findings, self.RULE) == {verdict}
        assert said(check_bytes("virtio_net_config", bytes(config)), self.RULE) == {"undecided"}

    def test_values_that_always_count(self) -> None:
        good = mem.VirtioMemConfig(block_size=4096, region_size=8192, usable_region_size=8192)
        assert said(check_bytes("virtio_mem_config", bytes(good)), self.RULE) == {"holds"}
        wrong = mem.VirtioMemConfig(block_size=4096, region_size=8191, requested_size=4096)
        assert broken(check_bytes("virtio_mem_config", bytes(wrong))) == [
            (self.RULE, "virtio_mem_config.region_size", 24),
            (self.RULE, "virtio_mem_config.usable_region_size", 32),
        ]

    def test_members_that_have_to_fit_each_other(self) -> None:
        nothing = check_bytes("virtio_mem_config", bytes(mem.VirtioMemConfig()))
        assert broken(nothing) == [(self.RULE, "virtio_mem_config.block_size", 0)]  # of 0 only 0 is a multiple
        (wrong,) = (
            f
            for f in check_bytes("virtio_iommu_req_map", bytes(iommu.VirtioIommuReqMap(virt_start=9, virt_end=9)))
            if f.verdict == "broken"
        )
        assert (wrong.path, wrong.offset) == ("virtio_iommu_req_map.virt_end", 16)
        assert wrong.reason == "is 9; virt_end > virt_start has to hold, and virt_start is 9"
        assert "description.tex" in wrong.source
        assert wrong.clauses

    @pytest.mark.parametrize(("kind", "offset", "verdict"), [(1, 6, "broken"), (4, 4, "holds"), (2, 6, "holds")])
    def test_a_relation_that_depends_on_another_member(self, kind: int, offset: int, verdict: str) -> None:
        capability = pci.VirtioPciCap(cfg_type=kind, offset=offset)
        assert said(check_bytes("virtio_pci_cap", bytes(capability)), self.RULE) == {verdict}

    def test_a_member_that_is_not_there_has_no_value(self) -> None:
        short = bytes(mem.VirtioMemConfig(block_size=4096))[:16]
        config = mem.VirtioMemConfig.from_bytes(short, allow_short=True)
        assert {f.verdict for f in RULES[self.RULE](Subject.of(config))} == {"holds"}


class TestCommand:
    def test_exit_codes(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "context"
        path.write_bytes(context(COMMON, FEATURES, QUEUE))
        assert main(["check", "--device-context", str(path), "--device-type", "net"]) == 0
        assert capsys.readouterr().out.endswith(" hold, 0 broken, 0 undecided\n")
        path.write_bytes(context(COMMON, reserved=1))
        assert main(["check", "--device-context", str(path), "--format", "json"]) == 1
        document = json.loads(capsys.readouterr().out)
        assert {f["verdict"] for f in document["findings"]} == {"holds", "broken"}
        assert all(f["source"] for f in document["findings"])
        assert main(["check", "--struct", "virtio_dev_ctx", str(path), "--verbose"]) == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "give --device-context"),
            (["--struct", "no_such_struct", "{file}"], "no_such_struct"),
            (["--device-parts", "{file}.absent"], "No such file"),
            (["--struct", "virtio_scsi_req_cmd", "{file}"], "cdb_size"),
            (["--struct", "virtio_scsi_req_cmd", "{file}", "--argument", "cdb_size=many"], "many"),
        ],
    )
    def test_what_cannot_be_looked_at(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"x")
        assert main(["check", *(text.replace("{file}", str(path)) for text in arguments)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert message in captured.err

    def test_rules_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["check", "--rules"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == len(RULES)


def test_rubbish_is_never_a_traceback() -> None:
    for seed in range(200):
        data = bytes((seed * 31 + i * i * 7 + (i >> 3)) & 0xFF for i in range(seed))
        for check in (check_device_context, check_device_parts):
            assert check(data, "net")[0].rule == "complete"


def test_pytest_plugin(root: Path, tmp_path: Path) -> None:
    (tmp_path / "good.net.virtio-context").write_bytes(context(COMMON, FEATURES, QUEUE))
    (tmp_path / "bad.virtio-context").write_bytes(context(COMMON, FEATURES, reserved=1))
    (tmp_path / "test_own.py").write_text(
        "def test_own(virtio_check):\n"
        f"    assert virtio_check('virtio_dev_ctx', bytes.fromhex({context(COMMON).hex()!r}), 'net')\n",
        "utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(root / "generated" / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "virtwire.conformance.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-rfs",
    ]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "1 skipped" in done.stdout
    assert "virtio_dev_ctx.fields[0].reserved at offset 8: is not zero" in done.stdout
    assert "test_own" not in [line.split("::")[-1] for line in done.stdout.splitlines() if "FAILED" in line]


# --- clauses ----------------------------------------------------------------------------------------------


def test_every_clause_is_in_the_table(root: Path) -> None:
    directory = root / "generated" / "conformance"
    clauses = json.loads((directory / "clauses.json").read_text("utf-8"))["clauses"]
    keys = [clause["key"] for clause in clauses]
    assert len(keys) == len(set(keys)) > 1400
    text, page = (directory / "clauses.md").read_text("utf-8"), (directory / "clauses.html").read_text("utf-8")
    for key in keys:
        assert f"| {key} |" in text
        assert f"<code>{key}</code>" in page
    cases = {
        case["id"]
        for path in (directory / "vectors").glob("*.json")
        for struct in json.loads(path.read_text("utf-8"))["structs"]
        for case in struct["cases"]
    }
    for clause in clauses:
        match clause["tested"]:
            case "vectors":
                assert set(clause["by"]) <= cases
            case "rule":
                assert set(clause["by"]) <= RULES.keys()
            case tested:
                assert tested in ("data", "behaviour")
                assert "by" not in clause


def test_cases_and_clauses_name_each_other(root: Path) -> None:
    directory = root / "generated" / "conformance"
    clauses = json.loads((directory / "clauses.json").read_text("utf-8"))["clauses"]
    by_clause = {(c["key"], case) for c in clauses if c["tested"] == "vectors" for case in c["by"]}
    by_case = {
        (key, case["id"])
        for path in (directory / "vectors").glob("*.json")
        for struct in json.loads(path.read_text("utf-8"))["structs"]
        for case in struct["cases"]
        for key in case.get("clauses", ())
    }
    assert by_clause == by_case
