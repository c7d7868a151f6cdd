"""Patches as people send them: files of `git format-patch`, mboxes with a series, replies that quote one, plain diffs.

Whatever the envelope, the result is a list of messages in the order in which their patches apply.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

from virtspec.review.flowed import unfold
from virtspec.review.hunks import FilePatch, PatchError, Text, read_patch

MAX_BYTES = 16 << 20
"""The largest patch or mbox that is read; the whole specification has 1.2 MB."""

MAX_LINE = 1 << 16
"""The longest line of a patch, in characters; the longest of the specification has three thousand."""

MAX_HEADERS = 1 << 16
"""How many bytes at the start of a message can be its headers."""

_FROM = re.compile(rb"^From [^\n]{1,300}\n(?=(?:>?[A-Za-z-]{1,60}:|>From ))", re.MULTILINE)
_HEADER = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}\n")
_NUMBER = re.compile(r"\[[^\]]*?\b(\d{1,4})/(\d{1,4})\]")
_VERSION = re.compile(r"\[[^\]]*?\b[vV](\d{1,4})\b")
_TAG = re.compile(r"\[[^\]]*(?:PATCH|RFC)[^\]]*\]", re.IGNORECASE)
_QUOTED = re.compile(r"((?:[ \t]*[>|])+[ \t]?)(?:diff --git |--- [^\s-])")
_PLAIN = re.compile(r"diff --git |--- [^\s-]")
_STATISTICS = re.compile(
    r" (\d{1,6}) files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?\s*"
)
MAX_QUOTE = 80
"""How far from the left a quoted patch may begin."""

_SUBJECT = re.compile(r"^(?:> ?)*Subject: (.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the line above a patch says that it changes, as `git format-patch` writes it; `at` is its line."""

    files: int
    added: int
    removed: int
    text: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchMail:
    """One message with a patch. `lines` are those of its text; a quoted patch has its quote marks removed. `skipped`
    are the numbers of those before it in the series that are not there, `unsent` of those behind the last one."""

    subject: str
    author: str
    date: str
    message_id: str
    in_reply_to: str
    version: int
    number: int
    total: int
    quoted: bool
    lines: tuple[str, ...]
    files: tuple[FilePatch, ...]
    statistics: Statistics | None = None
    skipped: range = range(0)
    unsent: range = range(0)

    @property
    def size(self) -> int:
        """How many lines of a patch it has."""
        return sum(len(hunk.lines) for patch in self.files for hunk in patch.hunks)

    @property
    def title(self) -> str:
        """The subject without its marks (`Re:`, `[PATCH v2 3/8]`)."""
        text = re.sub(r"^(?:\s*(?:re|aw|fwd?)\s*:\s*)+", "", self.subject, flags=re.IGNORECASE)
        return _TAG.sub("", text).strip() or self.subject.strip() or "the patch"


def read_input(name: str, stdin: object = None) -> bytes:
    """The bytes of a patch file; `-` is standard input. Raises `PatchError` where there are too many, or none."""
    try:
        if name == "-":
            assert stdin is not None and hasattr(stdin, "read")
            data: bytes = stdin.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"{name}: {(error.strerror or str(error)).lower()}"
        raise PatchError(f"{what}; give a patch, an mbox or a mail, or - for standard input") from None
    if len(data) > MAX_BYTES:
        raise PatchError(f"{name}: more than {MAX_BYTES} bytes; no patch to the specification is as large")
    return data


def read_inputs(inputs: Iterable[tuple[bytes, str]]) -> list[PatchMail]:
    """The messages with patches in several inputs, each given with its name. Where each holds one patch of a series,
    they apply in the order of their numbers. Raises `PatchError` where an input has none."""
    several = [read_mails(data, name) for data, name in inputs]
    mails = [mail for found in several for mail in found]
    alone = len(several) > 1 and all(len(found) == 1 for found in several)
    return _numbered(mails) if alone and _is_series(mails) else mails


def _is_series(mails: Sequence[PatchMail]) -> bool:
    """Whether messages are patches of one series, each another one."""
    numbers = {m.number for m in mails}
    return 0 not in numbers and len(numbers) == len(mails) and len({(m.total, m.version) for m in mails}) == 1


def read_mails(data: bytes, name: str) -> list[PatchMail]:
    """The messages with patches, in the order of their numbers. Raises `PatchError` where there is none."""
    mails: list[PatchMail] = []
    known: set[str] = set()
    for raw in _messages(data):
        mail = _read(raw)
        if mail is not None and mail.message_id not in known:
            mails.append(mail)
            # who is on a list and addressed as well has each mail twice
            known |= {mail.message_id} - {""}
    if not mails:
        raise PatchError(f"{name}: holds no patch: no lines 'diff --git' or '---' and '+++' with a hunk, quoted or not")
    originals = [m for m in mails if not m.quoted]
    # in an archived thread the patches themselves go before the replies that quote them
    chosen = _latest(originals) if originals else _fullest(mails)
    # one patch of a series may be reviewed by itself
    if len(mails) > 1 and all(m.number for m in chosen) and len({m.total for m in chosen}) == 1:
        chosen = _numbered(chosen)
    return chosen


def _numbered(mails: list[PatchMail]) -> list[PatchMail]:
    """The patches of a series in their order, each with the numbers that are left out before it, and the last one with
    those behind it."""
    ordered = sorted(mails, key=lambda m: m.number)
    before = [0, *(m.number for m in ordered)]
    found = [replace(mail, skipped=range(n + 1, mail.number)) for mail, n in zip(ordered, before, strict=False)]
    return [*found[:-1], replace(found[-1], unsent=range(found[-1].number + 1, found[-1].total + 1))]


def _latest(mails: list[PatchMail]) -> list[PatchMail]:
    """Without what was sent again: an older version of a patch of the same title, or of the whole series. Those patches
    of a series whose newer version is the answer to the older one replace it; the others of the series stay."""
    by_version = sorted(mails, key=lambda m: m.version)
    if not all(m.number for m in mails):
        titles = {m.title: m.version for m in by_version}
        return [m for m in mails if m.version == titles[m.title]]
    latest = [m for m in mails if m.version == by_version[-1].version]
    ids = {m.message_id: m for m in mails}
    answered = [ids.get(m.in_reply_to) for m in latest]
    if all(a and (a.number, a.total) == (m.number, m.total) for m, a in zip(latest, answered, strict=True)):
        return list({m.number: m for m in by_version}.values())
    return latest


def _fullest(mails: list[PatchMail]) -> list[PatchMail]:
    """Of the replies that quote one patch, that which leaves out least."""
    found: dict[str, PatchMail] = {}
    for mail in mails:
        known = found.get(mail.title)
        if known is None or mail.size > known.size:
            found[mail.title] = mail
    return list(found.values())


def _messages(data: bytes) -> Iterator[bytes]:
    data = data.replace(b"\r\n", b"\n")
    starts = [m.start() for m in _FROM.finditer(data) if m.start() == 0 or data[m.start() - 1 : m.start()] == b"\n"]
    if not starts or data[: starts[0]].strip():
        yield data
        return
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        yield data[start:end].partition(b"\n")[2]


def _read(raw: bytes) -> PatchMail | None:
    """The patch in one message; None where it has none (a cover letter, an answer)."""
    headers = _HEADER.match(raw[:MAX_HEADERS])
    if headers is None:
        return _from_text(_decode(raw, "utf-8"), {})
    message = email.message_from_bytes(raw)
    for part in message.walk():
        _simplify(part)
    known = {
        key: _header(message, key)
        for key in ("Subject", "From", "Date", "Message-Id", "In-Reply-To")
        if message.get(key) is not None
    }
    readings: list[PatchMail] = []
    problem: PatchError | None = None
    for unfolded in (True, False) if _is_flowed(message) else (False,):
        try:
            mail = _from_text("\n".join(_texts(message, unfolded=unfolded)), known)
        except PatchError as error:
            problem = problem or error
            continue
        if mail is not None:
            readings.append(mail)
    if problem is not None and not readings:
        raise problem
    # who sends a patch as flowed text has not always written it as such
    return min(readings, key=_damage, default=None)


def _damage(mail: PatchMail) -> int:
    """How many hunks of a message are not as their headers say."""
    return sum(bool(hunk.missing or hunk.stray) for patch in mail.files for hunk in patch.hunks)


def _header(message: Message, key: str) -> str:
    value = str(message.get(key, ""))
    with suppress(LookupError, ValueError):
        value = str(make_header(decode_header(value)))
    return _line(value)


def _line(text: str) -> str:
    """A text on one line, without anything that controls a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _texts(message: Message, *, unfolded: bool = False) -> Iterator[str]:
    """The text parts of a message: its body, and patches that are attached. What is `unfolded` has the lines that the
    mail program has broken in one piece."""
    for part in message.walk():
        if part.is_multipart() or part.get_content_maintype() not in ("text", "application"):
            continue
        if part.get_content_subtype() in ("html", "pgp-signature"):
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and (part.get_content_maintype() == "text" or b"diff --git " in payload):
            text = _decode(payload, part.get_content_charset() or "utf-8")
            flowed = unfolded and _parameter(part, "format") == "flowed"
            yield unfold(text, delete_blank=_parameter(part, "delsp") == "yes") if flowed else text


def _simplify(part: Message) -> None:
    """Leave nothing but its name of a content type whose parameters the library cannot read."""
    try:
        part.get_params()
    except (TypeError, ValueError, LookupError):
        part.replace_header("Content-Type", part.get_content_type())


def _is_flowed(message: Message) -> bool:
    """Whether a part of a message has lines that were broken so that they can be put together again."""
    return any(_parameter(part, "format") == "flowed" for part in message.walk())


def _parameter(part: Message, name: str) -> str:
    """A parameter of a part's content type, in lower case."""
    value = part.get_param(name)
    return value.strip().lower() if isinstance(value, str) else ""


def _decode(data: bytes, charset: str) -> str:
    # what says that it is ASCII, or in a charset that nobody knows, is UTF-8 more often than not
    for name in (charset, "utf-8"):
        with suppress(LookupError, ValueError):
            return data.decode(name)
    return data.decode("utf-8", "replace") if charset == "utf-8" else data.decode("latin-1")


def _from_text(text: str, headers: dict[str, str]) -> PatchMail | None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    prefix = _quote(lines)
    if prefix is None:
        return None
    for at, line in enumerate(lines):
        if len(line) > MAX_LINE:
            raise PatchError(f"line {at + 1}: {len(line)} characters; at most {MAX_LINE} are read")
    texts = _plain(lines) if not prefix else _unquoted(lines, prefix)
    files = read_patch(texts)
    if not files:
        return None
    subject = headers.get("Subject") or next((_line(m[1]) for line in lines if (m := _SUBJECT.match(line))), "")
    number = _NUMBER.search(subject)
    version = _VERSION.search(subject)
    return PatchMail(
        subject=subject,
        author=headers.get("From", ""),
        date=headers.get("Date", ""),
        message_id=headers.get("Message-Id", ""),
        in_reply_to=headers.get("In-Reply-To", ""),
        version=int(version[1]) if version else 1,
        number=int(number[1]) if number else 0,
        total=int(number[2]) if number else 0,
        quoted=bool(prefix),
        lines=tuple(lines),
        files=tuple(files),
        statistics=_statistics(texts),
    )


def _statistics(lines: list[Text]) -> Statistics | None:
    """The line that counts what a patch changes; None where there is none, or several: a message of several patches."""
    found = [(line, match) for line in lines if (match := _STATISTICS.fullmatch(line.text))]
    if len(found) != 1:
        return None
    line, match = found[0]
    files, added, removed = (int(number or 0) for number in match.groups())
    return Statistics(files=files, added=added, removed=removed, text=line.text.strip(), at=line.at)


def _quote(lines: list[str]) -> str | None:
    """What stands before each line of the patch: "" where it is not quoted; None where there is no patch."""
    for index, line in enumerate(lines):
        if _PLAIN.match(line) and _followed(lines, index, ""):
            return ""
    for index, line in enumerate(lines):
        match = _QUOTED.match(line[:MAX_QUOTE])
        if match and _followed(lines, index, match[1]):
            return match[1]
    return None


def _followed(lines: list[str], index: int, prefix: str) -> bool:
    """Whether a line that looks like the start of a patch is one: a header line of a patch comes soon."""
    mark = prefix.rstrip()
    texts = [
        line[len(prefix) :] if line.startswith(prefix) else line.removeprefix(mark)
        for line in lines[index : index + 12]
    ]
    # a comment may stand between the lines of a quoted patch
    names = texts[1:] if prefix else texts[1:2]
    if not texts[0].startswith("diff --git ") and not any(text.startswith("+++ ") for text in names):
        return False
    for text in texts:
        if text.startswith(
            (
                "@@ -",
                "rename to ",
                "copy to ",
                "GIT binary patch",
                "Binary files ",
                "new file mode",
                "deleted file",
                "new mode ",
            )
        ):
            return True
    return False


def _plain(lines: list[str]) -> list[Text]:
    return [Text(line, at) for at, line in enumerate(lines)]


def _unquoted(lines: list[str], prefix: str) -> list[Text]:
    """The quoted lines without their quote marks; `broken` marks those behind a comment."""
    found: list[Text] = []
    broken = False
    mark = prefix.rstrip()
    for at, line in enumerate(lines):
        if line.startswith(prefix):
            # what shows mail as HTML makes blanks of another kind
            found.append(Text(line[len(prefix) :].replace("\N{NO-BREAK SPACE}", " "), at, broken))
            broken = False
        elif line.startswith(mark) and not line[len(mark) :].lstrip().startswith((">", "|")):
            found.append(Text(line[len(mark) :], at, broken))
            broken = False
        elif line.strip():
            broken = bool(found)
    return found
