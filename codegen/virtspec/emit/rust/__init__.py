"""The model as the Rust crate `virtwire`: one module per chapter or device type, and what they stand on.

The crate needs no standard library, no allocation and no unsafe code.
"""

from __future__ import annotations

import re

from virtspec import __version__
from virtspec.compat import assert_never
from virtspec.emit.engine import Emission, render
from virtspec.emit.rust.constants import Constants
from virtspec.emit.rust.items import Item
from virtspec.emit.rust.lines import use
from virtspec.emit.rust.messages import Messages
from virtspec.emit.rust.names import RUNTIME_MODULES, module_name
from virtspec.emit.rust.registries import Registries, features
from virtspec.emit.rust.rules import Rules
from virtspec.emit.rust.structs import fixed, union
from virtspec.emit.rust.testee import render_testee
from virtspec.emit.rust.types import Catalogue
from virtspec.emit.rust.values import Values
from virtspec.emit.rust.views import ItemView, ModuleView
from virtspec.layout import Layouts
from virtspec.model import Spec

CRATE = "rust"
RUST_VERSION = "1.63"

# what a module imports if its text uses the name
_IMPORTS = (
    "Be16 Be32 Be64 Error Features Fixed Guest16 Guest32 Guest64 Input Le16 Le32 Le64 List MemberValue Message Output "
    "Records"
).split()
_MACROS = {
    "device": ("device",),
    "layout": ("bits", "fixed", "union"),
    "lengths": (),
    "registry": ("features", "registry"),
    "rules": ("list", "record", "reserved"),
    "values": ("selectors", "values"),
}

_PACKAGE = {
    "Cargo.toml": "Cargo.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "examples/testee/main.rs": "examples/testee/main.rs",
    "examples/testee/question.rs": "examples/testee/question.rs",
    "examples/testee/subjects.rs": "examples/testee/subjects.rs",
    "examples/testee/visit.rs": "examples/testee/visit.rs",
}

_EXAMPLES = (
    "virtio_admin_cmd_dev_parts_get_result",
    "virtio_blk_config",
    "virtio_crypto_cipher_data_vlf",
    "virtio_dev_ctx",
    "virtio_dev_part",
    "virtio_net_config",
    "virtio_net_ctrl",
    "virtio_net_ctrl_mac",
    "virtio_net_hdr",
    "virtio_net_rss_config",
)
"""The structs on which the crate's documentation and tests show what it does; a model without them has neither."""


def render_rust(spec: Spec, layouts: Layouts) -> Emission:
    """The files of the crate, by path."""
    catalogue = Catalogue(spec, layouts)
    constants = Constants(catalogue)
    names = sorted(_modules(spec))
    bits = {
        module: {
            name: path
            for name, bit in catalogue.feature_bits.items()
            if (path := constants.path(name, bit, module, "u32")) is not None
        }
        for module in names
    }
    messages = Messages(catalogue, bits)
    registries = Registries(catalogue)
    rules = Rules(catalogue, Values(catalogue, constants, messages), registries)
    emission = Emission()
    views = {id(item): (item, view) for item in catalogue.items if (view := _view(item, messages, rules)) is not None}
    modules = [
        _module(
            name, catalogue, constants, registries, rules, tuple(v for item, v in views.values() if item.module == name)
        )
        for name in names
    ]
    for module in modules:
        body = render("rust/module.rs.jinja", m=module)
        emission.files[f"{CRATE}/src/{module.name}.rs"] = _head(module, body) + body
    examples = all(catalogue.named(name) is not None for name in _EXAMPLES)
    common: dict[str, object] = {
        "version": __version__,
        "edition": "".join(c for c in spec.edition if c.isalnum() or c in "._-"),
        "rust_version": RUST_VERSION,
        "modules": modules,
        "examples": examples,
    }
    for name in RUNTIME_MODULES:
        emission.files[f"{CRATE}/src/{name}.rs"] = render(f"rust/src/{name}.rs.jinja")
    emission.files[f"{CRATE}/src/lib.rs"] = render("rust/src/lib.rs.jinja", **common)
    for path, template in _PACKAGE.items():
        emission.files[f"{CRATE}/{path}"] = render(f"rust/package/{template}.jinja", **common)
    emission.files[f"{CRATE}/LICENSE"] = render("_shared/LICENSE.jinja")
    if examples:
        path = "tests/messages.rs"
        emission.files[f"{CRATE}/{path}"] = render(f"rust/package/{path}.jinja", **common)
    emission.files[f"{CRATE}/examples/testee/structures.rs"] = render_testee(catalogue, views, messages, names)
    emission.not_rendered += [*constants.not_rendered, *catalogue.not_rendered]
    return emission


def _view(item: Item, messages: Messages, rules: Rules) -> ItemView | None:
    match item.kind:
        case "message":
            return messages.view(item, rules.of(item))
        case "union":
            # one of variable size is shown where it stands
            return union(item) if item.size is not None else None
        case "fixed":
            return fixed(item, rules.of(item), messages.catalogue.not_rendered)
        case _:
            assert_never(item.kind)


def _modules(spec: Spec) -> set[str]:
    modules = {struct.module for struct in spec.structs} | {constant.module for constant in spec.constants}
    modules |= {feature.module for feature in spec.features} | {registry.module for registry in spec.registries}
    return set(map(module_name, modules))


def _module(
    name: str,
    catalogue: Catalogue,
    constants: Constants,
    registries: Registries,
    rules: Rules,
    items: tuple[ItemView, ...],
) -> ModuleView:
    device = next((d for d in catalogue.spec.devices if module_name(d.module) == name), None)
    return ModuleView(
        name=name,
        title=device.title if device is not None else name.replace("_", " "),
        counts=f"{len(items)} structures, {len(constants.views(name))} constants",
        device=device.id if device is not None else None,
        imports=(),
        constants=constants.views(name),
        macros=constants.macros(name),
        features=features(catalogue, name),
        registries=registries.views(name),
        items=items,
        own=rules.own(name),
        rules=rules.device(device) if device is not None else None,
    )


def _head(module: ModuleView, body: str) -> str:
    """The start of a module: what it is, and what it imports."""
    words = set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"|//.*', "", body)))
    imports: list[str] = []
    for home, macros in _MACROS.items():
        used = [name for name in macros if re.search(rf"^{name}! ", body, re.MULTILINE)]
        if home == "lengths" and "lengths::" in body:
            used.insert(0, "self")
        imports += use(f"crate::{home}", used)
    imports += use("crate", [name for name in _IMPORTS if name in words])
    return render("rust/head.rs.jinja", m=module, imports=imports)
