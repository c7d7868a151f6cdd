"""The C headers: `include/virtwire/*.h`, one per chapter or device type, and what builds and installs them."""

from __future__ import annotations

from dataclasses import dataclass

from virtspec import __version__
from virtspec.diagnostics import SpecError
from virtspec.emit.c.check import render_check
from virtspec.emit.c.constants import Constants
from virtspec.emit.c.former import render_former
from virtspec.emit.c.lines import folded
from virtspec.emit.c.messages import Messages
from virtspec.emit.c.names import Names, header_name, is_prefix
from virtspec.emit.c.registries import tables
from virtspec.emit.c.rules import Rules
from virtspec.emit.c.structs import definition
from virtspec.emit.c.testee import render_testee
from virtspec.emit.c.types import Catalogue, Record
from virtspec.emit.c.values import Values, inside
from virtspec.emit.c.views import Definition, Header
from virtspec.emit.engine import Emission, render
from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.since import Since, load_since

INCLUDE = "c/include/virtwire"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Byte:
    index: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _IntegerView:
    """One of the integers of `types.h`."""

    name: str
    word: str
    bits: int
    size: int
    ctype: str
    big: int
    load: str
    stores: tuple[_Byte, ...]


def render_c(spec: Spec, layouts: Layouts, *, prefix: str = "", since: Since | None = None) -> Emission:
    """The headers for a model. `prefix` stands before every public name (upper-case before macros); `since` knows the
    names of earlier releases, as those that come with virtspec do.

    Raises `SpecError` for a prefix that is no identifier.
    """
    if not is_prefix(prefix):
        raise SpecError(f"--c-prefix '{prefix}': not a lower-case identifier; use one like 'vw_'")
    names = Names(prefix)
    constants = Constants(spec, names)
    catalogue = Catalogue(spec, layouts, names, constants.macros)
    values = Values(spec, catalogue, names)
    rules = Rules(catalogue, values, names)
    messages = Messages(
        catalogue, values, rules, names, {c.name: c.value for c in spec.constants if c.value is not None}
    )
    emission = Emission(not_rendered=[*constants.not_rendered, *catalogue.not_rendered])
    headers = Headers(spec, names, constants, catalogue, messages).all()
    emission.files[f"{INCLUDE}/types.h"] = _types(names, rules)
    for header in headers:
        emission.files[f"{INCLUDE}/{header.file}"] = render("c/header.h.jinja", h=header)
    emission.files.update(_package(spec, names))
    read = [m for header in headers for d in header.definitions for m in d.messages]
    if read:
        most = max(1, *(len(m.arguments) for m in read))
        emission.files["c/test/fuzz.c"] = render(
            "c/fuzz.c.jinja", messages=read, most_arguments=most, p=names.lower, u=names.upper
        )
    emission.files["c/test/testee.c"] = render_testee(
        spec, catalogue, messages, names, {header.module for header in headers}
    )
    emission.files["c/test/selfcheck.c"] = render_check(catalogue, constants, names, layouts)
    devices = {d.id: d for header in headers for d in header.devices if d.id}
    emission.files[f"{INCLUDE}/virtwire.h"] = render(
        "c/all.h.jinja",
        headers=headers,
        devices=sorted(devices.values(), key=lambda d: d.id),
        p=names.lower,
        u=names.upper,
    )
    table = load_since() if since is None else since
    emission.files[f"{INCLUDE}/former.h"] = render_former(spec, catalogue, constants.macros, names, table)
    for path in [path for path in emission.files if path.endswith(".h")]:
        emission.files[path] = folded(emission.files[path])
    return emission


_PACKAGE = {
    "CMakeLists.txt": "CMakeLists.txt",
    "Makefile": "Makefile",
    "README.md": "README.md",
    "cmake/virtwireConfig.cmake": "virtwireConfig.cmake",
    "cmake/virtwireConfigVersion.cmake": "virtwireConfigVersion.cmake",
    "virtwire.pc.in": "virtwire.pc.in",
}


def _package(spec: Spec, names: Names) -> dict[str, str]:
    """What builds, tests and installs the headers."""
    view = {
        "version": __version__,
        "series": ".".join(__version__.split(".")[:2]),
        "edition": "".join(c for c in spec.edition if c.isalnum() or c in "._-"),
        "examples": {"virtio_net_config", "virtio_net_rss_config"} <= {struct.name for struct in spec.structs},
        "p": names.lower,
        "u": names.upper,
    }
    files = {f"c/{path}": render(f"c/package/{template}.jinja", **view) for path, template in _PACKAGE.items()}
    return {**files, "c/LICENSE": render("_shared/LICENSE.jinja")}


class Headers:
    """The records, constants and registries of a model, shared out among its headers."""

    def __init__(
        self, spec: Spec, names: Names, constants: Constants, catalogue: Catalogue, messages: Messages
    ) -> None:
        self._spec = spec
        self._names = names
        self._constants = constants
        self._messages = messages
        self._catalogue = catalogue
        self._records: dict[str, list[Record]] = {}
        for record in catalogue.records:
            self._records.setdefault(header_name(record.module), []).append(record)

    def all(self) -> tuple[Header, ...]:
        """The headers by name."""
        modules = {header_name(c.module) for c in self._spec.constants} | set(self._records)
        modules |= {header_name(r.module) for r in self._spec.registries}
        modules |= {header_name(f.module) for f in self._spec.features}
        needs = {module: self._needs(module) for module in modules}
        homes = {module: _home(module, needs) for module in modules}
        return tuple(self._header(module, homes, needs) for module in sorted(modules))

    def _needs(self, module: str) -> set[str]:
        """The headers that define what stands inside the structs of one."""
        used = [r for record in self._records.get(module, []) for r in self._before(record)]
        for device in self._spec.devices:
            if header_name(device.module) == module:
                used += self._messages.rules.own(device.module)
        return {header_name(record.module) for record in used} - {module}

    def _before(self, record: Record) -> list[Record]:
        """The records whose definitions or functions a record uses."""
        return [*inside(record), *self._messages.values.bound(record)]

    def _ordered(self, records: list[Record]) -> list[Record]:
        """Records of one header, each behind those it uses."""
        ordered: list[Record] = []
        seen: set[str] = set()

        def visit(record: Record) -> None:
            if record.key not in seen:
                seen.add(record.key)
                for before in self._before(record):
                    visit(before)
                ordered.append(record)

        for record in records:
            visit(record)
        wanted = {record.key for record in records}
        return [record for record in ordered if record.key in wanted]

    def _header(self, module: str, homes: dict[str, str], needs: dict[str, set[str]]) -> Header:
        merged = sorted(m for m, home in homes.items() if home == module)
        includes = {homes[n] for m in merged for n in needs[m]} - {module} if merged else {homes[module]}
        records = self._ordered([r for r in self._catalogue.records if header_name(r.module) in merged])
        upper = self._names.upper
        return Header(
            guard=f"{upper}VIRTWIRE_{module.upper()}_H",
            file=f"{module}.h",
            module=module,
            edition=self._spec.edition,
            prefix=self._names.lower,
            upper=upper,
            includes=("types.h", *(f"{name}.h" for name in sorted(includes))),
            groups=tuple(group for m in merged for group in self._constants.groups(m)),
            definitions=tuple(d for record in records for d in self._definitions(record)),
            devices=tuple(
                self._messages.rules.device(device)
                for device in self._spec.devices
                if header_name(device.module) in merged
            ),
            tables=tuple(t for m in merged for t in tables(self._spec, self._catalogue, self._names, m)),
        )

    def _definitions(self, record: Record) -> list[Definition]:
        """A record, and its two halves where it is a request."""
        found = []
        for part in (record, *self._messages.halves(record)):
            message = self._messages.of(part)
            reserved = self._messages.rules.reserved(part)
            found.append(definition(part, self._names, () if message is None else (message,), reserved))
        return found


def _home(module: str, needs: dict[str, set[str]]) -> str:
    """The header that holds what a module defines: the first of those that need each other."""
    return min([module, *(m for m in _reach(module, needs) if module in _reach(m, needs))])


def _reach(module: str, needs: dict[str, set[str]]) -> set[str]:
    """The headers that a header includes, directly or not."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        new = needs[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def _types(names: Names, rules: Rules) -> str:
    ordered = [_integer(names, f"{order}{bits}", bits, order) for order in ("le", "be") for bits in (16, 32, 64)]
    native = [_integer(names, f"u{bits}", bits, "le") for bits in (16, 32, 64)]
    return render(
        "c/types.h.jinja",
        p=names.lower,
        u=names.upper,
        integers=(*ordered, *native),
        ordered=ordered,
        native=native,
        records=rules.by_device,
    )


def _integer(names: Names, word: str, bits: int, order: str) -> _IntegerView:
    size, ctype = bits // 8, f"uint{bits}_t"
    shifts = [8 * (i if order == "le" else size - 1 - i) for i in range(size)]
    terms = sorted((shift, i) for i, shift in enumerate(shifts))
    return _IntegerView(
        name=f"{names.lower}virtio_{word}",
        word=word,
        bits=bits,
        size=size,
        ctype=ctype,
        big=int(order == "be"),
        load=" | ".join(f"({ctype})b[{i}] << {shift}" if shift else f"({ctype})b[{i}]" for shift, i in terms),
        stores=tuple(
            _Byte(index=i, value=f"(value >> {shift})" if shift else "value") for i, shift in enumerate(shifts)
        ),
    )
