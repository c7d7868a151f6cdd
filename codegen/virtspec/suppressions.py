"""What people have decided to live with: a file of suppressions, each with its reason.

One file serves the linter and the reports of what a revision changes: its entries name the rules of either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol, TypeVar

from virtspec.compat import tomllib
from virtspec.diagnostics import SpecError

_KEYS = frozenset({"rule", "file", "subject", "message", "fingerprint", "reason"})


class Found(Protocol):
    """What a suppression can be about: a finding of the linter, or a change."""

    @property
    def rule(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """What to set aside: that which matches everything given here. `file`, `subject` and `message` are globs."""

    reason: str
    rule: str = ""
    file: str = "*"
    subject: str = "*"
    message: str = "*"
    fingerprint: str = ""

    def matches(self, found: Found) -> bool:
        return (
            self.rule in ("", found.rule)
            and self.fingerprint in ("", found.fingerprint)
            and fnmatchcase(found.file, self.file)
            and fnmatchcase(found.subject, self.subject)
            and fnmatchcase(found.message, self.message)
        )

    def __str__(self) -> str:
        globs = (glob for glob in (self.file, self.subject, self.message) if glob != "*")
        return f"{' '.join(filter(None, (self.rule, self.fingerprint, *globs)))} ({self.reason})"


FoundT = TypeVar("FoundT", bound=Found)


def sift(
    found: Iterable[FoundT], suppressions: tuple[Suppression, ...]
) -> tuple[tuple[FoundT, ...], tuple[tuple[FoundT, Suppression], ...]]:
    """What no suppression matches; and what one does, each with the first one that does."""
    left: list[FoundT] = []
    aside: list[tuple[FoundT, Suppression]] = []
    for one in found:
        match = next((s for s in suppressions if s.matches(one)), None)
        if match is None:
            left.append(one)
        else:
            aside.append((one, match))
    return tuple(left), tuple(aside)


def load_suppressions(path: Path, rules: Collection[str]) -> tuple[Suppression, ...]:
    """The entries of a file that are about these rules; those about rules of another family are for another command.

    Raises `SpecError` for an entry without a reason, one that names neither a rule nor a fingerprint, or no known rule.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from None
    entries = document.get("suppress", [])
    if not isinstance(entries, list) or document.keys() - {"suppress"}:
        raise SpecError(f"{path}: holds '[[suppress]]' tables and nothing else")
    families = {rule[:2] for rule in rules}
    loaded = [_suppression(entry, f"{path}: suppression {number}") for number, entry in enumerate(entries, 1)]
    for number, entry in enumerate(loaded, 1):
        if entry.rule[:2] in families and entry.rule not in rules:
            raise SpecError(f"{path}: suppression {number}: no rule '{entry.rule}'; 'virtspec rules' lists them")
    return tuple(entry for entry in loaded if not entry.rule or entry.rule in rules)


def _suppression(entry: object, where: str) -> Suppression:
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise SpecError(f"{where}: is no table of texts")
    unknown = entry.keys() - _KEYS
    if unknown:
        raise SpecError(f"{where}: '{min(unknown)}' is not one of {', '.join(sorted(_KEYS))}")
    if not entry.get("reason", "").strip():
        raise SpecError(f"{where}: has no reason; say why it is all right")
    rule = entry.get("rule", "")
    if rule and rule[:2] not in ("VS", "VD"):
        raise SpecError(f"{where}: '{rule}' is no rule's id; 'virtspec rules' lists them")
    if not rule and not entry.get("fingerprint"):
        raise SpecError(f"{where}: names neither a rule nor a fingerprint")
    return Suppression(**entry)
