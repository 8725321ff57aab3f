"""Files under ``document_root``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from math import ceil
from typing import Any
from urllib.parse import quote

from twisted.web.http import datetimeToString
from twisted.web.http_headers import Headers
from twisted.web.resource import IResource, Resource
from twisted.web.static import File

from sgcws.http.response import CommandResponse, send
from sgcws.http.text import decode

__all__ = ["Files", "locate"]

MOST_RANGES = 16
"""Ranges of one file that are sent at once; if more are asked for, the whole file is (RFC 9110 section 14.2)."""

_RANGE = rb"(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})[ \t]*(?:,[ \t]*|$)"
_RANGES = re.compile(rb"bytes=[ \t]*(?:%b){1,%d}" % (_RANGE, MOST_RANGES))


def locate(root: str, segments: Iterable[bytes], index_files: Iterable[str]) -> str | None:
    """
    Return the file that a request is for, or None.

    Nothing is found outside *root*, in any encoding, nor through a symbolic link, nor under a name that starts with
    a dot.

    Args:
        root: The folder to serve, without symbolic links in its own path.
        segments: The path's segments, percent-decoded. The last is empty for a folder.
        index_files: What to look for in a folder, in this order.
    """
    *names, last = map(os.fsdecode, segments)
    if not all(map(_may_be_served, names)):
        return None
    folder = os.path.join(root, *names)
    if last:
        return _real(os.path.join(folder, last)) if _may_be_served(last) else None
    return next((path for name in index_files if (path := _real(os.path.join(folder, name)))), None)


def _may_be_served(name: str) -> bool:
    """Whether a segment is the plain name of something that is not hidden; on Windows that excludes drives, too."""
    return bool(name) and not name.startswith(".") and os.path.basename(os.path.splitdrive(name)[1]) == name


def _real(path: str) -> str | None:
    """Return *path* if it is a file, and no link is on the way to it."""
    return path if "\x00" not in path and os.path.isfile(path) and os.path.realpath(path) == path else None


class Files:
    """
    The files that are served.

    Args:
        root: The folder.
        index_files: What to look for in a folder, in this order.
        charset: The charset that text files are announced with.
    """

    def __init__(self, root: str, index_files: tuple[str, ...], charset: str) -> None:
        self._root = os.path.realpath(root)
        self._index_files = index_files
        self._charset = charset

    def find(self, segments: list[bytes]) -> IResource | None:
        """Return the resource for the file or the folder with an index that *segments* name, or None."""
        path = locate(self._root, segments, self._index_files)
        if path is not None:
            return StaticFile(path, self._charset)
        if segments[-1] and locate(self._root, [*segments, b""], self._index_files) is not None:
            return ToFolder(segments[-1])
        return None


class ToFolder(Resource):
    """Sends a browser on to a folder whose name it gave without a slash, else links in the index would go astray."""

    isLeaf = True

    def __init__(self, name: bytes) -> None:
        super().__init__()
        self._name = name

    def render(self, request: Any) -> int:
        """Redirect, relative to the request: a path that begins with two slashes would name another host."""
        _, mark, query = request.uri.partition(b"?")
        response = CommandResponse()
        response.redirect(f"./{quote(self._name)}/" + decode(mark + query))
        return send(request, response, "utf-8")


class StaticFile(File):
    """Twisted's file resource for one file, with a charset beside text types."""

    isLeaf = True

    def __init__(self, path: str, charset: str) -> None:
        super().__init__(path)
        self.type, self.encoding = _media_type(path, charset)

    def render(self, request: Any) -> Any:
        """Serve the file, without letting a browser guess its type."""
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        if request.requestHeaders.hasHeader(b"Range") and not self._wants_ranges(request.requestHeaders):
            request.requestHeaders.removeHeader(b"Range")
        return super().render(request)

    def _wants_ranges(self, headers: Headers) -> bool:
        """Tell whether the ``Range`` header holds; if not, the whole file is sent (RFC 9110 sections 13.1.5, 14.2)."""
        ranges = headers.getRawHeaders(b"Range", [])
        dates = headers.getRawHeaders(b"If-Range", [])
        return len(ranges) == 1 and _RANGES.fullmatch(ranges[0]) is not None and dates in ([], [self._last_modified()])

    def _last_modified(self) -> bytes:
        """Return what Twisted sends as ``Last-Modified``."""
        self.restat(False)
        date: bytes = datetimeToString(ceil(self.getModificationTime())) if self.exists() else b""
        return date

    def _rangeToOffsetAndSize(self, start: int | None, end: int | None) -> tuple[int, int]:
        """Bound a range that counts from the end; Twisted seeks to before the start of a file that is shorter."""
        if start is None and end is not None:
            end = min(end, self.getFileSize())
        found: tuple[int, int] = super()._rangeToOffsetAndSize(start, end)
        return found


def _media_type(path: str, charset: str) -> tuple[str, str | None]:
    extension = os.path.splitext(path)[1].lower()
    if extension in File.contentEncodings:
        return "application/octet-stream", None
    kind = File.contentTypes.get(extension, "application/octet-stream")
    return (f"{kind}; charset={charset}" if kind.startswith("text/") else kind), None
