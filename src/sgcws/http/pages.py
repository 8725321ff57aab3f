"""The built-in pages and scripts, from the package's own files."""

from __future__ import annotations

import hashlib
import html
from importlib.resources import files
from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

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
        self._tag = b'"' + hashlib.sha256(content).hexdigest()[:32].encode() + b'"'
        self._headers = {
            b"Content-Type": media_type.encode(),
            b"Content-Length": b"%d" % len(content),
            b"Content-Security-Policy": POLICY.encode(),
            b"X-Content-Type-Options": b"nosniff",
            b"Referrer-Policy": b"no-referrer",
            b"Cache-Control": b"no-cache",
            b"ETag": self._tag,
        }

    def render(self, request: Any) -> int:
        """Send it, unless the browser has it."""
        for name, value in self._headers.items():
            request.setHeader(name, value)
        if self._is_known(request.requestHeaders.getRawHeaders(b"If-None-Match", ())):
            request.setResponseCode(304)
        request.write(self._content)
        request.finish()
        return int(NOT_DONE_YET)

    def _is_known(self, values: Any) -> bool:
        """Tell whether the browser names what it has (RFC 9110 section 13.1.2)."""
        tags = {tag.strip().removeprefix(b"W/") for value in values for tag in value.split(b",")}
        return not tags.isdisjoint({self._tag, b"*"})


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

    def find(self, segments: list[bytes], index: bool) -> Page | None:
        """
        Return the page that *segments* name, or None.

        Args:
            segments: The path's segments, percent-decoded.
            index: Whether the index is served.
        """
        if segments in ([b""], [INDEX.encode()]):
            return self._index if index else None
        return self._pages.get(segments[0]) if len(segments) == 1 else None


def _test_pages() -> list[str]:
    """Return the name of every built-in file; the index is a template, and served by itself."""
    names = (file.name for file in files("sgcws").joinpath("pages").iterdir())
    return [name for name in names if name != INDEX and _extension(name) in TYPES]


def _page(name: str, words: dict[str, str] | None = None) -> Page:
    content = files("sgcws").joinpath("pages", name).read_text("utf-8")
    for mark, word in (words or {}).items():
        content = content.replace(mark, html.escape(word))
    return Page(content.encode(), TYPES[_extension(name)])


def _extension(name: str) -> str:
    return "." + name.rpartition(".")[2]
