"""Which name was meant: similarity of identifiers, word by word and letter by letter."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

_WORD = re.compile(r"[A-Za-z0-9]+")

CUTOFF = 0.8
"""How alike two names must be, as `difflib` measures it, for one to be suggested for the other."""

SIBLINGS = 2
"""How many names may differ from another one in one whole word, the same, for them to be suggested."""

SHARED_WORDS = 0.6
"""How many of their words two long names must share to be compared letter by letter."""


MAX_SHARING = 2000
"""How many names may have a word for it to tell anything: more than the standard has names."""

MAX_NAME = 128
"""The longest name, in characters, for which a similar one is looked for."""

MAX_TEXT = 400
"""The longest label, in characters, for which a similar one is looked for."""

MAX_SEARCHES = 500
"""For how many names a similar one is looked for: a text that is all wrong needs no more hints."""


class Names:
    """Known names, and the search for those that are like another one."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._by_word: dict[str, set[str]] = {}
        self._words: dict[str, Counter[str]] = {}
        self._found: dict[str, tuple[str, ...]] = {}
        self._misspelt: dict[str, str] = {}
        self._searches = 0
        for name in self._known:
            words = self._words[name] = Counter(_WORD.findall(name))
            for word in words:
                self._by_word.setdefault(word, set()).add(name)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def like(self, name: str) -> tuple[str, ...]:
        """At most two known names that are most like one that is not known, best first.

        Names that differ from it by a whole word are meant where there are few of them: of `…_STATUS_ENXIO`,
        `…_STATUS_EBUSY` and more, none is `…_STATUS_EEXIST`.
        """
        found = self._found.get(name)
        if found is None and (len(name) > MAX_NAME or len(self._found) >= MAX_SEARCHES):
            return ()
        if found is None:
            certain = self.misspelt(name)
            found = self._found[name] = (certain,) if certain else self._like(name)
        return found

    def _like(self, name: str) -> tuple[str, ...]:
        parts = _WORD.findall(name)
        words = Counter(parts)
        total = words.total()
        scores: dict[str, float] = {}
        siblings: dict[int, list[str]] = {}
        built_alike: set[str] = set()
        for candidate in self._candidates(name, words):
            theirs = self._words[candidate]
            shared = 2 * (words & theirs).total() / (total + theirs.total())
            letters = difflib.SequenceMatcher(None, candidate, name).ratio()
            others = _WORD.findall(candidate)
            place, slip = _other_word(parts, others)
            if place and not slip:
                siblings.setdefault(place, []).append(candidate)
            if place or _lacks_a_word(parts, others):
                built_alike.add(candidate)
            if letters >= CUTOFF or candidate in built_alike:
                scores[candidate] = letters + shared
        if many := {k for group in siblings.values() if len(group) > SIBLINGS for k in group}:
            scores = {k: score for k, score in scores.items() if k in built_alike - many}
        ranked = sorted(scores, key=lambda k: (-scores[k], k))[:2]
        return tuple(k for k in ranked if scores[k] >= scores[ranked[0]] - 0.08)

    def _candidates(self, name: str, words: Counter[str]) -> Iterable[str]:
        if len(self._known) <= 150:
            return [k for k in self._known if abs(len(k) - len(name)) <= max(3, len(name) // 3)]
        shared: Counter[str] = Counter()
        for word, times in words.items():
            sharing = self._by_word.get(word, ())
            for candidate in sharing if len(sharing) <= MAX_SHARING else ():
                shared[candidate] += min(times, self._words[candidate][word])
        total = words.total()
        near = {
            candidate: count / (total + self._words[candidate].total())
            for candidate, count in shared.items()
            if 2 * count >= SHARED_WORDS * (total + self._words[candidate].total())
        }
        return sorted(near, key=lambda k: (-near[k], k))[:24]

    def nearly(self, text: str) -> str:
        """The known text from which another differs by no more than a slip; "" without one."""
        self._searches += 1
        if self._searches > MAX_SEARCHES or len(text) > MAX_TEXT:
            return ""
        slack = 1 + len(text) // 20
        alike = [k for k in sorted(self._known) if abs(len(k) - len(text)) <= slack]
        near = difflib.get_close_matches(text, alike, n=1, cutoff=0.95)
        return near[0] if near else ""

    def misspelt(self, name: str) -> str:
        """The one known name of which `name` is a misspelling; "" where that is not certain.

        All words but one agree, the odd one is a word that no known name has, and it is within two letters of the
        word in its place: `VIRTION_ADMIN_…`, but not `…_CAP_GET` for `…_CAP_SET`.
        """
        if name not in self._misspelt:
            if len(name) > MAX_NAME or len(self._misspelt) >= MAX_SEARCHES:
                return ""
            self._misspelt[name] = self._find_misspelt(name)
        return self._misspelt[name]

    def _find_misspelt(self, name: str) -> str:
        words = _WORD.findall(name)
        strange = [index for index, word in enumerate(words) if word not in self._by_word]
        if "_".join(words) != name or len(strange) != 1:
            return ""
        place = strange[0]
        others = [self._by_word[word] for index, word in enumerate(words) if index != place]
        found: list[str] = []
        alike = min(others, key=len) if others else self._known
        for candidate in alike if len(alike) <= MAX_SHARING else ():
            parts = candidate.split("_")
            if len(parts) == len(words) and parts[:place] == words[:place] and parts[place + 1 :] == words[place + 1 :]:
                letters = distance(words[place], parts[place])
                if letters <= 2 and letters * 3 <= len(words[place]):
                    found.append(candidate)
        return found[0] if len(found) == 1 else ""


def _other_word(words: Sequence[str], others: Sequence[str]) -> tuple[int, bool]:
    """The place of the only word in which two names of several differ, 0 without one, and whether it may be a slip."""
    if len(words) != len(others) or len(words) < 4:
        return 0, False
    places = [place for place, (a, b) in enumerate(zip(words, others, strict=True)) if a != b]
    if len(places) != 1:
        return 0, False
    word = words[places[0]]
    return places[0], distance(word, others[places[0]]) * 3 <= len(word)


def _lacks_a_word(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a name is another one without one of its words; the first is no such."""
    return (
        len(words) > 2
        and len(others) == len(words) + 1
        and any(
            others[:place] == words[:place] and others[place + 1 :] == words[place:] for place in range(1, len(others))
        )
    )


def did_you_mean(names: Iterable[str]) -> str:
    """A hint that offers names; "" without one."""
    offered = " or ".join(f"'{name}'" for name in names)
    return f"did you mean {offered}?" if offered else ""


def distance(first: str, second: str, limit: int = 3) -> int:
    """How many letters to insert, drop, change or swap with a neighbour make one word the other; at most `limit`."""
    if abs(len(first) - len(second)) >= limit or max(len(first), len(second)) > 64:
        return limit
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row = row, [i]
        for j, b in enumerate(second, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
    if row[-1] == 2 and _swapped(first, second):
        return 1
    return min(row[-1], limit)


def _swapped(first: str, second: str) -> bool:
    """Whether two words differ by two neighbouring letters that changed places."""
    if len(first) != len(second):
        return False
    differing = [i for i, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    if len(differing) != 2 or differing[1] != differing[0] + 1:
        return False
    i, j = differing
    return first[i] == second[j] and first[j] == second[i]
