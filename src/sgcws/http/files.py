"""Files under ``document_root``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from twisted.web.resource import IResource
from twisted.web.static import File

__all__ = ["Files", "locate"]


def locate(root: str, segments: Iterable[bytes], index_files: Iterable[str]) -> str | None:
    """
    Return the file that a request is for, or None.

    Nothing is found outside *root*, in any encoding, nor through a symbolic link, nor under a name that starts with a dot.

    Args:
        root: The folder to serve, without symbolic links in its own path.
        segments: The path's segments, percent-decoded.
        index_files: What to look for in a folder, in this order.
    """
    path = root
    for segment in segments:
        name = os.fsdecode(segment)
        if not name:
            continue
        if name.startswith(".") or "/" in name or "\x00" in name or os.sep in name or (os.altsep or "/") in name:
            return None
        path = os.path.join(path, name)
    if os.path.isdir(path):
        path = next((found for name in index_files if os.path.isfile(found := os.path.join(path, name))), path)
    return path if os.path.isfile(path) and os.path.realpath(path) == path else None


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
        """Return the resource for the file that *segments* name, or None."""
        path = locate(self._root, segments, self._index_files)
        if path is None:
            return None
        found: IResource = StaticFile(path, self._charset)
        return found


class StaticFile(File):
    """Twisted's file resource for one file, with a charset beside text types."""

    isLeaf = True

    def __init__(self, path: str, charset: str) -> None:
        super().__init__(path)
        self.type, self.encoding = _media_type(path, charset)

    def render(self, request: Any) -> Any:
        """Serve the file, without letting a browser guess its type."""
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        return super().render(request)


def _media_type(path: str, charset: str) -> tuple[str, str | None]:
    extension = os.path.splitext(path)[1].lower()
    if extension in File.contentEncodings:
        return "application/octet-stream", None
    kind = File.contentTypes.get(extension, "application/octet-stream")
    return (f"{kind}; charset={charset}" if kind.startswith("text/") else kind), None
