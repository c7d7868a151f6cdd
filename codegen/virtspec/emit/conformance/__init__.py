"""The conformance suite: vectors for every struct, what describes them, and tests that hold virtwire against them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from virtspec.emit.conformance.cases import NOTES, Case, cases_of
from virtspec.emit.conformance.clauses import Clauses, render_clauses
from virtspec.emit.conformance.examples import Examples
from virtspec.emit.conformance.records import container_cases
from virtspec.emit.conformance.values import NoExample, Value
from virtspec.emit.containers import Container, containers_of
from virtspec.emit.engine import GENERATE_COMMAND, Emission, render
from virtspec.layout import Layouts, Slot
from virtspec.model import Spec, Struct
from virtspec.names import python_module

VECTORS_SCHEMA = "virtwire.vectors/1"
LAYOUTS_SCHEMA = "virtwire.layouts/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StructCases:
    """A struct with its cases."""

    struct: Struct
    size: int | None
    cases: tuple[Case, ...]


def render_conformance(spec: Spec, layouts: Layouts) -> Emission:
    """The suite for a model."""
    emission = Emission()
    modules: dict[str, list[StructCases]] = {}
    clauses = Clauses(spec)
    for found in _all_cases(spec, layouts, emission):
        cases = clauses.exercised(found.struct, found.cases)
        modules.setdefault(found.struct.module, []).append(replace(found, cases=cases))
    for module, structs in sorted(modules.items()):
        path = f"conformance/vectors/{python_module(module)}.json"
        emission.files[path] = vectors_text(spec.edition, module, structs)
    emission.files["conformance/vectors.schema.json"] = render("conformance/vectors.schema.json.jinja")
    emission.files["conformance/layouts.json"] = layouts_text(spec, layouts)
    emission.files["conformance/README.md"] = render("conformance/README.md.jinja", notes=sorted(NOTES.items()))
    for name in ("test_layout.py", "test_vectors.py", "testee.h"):
        emission.files[f"conformance/{name}"] = render(f"conformance/{name}.jinja")
    emission.files.update(render_clauses(spec.edition, list(clauses.views())))
    return emission


def _all_cases(spec: Spec, layouts: Layouts, emission: Emission) -> Iterator[StructCases]:
    examples = Examples(spec, layouts)
    configs = {device.config for device in spec.devices}
    containers = {container.struct.key: container for container in containers_of(spec)}
    for struct in spec.structs:
        if struct.variant > 1:
            emission.not_rendered.append((struct.key, "vectors: another variant has the name in the testee protocol"))
            continue
        try:
            cases = _cases(struct, examples, struct.name in configs, containers.get(struct.key))
        except NoExample as reason:
            emission.not_rendered.append((struct.key, f"vectors: {reason}"))
            continue
        yield StructCases(struct=struct, size=layouts[struct.key].size, cases=tuple(cases))


def _cases(struct: Struct, examples: Examples, config: bool, container: Container | None) -> Sequence[Case]:
    if container is None:
        return cases_of(struct, examples, config=config)
    return list(container_cases(container, examples)) or cases_of(struct, examples, config=config)


# --- vectors as JSON --------------------------------------------------------------------------------------


def vectors_text(edition: str, module: str, structs: Sequence[StructCases]) -> str:
    """A file of vectors. A case is one line, so that a difference shows which cases it is about."""
    flags = {flag for s in structs for case in s.cases for flag in case.flags}
    head = {
        "schema": VECTORS_SCHEMA,
        "generated_by": GENERATE_COMMAND,
        "edition": edition,
        "module": module,
        "notes": {flag: NOTES[flag] for flag in sorted(flags)},
        "cases": sum(case.count for s in structs for case in s.cases),
    }
    lines = ["{"]
    lines += [f" {_json(key)}: {_json(value)}," for key, value in head.items()]
    lines.append(' "structs": [')
    for i, found in enumerate(structs):
        entry = {"name": found.struct.name, "source": str(found.struct.place), "size": found.size}
        lines.append(f'  {_json(entry)[:-1]}, "cases": [')
        lines += [
            f"   {_json(case_json(found.struct.name, case))}{'' if last else ','}"
            for last, case in _with_last(found.cases)
        ]
        lines.append("  ]}" + ("," if i + 1 < len(structs) else ""))
    lines += [" ]", "}"]
    return "\n".join(lines) + "\n"


def case_json(struct: str, case: Case) -> dict[str, Any]:
    """A case as the schema describes it; what says nothing is left out."""
    entry: dict[str, Any] = {
        "id": f"{struct}/{plain_id(case.name)}",
        "result": case.result,
        "operation": case.operation,
        "bytes": None if case.data is None else case.data.hex(),
        "arguments": dict(case.arguments),
        "values": {path: value_json(value) for path, value in case.values.items()},
        "absent": list(case.absent),
        "prefixes": list(case.prefixes),
        "each": {path: value_json(value) for path, value in case.each.items()},
        "flags": list(case.flags),
        "clauses": list(case.clauses),
    }
    if entry["operation"] == "both":
        del entry["operation"]
    return {key: value for key, value in entry.items() if value or (key == "bytes" and value is not None)}


def plain_id(name: str) -> str:
    """A name as part of an id: nothing that a shell or a file of expected failures would trip over."""
    return "".join(c if c.isalnum() or c in "-_.[]" else "_" for c in name)


def value_json(value: Value) -> int | str:
    """Integers are numbers, bytes are hexadecimal digits."""
    return value if isinstance(value, int) else value.hex()


# --- layouts as JSON --------------------------------------------------------------------------------------


def layouts_text(spec: Spec, layouts: Layouts) -> str:
    """Where every member of every struct lies, for the tests of the generated libraries. A struct is one line."""
    lines = [
        "{",
        f' "schema": {_json(LAYOUTS_SCHEMA)},',
        f' "generated_by": {_json(GENERATE_COMMAND)},',
        f' "edition": {_json(spec.edition)},',
        ' "structs": {',
    ]
    entries = []
    for struct in sorted((s for s in spec.structs if s.variant == 1), key=lambda s: s.name):
        layout = layouts[struct.key]
        fields = [_slot(slot) for slot in layout.slots]
        entry = {"module": struct.module, "size": layout.size, "fixed_size": layout.fixed_size, "fields": fields}
        entries.append(f"  {_json(struct.name)}: {_json(entry)}")
    return "\n".join(lines) + "\n" + ",\n".join(entries) + "\n }\n}\n"


def _slot(slot: Slot) -> list[object]:
    return [slot.path, slot.offset, slot.size, slot.bit_offset, slot.bit_size]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)


def _with_last(cases: Sequence[Case]) -> Iterator[tuple[bool, Case]]:
    for i, case in enumerate(cases):
        yield i + 1 == len(cases), case
