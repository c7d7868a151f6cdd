"""`former.h`: the names that earlier releases had, for those who ask for them by including it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from virtspec.emit.c.names import Names, macro_name, struct_tag
from virtspec.emit.c.types import Catalogue, Named
from virtspec.emit.engine import render
from virtspec.model import Spec
from virtspec.names import is_identifier
from virtspec.since import Since


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerMacro:
    """A name that the release `last` was the last to have, and the one that it stands for."""

    name: str
    new: str
    last: str


def render_former(spec: Spec, catalogue: Catalogue, macros: dict[str, Named], names: Names, since: Since) -> str:
    """The header. Members have no former names here: a macro called `num` would spoil every other `num`."""
    former = [*_tags(spec, catalogue, names, since), *_macros(spec, macros, names, since)]
    return render("c/former.h.jinja", former=former, u=names.upper)


def _tags(spec: Spec, catalogue: Catalogue, names: Names, since: Since) -> Iterator[FormerMacro]:
    structs = {s.name: s for s in reversed(spec.structs)}
    tags = {record.key: record.tag for record in catalogue.records}
    for former in since.former("structs", structs, spec.edition):
        struct = structs.get(former.new)
        if struct is not None and struct.key in tags and is_identifier(former.old):
            name = names.lower + struct_tag(replace(struct, name=former.old))
            if name not in names.scope:
                yield FormerMacro(
                    name=names.tag(name.removeprefix(names.lower)), new=tags[struct.key], last=former.last
                )


def _macros(spec: Spec, macros: dict[str, Named], names: Names, since: Since) -> Iterator[FormerMacro]:
    constants = {c.name: c for c in reversed(spec.constants)}
    for former in since.former("constants", constants, spec.edition):
        constant = constants.get(former.new)
        if constant is not None and former.new in macros and is_identifier(former.old):
            name = macro_name(replace(constant, name=former.old))
            if names.upper + name not in names.scope:
                yield FormerMacro(name=names.macro(name), new=macros[former.new].macro, last=former.last)
