"""Where the resource tree begins, and in which order a path is looked for."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import IResource, Resource

from sgcws.http.commands import Commands
from sgcws.http.files import Files
from sgcws.http.pages import Pages

__all__ = ["Fallback", "Root"]


class Fallback:
    """
    What answers a path that the application put no resource at.

    An upgrade goes to the WebSocket, whatever file has that path. Then come files, built-in pages and scripts, the
    application's commands, and 404.

    Args:
        upgrade: The resource that every path upgrades through.
        is_upgrade: Tells whether a request asks for it.
        files: The files under ``document_root``, or None.
        pages: The built-in pages and scripts.
        commands: The application's commands.
    """

    def __init__(
        self, upgrade: IResource, is_upgrade: Any, files: Files | None, pages: Pages, commands: Commands
    ) -> None:
        self._upgrade = upgrade
        self._is_upgrade = is_upgrade
        self._files = files
        self._pages = pages
        self._commands = commands

    def find(self, segments: list[bytes], request: Any) -> IResource:
        """Return the resource that answers *request* for the path of these *segments*."""
        if self._is_upgrade(request):
            return self._upgrade
        if request.method not in (b"GET", b"HEAD"):
            return self._commands
        found = (
            (self._files and self._files.find(segments))
            or self._pages.find(segments)
            # The built-in index gives way to an application that answers commands.
            or (None if self._commands.handles(request) else self._pages.index(segments))
        )
        return found or self._commands


class Root(Resource):
    """
    The root of the resource tree: what the application puts here comes first.

    It outlives a restart; the fallback is set anew each time.
    """

    fallback: Fallback | None = None

    def getChild(self, path: bytes, request: Any) -> IResource:
        """Return what answers when the application put nothing at *path*."""
        segments = [path, *request.postpath]
        return Resource() if self.fallback is None else self.fallback.find(segments, request)

    def render(self, request: Any) -> Any:
        """Answer a request with no path at all."""
        found: Any = self.getChild(b"", request)
        return found.render(request)
