"""Links inside the built site: every page, file and anchor that a page names must be there.

    python docs/site_build/links.py build/docs

Links to other sites are not followed; that a page shows something from another site is an error, since
pages are read without a network too.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What a page is made of, beside links that a reader may follow.
PARTS = ("audio", "embed", "iframe", "img", "link", "script", "source", "video")
#: What a style sheet asks for.
ASKED = re.compile(r"(?:@import\s+|url\(\s*)[\"']?((?:https?:)?//[^\"')\s]+)")


class Page(HTMLParser):
    """The anchors of a page, where its links and pictures point, and what it shows of other sites."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.outside: list[str] = ASKED.findall(text)
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note identifiers, links and sources."""
        for name, value in attrs:
            if tag in PARTS and name in ("href", "src") and re.match(r"(https?:)?//", value or ""):
                self.outside.append(value)
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")
            elif name in ("href", "src") and value and tag != "link":
                self.links.append(value)


def broken_links(site: Path) -> list[str]:
    """Return ``page: link`` for every internal link of the site that leads nowhere."""
    pages = {
        path: Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    broken = []
    for path, page in pages.items():
        broken += [f"{path.relative_to(site)}: {link}, of another site" for link in page.outside]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if target.is_dir():
                target /= "index.html"
            anchors = pages[target].anchors if target in pages else None
            missing = parts.fragment and anchors is not None and parts.fragment not in anchors
            if not target.exists() or missing:
                broken.append(f"{path.relative_to(site)}: {link}")
    for path in site.rglob("*.css"):
        asked = ASKED.findall(path.read_text(encoding="utf-8"))
        broken += [f"{path.relative_to(site)}: {link}, of another site" for link in asked]
    return broken


if __name__ == "__main__":
    found = broken_links(Path(sys.argv[1]).resolve())
    print("\n".join(found) if found else "every internal link leads somewhere")
    sys.exit(bool(found))
