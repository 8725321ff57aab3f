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


_DESCRIPTION_STARTS = ("tcp:", "tcp6:", "unix:", "ssl:", "systemd:")


def _whole(value: object, lowest: int, highest: int) -> bool:
    """Whether *value* is a whole number in that range; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


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
        if not _whole(self.status, 400, 599):
            raise OptionError("Reject.status", self.status, "an HTTP status from 400 to 599")
        if not (isinstance(self.reason, str) and self.reason.isascii() and self.reason.isprintable()):
            raise OptionError("Reject.reason", self.reason, "printable ASCII")


@attrs.frozen
class RawTCP:
    """
    The answer "keep this socket, without a protocol".

    Each packet that arrives is one ``on_binary``; ``write_data`` sends bytes as they are and text as UTF-8.
    """


@attrs.frozen
class Binding:
    """
    One place to listen on.

    Args:
        host: A name or address of this machine; empty for all of them, IPv4 and IPv6.
        port: 0 to 65535; 0 lets the system choose.
        endpoint: Instead of host and port, by keyword, a Twisted endpoint description such as ``unix:/run/chat.sock``.

    Raises:
        OptionError: If *host* is no text, *port* is out of range, or both ways are given, or none.

    Original: ``TsgcWebSocketHTTPServer.Bindings``.
    """

    host: str = ""
    port: int | None = None
    endpoint: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.host, str):
            raise OptionError("Binding.host", self.host, "a name or an address, or nothing for all of this machine")
        if self.port is not None and not _whole(self.port, 0, 65535):
            raise OptionError("Binding.port", self.port, "0 to 65535")
        if self.endpoint is not None and not isinstance(self.endpoint, str):
            raise OptionError("Binding.endpoint", self.endpoint, "a Twisted endpoint description")
        if self.endpoint is None and self.port is None:
            example = self.host if self.host.startswith(_DESCRIPTION_STARTS) else "tcp:8080"
            allowed = f"a port, with or without a host, or an endpoint by name, as in Binding(endpoint={example!r})"
            raise OptionError("Binding", self.host or None, allowed)
        if self.endpoint is not None and (self.host or self.port is not None):
            raise OptionError("Binding", self.endpoint, "an endpoint alone, or a port with or without a host")

    def __str__(self) -> str:
        if self.endpoint is not None:
            return self.endpoint
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}"
