"""What handlers are given of an HTTP request and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from multidict import CIMultiDict, CIMultiDictProxy, MultiDictProxy
from twisted.web.iweb import IRequest

from sgcws.interfaces.connection import Connection

__all__ = ["Request", "Response"]


class Request(Protocol):
    """
    One HTTP request, as handlers see it.

    Original: ``TIdHTTPRequestInfo``.
    """

    @property
    def method(self) -> str:
        """The method as it was sent, as in ``GET`` (RFC 9110 section 9)."""

    @property
    def path(self) -> str:
        """The path, percent-decoded as UTF-8."""

    @property
    def url(self) -> str:
        """Path and query as they were sent."""

    @property
    def query(self) -> MultiDictProxy[str]:
        """The query parameters: ``[name]`` is the first value, ``getall(name)`` all of them."""

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers, by names in any case."""

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name; the first of those with the same name."""

    @property
    def form(self) -> MultiDictProxy[str]:
        """The fields of an ``application/x-www-form-urlencoded`` body; empty for any other."""

    @property
    def body(self) -> bytes:
        """The whole body."""

    @property
    def ip(self) -> str:
        """The peer's address as text; empty for a Unix socket."""

    @property
    def host(self) -> str:
        """The ``Host`` header, or empty."""

    @property
    def http_version(self) -> str:
        """``1.0`` or ``1.1``."""

    @property
    def connection(self) -> Connection:
        """The connection that it came in on."""

    @property
    def twisted(self) -> IRequest:
        """The `twisted.web.iweb.IRequest` below."""


@runtime_checkable
class Response(Protocol):
    """
    The answer to one HTTP request, filled by handlers.

    A response that nothing was set on gets a small HTML body with the status.
    Original: ``TIdHTTPResponseInfo``.
    """

    status: int
    """The status code, 200 at first."""
    reason: str
    """The reason phrase; empty for the standard one."""
    content_type: str | None
    """The media type; ``None`` stands for ``text/html`` in the server's charset beside text, and none beside bytes."""
    text: str | None
    """The body as text; setting it unsets `body`."""
    body: bytes | None
    """The body as bytes; setting it unsets `text`."""

    @property
    def headers(self) -> CIMultiDict[str]:
        """More headers; one with a CR, LF or NUL makes the answer a 500."""

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        path: str = "/",
        secure: bool | None = None,
        http_only: bool = True,
        same_site: str = "Lax",
    ) -> None:
        """
        Add a cookie (RFC 6265 section 4.1).

        Args:
            name: A token.
            value: Its value, without control characters, quotes, commas, semicolons or backslashes.
            max_age: Seconds to keep it; ``None`` for the browser's session.
            path: Where it is sent back.
            secure: Only over TLS; ``None`` when this request came over TLS.
            http_only: Hidden from scripts.
            same_site: ``Strict``, ``Lax`` or ``None``.

        Raises:
            ValueError: If a part may not stand in a cookie.
        """

    def redirect(self, url: str, status: int = 302) -> None:
        """
        Send the peer elsewhere (RFC 9110 section 15.4).

        Args:
            url: Where to, absolute or relative.
            status: 301, 302, 303, 307 or 308.

        Raises:
            ValueError: If *status* is none of these.
        """

    def empty(self) -> None:
        """Send no body at all."""
