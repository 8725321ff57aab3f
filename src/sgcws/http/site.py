"""The `Site` that requests are answered from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.resource import IResource
from twisted.web.server import Site

from sgcws.http.channel import Channel
from sgcws.options import HTTPOptions

__all__ = ["CommandSite"]


class CommandSite(Site):
    """
    A `twisted.web.server.Site` on our channel.

    Args:
        root: The resource tree.
        options: The HTTP options.
        reactor: Sets the time-outs.
        before: Given a request and what finds the resource for it, returns the resource to render.
        longest_body: Given the method and the path of a request, returns how long its body may be; None for any length.
    """

    protocol = Channel  # type: ignore[assignment]  # Twisted's hint names its own proxy of a channel
    noisy = False

    def __init__(
        self,
        root: IResource,
        options: HTTPOptions,
        reactor: Any,
        before: Callable[[Any, Callable[[Any], IResource]], IResource] | None = None,
        longest_body: Callable[[bytes, bytes], int | None] | None = None,
    ) -> None:
        super().__init__(root, timeout=options.keep_alive_timeout, reactor=reactor, parsePOSTFormSubmission=False)
        self._options = options
        self._before = before
        self._longest_body = longest_body

    def buildProtocol(self, addr: Any) -> Channel:  # type: ignore[override]  # as above
        """Make the channel for one socket."""
        channel: Any = super().buildProtocol(addr)
        channel.head_timeout = self._options.header_timeout
        header = self._options.server_header
        channel.server_header = None if header is None else header.encode("ascii")
        channel.longest_body = self._longest_body
        made: Channel = channel
        return made

    def getResourceFor(self, request: Any) -> Any:
        """Find the resource for a request, or what stands before it."""
        find = super().getResourceFor
        return find(request) if self._before is None else self._before(request, find)

    def acceptableProtocols(self) -> list[bytes]:
        """Offer HTTP/1.1 alone; Twisted's own HTTP/2 never answers here."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """Open no access log, and set no timer for one."""

    def stopFactory(self) -> None:
        """Close nothing."""

    def log(self, request: Any) -> None:
        """Write no access log."""
