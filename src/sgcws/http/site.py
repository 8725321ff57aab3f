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
        before: Given the request and the resource found for it, returns the resource to render.
    """

    protocol = Channel
    noisy = False

    def __init__(
        self,
        root: IResource,
        options: HTTPOptions,
        reactor: Any,
        before: Callable[[Any, IResource], IResource] | None = None,
    ) -> None:
        super().__init__(root, timeout=options.keep_alive_timeout, reactor=reactor, parsePOSTFormSubmission=False)
        self._options = options
        self._before = before

    def getResourceFor(self, request: Any) -> Any:
        """Find the resource for a request, or what stands before it."""
        if self._options.server_header is None:
            request.responseHeaders.removeHeader(b"Server")
        else:
            request.setHeader(b"Server", self._options.server_header.encode("ascii"))
        return super().getResourceFor(request) if self._before is None else self._before(request, super().getResourceFor)

    def acceptableProtocols(self) -> list[bytes]:
        """Offer HTTP/1.1 alone; Twisted's own HTTP/2 never answers here."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """Open no access log, and set no timer for one."""

    def stopFactory(self) -> None:
        """Close nothing."""

    def log(self, request: Any) -> None:
        """Write no access log."""
