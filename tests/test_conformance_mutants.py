"""Does the conformance suite catch anything? Systematic mutants of the generated codecs; every one has to be killed.

As a test a sample is run. All of them: `python tests/test_conformance_mutants.py`, with names of modules for only some.
Survivors are listed; one that cannot be told from the original by any bytes stands in `EQUIVALENT` with the reason.
"""

from __future__ import annotations
import __future__

import ast
import copy
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

GENERATED = Path(__file__).resolve().parents[1] / "generated"
if __name__ == "__main__":
    sys.path.insert(0, str(GENERATED / "python"))

from virtwire import lookup  # noqa: E402
from virtwire._errors import EncodeError  # noqa: E402
from virtwire._index import MODULES, STRUCTS  # noqa: E402
from virtwire._layout import Layout  # noqa: E402
from virtwire._runtime import Struct  # noqa: E402
from virtwire.conformance.testee import answer  # noqa: E402
from virtwire.conformance.vectors import Case, load_cases  # noqa: E402
from virtwire.conformance.verdicts import judge  # noqa: E402

SAMPLE = 13
"""As a test one mutant in so many is run."""

SECONDS = 5
"""A mutant that takes longer hangs, which kills it."""

METHODS = ("from_bytes", "unpack_from", "iter_unpack", "_decode", "to_bytes", "_check")

# calls that only say where an error is, and members that only the two-buffer form of a request uses
TELLING = {"truncated", "wrong_length", "wrong_count", "within", "_decode_short"}
TWO_BUFFERS = {"split", "only", "request"}

# a negative offset is a mistake of the caller, and the protocol gives none
CALLERS = {"offset"}

CODES = {"B": "H", "H": "I", "I": "Q", "Q": "I"}

IDLE = re.compile(r"_*(reserved|padding|pad|unused)\w*")

EQUIVALENT = {
    r"unchecked: at != stop": "without an argument, `stop` is the end of the bytes, and no record goes beyond it",
    r"unchecked: len\(data\) %": "the decoder that holds the array has cut it to whole elements",
    r"unchecked: (not at <= end <=|end >) len\(buffer\)": "an end beyond the bytes is found at the end of from_bytes",
    r"unchecked: \(len\(buffer\) - .*\) % \d+$": "what is left over is found at the end of from_bytes",
    r"the other way: byteorder != 'little'$": "it guards the check of an order, and vectors ask for both orders alone",
}
"""Mutants that no bytes tell from the original, by a pattern of their name."""


@dataclass(frozen=True)
class Mutant:
    """A changed statement of a module, the struct that it is about, and what was changed."""

    module: str
    struct: str
    index: int
    what: str
    statement: ast.stmt

    @property
    def name(self) -> str:
        """What a report calls it."""
        return f"{self.module}: {self.what}"


# --- making mutants ---------------------------------------------------------------------------------------


def mutants_of(module: str, tree: ast.Module, reached: frozenset[int]) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its text. `reached` are the lines of the functions that vectors run."""
    tags = {
        node.name: tag
        for node in tree.body
        if isinstance(node, ast.ClassDef) and (tag := _tag(node)) in STRUCTS and not node.name.endswith("View")
    }
    for index, statement in enumerate(tree.body):
        if isinstance(statement, ast.ClassDef) and statement.name in tags:
            for what, changed in _class_mutants(statement, reached):
                yield Mutant(module, tags[statement.name], index, what, changed)
        elif isinstance(statement, ast.Assign) and (name := _codec_name(statement)):
            cls = max((c for c in tags if name[1:].startswith(c)), key=len, default="")
            if cls and name in _used_codecs(tree, reached):
                for what, changed in _mutants(statement, statement, name):
                    yield Mutant(module, tags[cls], index, what, changed)


def _c_name(cls: ast.ClassDef) -> str:
    for statement in cls.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="C_NAME")], value=ast.Constant(value=str(name))):
                return name
    return ""


def _tag(cls: ast.ClassDef) -> str:
    """The struct that a class belongs to."""
    return _c_name(cls).partition(".")[0]


def _codec_name(statement: ast.Assign) -> str:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="Codec"))):
            return name
    return ""


@cache
def _used_codecs(tree: ast.Module, reached: frozenset[int]) -> set[str]:
    """The codecs that the functions use which vectors run."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and _first_line(n) in reached]
    return {name for function in functions for name in _names(function)}


def _first_line(function: ast.FunctionDef) -> int:
    return function.decorator_list[0].lineno if function.decorator_list else function.lineno


def _class_mutants(cls: ast.ClassDef, reached: frozenset[int]) -> Iterator[tuple[str, ast.stmt]]:
    for member in cls.body:
        match member:
            case ast.FunctionDef(name=name) if name in METHODS and _first_line(member) in reached:
                yield from _mutants(cls, member, f"{cls.name}.{name}")
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call()) if name != "LAYOUT":
                yield from _mutants(cls, member, f"{cls.name}.{name}")


def _mutants(root: ast.stmt, part: ast.stmt, name: str) -> Iterator[tuple[str, ast.stmt]]:
    """Copies of `root`, in each of which one node of `part` is changed."""
    total = len(list(_changes(part)))
    for number in range(total):
        changed_part = copy.deepcopy(part)
        what, change = list(_changes(changed_part))[number]
        change()
        if root is part:
            changed: ast.stmt = changed_part
        else:
            changed = copy.copy(root)
            assert isinstance(changed, ast.ClassDef)
            assert isinstance(root, ast.ClassDef)
            changed.body = [changed_part if member is part else member for member in root.body]
        yield f"{name}:{what}", changed


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Every change to make below a node: what it is, and what makes it."""
    for child in _within(node):
        line = getattr(child, "lineno", 0)
        match child:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int(value)):
                yield f"{line}: {value} -> {value + 1}", lambda c=child, v=value: setattr(c, "value", v + 1)
            case ast.Call(
                func=ast.Name(id=("Codec" | "int_arm" | "ints_arm")), args=[ast.Constant(value=str(text)) as c, *_]
            ):
                for changed, what in _formats(text):
                    yield f"{line}: {what} {text} -> {changed}", lambda c=c, t=changed: setattr(c, "value", t)
            case ast.Compare(ops=[ast.Eq() | ast.NotEq() as op]):
                new = ast.NotEq() if isinstance(op, ast.Eq) else ast.Eq()
                yield f"{line}: the other way: {ast.unparse(child)}", lambda c=child, n=new: setattr(c, "ops", [n])
            case ast.Compare(ops=[ast.Lt() | ast.LtE() as op]):
                new_op = ast.LtE() if isinstance(op, ast.Lt) else ast.Lt()
                yield f"{line}: border of a comparison", lambda c=child, n=new_op: setattr(c, "ops", [n])
            case ast.If(test=test, body=[ast.Raise()]) if not _names(test) & (TWO_BUFFERS | CALLERS) and not _missing(
                test
            ):
                yield f"{line}: unchecked: {ast.unparse(test)}", lambda c=child: setattr(
                    c, "body", [ast.copy_location(ast.Pass(), c)]
                )
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"))):
                yield f"{line}: element lost", lambda c=child: setattr(
                    c, "value", ast.copy_location(ast.Constant(None), c)
                )
            case ast.Assign(targets=[ast.Tuple(elts=elements)]) if len(elements) > 1:
                for i in range(len(elements) - 1):
                    yield f"{line}: members {i} and {i + 1} swapped on reading", lambda e=elements, i=i: _swap(e, i)
            case ast.Call(func=ast.Attribute(attr="pack"), args=arguments) if len(arguments) > 1:
                for i in range(len(arguments) - 1):
                    yield f"{line}: members {i} and {i + 1} swapped on writing", lambda a=arguments, i=i: _swap(a, i)
                for i, argument in enumerate(arguments):
                    if isinstance(argument, ast.Attribute) and IDLE.fullmatch(argument.attr):
                        yield f"{line}: {argument.attr} lost", lambda a=arguments, i=i: _zero(a, i)


def _within(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without what no answer shows."""
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("args", "keywords") and isinstance(node, ast.Call) and _called(node) in TELLING:
            continue
        if isinstance(node, (ast.FunctionDef, ast.JoinedStr)) and field != "body":
            continue
        if isinstance(node, (ast.If, ast.IfExp)) and field == "test" and _names(node.test) & (TWO_BUFFERS | CALLERS):
            continue
        if isinstance(node, ast.If) and field == "body" and "split" in _names(node.test):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.If) and _only_two_buffers(child):
                continue
            if isinstance(node, ast.FunctionDef) and isinstance(child, ast.Assign) and _unused(child, node):
                continue
            if isinstance(child, ast.AST):
                yield from _within(child)


def _unused(assignment: ast.Assign, function: ast.FunctionDef) -> bool:
    """Whether nothing reads what is assigned."""
    target = assignment.targets[0]
    return isinstance(target, ast.Name) and not any(
        isinstance(n, ast.Name) and n.id == target.id and isinstance(n.ctx, ast.Load) for n in ast.walk(function)
    )


def _only_two_buffers(node: ast.If) -> bool:
    return bool(_names(node.test) & TWO_BUFFERS) and isinstance(node.body[0], ast.Raise)


def _missing(test: ast.expr) -> bool:
    """Whether a test is about an argument that the caller forgot."""
    tests = test.values if isinstance(test, ast.BoolOp) else [test]
    return all(isinstance(t, ast.Compare) and isinstance(t.ops[0], ast.Is) for t in tests)


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _swap(items: list[ast.expr], i: int) -> None:
    items[i], items[i + 1] = items[i + 1], items[i]


def _zero(items: list[ast.expr], i: int) -> None:
    # `x and 0` is of no use for bytes: `x[:0]` packs as zeros, and an integer times 0 is 0
    old = items[i]
    zero = ast.parse("(x := _v) * 0 if isinstance(_v, int) else b''", mode="eval").body

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return copy.deepcopy(old) if node.id == "_v" else node

    items[i] = ast.fix_missing_locations(ast.copy_location(Put().visit(zero), old))


def _formats(text: str) -> Iterator[tuple[str, str]]:
    """Formats of `struct` with another byte order, and with a member of another width."""
    if re.search("[HIQ]", text) and text[0] in "<>":
        yield ("<>".replace(text[0], "") + text[1:]), "byte order"
    for match in re.finditer("[BHIQ]", text):
        yield text[: match.start()] + CODES[match[0]] + text[match.end() :], "width"


# --- running them -----------------------------------------------------------------------------------------


class Hangs(BaseException):
    """A mutant that does not end. Not an `Exception`, so that no codec catches it."""


class Laboratory:
    """A module whose statements are compiled one by one, so that a mutant costs only the changed one."""

    def __init__(self, module: str, cases: dict[str, list[Case]]) -> None:
        self.name = f"virtwire.{module}"
        self.path = GENERATED / "python" / "virtwire" / f"{module}.py"
        self.tree = ast.parse(self.path.read_text("utf-8"))
        self._compiled = [self._compile(statement) for statement in self.tree.body]
        structs = [tag for tag, places in STRUCTS.items() if places[0][0] == module]
        self._cases = {tag: cases.get(tag, []) for tag in structs}
        self._all = [case for cases_ in self._cases.values() for case in cases_]
        self.reached = self._reached()
        # a case that the original does not pass would kill everything
        with self._installed(None):
            good = {case.id for case in self._all if judge(case, answer).status == "passed"}
        self._cases = {tag: [c for c in cases_ if c.id in good] for tag, cases_ in self._cases.items()}
        self._all = [case for case in self._all if case.id in good]
        self.mutants = list(mutants_of(module, self.tree, self.reached))

    def _reached(self) -> frozenset[int]:
        """The first lines of the functions of the module that its vectors run."""
        lines: set[int] = set()
        path = str(self.path)

        def profile(frame: FrameType, event: str, _argument: object) -> None:
            if event == "call" and frame.f_code.co_filename == path:
                lines.add(frame.f_code.co_firstlineno)

        with self._installed(None):
            sys.setprofile(profile)
            try:
                for case in self._all:
                    judge(case, answer)
            finally:
                sys.setprofile(None)
        return frozenset(lines)

    def unreached(self) -> list[str]:
        """The codecs of whole structs that no vector runs: what the suite says nothing about."""
        return [
            f"{cls.name}.{member.name}"
            for cls in self.tree.body
            if isinstance(cls, ast.ClassDef) and self._cases.get(_c_name(cls))
            for member in cls.body
            if isinstance(member, ast.FunctionDef)
            and member.name in ("from_bytes", "to_bytes")
            and not cls.name.endswith("View")
            and _first_line(member) not in self.reached
        ]

    def _compile(self, statement: ast.stmt) -> CodeType:
        module = ast.Module([ast.fix_missing_locations(statement)], type_ignores=[])
        return compile(module, str(self.path), "exec", __future__.annotations.compiler_flag, dont_inherit=True)

    def survives(self, mutant: Mutant) -> bool:
        """Whether a mutant passes the vectors of its struct, and those of all structs of its module."""
        cases = self._cases.get(mutant.struct, [])
        try:
            with self._installed(mutant), time_limit():
                return all(judge(c, answer).status != "failed" for c in [*cases, *self._all])
        except (Exception, Hangs):
            return False

    @contextmanager
    def _installed(self, mutant: Mutant | None) -> Iterator[None]:
        module = ModuleType(self.name)
        module.__file__ = str(self.path)
        module.__package__ = self.name.rpartition(".")[0]
        original = sys.modules.get(self.name)
        sys.modules[self.name] = module
        try:
            for index, code in enumerate(self._compiled):
                changed = mutant is not None and index == mutant.index
                exec(self._compile(mutant.statement) if mutant is not None and changed else code, vars(module))
            with encode_without_help(self.name):
                yield
        finally:
            if original is not None:
                sys.modules[self.name] = original
            else:
                del sys.modules[self.name]


@contextmanager
def encode_without_help(module: str) -> Iterator[None]:
    """Take the runtime's fallback away from the classes of a module: it makes up for quick encoding that is wrong."""
    careful = Struct._encode

    def refuse(self: Struct, *arguments: Any, **keywords: Any) -> bytes:
        if type(self).__module__ == module:
            raise EncodeError("not encoded at once", path=self.C_NAME)
        return careful(self, *arguments, **keywords)

    Struct._encode = refuse  # type: ignore[method-assign]
    try:
        yield
    finally:
        Struct._encode = careful  # type: ignore[method-assign]


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise `Hangs` after a while."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def equivalent(mutant: Mutant) -> bool:
    """Whether no bytes tell a mutant from the original."""
    if any(re.search(pattern, mutant.what) for pattern in EQUIVALENT):
        return True
    layout: Layout = lookup(mutant.struct).LAYOUT
    if mutant.what.endswith("unchecked: at != len(data)"):
        # what takes all the room there is leaves nothing behind
        return any(field.length == "rest" for field in layout) or "union" in {field.type for field in layout}
    # a bit-field at the top of its integer may as well be wider
    match = re.search(r"\.(\w+):\d+: (\d+) -> (\d+)$", mutant.what)
    return match is not None and any(
        field.path.rpartition(".")[2] == match[1]
        and field.bit_offset is not None
        and field.bit_offset + (field.bit_size or 0) == 8 * (field.size or 0)
        and str(field.bit_size) == match[2]
        for field in layout
    )


def cases_by_struct() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in load_cases(GENERATED / "conformance" / "vectors"):
        found.setdefault(case.struct, []).append(case)
    return found


def survivors(modules: list[str], every: int = 1) -> tuple[int, list[str]]:
    """How many mutants were run, and what the suite does not catch: mutants that live, and codecs that no vector runs.

    Of all mutants one in `every` is run.
    """
    cases = cases_by_struct()
    number = 0
    run = 0
    alive: list[str] = []
    for module in modules:
        laboratory = Laboratory(module, cases)
        alive += [f"{module}: {name}: no vector runs it" for name in laboratory.unreached()]
        for mutant in laboratory.mutants:
            number += 1
            if number % every or not cases.get(mutant.struct):
                continue
            run += 1
            if not equivalent(mutant) and laboratory.survives(mutant):
                alive.append(mutant.name)
    return run, alive


def test_every_mutant_is_killed() -> None:
    run, alive = survivors(list(MODULES), SAMPLE)
    assert run > 300
    assert not alive, "\n".join(alive)


def test_the_original_is_not_killed() -> None:
    laboratory = Laboratory("blk", cases_by_struct())
    first = laboratory.mutants[0]
    unchanged = Mutant(first.module, first.struct, first.index, "nothing", laboratory.tree.body[first.index])
    assert laboratory.survives(unchanged)


if __name__ == "__main__":
    total, living = survivors(sys.argv[1:] or list(MODULES))
    for name in living:
        print(f"survives: {name}")
    print(f"{total} mutants, {total - len(living)} killed, {len(living)} survive")
    sys.exit(1 if living else 0)
