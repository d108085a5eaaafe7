"""The project's description on a package index: README.md with links that work there.

README.md links to files beside it. A page on an index has no files beside it, so relative links and
pictures are made absolute when ``[project.urls]`` of pyproject.toml has an entry ``Source``, the
address at which the sources can be browsed. While there is none, a link becomes its text with the path
of the file in the source distribution, and a picture the sentence that describes it. All else that is
to be said of the package stands in pyproject.toml.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent

# Code, in which brackets mean something else, or a link or picture.
_PIECES = re.compile(
    r"(?P<code>^```.*?^```|^ {4}.*?$|`[^`\n]*`)"
    r"|(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)",
    re.M | re.S,
)
_ABSOLUTE = re.compile(r"[a-z][a-z+.-]*:", re.I)


def description(readme: str, source: str | None, version: str) -> str:
    """Return ``readme`` without relative links.

    Parameters
    ----------
    readme : str
        Text of README.md.
    source : str or None
        Address of the sources: files are at ``{source}/blob/v{version}/PATH``, pictures at
        ``{source}/raw/v{version}/PATH``. None: there is no such address.
    version : str
        The version of the package; its tag is ``v{version}``.
    """

    def replaced(piece: re.Match[str]) -> str:
        text, target = piece["text"], piece["target"]
        if piece["code"] is not None or _ABSOLUTE.match(target):
            return piece[0]
        if source is not None and not target.startswith("#"):
            kind = "raw" if piece["picture"] else "blob"
            return f"{piece['picture']}[{text}]({source.rstrip('/')}/{kind}/v{version}/{target})"
        if piece["picture"]:
            return f"*{text}* (picture: `{target}` in the source distribution)"
        path = target.partition("#")[0]
        return text if not path or text.strip("`") == path else f"{text} (`{path}`)"

    return _PIECES.sub(replaced, readme)


def metadata() -> dict[str, str]:
    """Return the description and its type, as `setuptools.setup` takes them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = (ROOT / "cgcopt" / "version.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.*)"$', module, flags=re.M)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = description(readme, project.get("urls", {}).get("Source"), version)
    return {"long_description": text, "long_description_content_type": "text/markdown"}


if __name__ == "__main__":
    setup(**metadata())
