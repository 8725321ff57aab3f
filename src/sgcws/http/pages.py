"""The built-in pages and scripts, from the package's own files."""

from __future__ import annotations

import hashlib
import html
from importlib.resources import files
from typing import Any

from twisted.web.resource import Resource

__all__ = ["Pages"]

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".ts": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}

SCRIPTS = ("sgcws.js", "sgcws.mjs", "sgcws.d.ts")
INDEX = "index.html"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page(Resource):
    """
    One built-in file, kept in memory.

    Args:
        content: Its bytes.
        media_type: What to announce it as.
    """

    isLeaf = True

    def __init__(self, content: bytes, media_type: str) -> None:
        super().__init__()
        self._content = content
        self._type = media_type.encode()
        self._tag = b'"' + hashlib.sha256(content).hexdigest()[:32].encode() + b'"'

    def render_GET(self, request: Any) -> bytes:
        """Send it, unless the browser has it."""
        request.setHeader(b"Content-Type", self._type)
        request.setHeader(b"Content-Security-Policy", POLICY.encode())
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        request.setHeader(b"Referrer-Policy", b"no-referrer")
        request.setHeader(b"Cache-Control", b"no-cache")
        return b"" if request.setETag(self._tag) else self._content


class Pages:
    """
    The built-in files that are served.

    Args:
        test_pages: Serve the index, the chat and the tester.
        scripts: Serve ``sgcws.js`` and what belongs to it.
        server: What the index calls this server.
    """

    def __init__(self, test_pages: bool, scripts: bool, server: str) -> None:
        names = _test_pages() if test_pages else SCRIPTS if scripts else ()
        self._pages = {name.encode(): _page(name) for name in names}
        self._index = _page(INDEX, {"{{server}}": server}) if test_pages else None

    def find(self, segments: list[bytes]) -> Page | None:
        """Return the page that *segments* name, or None; the index is asked for by `index`."""
        return self._pages.get(segments[0]) if len(segments) == 1 else None

    def index(self, segments: list[bytes]) -> Page | None:
        """Return the index if *segments* ask for it."""
        return self._index if segments in ([b""], [INDEX.encode()]) else None


def _test_pages() -> list[str]:
    """Return the name of every built-in file; the index is a template, and served by itself."""
    return [file.name for file in files("sgcws").joinpath("pages").iterdir() if file.name != INDEX]


def _page(name: str, words: dict[str, str] | None = None) -> Page:
    content = files("sgcws").joinpath("pages", name).read_text("utf-8")
    for mark, word in (words or {}).items():
        content = content.replace(mark, html.escape(word))
    return Page(content.encode(), TYPES["." + name.rpartition(".")[2]])
