"""The main work of both packages as they are installed, with nothing but what they need: `make pythons` runs it.

It has what one Python could do otherwise than another: everything compiles and is imported without a warning, what is
rendered is what `generated/` holds, and all vectors are decoded and encoded.
"""

from __future__ import annotations

import doctest
import pkgutil
import platform
import shutil
import sys
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType

GENERATED = Path(__file__).resolve().parents[1] / "generated"


def main() -> int:
    """Run all; an exception ends it."""
    start = time.monotonic()
    import virtspec
    import virtwire

    modules = import_all(virtspec) + import_all(virtwire)
    files = render()
    cases = run_vectors()
    failed, examples = doctest.testfile(
        str(GENERATED / "python" / "README.md"), module_relative=False, encoding="utf-8"
    )
    assert examples and not failed
    print(
        f"Python {platform.python_version()}: {modules} modules, {files} files rendered, {cases} vectors, "
        f"{examples} examples, {time.monotonic() - start:.1f} s"
    )
    return 0


def import_all(package: ModuleType) -> int:
    """Import every module of a package, from its source; returns their number."""
    # a plugin, which needs what it plugs into
    names = [m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.") if "pytest" not in m.name]
    for name in names:
        if not name.endswith("__main__"):
            import_module(name)
    return len(names)


def render() -> int:
    """Render what spec/ lists over a copy of what was rendered; returns the number of files.

    Black formats what differs before formatting: here that is nothing, or a difference between two Pythons.
    """
    from virtspec.cli import main as virtspec

    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "generated"
        shutil.copytree(GENERATED, copy, ignore=shutil.ignore_patterns("__pycache__", ".virtspec-inputs.json"))
        said = StringIO()
        with redirect_stdout(said), redirect_stderr(StringIO()):
            assert virtspec(["generate", "-o", str(copy)]) == 0
        summary = said.getvalue().splitlines()[-1]
        assert summary.endswith(" files, 0 written, 0 removed"), summary
        return sum(path.is_file() for path in copy.rglob("*"))


def run_vectors() -> int:
    """Put all vectors to virtwire itself; returns their number."""
    from virtwire.conformance.testee import answer
    from virtwire.conformance.vectors import load_cases, vectors_directory
    from virtwire.conformance.verdicts import judge

    cases = list(load_cases(vectors_directory()))
    wrong = [v.case.id for v in (judge(case, answer) for case in cases) if v.status != "passed"]
    assert cases and not wrong, wrong[:5]
    return len(cases)


if __name__ == "__main__":
    sys.exit(main())
