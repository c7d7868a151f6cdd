"""What prose says about the structs of a code: "the value is in the format of struct X", "request data is struct Y".

A statement is about the code that its sentence names, else about that of the list item, the heading or the paragraph
around it: headings and items often are a constant's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import filterfalse

from virtspec.latex.blocks import Item
from virtspec.latex.document import Section
from virtspec.latex.text import plain_text
from virtspec.model import DEVICE_CONFIG, Condition, Feature, Not, Role
from virtspec.read.prose import Hit, Phrase, Prose

CODE_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Za-z0-9]+)+\b")

_FIELD = re.compile(r"\\field\{([A-Za-z0-9_.-]+)\}|\b(command-specific-(?:data|result))\b")
_IN = re.compile(r"\bin\s+(?:the\s+)?$")
_EXAMPLE = re.compile(r"\b(?:for|as an)\s+example\b", re.IGNORECASE)
_OPTION = re.compile(r"\s*([A-Z][A-Za-z0-9_]*)\s*:")

_FORMAT = Phrase(
    r"format(?:"
    r"(?:\s+of)?\s+(?:\\field\{(?P<member>\w+)\}\s+of\s+)?\\field\{\s*(?:struct\s+)?(?P<struct>[a-z_]\w*)\s*\}"
    r"|\s+of\s+(?:the\s+)?device[- ](?:specific\s+)?configuration)",
    "format",
)
_FOLLOWING = Phrase(r"following\s+(?:format|structure)(?P<end>[^.:\\]{0,60}(?:\\field\{[a-z_-]+\})?\s*:)", "following")
_REQUEST = Phrase(
    r"quest\s+data\s+(?:\(just\s+bare|is)\s+\\field\{struct\s+(?P<struct>\w+)\}"
    r"(?:,\s+followed\s+by\s+(?:\w+\s+){0,4}\\field\{struct\s+(?P<rest>\w+)\})?",
    "quest",
    "struct",
)
_RESPONSE = Phrase(
    r"esponse\s+type\s+is\s+(?P<code>[A-Z][A-Z0-9_]+),\s+response\s+data\s+is\s+\\field\{struct\s+(?P<struct>\w+)\}",
    "esponse",
    "struct",
)
_CONSISTS = Phrase(
    r"consists\s+of\s+the\s+(?P<struct>virtio_\w+)\s+structure(?:\s+\([^()]{0,80}\))?"
    r"(?:,\s+followed\s+by\s+(?:(?:[a-z]+\s+){0,6}(?P<rest>virtio_\w+)"
    r"|(?:an\s+array\s+of[^:]{0,80}\sof\s+)?the\s+following\s+(?P<listed>[\w\s-]{0,60}):))?",
    "consists",
    "struct",
)
_SENDER = re.compile(r"\b(request|response)\s+$")
_STRUCTURE = Phrase(r"structure\s+(?P<struct>\w+)(?:\s+to\s+(?P<verb>\w+))?", "structure", "struct")
_USE = re.compile(r"\buse\s+the\s+$")
_WITH = re.compile(r"\bcommand\s+(?P<code>[A-Z][A-Z0-9_]+)\s+with\s+the\s+$")
_DESCRIBED = Phrase(r"described\s+in\s+struct\s+(?P<struct>\w+)", "described", "struct")
_LENGTH = Phrase(r"length\s+of\s+(?:the\s+)?\\field\{struct\s+(?P<struct>\w+)\}", "length", "struct")
_FOR = re.compile(r"[Ff]or\s+the\s+(?:command|field)\s+([A-Z][A-Z0-9_]+)")
_SECTION = re.compile(r"\\(?:(?:sub)*section|(?:sub)?paragraph|(?:driver|device)normative)\b")
_MEMBER_IS = Phrase(r"\\field\{(?P<member>\w+)\}\s+is\s+struct\s+(?P<struct>[a-z_]\w*)", "\\field", "struct")
_CODES = r"[A-Z][A-Z0-9]*(?:_[A-Za-z0-9]+)+(?:(?:,\s+|\s+or\s+|,\s+or\s+)[A-Z][A-Z0-9]*(?:_[A-Za-z0-9]+)+)*"
_SELECTED = re.compile(rf"If(?<!\wIf)\s+(?:the\s+)+\w+\s+\(in\s+\\field\{{\w+\}}\)\s+is\s+({_CODES})")
_NEGOTIATED = re.compile(r"If\s+([A-Z][A-Z0-9_]*_F_[A-Z0-9_]+)\s+is\s+(NOT\s+|not\s+)?negotiated,")
_RESPONDS = Phrase(
    r"esponds\s+to\s+\\textit\{(?P<code>[A-Z]\w+)\}\s+with\s+\\textit\{(?:struct\s+)?(?P<struct>[a-z]\w*)\}",
    "esponds",
)
_CORRESPONDING = Phrase(
    r"corresponding\s+to\s+the\s+[\w\s-]{1,60}\sis\s+\\field\{struct\s+(?P<struct>\w+)\}\.\s+"
    r"The\s+corresponding\s+type\s+is\s+(?P<code>[A-Z]\w+)",
    "corresponding",
    "struct",
)
_IS_THE = re.compile(r"\bis\s+the\s+$")
_TABLES = re.compile(r"\b(?:tables|arrays?|lists?)\b")
_SPECIFIC = re.compile(r"(?:^|_|-)(data|result)$")


@dataclass(frozen=True, slots=True)
class Statement:
    """One binding as the text states it: the code's name ("" where none was found), the role, the struct's name.

    `path` goes on to one member of the struct. `member` is the name of the member whose bytes it is, and `condition`
    says when, where the text does. `problem` says why the statement cannot be used. A statement on the length of the
    payload binds nothing and is `compared` with the one that does.
    """

    code: str
    role: Role
    struct: str
    hit: Hit
    path: str = ""
    many: bool = False
    problem: str = ""
    compared: bool = False
    member: str = ""
    condition: Condition | None = None


MAX_CHOICE = 1500
"""How many characters behind its condition the choice of a struct may stand."""

StructsAt = Callable[[str, int], tuple[str, ...]]
"""The structs that the listing which begins at a position of a file defines, in order."""


def read_bindings(prose: Prose, codes: frozenset[str], structs_at: StructsAt) -> Iterator[Statement]:
    """All statements about the structs of the given codes."""
    reader = _Reader(codes, structs_at)
    read: dict[Phrase, Callable[[Hit], Iterator[Statement]]] = {
        _FORMAT: reader.format,
        _FOLLOWING: reader.following,
        _REQUEST: reader.request,
        _RESPONSE: reader.response,
        _CONSISTS: reader.consists,
        _STRUCTURE: reader.structure,
        _DESCRIBED: reader.described,
        _LENGTH: reader.length,
        _MEMBER_IS: reader.member_is,
        _RESPONDS: reader.responds,
        _CORRESPONDING: reader.corresponding,
    }
    for phrase, hit in prose.find_all(tuple(read)):
        yield from read[phrase](hit)


class _Reader:
    """The forms of statements, and how their subject is found."""

    def __init__(self, codes: frozenset[str], structs_at: StructsAt) -> None:
        self.codes = codes
        self.structs_at = structs_at

    # --- forms ---

    def format(self, hit: Hit) -> Iterator[Statement]:
        before = self._before(hit)
        if not _IN.search(before):
            return
        match = hit.match
        problem = "an example" if match["struct"] and _EXAMPLE.search(before) else ""
        for role in _roles(before):
            yield self._statement(
                hit, role, match["struct"] or DEVICE_CONFIG, path=match["member"] or "", problem=problem
            )

    def following(self, hit: Hit) -> Iterator[Statement]:
        """The struct stands in the listing that follows."""
        before = self._before(hit)
        roles: tuple[Role, ...] = _roles(before + hit.match["end"])
        if not roles and re.search(r"\brequest(?:\s+part)?\s+uses\s+the\s+$", before):
            roles = ("request",)
        structs = self.structs_at(hit.file.path, hit.end)
        if not roles or not structs:
            return
        code = self._subject(hit, before) or self._earlier(hit)
        for role in roles[:1]:
            yield Statement(code, role, structs[-1], hit, problem="" if code else "names no code")

    def request(self, hit: Hit) -> Iterator[Statement]:
        yield self._statement(hit, "request", hit.match["struct"])
        if hit.match["rest"]:
            yield self._statement(hit, "request", hit.match["rest"], many=True)

    def response(self, hit: Hit) -> Iterator[Statement]:
        yield self._statement(hit, "response", hit.match["struct"])
        yield Statement(hit.match["code"], "response", hit.match["struct"], hit)

    def consists(self, hit: Hit) -> Iterator[Statement]:
        sender = _SENDER.search(self._before(hit))
        if sender is None:
            return
        role: Role = "request" if sender[1] == "request" else "response"
        code = self._subject(hit, self._before(hit)) or self._earlier(hit)
        problem = "" if code else "names no code"
        yield Statement(code, role, hit.match["struct"], hit, problem=problem)
        rest = hit.match["rest"]
        if hit.match["listed"]:
            rest = next(reversed(self.structs_at(hit.file.path, hit.end)), "")
        if rest:
            yield Statement(code, role, rest, hit, many=True, problem=problem)

    def structure(self, hit: Hit) -> Iterator[Statement]:
        before = self._before(hit)
        sent = _WITH.search(before)
        if sent:
            yield Statement(sent["code"], "result", hit.match["struct"], hit)
        elif _USE.search(before) and hit.match["verb"]:
            problem = "who writes which part of it is stated elsewhere" if hit.match["verb"] == "get" else ""
            yield self._statement(hit, "data", hit.match["struct"], problem=problem)

    def described(self, hit: Hit) -> Iterator[Statement]:
        before = self._before(hit)
        for role in _roles(before)[:1]:
            yield self._statement(hit, role, hit.match["struct"], many=_TABLES.search(before) is not None)

    def length(self, hit: Hit) -> Iterator[Statement]:
        before = self._before(hit)
        code = self._subject(hit, before) if _IS_THE.search(before) else ""
        if code:
            yield Statement(code, "value", hit.match["struct"], hit, compared=True)

    def member_is(self, hit: Hit) -> Iterator[Statement]:
        """In a list of choices: "if the opcode (in header) is A or B, then op_flf is struct X"."""
        text, section = hit.file.text, hit.section
        begin = section.heading.start if section is not None and section.file is hit.file else 0
        choices = list(_SELECTED.finditer(text, max(begin, hit.start - MAX_CHOICE), hit.start))
        if not choices:
            return
        chosen = choices[-1]
        when = _NEGOTIATED.search(text, max(chosen.end(), hit.sentence_start()), hit.start)
        condition: Condition | None = Feature(name=when[1]) if when else None
        if when and when[2] and condition is not None:
            condition = Not(term=condition)
        for code in CODE_NAME.findall(chosen[1]):
            yield Statement(code, "data", hit.match["struct"], hit, member=hit.match["member"], condition=condition)

    def responds(self, hit: Hit) -> Iterator[Statement]:
        """ "The device responds to A with struct X"."""
        yield Statement(hit.match["code"], "response", hit.match["struct"], hit)

    def corresponding(self, hit: Hit) -> Iterator[Statement]:
        """ "The structure corresponding to … is struct X. The corresponding type is A"."""
        yield Statement(hit.match["code"], "value", hit.match["struct"], hit)

    # --- subjects ---

    def _statement(
        self, hit: Hit, role: Role, struct: str, *, path: str = "", many: bool = False, problem: str = ""
    ) -> Statement:
        code = self._subject(hit, self._before(hit))
        return Statement(code, role, struct, hit, path, many, problem or ("" if code else "names no code"))

    def _before(self, hit: Hit) -> str:
        """The sentence up to the match."""
        return hit.file.text[hit.sentence_start() : hit.start]

    def _subject(self, hit: Hit, sentence: str) -> str:
        """The code that a statement is about: of the sentence, the item, the heading, the paragraph."""
        found = self._last(sentence)
        if found:
            return found
        for label in reversed(hit.items):
            name = plain_text(label)
            if name in self.codes:
                return name
        block = hit.context.located.block
        if isinstance(block, Item) and block.label is None:
            option = _OPTION.match(hit.file.text, block.body)
            if option and option[1] in self.codes:
                return option[1]
        section = hit.section
        while section is not None:
            if section.title in self.codes:
                return section.title
            section = section.parent
        found = self._last(hit.file.text[hit.paragraph_start() : hit.start])
        if found or hit.section is None:
            return found
        return self._announced(hit, hit.section)

    def _announced(self, hit: Hit, section: Section) -> str:
        """The code of which the section says, before or after: "For the command X, …"; "" where it names several."""
        text = hit.file.text
        if section.file is not hit.file:
            return ""
        start = max(section.heading.start, hit.start - 4000)
        following = _SECTION.search(text, hit.start, hit.start + 4000)
        end = following.start() if following else hit.start + 4000
        names = {match[1] for match in _FOR.finditer(text, start, end) if match[1] in self.codes}
        return names.pop() if len(names) == 1 else ""

    def _earlier(self, hit: Hit) -> str:
        """The last code that the section names before the statement's paragraph."""
        section = hit.section
        start = section.heading.start if section is not None and section.file is hit.file else 0
        return self._last(hit.file.text[max(start, hit.start - 1000) : hit.start])

    def _last(self, text: str) -> str:
        names = [name for name in CODE_NAME.findall(text) if name in self.codes]
        return names[-1] if names else ""


def _roles(text: str) -> tuple[Role, ...]:
    """The parts of the payload that a sentence names."""
    roles: list[Role] = []
    for match in _FIELD.finditer(text):
        name = match[1] or match[2]
        specific = _SPECIFIC.search(name)
        role: Role
        if specific:
            role = "data" if specific[1] == "data" else "result"
        elif name == "value":
            role = "value"
        elif name in ("selector", "device_type_raw"):
            role = "selector"
        else:
            continue
        if role not in roles:
            roles.append(role)
    return tuple(roles)


# --- structs under the heading of their code -----------------------------------------------------------------

MAX_LEAD = 4000
"""How many characters behind a paragraph's bold beginning a listing may stand that belongs to it."""

_NOISE = frozenset({"req", "resp", "r", "t", "cmd", "evt", "event", "request", "response"})
_LEAD = re.compile(r"\n[ \t]*\n\\textbf\{([A-Z][A-Z0-9_]+)\}")
_HEADING = re.compile(r"(?:Property )?([A-Z][A-Z0-9_ ]+?)(?: request)?$")


class Namesakes:
    """Finds the code under whose heading or item a listing defines a struct of the code's own name.

    `virtio_iommu_req_attach` under "ATTACH request" is the request of `VIRTIO_IOMMU_T_ATTACH`. A paragraph that begins
    with a code in bold type is about it like a heading.
    """

    def __init__(self, prose: Prose, codes: frozenset[str], structs: Iterable[str]) -> None:
        self.prose = prose
        self.by_words: dict[tuple[str, ...], list[str]] = {}
        words = _NOISE.union(*(struct.split("_") for struct in structs))
        for code in sorted(codes):
            # what ends in a word of no struct is called like none
            if code.rpartition("_")[2].lower() in words:
                self.by_words.setdefault(_meaning(code.lower()), []).append(code)

    def find(self, path: str, position: int, struct: str) -> tuple[str, Role]:
        """The code for a struct that the listing at a position of a file defines, and the struct's role."""
        codes = self.by_words.get(_meaning(struct), ())
        context = self.prose.context(path, position) if codes else None
        if context is None:
            return "", "value"
        titles = [plain_text(label) for label in context.items]
        section = context.section
        lead = ""
        if section is not None:
            titles.append(section.title)
            pages = self.prose.pages[path]
            begin = section.heading.start if section.file is pages.file else 0
            for match in _LEAD.finditer(pages.file.text, max(begin, position - MAX_LEAD), position):
                lead = match[1]
        words = struct.split("_")
        if lead in codes:
            return lead, "response" if "resp" in words else "request" if "cmd" in words else "value"
        for title in titles:
            heading = _HEADING.match(title)
            suffix = heading[1].replace(" ", "_") if heading else ""
            for code in codes:
                if not heading or not (code == suffix or code.endswith(f"_{suffix}")):
                    continue
                if "resp" in words:
                    return code, "response"
                if "req" in words:
                    return code, "request"
                if code != suffix or "notif" in words:
                    return code, "value"
        return "", "value"


@lru_cache(maxsize=8192)
def _meaning(name: str) -> tuple[str, ...]:
    """The words of a name that are not about the direction of a message."""
    return tuple(filterfalse(_NOISE.__contains__, name.split("_")))
