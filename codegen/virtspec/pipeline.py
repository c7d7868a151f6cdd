"""The order of the passes: the one module that knows them all.

open → read document (scan, follow inputs) → link (parse listings, read tables and items) → layout → emit → write
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from virtspec import model_json
from virtspec.annotations import load_annotations
from virtspec.compat import tomllib
from virtspec.diagnostics import Severity, Sink, SpecError, render_all
from virtspec.emit.engine import Emission
from virtspec.inputs import open_source
from virtspec.latex.document import Document, read_document
from virtspec.layout import LayoutError, Layouts
from virtspec.link import link_document
from virtspec.link.merge import merge_specs
from virtspec.model import Spec
from virtspec.progress import timed
from virtspec.resources import spec_directory, spec_file
from virtspec.source import SourceError, SourceTree

_EDITION = re.compile(r"(?:^|[/@])v?(\d+\.\d+)(?:-[A-Za-z0-9]+)*$")

TARGETS = ("python", "c", "rust", "conformance")
"""What `virtspec generate` renders, in this order."""

MAX_RENDERED = 1 << 15
"""How much is rendered at most: members (those of nested structs included), constants, codes and feature bits. The
largest release has 4000; each becomes some hundred lines in all, and all of them are in memory together."""

MAX_MEMBERS = 512
"""How many members, those of nested structs included, a struct has at most that is rendered; real ones have less than
50. Each may add a parameter to every function that is given the struct, and one such function each."""


# --- reading ----------------------------------------------------------------------------------------------


def read_spec(spec: str, sink: Sink | None = None, edition: str = "") -> Spec:
    """The model of a SPEC argument: a directory, a `.tex` file, a model `.json`, or `REPO@REV`.

    Diagnostics go to the sink; `SpecError` is raised where the input cannot be read at all.
    """
    sink = Sink() if sink is None else sink
    if spec.endswith(".json") and Path(spec).is_file():
        with timed("load models"):
            return model_json.load(Path(spec))
    try:
        tree = open_source(spec)
    except SourceError as error:
        raise SpecError(str(error)) from None
    return read_tree(tree, sink, edition or edition_of(spec))[1]


def read_tree(tree: SourceTree, sink: Sink, edition: str = "") -> tuple[Document, Spec]:
    """A source tree's text, and the model of what it says."""
    with _uncollected():
        with timed("read the LaTeX"):
            document = read_document(tree, sink)
        with timed("link it into a model"):
            annotations = load_annotations(spec_file("annotations.toml"))
            return document, link_document(document, sink, edition, annotations)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Reading makes much and drops little: looking for garbage meanwhile costs a third of the time for nothing.

    What was made then counts as old, as it would after a full collection; being looked through once more only because
    it is new would cost a tenth.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():  # else the caller has frozen objects, which must stay so
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def edition_of(spec: str) -> str:
    """The edition that a path or revision names (`…/v1.4`, `repo@v1.3-wd02`); "" where it names none."""
    match = _EDITION.search(spec.rstrip("/"))
    return match[1] if match else ""


@timed("lay out")
def check_layouts(spec: Spec) -> Layouts:
    """The layouts of a model. Raises `SpecError` for a struct that cannot be laid out."""
    layouts = Layouts(spec)
    for struct in spec.structs:
        try:
            layouts.check(struct)
        except LayoutError as error:
            raise SpecError(f"{struct.place}: {error}") from None
        except RecursionError:
            raise SpecError(f"{struct.place}: struct '{struct.name}' nests too deep to be laid out") from None
    return layouts


def require_renderable(spec: Spec, layouts: Layouts) -> None:
    """Raise `SpecError`, with its place, for a struct of more than `MAX_MEMBERS`, and for a model of more than
    `MAX_RENDERED` things, with the place where it is reached."""
    for struct in spec.structs:
        if layouts.extent(struct)[0] > MAX_MEMBERS:
            raise SpecError(
                f"{struct.place}: struct '{struct.name}' has more than {MAX_MEMBERS} members in all; "
                "so large a one is not rendered"
            )
    sizes = chain(
        ((struct.place, layouts.extent(struct)[0]) for struct in spec.structs),
        ((registry.place, len(registry.entries)) for registry in spec.registries),
        ((constant.place, 1) for constant in spec.constants),
        ((feature.place, 1) for feature in spec.features),
    )
    total = 0
    for place, size in sizes:
        total += size
        if total > MAX_RENDERED:
            raise SpecError(
                f"{place}: up to here there are more than {MAX_RENDERED} members, constants, codes and feature bits; "
                "so many are not rendered at once"
            )


def require_readable(sink: Sink) -> None:
    """Raise `SpecError`, with the findings as its text, where something makes the whole model untrustworthy."""
    fatal = [d for d in sink.in_order() if d.severity is Severity.FATAL]
    if fatal:
        raise SpecError(render_all(fatal))


# --- the default input ------------------------------------------------------------------------------------


def default_inputs() -> list[str]:
    """The SPECs that `virtspec generate` renders when it is given none: what `spec/spec.toml` lists."""
    settings = _settings()
    try:
        generate = settings["generate"]
        model = settings["editions"][generate["edition"]]
        names = [model, *generate["chapters"]]
    except (KeyError, TypeError) as error:
        raise SpecError(f"{spec_file('spec.toml')}: does not say what to generate: {error}") from None
    return [str(spec_directory() / name) for name in names]


def editions() -> list[str]:
    """The releases whose models come with virtspec, in their order."""
    listed = _settings().get("editions")
    if not isinstance(listed, dict) or not listed:
        raise SpecError(f"{spec_file('spec.toml')}: lists no [editions]")
    return list(listed)


def renamed_names() -> dict[str, str]:
    """What releases renamed as people know it, where the texts do not tell: successors by name."""
    renamed = _settings().get("renamed", {})
    if not isinstance(renamed, dict) or not all(isinstance(new, str) for new in renamed.values()):
        raise SpecError(f"{spec_file('spec.toml')}: [renamed] has one line for each name: \"old\" = \"new\"")
    return renamed


def _settings() -> dict[str, Any]:
    listing = spec_file("spec.toml")
    try:
        return tomllib.loads(listing.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{listing}: cannot be read: {error}") from None


# --- generating -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What a run of `generate` did: files by what became of them, and what was not rendered: the key, why, and in which
    targets."""

    written: tuple[str, ...] = ()
    unchanged: int = 0
    stale: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    not_rendered: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    shortcut: bool = False


def generate(
    specs: Sequence[str],
    output: Path,
    sink: Sink,
    *,
    targets: Sequence[str] = TARGETS,
    check: bool = False,
    c_prefix: str = "",
) -> Generated:
    """Render specifications into an output directory, or with `check` only tell what would change.

    Nothing is written where an input cannot be read or a struct cannot be laid out.
    """
    from virtspec.emit.write import inputs_digest, unchanged_since, write_files

    inputs = list(specs) or default_inputs()
    digest = ""
    if all(Path(spec).is_file() for spec in inputs):
        digest = inputs_digest([Path(spec) for spec in inputs], {"targets": sorted(targets), "c_prefix": c_prefix})
        if not check and unchanged_since(output, digest, targets):
            return Generated(shortcut=True)
    models = [read_spec(spec, sink) for spec in inputs]
    require_readable(sink)
    spec, examples = merge_specs(models).without_examples()
    if not spec.structs and not spec.constants:
        raise SpecError(f"{', '.join(inputs)}: no structure and no constant to render; is it the right input?")
    layouts = check_layouts(spec)
    require_renderable(spec, layouts)
    files: dict[str, str] = {}
    not_rendered: dict[tuple[str, str], list[str]] = {(key, "an example in the text"): [*targets] for key in examples}
    for target in targets:
        with timed(f"render {target}"):
            emission = render(target, spec, layouts, c_prefix=c_prefix)
        files.update(emission.files)
        for left_out in emission.not_rendered:
            not_rendered.setdefault(left_out, []).append(target)
    with timed("format and write"):
        report = write_files(files, output, check=check, parts=targets, inputs=digest)
    return Generated(
        written=report.written,
        unchanged=len(report.unchanged),
        stale=report.stale,
        differing=report.differing,
        kept=report.kept,
        not_rendered=tuple((key, reason, tuple(where)) for (key, reason), where in not_rendered.items()),
    )


def render(target: str, spec: Spec, layouts: Layouts, *, c_prefix: str = "") -> Emission:
    """What one of the targets makes of a model."""
    if target == "python":
        from virtspec import __version__
        from virtspec.emit.conformance.runner import render_runner
        from virtspec.emit.python import render_python
        from virtspec.since import load_since

        emission = render_python(spec, layouts, load_since(), __version__)
        emission.add(render_runner(spec))
        return emission
    if target == "c":
        from virtspec.emit.c import render_c

        return render_c(spec, layouts, prefix=c_prefix)
    if target == "rust":
        from virtspec.emit.rust import render_rust

        return render_rust(spec, layouts)
    from virtspec.emit.conformance import render_conformance

    return render_conformance(spec, layouts)


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole or not at all. Raises `SpecError` where it cannot be written."""
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced
            path.write_text(text, "utf-8")
            return
        temporary.write_text(text, "utf-8")
        temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise SpecError(f"{path}: cannot be written: {error.strerror or error}") from None
