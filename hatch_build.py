"""The README as the description of a package: what it shows and links to lies in the repository, and a package index
has only the text. So pictures are left out there, and links to files become their text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# code stays as it is; a picture takes the empty line behind it along; what has a scheme or is an anchor can be followed
_PARTS = re.compile(
    r"(?P<code>^```.*?^```$)|!\[[^\]]*\]\((?!\w+:)[^)]*\)\n*|\[(?P<text>[^\]]*)\]\((?!\w+:|#)[^)]*\)",
    re.MULTILINE | re.DOTALL,
)


def described(readme: str) -> str:
    """A text without what needs the files around it."""
    return _PARTS.sub(lambda found: found["code"] or found["text"] or "", readme)


class Description(MetadataHookInterface):
    """Gives the package its description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `project.readme`."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": described(text)}
