"""Names that earlier releases had, as Python sees them: which stay importable, and what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from virtspec.emit.python.catalogue import Catalogue
from virtspec.emit.python.naming import TAKEN_ATTRIBUTES, Cls, class_name, module_of
from virtspec.emit.python.views import ClassView, FormerMember
from virtspec.layout import Layouts
from virtspec.model import Spec
from virtspec.names import is_identifier, python_field
from virtspec.since import Former, Section, Since


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerName:
    """A name of a module or of the index that is called `new` now, "" where it is gone. `last` is the last release
    that had it."""

    name: str
    new: str
    last: str


class FormerNames:
    """The former names of a model, shared out among its modules and classes. One that means something else by now in
    Python is left out, and `skip` told."""

    def __init__(
        self, spec: Spec, layouts: Layouts, catalogue: Catalogue, since: Since | None, skip: Callable[[str, str], None]
    ) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.skip = skip

        def former(section: Section, known: Container[str]) -> Sequence[Former]:
            found = since.former(section, known, spec.edition) if since is not None else ()
            return [f for f in found if section == "members" or is_identifier(f.old)]

        self._structs = former("structs", {s.name for s in spec.structs})
        self._constants = former("constants", {c.name for c in spec.constants})
        self._features = former("features", {f.name for f in spec.features})
        paths = {f"{s.name}.{slot.path}" for s in spec.structs for slot in layouts.of(s).slots}
        self._members: dict[str, list[Former]] = {}
        for member in former("members", paths):
            scope, _, _ = member.new.replace("[]", "").rpartition(".")
            self._members.setdefault(scope, []).append(member)

    # --- the index ----------------------------------------------------------------------------------------

    def structs(self) -> tuple[FormerName, ...]:
        """Structs and unions by C name."""
        return tuple(FormerName(name=f.old, new=f.new, last=f.last) for f in self._structs)

    def features(self) -> tuple[FormerName, ...]:
        """Feature bits by name."""
        return tuple(FormerName(name=f.old, new=f.new, last=f.last) for f in self._features)

    # --- modules ------------------------------------------------------------------------------------------

    def of_module(self, module: str, views: Sequence[ClassView], values: Container[str]) -> tuple[FormerName, ...]:
        """The names of a generated module, whose classes have these views and whose constants and macros these names.
        To be asked last: what is in use by now cannot be the former name of something."""
        viewed = {view.name for view in views if view.view}
        found: list[FormerName] = []
        for former in self._structs:
            for name, new in self._classes(module, former):
                if self._free(module, name, former):
                    found.append(FormerName(name=name, new=new, last=former.last))
                    if not new or new in viewed:
                        found.append(FormerName(name=f"{name}View", new=f"{new}View" if new else "", last=former.last))
        for former in self._constants:
            here = former.new in values if former.new else module_of(former.module) == module
            if here and self._free(module, former.old, former):
                found.append(FormerName(name=former.old, new=former.new, last=former.last))
        return tuple(found)

    def _classes(self, module: str, former: Former) -> Iterator[tuple[str, str]]:
        """The classes that a struct had under its former name, and what these are called now."""
        name = class_name(former.old)
        if not former.new:
            if module_of(former.module) == module:
                yield name, ""
            return
        base = class_name(former.new)
        for struct in self.spec.structs:
            if struct.name == former.new and module_of(struct.module) == module:
                for cls in (*self.catalogue.inner.get(struct.key, ()), self.catalogue.classes[struct.key]):
                    if cls.name.startswith(base):
                        yield name + cls.name.removeprefix(base), cls.name

    def _free(self, module: str, name: str, former: Former) -> bool:
        free = not name.startswith("_") and self.catalogue.claim(module, name) == name
        if not free:
            self.skip(former.old, f"a former name; '{name}' means something else in '{module}' now")
        return free

    # --- classes ------------------------------------------------------------------------------------------

    def of_class(self, cls: Cls) -> tuple[FormerMember, ...]:
        """The members of a class that had other names."""
        types: dict[str, str] = {}
        for attribute in cls.attributes:
            types[attribute.name] = attribute.type
            types |= dict.fromkeys((bit.name for bit in attribute.bits), "int")
            types |= {arm.name: arm.type for arm in attribute.arms}
        types |= {arm.name: arm.type for arm in cls.arms}
        arguments = {
            name for a in cls.attributes for name in ([b.name for b in a.bits] if a.kind == "bits" else [a.name])
        }
        found: list[FormerMember] = []
        for former in self._members.get(cls.c_name, ()):
            old, new = (python_field(path.rpartition(".")[2]) for path in (former.old, former.new))
            if new not in types:
                continue
            if old in types or old in TAKEN_ATTRIBUTES or old.startswith("_"):
                self.skip(former.old, f"a former name; '{old}' means something else in '{cls.name}' now")
                continue
            found.append(FormerMember(name=old, new=new, last=former.last, type=types[new], argument=new in arguments))
        return tuple(found)
