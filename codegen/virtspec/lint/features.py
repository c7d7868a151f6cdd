"""Rules about feature bits: their numbers, what they require, and what depends on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from virtspec.chapters import module_of
from virtspec.diagnostics import Severity
from virtspec.latex.blocks import Item
from virtspec.latex.document import Located
from virtspec.lint.draft import Draft, constants_in
from virtspec.lint.listings import defined_without_value
from virtspec.lint.registry import Hit, rule
from virtspec.lint.spelling import did_you_mean
from virtspec.model import FeatureBit, Place, features_of, gates_of, members_in
from virtspec.read.conditions import read_gates
from virtspec.read.items import read_item
from virtspec.read.prose import Prose as Text
from virtspec.source import SourceFile

_NAME = re.compile(r"\s*([A-Z][A-Z0-9]*(?:\\?_[A-Z0-9]+)*\\?_F(?:\\?_[A-Z0-9]+)+)\s*$")
_REQUIRES = re.compile(r"\s*[Rr]equires?\b")
_ALLOCATION = re.compile(r"\s*[0-9][0-9a-z,\s-]*")
_WORDS = re.compile(r"[a-z]+")
_RUN = re.compile(r"([0-9]{1,5})(?:\s*(?:to|-)\s*([0-9]{1,5})|\s+and\s+(above))?")

_ALLOCATING = frozenset(("to", "and", "above"))

MAX_LABEL = 200
"""The longest label of an item, in characters, that is read here."""

DEVICE_BITS = frozenset((*range(24), 41, 42, *range(50, 128)))
"""The bits that device types may use, where a document does not say which."""


@rule("VS301", "duplicate-feature-bit", Severity.ERROR)
def duplicate_feature_bit(draft: Draft) -> Iterator[Hit]:
    r"""A device type uses a feature bit for one feature.

    Bad:
        \section{Port Device}
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \item[VIRTIO_PORT_F_NAME (0)] The device has a name.
        \end{description}

    Good:
        \section{Port Device}
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \item[VIRTIO_PORT_F_NAME (1)] The device has a name.
        \end{description}
    """
    taken: dict[tuple[str, int], FeatureBit] = {}
    shared = {f.bit: f for f in draft.spec.features if f.module == "common"}
    for feature in draft.spec.features:
        other = taken.setdefault((feature.module, feature.bit), feature)
        if other.name == feature.name:
            other = shared.get(feature.bit, feature)
        if other.name == feature.name:
            continue
        # a legacy name for the same bit may be meant, but not one of another device
        renamed = feature.legacy != other.legacy and feature.module == other.module
        yield Hit(
            at=feature.place,
            message=f"'{feature.name}' has bit {feature.bit}, as '{other.name}' at {other.place}",
            severity=Severity.NOTE if renamed else Severity.WARNING if feature.legacy or other.legacy else None,
        )


@rule("VS302", "feature-bit-range", Severity.ERROR)
def feature_bit_range(draft: Draft) -> Iterator[Hit]:
    r"""A device type numbers its features within the bits that are given to device types.

    Bad:
        \section{Port Device}
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (30)] The device reports its rate.
        \end{description}

    Good:
        \section{Port Device}
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \end{description}
    """
    devices, extensions = _allocated(draft)
    for feature in draft.spec.features:
        allowed = extensions if feature.module == "common" else devices
        if feature.bit in allowed or (feature.module == "common" and feature.legacy):
            continue
        kind = "extensions of all devices" if feature.module == "common" else "device types"
        yield Hit(
            at=feature.place,
            message=f"'{feature.name}' has bit {feature.bit}, which is not one for {kind}",
            severity=Severity.NOTE if feature.legacy else None,
            hint=f"those are {_ranges(allowed)}",
        )


def _ranges(bits: frozenset[int]) -> str:
    """Numbers as ranges: `0 to 23, 50 to 127`."""
    first = [bit for bit in sorted(bits) if bit - 1 not in bits]
    last = [bit for bit in sorted(bits) if bit + 1 not in bits]
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in zip(first, last, strict=True)) or "none"


def _allocated(draft: Draft) -> tuple[frozenset[int], frozenset[int]]:
    """The bits that the document gives to device types and to extensions; of what it does not say, the usual ones."""
    found: dict[str, frozenset[int]] = {}
    for located in draft.document.blocks:
        block, section = located.block, located.section
        if not isinstance(block, Item) or section is None or section.title != "Feature Bits" or not block.label:
            continue
        text = " ".join(located.file.text[block.body : block.body + 120].split())
        if not _ALLOCATION.fullmatch(block.label) or not _ALLOCATING.issuperset(_WORDS.findall(block.label)):
            continue
        bits: set[int] = set()
        for run in _RUN.finditer(block.label):
            last = run[2] or ("1023" if run[3] else run[1])
            bits.update(range(int(run[1]), min(int(last), 1023) + 1))
        for words in ("specific device type", "reserved for extensions"):
            if words in text:
                found[words] = frozenset(bits)
    everything = frozenset(range(1024))
    devices = found.get("specific device type", DEVICE_BITS)
    return devices, found.get("reserved for extensions", everything if not found else everything - devices)


@dataclass(frozen=True, slots=True)
class Requirement:
    """An item `\\item[F] Requires …`: the feature, and each one its text names, with their places."""

    file: SourceFile
    start: int
    feature: str
    needs: tuple[tuple[str, int], ...]
    certain: bool


def requirements(draft: Draft) -> Iterator[Requirement]:
    """The items that say what a feature requires."""
    for located in draft.document.blocks:
        block = located.block
        if not isinstance(block, Item) or block.label is None or len(block.label) > MAX_LABEL:
            continue
        name = _NAME.match(block.label)
        text = located.file.text
        if not name or not _REQUIRES.match(text, block.body, block.body + 40):
            continue
        end = min(x for x in (text.find("\\item", block.body), text.find("\\end{", block.body), len(text)) if x >= 0)
        named = ((m[0].replace("\\", ""), m.start()) for m in constants_in(text, block.body, end))
        needs = tuple((name, start) for name, start in named if "_F_" in name)
        alternatives = re.search(r"\bor\b", text[block.body : end]) is not None
        yield Requirement(
            located.file, text.find(name[1], block.start), name[1].replace("\\", ""), needs, not alternatives
        )


@rule("VS303", "unknown-feature", Severity.ERROR)
def unknown_feature(draft: Draft) -> Iterator[Hit]:
    r"""A feature that another one requires, or that has requirements, exists.

    Bad:
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \end{description}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE] Requires VIRTIO_PORT_F_SPEED.
        \end{description}

    Good:
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_SPEED (1)] The device has a speed.
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \end{description}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE] Requires VIRTIO_PORT_F_SPEED.
        \end{description}
    """
    known = draft.features | draft.constants | defined_without_value(draft)
    for requirement in requirements(draft):
        for name, start in ((requirement.feature, requirement.start), *requirement.needs):
            if name not in known:
                message = f"there is no feature '{name}'"
                near = (other for other in draft.feature_names.like(name) if other != requirement.feature)
                hint = did_you_mean(near)
                yield Hit(at=(requirement.file, start), message=message, subject=requirement.feature, hint=hint)


@rule("VS304", "circular-requirement", Severity.ERROR)
def circular_requirement(draft: Draft) -> Iterator[Hit]:
    r"""No feature requires itself, directly or through others.

    Bad:
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \item[VIRTIO_PORT_F_SPEED (1)] The device has a speed.
        \end{description}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE] Requires VIRTIO_PORT_F_SPEED.
        \item[VIRTIO_PORT_F_SPEED] Requires VIRTIO_PORT_F_RATE.
        \end{description}

    Good:
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \item[VIRTIO_PORT_F_SPEED (1)] The device has a speed.
        \end{description}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE] Requires VIRTIO_PORT_F_SPEED.
        \end{description}
    """
    needs: dict[str, tuple[str, ...]] = {}
    places: dict[str, Requirement] = {}
    for requirement in requirements(draft):
        if requirement.certain:
            needs[requirement.feature] = tuple(name for name, _ in requirement.needs)
            places.setdefault(requirement.feature, requirement)
    for cycle in _cycles(needs):
        requirement = places[cycle[0]]
        message = f"'{cycle[0]}' requires itself: {' -> '.join((*cycle, cycle[0]))}"
        yield Hit(at=(requirement.file, requirement.start), message=message, subject=cycle[0])


def _cycles(needs: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """One circle for each group of features that require one another."""
    done: set[str] = set()
    for start in needs:
        path: dict[str, Iterator[str]] = {}
        if start not in done:
            path[start] = iter(needs[start])
        while path:
            name, following = next(reversed(path.items()))
            step = next((n for n in following if n in needs and n not in done), None)
            if step is None:
                done.add(name)
                del path[name]
            elif step in path:
                names = list(path)
                cycle = tuple(names[names.index(step) :])
                yield cycle
                done.update(cycle)
                for member in cycle:
                    del path[member]
            else:
                path[step] = iter(needs[step])


@rule("VS305", "unknown-condition", Severity.ERROR)
def unknown_condition(draft: Draft) -> Iterator[Hit]:
    r"""A member depends on a feature that exists.

    In a chapter that is checked alone, only a name that resembles one of its own features is found.

    Bad:
        \section{Port Device}
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \end{description}
        \begin{lstlisting}
        struct port_config {
                le32 rate;   /* only if VIRTIO_PORT_F_RATES negotiated */
        };
        \end{lstlisting}

    Good:
        \section{Port Device}
        \subsection{Feature bits}
        \begin{description}
        \item[VIRTIO_PORT_F_RATE (0)] The device reports its rate.
        \end{description}
        \begin{lstlisting}
        struct port_config {
                le32 rate;   /* only if VIRTIO_PORT_F_RATE negotiated */
        };
        \end{lstlisting}
    """
    known = draft.features | draft.constants | defined_without_value(draft)
    for struct in draft.spec.structs:
        for _, member in members_in(struct.members):
            if member.evidence.line and draft.whole:
                continue  # a name in the text is a constant's, too: that has been told
            for name in sorted(gates_of(member)):
                near = () if name in known else draft.feature_names.like(name)
                if name not in known and (near or draft.whole):
                    yield Hit(
                        at=member.place,
                        message=f"'{member.name}' depends on '{name}', which is no feature",
                        subject=f"{struct.kind} {struct.name}",
                        hint=did_you_mean(near),
                    )


@rule("VS306", "contradicting-condition", Severity.WARNING)
def contradicting_condition(draft: Draft) -> Iterator[Hit]:
    r"""The listing and the text give a member the same condition.

    Bad:
        \section{Port Device}
        \begin{lstlisting}
        struct port_config {
                le32 rate;   /* only if VIRTIO_PORT_F_RATE negotiated */
        };
        \end{lstlisting}
        The \field{rate} only exists if VIRTIO_PORT_F_SPEED is negotiated.

    Good:
        \section{Port Device}
        \begin{lstlisting}
        struct port_config {
                le32 rate;   /* only if VIRTIO_PORT_F_RATE negotiated */
        };
        \end{lstlisting}
        The \field{rate} only exists if VIRTIO_PORT_F_RATE is negotiated.
    """
    stated: dict[tuple[str, str], list[tuple[frozenset[str], Place]]] = {}
    for struct in draft.spec.structs:
        for _, member in members_in(struct.members):
            if member.name and member.condition is not None and not member.evidence.line:
                stated.setdefault((struct.module, member.name), []).append((gates_of(member), member.place))
    for gate in read_gates(Text(draft.document), _feature_items(draft)):
        for name in gate.names:
            stated.setdefault((gate.module, name), []).append((frozenset(features_of(gate.condition)), gate.place))
    unknown = _unknown_gates(draft)
    for (_, name), conditions in stated.items():
        known = [(features, place) for features, place in conditions if features and not features & unknown]
        for features, place in known[1:]:
            if features != known[0][0]:
                yield Hit(
                    at=place,
                    message=f"'{name}' depends on {_names(features)} here, "
                    f"and on {_names(known[0][0])} at {known[0][1]}",
                    subject=name,
                    # one sentence may give only a part of what another one gives
                    severity=Severity.NOTE if features <= known[0][0] or known[0][0] <= features else None,
                )


def _unknown_gates(draft: Draft) -> frozenset[str]:
    """What members depend on and no feature is called; in a chapter alone that cannot be known."""
    gates = (gates_of(member) for struct in draft.spec.structs for _, member in members_in(struct.members))
    return frozenset().union(*gates) - draft.features - draft.constants if draft.whole else frozenset()


def _feature_items(draft: Draft) -> list[tuple[str, Located, str]]:
    """The items that define feature bits, with name and module."""
    found: list[tuple[str, Located, str]] = []
    for located in draft.document.blocks:
        if isinstance(located.block, Item):
            item = read_item(located)
            if item is not None and item.feature:
                path = located.section.path if located.section else ()
                found.append((item.name, located, module_of(path, located.file.path)))
    return found


def _names(features: frozenset[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(features))
