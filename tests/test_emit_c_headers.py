"""The headers of the whole standard: compiled by every compiler that is here, and held against the layout, on this
machine and on a big-endian one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from virtspec.emit.c import render_c
from virtspec.layout import Layouts
from virtspec.link.merge import merge_specs
from virtspec.model import Spec
from virtspec.pipeline import default_inputs, read_spec

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror".split()
DIALECTS = [
    ("gcc", "-std=c99"),
    ("gcc", "-std=c11"),
    ("g++", "-std=c++17"),
    ("clang", "-std=c99"),
    ("clang", "-std=c11"),
    ("clang++", "-std=c++17"),
]
LINUX = (
    "net",
    "blk",
    "console",
    "balloon",
    "scsi",
    "gpu",
    "input",
    "iommu",
    "crypto",
    "mem",
    "fs",
    "pmem",
    "vsock",
    "snd",
)


def tool(name: str) -> str:
    """A tool of this machine; without it the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="session")
def model() -> Spec:
    """What `virtspec generate` renders by default."""
    return merge_specs([read_spec(spec) for spec in default_inputs()])


def write(model: Spec, directory: Path, prefix: str = "") -> Path:
    """Write the headers and what stands beside them; gives the folder that is `generated/c` otherwise."""
    for path, text in render_c(model, Layouts(model), prefix=prefix).files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return directory / "c"


@pytest.fixture(scope="session")
def headers(model: Spec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(model, tmp_path_factory.mktemp("headers"))


@pytest.fixture(scope="session")
def names(headers: Path) -> list[str]:
    return sorted(path.name for path in (headers / "include" / "virtwire").glob("*.h"))


def check(command: list[str], **options: object) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}{result.stderr}"
    return str(result.stdout)


@pytest.mark.parametrize(("name", "standard"), DIALECTS)
def test_every_header_alone_and_all_in_any_order(
    name: str, standard: str, headers: Path, names: list[str], tmp_path: Path
) -> None:
    orders = [[header] for header in names] + [names, names[::-1], sorted(names, key=lambda n: n[::-1])]
    suffix = ".cc" if "++" in name else ".c"
    sources = []
    for i, order in enumerate(orders):
        sources.append(tmp_path / f"order{i}{suffix}")
        sources[-1].write_text("".join(f"#include <virtwire/{header}>\n" for header in order) + "extern int unused;\n")
    check([tool(name), standard, *WARNINGS, "-fsyntax-only", f"-I{headers / 'include'}", *map(str, sources)])


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_no_library_is_needed(name: str, headers: Path, tmp_path: Path) -> None:
    program = tmp_path / "kernel.c"
    program.write_text("#include <virtwire/virtwire.h>\nextern int unused;\n")
    flags = ["-ffreestanding", "-nostdinc", "-std=c99", *WARNINGS, "-fsyntax-only"]
    own = check([tool(name), "-print-file-name=include"]).strip()
    check([tool(name), *flags, "-isystem", own, f"-I{headers / 'include'}", str(program)])


KERNEL = {
    "types.h": "typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;\n"
    "typedef unsigned long long uint64_t; typedef __SIZE_TYPE__ size_t; typedef _Bool bool;\n",
    "stddef.h": "#define NULL ((void *)0)\nenum { false, true };\n#define offsetof(t, m) __builtin_offsetof(t, m)\n",
    "limits.h": "#define U8_MAX ((uint8_t)~0U)\n#define U16_MAX ((uint16_t)~0U)\n#define U32_MAX (~0U)\n"
    "#define U64_MAX (~0ULL)\n",
}
"""What the kernel's headers of these names say, in its words."""


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_the_kernel_has_no_standard_headers(name: str, headers: Path, tmp_path: Path) -> None:
    (tmp_path / "linux").mkdir()
    for header, text in KERNEL.items():
        (tmp_path / "linux" / header).write_text(text)
    program = tmp_path / "module.c"
    program.write_text("#include <virtwire/virtwire.h>\nextern int unused;\n")
    flags = ["-D__KERNEL__", "-ffreestanding", "-nostdinc", "-std=gnu11", "-Wdeclaration-after-statement", "-Wvla"]
    check([tool(name), *flags, *WARNINGS, "-fsyntax-only", f"-I{tmp_path}", f"-I{headers / 'include'}", str(program)])


def linux_headers() -> Iterator[str]:
    found = [
        Path("/usr/include/linux") / f"virtio_{name}.h" for name in (*LINUX, "pci", "mmio", "ring", "config", "ids")
    ]
    return (f"#include <linux/{path.name}>\n" for path in found if path.is_file())


def test_a_prefix_lets_linux_headers_stand_beside(model: Spec, tmp_path: Path, compiler: str) -> None:
    linux = "".join(linux_headers())
    if not linux:
        pytest.skip("no Linux UAPI headers (linux-libc-dev)")
    include = write(model, tmp_path, prefix="vw_") / "include"
    ours = "#include <netinet/in.h>\n#include <errno.h>\n#include <virtwire/virtwire.h>\n"
    struct = "virtio_blk_discard_write_zeroes"
    same = f'_Static_assert(sizeof(struct vw_{struct}) == sizeof(struct {struct}), "same size");\n'
    for i, text in enumerate((linux + ours + same, ours + linux + same)):
        program = tmp_path / f"both{i}.c"
        program.write_text(text)
        check([compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{include}", str(program)])


def test_headers_stand_beside_the_c_library(headers: Path, tmp_path: Path, compiler: str) -> None:
    program = tmp_path / "program.c"
    library = "errno.h netinet/in.h sys/socket.h sys/stat.h time.h signal.h limits.h string.h stdio.h".split()
    program.write_text(
        "".join(f"#include <{h}>\n" for h in library) + "#include <virtwire/virtwire.h>\nextern int unused;\n"
    )
    check([compiler, "-std=gnu11", *WARNINGS, "-fsyntax-only", f"-I{headers / 'include'}", str(program)])


# --- the self-check and the fuzz target -------------------------------------------------------------------


def selfcheck(compiler: str, headers: Path, tmp_path: Path, *flags: str) -> list[str]:
    program = tmp_path / "selfcheck"
    check(
        [compiler, *WARNINGS, *flags, f"-I{headers / 'include'}", f"{headers / 'test/selfcheck.c'}", "-o", str(program)]
    )
    return [str(program)]


@pytest.fixture(scope="session")
def verdict(headers: Path, tmp_path_factory: pytest.TempPathFactory, compiler: str) -> str:
    """What the self-check says on this machine."""
    return check(selfcheck(compiler, headers, tmp_path_factory.mktemp("selfcheck"), "-std=c99"))


def test_the_self_check_finds_nothing_and_checks_enough(verdict: str, model: Spec) -> None:
    match = re.fullmatch(r"(\d+) checks, 0 failures\n", verdict)
    assert match is not None, verdict
    constants = {c.name for c in model.constants if c.value is not None}
    assert int(match[1]) > 2 * len(constants)


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_the_self_check_is_clean_under_the_sanitizers(name: str, headers: Path, tmp_path: Path, verdict: str) -> None:
    flags = ["-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    assert check(selfcheck(tool(name), headers, tmp_path, *flags)) == verdict


def test_the_self_check_says_the_same_in_cxx(headers: Path, tmp_path: Path, verdict: str) -> None:
    assert check(selfcheck(tool("g++"), headers, tmp_path, "-std=c++17", "-x", "c++")) == verdict


def test_the_self_check_says_the_same_on_a_big_endian_machine(headers: Path, tmp_path: Path, verdict: str) -> None:
    emulator = tool("qemu-s390x")
    program = selfcheck(tool("s390x-linux-gnu-gcc"), headers, tmp_path, "-std=c99", "-static")
    assert check([emulator, *program]) == verdict


def test_compilers_without_builtins_get_shifts(headers: Path, tmp_path: Path, compiler: str, verdict: str) -> None:
    assert check(selfcheck(compiler, headers, tmp_path, "-std=c99", "-U__BYTE_ORDER__")) == verdict
    emulator, foreign = tool("qemu-s390x"), tool("s390x-linux-gnu-gcc")
    flags = ["-std=c99", "-static", "-U__BYTE_ORDER__", "-DVIRTWIRE_HOST_IS_BIG=1"]
    assert check([emulator, *selfcheck(foreign, headers, tmp_path, *flags)]) == verdict


def test_the_self_check_can_fail(headers: Path, tmp_path: Path, compiler: str) -> None:
    """Of each kind of check, one that is made wrong is found."""
    source = (headers / "test" / "selfcheck.c").read_text()
    for old, new in [
        (
            "virtio_net_config, mtu, le16, uint16_t, LITTLE, 10, 2",
            "virtio_net_config, mtu, le16, uint16_t, LITTLE, 8, 2",
        ),
        ("virtio_net_config, mtu, le16, uint16_t, LITTLE, 10, 2", "virtio_net_config, mtu, le16, uint16_t, BIG, 10, 2"),
        ("VALUE(VIRTIO_NET_F_MTU, 0x3ULL)", "VALUE(VIRTIO_NET_F_MTU, 0x4ULL)"),
    ]:
        assert old in source
        program = tmp_path / "wrong.c"
        program.write_text(source.replace(old, new))
        check([compiler, f"-I{headers / 'include'}", str(program), "-o", str(tmp_path / "wrong")])
        result = subprocess.run([tmp_path / "wrong"], capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert "0 failures" not in result.stdout


def test_a_wrong_offset_does_not_compile(headers: Path, tmp_path: Path, compiler: str) -> None:
    for standard in ("-std=c99", "-std=c11"):
        program = tmp_path / "wrong.c"
        program.write_text("#include <virtwire/net.h>\nVIRTWIRE_OFFSET(struct virtio_net_config, mtu, 12);\n")
        command = [compiler, standard, "-fsyntax-only", f"-I{headers / 'include'}", str(program)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode != 0
        # the C library's stand-in for C11's assertion, which C99 gets from it, has no text
        assert standard == "-std=c99" or "offset of mtu in struct virtio_net_config is not 12" in result.stderr


def test_a_raw_number_is_refused(headers: Path, tmp_path: Path, compiler: str) -> None:
    program = tmp_path / "wrong.c"
    program.write_text("#include <virtwire/net.h>\nvoid f(struct virtio_net_config *c);\n"
                       "void f(struct virtio_net_config *c) { c->mtu = 1500; }\n")  # fmt: skip
    command = [compiler, "-fsyntax-only", f"-I{headers / 'include'}", str(program)]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_readers_of_hostile_messages(name: str, headers: Path, tmp_path: Path) -> None:
    program = tmp_path / "fuzz"
    flags = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    runs = "-DVIRTWIRE_FUZZ_RUNS=300000"
    source = str(headers / "test" / "fuzz.c")
    check([tool(name), *WARNINGS, *flags, runs, f"-I{headers / 'include'}", source, "-o", str(program)])
    check([str(program)])


def test_fuzzing_with_coverage(headers: Path, tmp_path: Path) -> None:
    """A short run of libFuzzer; VIRTWIRE_FUZZ_SECONDS makes it a long one."""
    clang = tool("clang")
    seconds = os.environ.get("VIRTWIRE_FUZZ_SECONDS", "5")
    program = tmp_path / "fuzz"
    flags = ["-g", "-O1", "-fsanitize=fuzzer,address,undefined", f"-I{headers / 'include'}"]
    command = [clang, *flags, str(headers / "test" / "fuzz.c"), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if "libclang_rt.fuzzer" in built.stderr:
        pytest.skip("clang is here without libFuzzer (libclang-rt-dev)")
    assert built.returncode == 0, built.stderr
    options = ["-max_len=512", f"-max_total_time={seconds}", f"-artifact_prefix={tmp_path}/", "-seed=1"]
    result = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-4000:]


# --- cost -------------------------------------------------------------------------------------------------

ACCESS = """\
#include <virtwire/blk.h>
#include <virtwire/ccw.h>
unsigned get16(const struct virtio_blk_config *c);
uint32_t get32(const struct virtio_blk_config *c);
uint64_t get64(const struct vq_info_block *c);
void set32(struct virtio_blk_config *c, uint32_t v);
unsigned get16(const struct virtio_blk_config *c) { return virtio_le16_to_cpu(c->num_queues); }
uint32_t get32(const struct virtio_blk_config *c) { return virtio_le32_to_cpu(c->seg_max); }
uint64_t get64(const struct vq_info_block *c) { return virtio_be64_to_cpu(c->driver); }
void set32(struct virtio_blk_config *c, uint32_t v) { c->seg_max = virtio_cpu_to_le32(v); }
"""


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_an_access_is_one_load_or_store(name: str, headers: Path, tmp_path: Path) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("reads x86-64 assembly")
    program = tmp_path / "access.c"
    program.write_text(ACCESS)
    assembly = check(
        [tool(name), "-O2", "-S", "-fcf-protection=none", f"-I{headers / 'include'}", str(program), "-o", "-"]
    )
    bodies = dict(pairwise(re.split(r"^(\w+):", assembly, flags=re.MULTILINE)[1:]))
    for function, instructions in {"get16": 1, "get32": 1, "get64": 2, "set32": 1}.items():
        lines = [line.strip() for line in bodies[function].splitlines()]
        code = [line for line in lines if re.match(r"[a-z]", line)]
        assert len(code) == instructions + 1, f"{function}: {code}"
        assert code[-1].startswith("ret")
