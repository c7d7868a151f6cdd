"""All classes of a model: their names, which never collide, and how code names them."""

from __future__ import annotations

from virtspec.emit.python.naming import Cls, class_name, module_of
from virtspec.emit.python.views import Attribute
from virtspec.model import Member, Spec
from virtspec.names import python_class, python_field


class Catalogue:
    """The classes for all structs and unions of a model, and for the untagged ones inside them."""

    def __init__(self, spec: Spec, reserved: frozenset[str] = frozenset()) -> None:
        self.reserved = reserved
        self.classes: dict[str, Cls] = {}
        self.inner: dict[str, list[Cls]] = {}
        self._by_tag: dict[str, Cls] = {}
        self._names: dict[str, set[str]] = {}
        self._references: dict[tuple[str, str], Cls] = {}
        for struct in spec.structs:
            module = module_of(struct.module)
            base = class_name(struct.name) + (f"_{struct.variant}" if struct.variant > 1 else "")
            cls = Cls(
                name=self.claim(module, base),
                c_name=struct.name,
                module=module,
                union=struct.kind == "union",
                members=struct.members,
                struct=struct,
                tagged=True,
            )
            self.classes[struct.key] = cls
            self._by_tag.setdefault(struct.name, cls)

    def claim(self, module: str, name: str) -> str:
        """A name that nothing else in the module has; with the name of its view it is taken from now on."""
        taken = self._names.setdefault(module, set())
        while name in taken or name in self.reserved or f"{name}View" in taken:
            name += "_"
        taken.update((name, f"{name}View"))
        return name

    def is_claimed(self, module: str, name: str) -> bool:
        """Whether a module has something of that name, so far."""
        return name in self._names.get(module, ())

    def by_tag(self, tag: str) -> Cls | None:
        """The class for a tag; None where the model does not define it."""
        return self._by_tag.get(tag)

    def untagged(self, cls: Cls, name: str, members: tuple[Member, ...], *, union: bool) -> Cls:
        """A new class for a struct or union without a tag, a member of `cls`."""
        wanted = cls.name + python_class(name or ("union" if union else "struct"))
        while any(python_field(member.name) == wanted for member in cls.members):  # an argument that would hide it
            wanted += "_"
        return Cls(
            name=self.claim(cls.module, wanted),
            c_name=f"{cls.c_name}.{name}" if name else cls.c_name,
            module=cls.module,
            union=union,
            members=members,
            struct=cls.struct,
            tagged=False,
        )

    def keep(self, inner: Cls) -> None:
        """Render an untagged class, behind those that were kept before."""
        self.inner.setdefault(inner.struct.key, []).append(inner)

    def reference(self, user: Cls, used: Cls) -> str:
        """How the code of one class names another."""
        text = used.name if used.module == user.module else f"_{used.module}.{used.name}"
        self._references[user.module, text] = used
        return text

    def target(self, user: Cls, reference: str) -> Cls:
        """The class that `reference` gave this name."""
        return self._references[user.module, reference]

    def native(self, user: Cls, attribute: Attribute) -> bool:
        """Whether decoding an attribute of a class needs to be told the byte order."""
        return attribute.format[:1] == "=" or (bool(attribute.cls) and self.target(user, attribute.cls).native)

    def attribute(self, field: str) -> str:
        """A member of the model, `tag.path`, as generated code calls it: `virtio_net_ctrl.class_`."""
        tag, first, *rest = field.split(".")
        cls = self._by_tag.get(tag)
        known = {a.path: a.name for a in cls.attributes} if cls is not None else {}
        return ".".join([tag, known.get(first, python_field(first)), *map(python_field, rest)])
