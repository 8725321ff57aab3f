"""Where the resource tree begins, and in which order a path is looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from twisted.web.resource import IResource, Resource

from sgcws.http.commands import Commands, NotAllowed, is_get_like
from sgcws.http.files import Files
from sgcws.http.pages import Pages

__all__ = ["Fallback", "Place", "Root"]


class Place(Protocol):
    """A path of ours where some requests are answered before files and commands are asked."""

    def find(self, segments: list[bytes], request: Any) -> IResource | None:
        """Return the resource for a request, if the path of these segments is the place and it is asked for."""

    def longest_body(self, segments: list[bytes], method: bytes) -> int | None:
        """Return how long the body of a request to this place may be; None for any length, and for other paths."""


class Fallback:
    """
    What answers a path that the application put no resource at.

    An upgrade goes to the WebSocket, whatever file has that path. Then come the place of events, files, built-in pages
    and scripts, the application's commands, and 404.

    Args:
        upgrade: The resource that every path upgrades through.
        is_upgrade: Tells whether a request asks for it.
        files: The files under ``document_root``, or None.
        pages: The built-in pages and scripts.
        commands: The application's commands.
        events: Where Server-Sent Events are, or None.
    """

    def __init__(
        self,
        upgrade: IResource,
        is_upgrade: Callable[[Any], bool],
        files: Files | None,
        pages: Pages,
        commands: Commands,
        events: Place | None = None,
    ) -> None:
        self._upgrade = upgrade
        self._is_upgrade = is_upgrade
        self._files = files
        self._pages = pages
        self._commands = commands
        self._events = events

    def find(self, segments: list[bytes], request: Any) -> IResource:
        """Return the resource that answers *request* for the path of these *segments*."""
        if self._is_upgrade(request):
            return self._upgrade
        if self._events is not None and (place := self._events.find(segments, request)) is not None:
            return place
        if not is_get_like(request.method) and self._commands.handles(request.method):
            return self._commands
        found = self._find_stored(segments, request.method)
        if found is None:
            return self._commands
        return found if request.method in (b"GET", b"HEAD") else NotAllowed()

    def longest_body(self, segments: list[bytes], method: bytes) -> int | None:
        """Return how long the body of a request may be, or None."""
        return None if self._events is None else self._events.longest_body(segments, method)

    def _find_stored(self, segments: list[bytes], method: bytes) -> IResource | None:
        if self._files is not None and (file := self._files.find(segments)) is not None:
            return file
        # The built-in index gives way to an application that answers commands.
        return self._pages.find(segments, index=not self._commands.handles(method))


class Root(Resource):
    """
    The root of the resource tree: what the application puts here comes first.

    It outlives a restart; the fallback is set anew each time.

    Args:
        furnish: Sets the fallback of a tree that is asked before any start, in somebody else's ``Site``; without it
            nobody answers there.

    Attributes:
        fallback: What answers otherwise.
    """

    fallback: Fallback | None = None

    def __init__(self, furnish: Callable[[Root], object] | None = None) -> None:
        super().__init__()
        self._furnish = furnish

    def getChild(self, path: bytes, request: Any) -> IResource:
        """Return what answers when the application put nothing at *path*."""
        if self.fallback is None and self._furnish is not None:
            self._furnish(self)
        if self.fallback is None:
            nobody: IResource = super().getChild(path, request)
            return nobody
        return self.fallback.find([path, *request.postpath], request)

    def longest_body(self, method: bytes, path: bytes) -> int | None:
        """Return how long the body of a request may be; None for any length, and for what the application put here."""
        segments = [unquote_to_bytes(segment) for segment in path[1:].split(b"/")]
        if self.fallback is None or segments[0] in self.children:
            return None
        return self.fallback.longest_body(segments, method)

    def render(self, request: Any) -> Any:
        """Answer a request for this very place, without a slash behind it, in somebody else's tree."""
        return self.getChild(b"", request).render(request)
