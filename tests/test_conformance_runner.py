"""The conformance runner: what it makes of testees that are right, wrong, slow, or break down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from virtwire.conformance.__main__ import main
from virtwire.conformance.processes import CannotRun, NoAnswer, Process
from virtwire.conformance.protocol import ProtocolError, parse_answer, parse_hex, parse_number, parse_pairs
from virtwire.conformance.testee import answer
from virtwire.conformance.vectors import VectorError, load_cases
from virtwire.conformance.verdicts import ExpectationError, read_expectations

Make = Callable[[str], str]

VECTORS = {
    "schema": "virtwire.vectors/1",
    "generated_by": "a test",
    "edition": "1.4",
    "module": "test",
    "notes": {},
    "cases": 6,
    "structs": [
        {
            "name": "pair",
            "source": "here:1",
            "size": 3,
            "cases": [
                {"id": "pair/pattern", "result": "valid", "bytes": "010203", "values": {"a": 513, "b": "03"}},
                {
                    "id": "pair/truncated",
                    "result": "malformed",
                    "operation": "decode",
                    "bytes": "010203",
                    "prefixes": [0, 2],
                },
                {"id": "pair/odd", "result": "invalid", "operation": "decode", "bytes": "ffffff"},
                {"id": "pair/loose", "result": "acceptable", "bytes": "000001", "values": {"a": 0, "b": "01"}},
                {"id": "pair/out-of-range", "result": "invalid", "operation": "encode", "each": {"a": 65536}},
            ],
        },
    ],
}

RIGHT = """
def reply(line):
    verb, struct, *rest = line.split()
    if struct != "pair":
        return "skip no such struct"
    if verb == "encode":
        values = dict(word.split("=") for word in rest)
        if int(values["a"]) > 65535:
            return "error invalid too large"
        return "ok " + int(values["a"]).to_bytes(2, "little").hex() + values["b"]
    data = bytes.fromhex(rest[0].replace("-", ""))
    if len(data) != 3:
        return "error malformed length"
    if data == b"\\xff\\xff\\xff":
        return "error invalid odd"
    return f"ok a={int.from_bytes(data[:2], 'little')} b={data[2:].hex()}"
"""

LOOP = """
import sys
for line in sys.stdin:
    print(reply(line), flush=True)
"""


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    directory = tmp_path / "vectors"
    directory.mkdir()
    (directory / "test.json").write_text(json.dumps(VECTORS), "utf-8")
    return directory


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(code: str) -> str:
        path = tmp_path / "testee.py"
        path.write_text(code, "utf-8")
        return f"{sys.executable} {path}"

    return made


@pytest.fixture
def run(vectors: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def ran(testee: str, *more: str) -> tuple[int, str, str]:
        code = main(["--testee", testee, "--vectors", str(vectors), "--timeout", "30", "--jobs", "2", *more])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return ran


def statuses(output: str) -> dict[str, str]:
    return {case["id"]: case["status"] for case in json.loads(output)["cases"]}


def test_a_right_testee_passes(run: Callable[..., tuple[int, str, str]], make: Make) -> None:
    code, out, _ = run(make(RIGHT + LOOP))
    assert code == 0
    assert "6 cases: 6 passed" in out


@pytest.mark.parametrize(
    ("broken", "failing"),
    [
        ("'little'", {"pair/pattern"}),
        ("data[:2]", {"pair/pattern"}),
        ("len(data) != 3", {"pair/truncated:0", "pair/truncated:2"}),
        ("> 65535", {"pair/out-of-range:a"}),
        ('data == b"\\\\xff\\\\xff\\\\xff"', {"pair/odd"}),
    ],
)
def test_a_wrong_testee_fails(
    run: Callable[..., tuple[int, str, str]], make: Make, broken: str, failing: set[str]
) -> None:
    mutant = {
        "'little'": RIGHT.replace("'little'", "'big'"),
        "data[:2]": RIGHT.replace("data[:2]", "data[1:]"),
        "len(data) != 3": RIGHT.replace("len(data) != 3", "False"),
        "> 65535": RIGHT.replace("> 65535", "< 0").replace('.to_bytes(2, "little")', '.to_bytes(3, "little")[:2]'),
    }.get(broken, RIGHT.replace("error invalid odd", "ok a=65535 b=ff"))
    assert mutant != RIGHT
    code, out, _ = run(make(mutant + LOOP), "--format", "json")
    assert code == 1
    found = {case for case, status in statuses(out).items() if status == "failed"}
    assert failing <= found


def test_acceptable_bytes_may_be_refused_but_not_misread(run: Callable[..., tuple[int, str, str]], make: Make) -> None:
    refuses = RIGHT.replace(
        "if data ==", "if data[:2] == bytes(2):\n        return 'error invalid zero'\n    if data =="
    )
    code, out, _ = run(make(refuses + LOOP), "--only", "pair/loose", "--format", "json")
    assert (code, statuses(out)) == (0, {"pair/loose": "passed"})
    misreads = RIGHT.replace("{data[2:].hex()}", "00")
    code, out, _ = run(make(misreads + LOOP), "--only", "pair/loose", "--format", "json")
    assert (code, statuses(out)) == (1, {"pair/loose": "failed"})


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("__import__('os').kill(__import__('os').getpid(), 11)", "crashed with signal 11"),
        ("__import__('time').sleep(60)", "no answer within 0.5 s"),
        ("print('hello', flush=True)", "not an answer: 'hello'"),
        ("print(flush=True)", "not an answer"),
        ("sys.stdout.write('ok a=1'); sys.exit()", "without a line's end"),
        ("print('ok a=1 a=2', flush=True)", "stands twice"),
    ],
)
def test_one_case_cannot_take_others_with_it(
    run: Callable[..., tuple[int, str, str]], make: Make, trouble: str, said: str
) -> None:
    code = RIGHT + LOOP.replace(
        "    print(reply",
        f"    if '010203' in line and 'decode' in line:\n        {trouble}; continue\n    print(reply",
    )
    # long for all but the one that never answers: on a busy machine an answer takes its time
    timeout = "0.5" if "sleep" in trouble else "30"
    exit_code, out, _ = run(make(code), "--timeout", timeout, "--format", "json")
    assert exit_code == 1
    document = json.loads(out)
    failed = {case["id"]: case for case in document["cases"] if case["status"] == "failed"}
    assert failed.keys() == {"pair/pattern"}
    assert said in failed["pair/pattern"]["reason"]


def test_a_testee_that_cannot_be_run(run: Callable[..., tuple[int, str, str]], make: Make) -> None:
    for testee, said in (
        ("/nonexistent/testee", "No such file"),
        (make("import sys; sys.exit('no library')"), "no answer at all: ended with exit code 1: no library"),
        ("'unbalanced", "quotation"),
        ("''", "empty"),
    ):
        code, out, err = run(testee)
        assert (code, out) == (2, "")
        assert said in err


def test_a_flood_is_cut_off(make: Make) -> None:
    command = make("import sys\nsys.stdin.readline()\nwhile True: sys.stdout.write('x' * 65536)").split()
    with Process(command, 20) as testee, pytest.raises(NoAnswer, match="does not end"):
        testee.ask("decode x 00")


def test_a_testee_that_only_talks_is_no_end(make: Make) -> None:
    """It reads no question, and answers faster than anybody asks."""
    command = make("while True: print('ok a=1')").split()
    with Process(command, 20) as testee:
        for _ in range(40):  # more than the pipes hold
            assert testee.ask(f"decode x {'00' * 4096}") == "ok a=1\n"


def test_what_a_testee_leaves_behind_holds_nobody_up(make: Make) -> None:
    """A process of its own has the pipes still open when it has ended, or was ended."""
    leaves = "import subprocess, sys; left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])\n"
    started = time.monotonic()
    with Process(make(leaves + "input(); print('ok a=1', flush=True); input()").split(), 10) as testee:
        assert testee.ask("decode x 00") == "ok a=1\n"
    hangs = make(leaves + "import time; time.sleep(20)").split()
    with Process(hangs, 1) as testee, pytest.raises(NoAnswer, match="no answer within 1 s"):
        testee.ask("decode x 00")
    assert time.monotonic() - started < 10


def test_no_answer_is_lost_beside_testees_that_end() -> None:
    """The pipes of one that has ended are not closed under the thread that reads them: the next one would get them."""
    lost: list[str] = []

    def lasting() -> None:
        for _ in range(20):
            with Process(["sh", "-c", "while read line; do echo ok; done"], 30) as testee:
                lost.extend(said for _ in range(3) if (said := testee.ask("decode x 00")) != "ok\n")

    def ending() -> None:
        for _ in range(100):
            with Process(["sh", "-c", "read line; echo ok; exit 3"], 30) as testee:
                testee.ask("decode x 00")
                with pytest.raises(NoAnswer, match="exit code 3"):
                    testee.ask("decode x 00")

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work) for work in (lasting, lasting, ending, ending)]:
            done.result()
    assert not lost


HANGING = f"""{RIGHT}
import os, sys, time
with open(sys.argv[1], "a") as pids:
    print(os.getpid(), file=pids)
for number, line in enumerate(sys.stdin):
    if number == 2:
        time.sleep(100)
    print(reply(line), flush=True)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("group", [True, False], ids=["group", "alone"])
def test_a_run_that_is_interrupted_ends_its_testees(
    vectors: Path, make: Make, root: Path, tmp_path: Path, name: str, group: bool
) -> None:
    """A terminal tells all of its processes, `kill` the runner alone; what was done is shown."""
    pids = tmp_path / "pids"
    testee = f"{make(HANGING)} {pids}"
    runner = subprocess.Popen(
        [*(sys.executable, "-m", "virtwire.conformance", "--testee", testee, "--vectors", str(vectors), "--jobs", "1")],
        env={**os.environ, "PYTHONPATH": str(root / "generated" / "python")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(pids.read_text().split() if pids.exists() else ()) < 2:  # one is asked first, and one the cases
        time.sleep(0.02)
    time.sleep(0.5)
    number = signal.Signals[name]
    if group:
        os.killpg(runner.pid, number)
    else:
        runner.send_signal(number)
    out, err = runner.communicate(timeout=20)
    assert (runner.returncode, err) == (128 + number, "")
    assert out.startswith("interrupted: this is what was done so far\n\n1 cases: 1 passed\n")
    for pid in map(int, pids.read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_signals_in_quick_succession_leave_no_testee(vectors: Path, make: Make, root: Path, tmp_path: Path) -> None:
    """Who sends one wish several times does not keep the runner from ending its testees."""
    pids = tmp_path / "pids"
    testee = f"{make('import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)' + chr(10) + HANGING)} {pids}"
    for _ in range(3):
        pids.write_text("")
        with subprocess.Popen(
            [*(sys.executable, "-m", "virtwire.conformance", "--testee", testee, "--vectors", str(vectors))],
            env={**os.environ, "PYTHONPATH": str(root / "generated" / "python")},
            stdout=subprocess.PIPE,
            text=True,
        ) as runner:
            while len(pids.read_text().split()) < 2:
                time.sleep(0.02)
            time.sleep(0.3)
            for _ in range(4):
                runner.send_signal(signal.SIGTERM)
                time.sleep(0.001)
            out, _ = runner.communicate(timeout=20)
        assert out.startswith("interrupted")
        for pid in map(int, pids.read_text().split()):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_flood_of_errors_is_not_kept(make: Make) -> None:
    code = "import sys\nsys.stderr.write('x' * (1 << 22) + '\\nthe end'); sys.exit(3)"
    with Process(make(code).split(), 20) as testee, pytest.raises(NoAnswer, match="exit code 3: the end"):
        testee.ask("decode x 00")


def test_what_commands_a_terminal_is_shown(run: Callable[..., tuple[int, str, str]], make: Make) -> None:
    code, out, _ = run(make(r"def reply(line): return 'error invalid \x1b[31mred\x07'" + LOOP))
    assert code == 1 and "error invalid \\x1b[31mred\\x07" in out and "\x1b" not in out
    code, _, err = run(make(r"import sys; sys.exit('\x1b[31mred')"))
    assert code == 2 and "\\x1b[31mred" in err and "\x1b" not in err


def test_skips_are_counted(run: Callable[..., tuple[int, str, str]], make: Make) -> None:
    code, out, _ = run(make("def reply(line): return 'skip later'" + LOOP))
    assert code == 0
    assert "6 skipped" in out


class TestExpectedFailures:
    WRONG = RIGHT.replace("'little'", "'big'")

    def test_expected(self, run: Callable[..., tuple[int, str, str]], make: Make, tmp_path: Path) -> None:
        expected = tmp_path / "expected"
        expected.write_text("# known\n\npair/patt*  # reads big-endian\n", "utf-8")
        code, out, _ = run(make(self.WRONG + LOOP), "--expected-failures", str(expected), "--format", "json")
        assert code == 0
        assert statuses(out)["pair/pattern"] == "expected-failure"

    def test_unexpected_pass(self, run: Callable[..., tuple[int, str, str]], make: Make, tmp_path: Path) -> None:
        expected = tmp_path / "expected"
        expected.write_text("pair/pattern  # used to fail\n", "utf-8")
        code, out, _ = run(make(RIGHT + LOOP), "--expected-failures", str(expected))
        assert code == 1
        assert "unexpected-pass: pair/pattern: line 1" in out

    def test_stale(self, run: Callable[..., tuple[int, str, str]], make: Make, tmp_path: Path) -> None:
        expected = tmp_path / "expected"
        expected.write_text("pair/gone  # was renamed\n", "utf-8")
        for format_, said in (("text", "stale: line 1"), ("json", '"pattern": "pair/gone"'), ("junit", "stale")):
            code, out, _ = run(make(RIGHT + LOOP), "--expected-failures", str(expected), "--format", format_)
            assert code == 1
            assert said in out

    @pytest.mark.parametrize("line", ["pair/pattern", "pair/pattern #", "pair pattern # two"])
    def test_every_line_needs_a_reason(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "expected"
        path.write_text(line, "utf-8")
        with pytest.raises(ExpectationError, match=":1:"):
            read_expectations(path)


def test_reports(run: Callable[..., tuple[int, str, str]], make: Make, tmp_path: Path) -> None:
    wrong = make(
        RIGHT.replace("'little'", "'big'").replace("error malformed length", "error malformed \\x01<&>") + LOOP
    )
    path = tmp_path / "out"
    code, out, _ = run(wrong, "--format", "junit", "--output", str(path))
    assert (code, out) == (1, "")
    root = ElementTree.fromstring(path.read_text("utf-8"))
    suite = root.find("testsuite[@name='pair']")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("6", "1")
    first = run(wrong, "--format", "json")[1]
    assert first == run(wrong, "--format", "json", "--jobs", "1")[1]


def test_selection_and_list(
    vectors: Path, capsys: pytest.CaptureFixture[str], make: Make, run: Callable[..., tuple[int, str, str]]
) -> None:
    assert main(["--list", "--vectors", str(vectors), "--skip", "pair/trunc*"]) == 0
    assert capsys.readouterr().out.split()[1::2] == ["pair/pattern", "pair/odd", "pair/loose", "pair/out-of-range:a"]
    code, _, err = run(make(RIGHT + LOOP), "--only", "nothing")
    assert (code, err) == (2, "virtwire.conformance: no case matches --only and --skip\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"schema": "other"}',
        '{"schema": "virtwire.vectors/1", "module": "x", "structs": [{"name": 1}]}',
        "[" * 5000,
    ],
)
def test_vectors_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, "utf-8")
    with pytest.raises(VectorError):
        load_cases(tmp_path)


class TestProtocol:
    @pytest.mark.parametrize("line", ["", "okay", "error", "error wrong x", "OK 1"])
    def test_no_answer(self, line: str) -> None:
        with pytest.raises(ProtocolError):
            parse_answer(line)

    @pytest.mark.parametrize("text", ["0", "zz", "0 0", "00 00", "é0"])
    def test_no_hex(self, text: str) -> None:
        with pytest.raises(ProtocolError):
            parse_hex(text)

    def test_numbers(self) -> None:
        assert [parse_number(t) for t in ("0", "0x10", "18446744073709551615")] == [0, 16, 2**64 - 1]
        with pytest.raises(ProtocolError):
            parse_number("1e3")

    def test_pairs(self) -> None:
        assert parse_pairs(["a.b[0]=1", "c="]) == {"a.b[0]": "1", "c": ""}
        with pytest.raises(ProtocolError):
            parse_pairs(["=1"])


class TestVirtwireAsTestee:
    """Lines that a runner with bad intentions might send."""

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "decode",
            "decode virtio_blk_config",
            "decode virtio_blk_config 0",
            "decode virtio_blk_config 00 x",
            "decode virtio_blk_config 00 unknown=1",
            "encode virtio_blk_config capacity",
            "encode virtio_blk_config capacity=x",
            "encode virtio_blk_config geometry=1",
            "encode virtio_blk_config geometry.none=1",
            "encode virtio_blk_config capacity.x=1",
            "encode virtio_blk_config capacity[0]=1",
            "encode virtio_blk_config unused1[0]=1",
            "encode virtio_net_config mac=00",
            "encode virtio_net_config mac.x=00",
            "encode virtio_dev_ctx fields[5].type=1",
            "encode virtio_dev_ctx fields[0].value.x=1",
            "encode virtio_dev_ctx fields[0].type=2 fields[0].value.x=1",
            "encode virtio_dev_ctx fields[999999999].type=1",
            "encode virtio_dev_ctx a..b=1",
            "encode virtio_dev_ctx [=1",
        ],
    )
    def test_are_refused(self, line: str) -> None:
        assert answer(line).startswith("error "), answer(line)

    def test_an_unknown_struct_is_skipped(self) -> None:
        assert answer("decode nothing 00") == "skip no struct nothing"


@pytest.fixture(scope="session")
def testee_header(root: Path) -> Path:
    return root / "generated" / "conformance"


def compiled(compiler: str, source: Path, output: Path, *includes: Path) -> Path:
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", *(f"-I{path}" for path in includes)]
    done = subprocess.run(
        [compiler, *flags, str(source), "-o", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output


def summary(capsys: pytest.CaptureFixture[str], *arguments: str) -> Iterator[tuple[str, int]]:
    code = main([*arguments, "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    wrong = [case for case in document["cases"] if case["status"] in ("failed", "unexpected-pass")]
    assert code == 0, (wrong[:5], document["stale"])
    yield from document["summary"].items()


def test_virtwire_passes_over_a_pipe(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(root / "generated" / "python"))
    testee = f"{sys.executable} -m virtwire.conformance.testee"
    found = dict(summary(capsys, "--testee", testee, "--only", "blk", "--only", "device_context"))
    assert found["passed"] > 300
    assert found["skipped"] == 0


def test_the_generated_headers_pass(
    compiler: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = root / "generated" / "c"
    program = compiled(compiler, headers / "test" / "testee.c", tmp_path / "testee", headers / "include")
    found = dict(summary(capsys, "--testee", str(program)))
    assert found.pop("passed") > 6000
    assert not any(found.values()), found


def test_linux_passes_but_for_what_is_known(
    compiler: str, testee_header: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("/usr/include/linux/virtio_snd.h").is_file():
        pytest.skip("no Linux UAPI headers; install linux-libc-dev")
    testees = root / "tests" / "functional" / "testees"
    program = compiled(compiler, testees / "linux_uapi.c", tmp_path / "testee", testee_header)
    expected = testees / "linux_uapi.expected"
    found = dict(summary(capsys, "--testee", str(program), "--expected-failures", str(expected)))
    assert found["passed"] > 700
    assert found["expected-failure"] == sum("#" in line for line in expected.read_text("utf-8").splitlines()[1:])


def test_a_testee_error_names_the_command() -> None:
    with Process(["/nonexistent/testee"], 1) as testee, pytest.raises(CannotRun, match="/nonexistent/testee"):
        testee.ask("decode x 00")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e300", "x"])
def test_a_time_out_that_no_clock_measures_is_wrong_usage(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--testee", "cat", "--timeout", seconds])
    assert caught.value.code == 2
    assert "--timeout" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"result": "vaild"}, {"operation": "decoed"}])
def test_a_case_that_says_something_unknown_is_no_case(wrong: dict[str, str], tmp_path: Path) -> None:
    """Else it would be asked as another one, or not at all."""
    case = {"id": "pair/x", "result": "valid", "bytes": "010203", "values": {}, **wrong}
    document = {"schema": "virtwire.vectors/1", "module": "m", "structs": [{"name": "pair", "cases": [case]}]}
    (tmp_path / "m.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(VectorError, match="does not keep to its schema"):
        load_cases(tmp_path)
