"""What questions answer and events carry: frozen values, without behavior of their own."""

from __future__ import annotations

import enum

import attrs

from sgcws.errors import OptionError

__all__ = ["Binding", "RawTCP", "Reject", "TransportKind"]


class TransportKind(enum.Enum):
    """How a `Connection` carries its data."""

    HTTP = "http"
    """HTTP/1.1, and nothing else so far: it cannot take messages."""
    WEBSOCKET = "websocket"
    """WebSocket over HTTP/1.1 (RFC 6455)."""
    TCP = "tcp"
    """Raw TCP, accepted by the application."""


@attrs.frozen
class Reject:
    """
    The answer "no" to a question about who may enter.

    Args:
        status: The HTTP status, 400 to 599; where no HTTP is spoken the socket is closed without a word.
        reason: The reason phrase that the peer sees; printable ASCII, empty for the standard one.

    Raises:
        OptionError: If *status* or *reason* is not allowed.
    """

    status: int = 403
    reason: str = ""

    def __attrs_post_init__(self) -> None:
        if not 400 <= self.status <= 599:
            raise OptionError("Reject.status", self.status, "an HTTP status from 400 to 599")
        if not (self.reason.isascii() and (self.reason.isprintable() or not self.reason)):
            raise OptionError("Reject.reason", self.reason, "printable ASCII")


@attrs.frozen
class RawTCP:
    """
    The answer "keep this socket, without a protocol".

    Each packet that arrives is one ``on_binary``; ``write_data`` sends bytes as they are and text as UTF-8.
    """


@attrs.frozen(kw_only=True)
class Binding:
    """
    One place to listen on.

    Args:
        host: A name or address of this machine; empty for all of them, IPv4 and IPv6.
        port: 0 to 65535; 0 lets the system choose.
        endpoint: Instead of host and port, a Twisted endpoint description such as ``unix:/run/chat.sock``.

    Raises:
        OptionError: If *port* is out of range, or both ways are given, or none.

    Original: ``TsgcWebSocketHTTPServer.Bindings``.
    """

    host: str = ""
    port: int | None = None
    endpoint: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.port is None) == (self.endpoint is None):
            raise OptionError("Binding", (self.port, self.endpoint), "either port or endpoint")
        if self.port is not None and not 0 <= self.port <= 65535:
            raise OptionError("Binding.port", self.port, "0 to 65535")

    def __str__(self) -> str:
        if self.endpoint is not None:
            return self.endpoint
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}"
