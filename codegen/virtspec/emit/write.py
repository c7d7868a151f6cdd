"""Generated files on disk: written only if they change, as a whole or not at all, and never over somebody else's.

Which files are the generator's own stands in a manifest in the output root. With it an unchanged run costs little: a
digest over all inputs tells that nothing can have changed, and Black formats only what is new.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath

from virtspec.diagnostics import SpecError
from virtspec.progress import track
from virtspec.resources import template_root

MANIFEST = ".virtspec-manifest.json"
INPUTS = ".virtspec-inputs.json"
"""What the files were made from. It changes with every change of the generator, so it is not kept in a repository."""
MANIFEST_SCHEMA = "virtspec.manifest/1"
PYTHON_LINE_LENGTH = 100

PARALLEL_FROM = 200_000
"""From how many characters on it pays to start processes for Black."""

MAX_PROCESSES = 4

MAX_FORMATTED = 1 << 19
"""The longest text that Black formats, in characters: it needs 20 s and 300 MB for each million. A longer one stays as
the templates write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteReport:
    """What writing did, or with `check` would do. Paths are relative to the output root.

    `differing` are files that exist with another content (with `check` also those that are missing), `stale` those of
    an earlier run that are not generated any more, `kept` stale ones that were left because they have been edited.
    """

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether the output root held anything else than what is generated."""
        return bool(self.written or self.stale or self.differing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A generated file: the digest of its content, and that of its text before formatting."""

    content: str
    source: str


@dataclass(slots=True)
class _Manifest:
    """The files that are ours."""

    files: dict[str, _Record] = field(default_factory=dict)

    def text(self) -> str:
        document = {
            "schema": MANIFEST_SCHEMA,
            "files": {
                path: record.content if record.source == record.content else [record.content, record.source]
                for path, record in self.files.items()
            },
        }
        return json.dumps(document, indent=1, sort_keys=True) + "\n"


def write_files(
    files: Mapping[str, str],
    root: Path,
    *,
    check: bool,
    parts: Sequence[str] | None = None,
    inputs: str = "",
) -> WriteReport:
    """Bring the output root into the state that `files` (path to text) describes, or only tell what differs.

    `parts` are the top-level folders this run is responsible for (None: all); files of other parts stay. `inputs` is
    the digest of everything the files were made from, for `unchanged_since`. Python files of up to `MAX_FORMATTED`
    characters are formatted with Black.
    Raises `SpecError` where a file cannot be written, or where one stands in the way that is not generated; then
    nothing has been changed.
    """
    for path in files:
        _checked(path)
    manifest = _read_manifest(root)
    present = {path: _read(root / path) for path in files}
    contents, records = _format(files, manifest, present, reuse=not check)

    unchanged = sorted(path for path, data in contents.items() if present[path] == data)
    changed = sorted(path for path, data in contents.items() if present[path] != data)
    foreign = [path for path in changed if present[path] is not None and path not in manifest.files]
    stale, kept = _stale(manifest, files, root, parts)
    if check:
        return WriteReport(unchanged=tuple(unchanged), stale=tuple(stale), differing=tuple(changed), kept=tuple(kept))
    if foreign:
        raise SpecError(
            f"{root / foreign[0]}: this file was not generated and stands in the way"
            + (f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else "")
            + "; move it away or choose another output directory with -o"
        )

    remaining = {path: r for path, r in manifest.files.items() if path not in stale and path not in kept}
    new = {path: contents[path] for path in changed}
    made_from = {**_read_inputs(root), **dict.fromkeys(_parts(files) if parts is None else parts, inputs)}
    for name, text in (
        (MANIFEST, _Manifest(files={**remaining, **records}).text()),
        (INPUTS, json.dumps(made_from, indent=1, sort_keys=True) + "\n"),
    ):
        if _read(root / name) != text.encode():
            new[name] = text.encode()
    _replace(new, root)
    for path in stale:
        _remove(root, path)
    return WriteReport(written=tuple(changed), unchanged=tuple(unchanged), stale=tuple(stale), kept=tuple(kept))


def unchanged_since(root: Path, inputs: str, parts: Sequence[str]) -> bool:
    """Whether these parts of the output root were made from the inputs of that digest, and are still as they were."""
    try:
        manifest = _read_manifest(root)
    except SpecError:
        return False
    made_from = _read_inputs(root)
    if not inputs or any(made_from.get(part) != inputs for part in parts):
        return False
    for path, record in manifest.files.items():
        if PurePosixPath(path).parts[0] in parts:
            data = _read(root / path)
            if data is None or _digest(data) != record.content:
                return False
    return True


def inputs_digest(paths: Iterable[Path], options: Mapping[str, object]) -> str:
    """A digest over everything generated files are made from: input files, options, templates, the generator itself."""
    total = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    # in an installed package the templates lie inside it: the order and the choice must not depend on that
    roots = ((package, ".py"), (template_root(), ".jinja"))
    own = [p for root, kind in roots for p in sorted(root.rglob(f"*{kind}"), key=lambda p: p.relative_to(root).parts)]
    for path in [*own, *paths]:
        data = path.read_bytes()
        total.update(f"{path.name} {len(data)}\n".encode())
        total.update(data)
    total.update(json.dumps({**options, "black": _black_version()}, sort_keys=True, default=str).encode())
    return total.hexdigest()


# --- formatting -------------------------------------------------------------------------------------------


def _format(
    files: Mapping[str, str], manifest: _Manifest, present: Mapping[str, bytes | None], *, reuse: bool
) -> tuple[dict[str, bytes], dict[str, _Record]]:
    """The bytes of every file, and its record. What Black made in an earlier run is used again where it stands."""
    contents: dict[str, bytes] = {}
    records: dict[str, _Record] = {}
    rough: dict[str, str] = {}
    for path, text in files.items():
        data = text.encode()
        if not path.endswith(".py") or len(text) > MAX_FORMATTED:
            contents[path] = data
            records[path] = _Record(content=_digest(data), source=_digest(data))
            continue
        source = _digest(f"black {_black_version()}\n".encode() + data)
        records[path] = _Record(content="", source=source)
        known = manifest.files.get(path)
        on_disk = present[path]
        if (
            reuse
            and known is not None
            and on_disk is not None
            and known.source == source
            and known.content == _digest(on_disk)
        ):
            contents[path] = on_disk
        else:
            rough[path] = text
    contents.update(_blacken_all(rough))
    for path in files:
        records[path] = replace(records[path], content=_digest(contents[path]))
    return contents, records


def _blacken_all(rough: Mapping[str, str]) -> dict[str, bytes]:
    """Black over several files: it is slow, so a few large jobs share the processors, the longest first."""
    paths = sorted(rough, key=lambda path: -len(rough[path]))
    if sum(map(len, rough.values())) < PARALLEL_FROM or (os.cpu_count() or 1) == 1:
        return {path: _blacken(path, rough[path]).encode() for path in track(paths, "formatting")}
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(os.cpu_count() or 1, MAX_PROCESSES)) as pool:
        formatted = pool.map(_blacken, paths, [rough[path] for path in paths])
        done = track(zip(paths, formatted, strict=True), "formatting", len(paths))
        return {path: text.encode() for path, text in done}


def _blacken(path: str, text: str) -> str:
    from black import Mode, format_str
    from black.mode import TargetVersion
    from black.parsing import InvalidInput

    versions = {TargetVersion.PY310, TargetVersion.PY311, TargetVersion.PY312, TargetVersion.PY313}
    try:
        return format_str(text, mode=Mode(line_length=PYTHON_LINE_LENGTH, target_versions=versions))
    except InvalidInput as error:
        raise SpecError(f"{path}: the generator made text that is no Python ({error}); please report this") from None


def _black_version() -> str:
    try:
        return version("black")
    except PackageNotFoundError:
        raise SpecError("Black is not installed; generated Python is formatted with it: pip install black") from None


# --- manifest ---------------------------------------------------------------------------------------------


def _read_manifest(root: Path) -> _Manifest:
    """The manifest of an output root; empty where there is none. Raises `SpecError` where it is damaged."""
    data = _read(root / MANIFEST)
    if data is None:
        return _Manifest()
    try:
        document = json.loads(data)
        if document["schema"] != MANIFEST_SCHEMA:
            raise ValueError(f"unknown schema {document['schema']!r}")
        files = {_checked(path): _record(value) for path, value in document["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SpecError) as error:
        raise SpecError(
            f"{root / MANIFEST}: this manifest is damaged ({error}); restore it, or remove it and the generated files"
        ) from None
    return _Manifest(files=files)


def _read_inputs(root: Path) -> dict[str, str]:
    """Per part (`python`, `c`, …) the digest of the inputs it was made from; nothing where that is not known."""
    try:
        document = json.loads(_read(root / INPUTS) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return {str(part): str(digest) for part, digest in document.items()} if isinstance(document, dict) else {}


def _record(value: object) -> _Record:
    match value:
        case str():
            return _Record(content=value, source=value)
        case [str(content), str(source)]:
            return _Record(content=content, source=source)
        case _:
            raise ValueError("a file's record is no digest")


def _stale(
    manifest: _Manifest, files: Mapping[str, str], root: Path, parts: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """The files of earlier runs that are not generated any more: those to remove, and those edited since."""
    stale: list[str] = []
    kept: list[str] = []
    for path, record in sorted(manifest.files.items()):
        if path in files or (parts is not None and PurePosixPath(path).parts[0] not in parts):
            continue
        data = _read(root / path)
        (stale if data is None or _digest(data) == record.content else kept).append(path)
    return stale, kept


def _parts(paths: Iterable[str]) -> list[str]:
    return sorted({PurePosixPath(path).parts[0] for path in paths})


def _checked(path: str) -> str:
    """A path below the output root, as it stands. Raises `SpecError` for any other."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or str(pure) != path or "\\" in path or "\0" in path:
        raise SpecError(f"'{path!a}' is no path inside the output directory")
    return path


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- files ------------------------------------------------------------------------------------------------


def _read(path: Path) -> bytes | None:
    """A file's bytes; None where there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror or error}") from None


def _replace(contents: Mapping[str, bytes], root: Path) -> None:
    """Write files so that either all of them change or none: first under temporary names, then by renaming."""
    waiting: list[tuple[Path, Path]] = []
    made: list[Path] = []
    target = root
    renamed = 0
    try:
        for path, data in contents.items():
            target = root / path
            _make_directories(target.parent, made)
            temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            waiting.append((temporary, target))
            temporary.write_bytes(data)
        while waiting:
            temporary, target = waiting[0]
            temporary.replace(target)
            del waiting[0]
            renamed += 1
    except OSError as error:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
        for directory in reversed(made):
            _remove_if_empty(directory)
        state = f"{renamed} of {len(contents)} files were changed" if renamed else "nothing was changed"
        raise SpecError(f"{target}: cannot be written: {error.strerror or error}; {state}") from None


def _make_directories(directory: Path, made: list[Path]) -> None:
    missing: list[Path] = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    for new in reversed(missing):
        new.mkdir()
        made.append(new)


def _remove(root: Path, path: str) -> None:
    """Remove a generated file, and the directories that it leaves empty."""
    target = root / path
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        raise SpecError(f"{target}: cannot be removed: {error.strerror or error}") from None
    for directory in target.parents:
        if directory == root or not _remove_if_empty(directory):
            break


def _remove_if_empty(directory: Path) -> bool:
    try:
        directory.rmdir()
    except OSError:
        return False
    return True
