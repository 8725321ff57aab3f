"""
The contracts between the rooms, and what handlers are given.

They are typing protocols, not zope interfaces, so that a user's type checker needs no plugin to check a handler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from multidict import CIMultiDict, CIMultiDictProxy, MultiDictProxy
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest

from sgcws.values import TransportKind

__all__ = ["Connection", "Framing", "Request", "Response", "Shuttable"]


class Connection(Protocol):
    """
    One peer, from the accepted socket to its end.

    Every method may be called from any thread.
    Original: ``TsgcWSConnection``.
    """

    data: Any
    """Free for the application; ``None`` at first."""

    @property
    def guid(self) -> str:
        """32 hexadecimal digits, unique to this connection."""

    @property
    def transport(self) -> TransportKind:
        """What it speaks now: HTTP from the start, and what it was upgraded to."""

    @property
    def ip(self) -> str:
        """The peer's address as text; empty for a Unix socket."""

    @property
    def port(self) -> int:
        """The peer's port; 0 for a Unix socket."""

    @property
    def local_ip(self) -> str:
        """Our address that the peer connected to; empty for a Unix socket."""

    @property
    def local_port(self) -> int:
        """Our port that the peer connected to; 0 for a Unix socket."""

    @property
    def url(self) -> str:
        """Path and query of the upgrade request as they were sent; empty without one."""

    @property
    def path(self) -> str:
        """The path of the upgrade request, percent-decoded; empty without one."""

    @property
    def query(self) -> MultiDictProxy[str]:
        """The query parameters of the upgrade request."""

    @property
    def protocol(self) -> str | None:
        """The WebSocket sub-protocol agreed on (RFC 6455 section 1.9), or ``None``."""

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers of the upgrade request."""

    @property
    def response_headers(self) -> CIMultiDictProxy[str]:
        """The headers that the upgrade was answered with, those that ``on_handshake`` added."""

    @property
    def created_at(self) -> float:
        """When the socket was accepted, in seconds since 1970."""

    @property
    def close_code(self) -> int | None:
        """How it ended: the peer's close code, else ours, else 1006; ``None`` while open."""

    @property
    def close_reason(self) -> str:
        """The reason that came with the close code."""

    @property
    def messages_received(self) -> int:
        """Whole messages received."""

    @property
    def messages_sent(self) -> int:
        """Whole messages sent."""

    @property
    def bytes_received(self) -> int:
        """Payload bytes of the messages received, after decompression."""

    @property
    def bytes_sent(self) -> int:
        """Payload bytes of the messages sent, before compression."""

    def write_data(self, data: str | bytes) -> bool:
        """
        Send one message.

        Args:
            data: ``str`` goes out as a text message, ``bytes`` as a binary one.

        Returns:
            Whether the message was taken; False once the connection is closing or closed, or cannot take messages,
            whatever *data* is.

        Raises:
            TypeError: If *data* is neither.
            UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.

        Original: ``TsgcWSConnection.WriteData``.
        """

    def close(self, code: int = 1000, reason: str = "") -> Deferred[None]:
        """
        Start the closing handshake and wait for its end.

        Args:
            code: Close code, 1000 to 1014 without those reserved, or 3000 to 4999 (RFC 6455 section 7.4).
            reason: Up to 123 bytes once encoded as UTF-8.

        Returns:
            A Deferred that fires when TCP is closed, at most ``close_timeout`` seconds later.

        Raises:
            ValueError: If *code* may not be sent or *reason* is too long.

        Original: ``TsgcWSConnection.Close``.
        """

    def disconnect(self) -> None:
        """
        End the connection at once, without a closing handshake.

        Original: ``TsgcWSConnection.Disconnect``.
        """


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


class Shuttable(Protocol):
    """What holds a peer's socket at the moment: the first look, HTTP, WebSocket, raw TCP."""

    def shut(self, code: int, reason: str) -> None:
        """End the conversation politely, in the words of its protocol; the peer's end of it is still read."""

    def abort(self) -> None:
        """End it at once; it may have ended already."""


class Framing(Shuttable, Protocol):
    """How a peer that takes messages is spoken to."""

    def send_text(self, payload: bytes) -> None:
        """Send one text message, already UTF-8."""

    def send_binary(self, payload: bytes) -> None:
        """Send one binary message."""

    def send_ping(self, payload: bytes) -> bool:
        """Send a ping of at most 125 bytes; whether this protocol has pings."""

    def pause(self) -> None:
        """Stop reading from the peer; what was read already may still be delivered."""

    def resume(self) -> None:
        """Read on."""
