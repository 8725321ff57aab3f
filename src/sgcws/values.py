"""What questions answer and events carry: frozen values, without behavior of their own."""

from __future__ import annotations

import enum

import attrs

from sgcws.errors import OptionError

__all__ = [
    "Binding",
    "Fragment",
    "FragmentMode",
    "Opcode",
    "Part",
    "RawTCP",
    "Reject",
    "Scan",
    "TLSDetails",
    "TLSVersion",
    "TransportKind",
    "WhenFull",
]


class TransportKind(enum.Enum):
    """How a `Connection` carries its data."""

    HTTP = "http"
    """HTTP/1.1, and nothing else so far: it cannot take messages."""
    WEBSOCKET = "websocket"
    """WebSocket over HTTP/1.1 (RFC 6455)."""
    SSE = "sse"
    """Server-Sent Events one way, POST requests the other way."""
    TCP = "tcp"
    """Raw TCP, accepted by the application."""


class Opcode(enum.IntEnum):
    """What kind of message a `Fragment` is of (RFC 6455 section 5.2)."""

    TEXT = 1
    BINARY = 2


class FragmentMode(enum.Enum):
    """What the application hears of a message that comes in fragments (RFC 6455 section 5.4)."""

    BUFFER = "buffer"
    """The whole message, when it is complete."""
    FRAGMENTS = "fragments"
    """Each fragment when it is complete, in ``on_fragmented``; no message is put together."""
    ALL = "all"
    """Each fragment, and the whole message after the last one."""


class Part(enum.Enum):
    """Which part of a message a call of ``write_data`` gives."""

    FIRST = "first"
    CONTINUE = "continue"
    LAST = "last"


class WhenFull(enum.Enum):
    """What becomes of a message for a peer that has not taken as much as may wait for it."""

    CLOSE = "close"
    """The peer is closed with 1008, and what waits is discarded."""
    DROP_OLDEST = "drop_oldest"
    """The messages that have waited longest are dropped until there is room."""
    DROP_NEWEST = "drop_newest"
    """The message is dropped."""
    CONFLATE = "conflate"
    """
    A message takes the place of the one that waits with the same key, whether there is room or not.

    Without room for one that replaces none, those that have waited longest are dropped.
    """


class Scan(enum.Enum):
    """Where `RawTCP` looks for the end of a message."""

    NONE = "none"
    """Nowhere: every packet is a message."""
    LATEST = "latest"
    """At the end of what has come."""
    ALL = "all"
    """Everywhere in what has come."""


class TLSVersion(enum.Enum):
    """A version of TLS that is spoken here."""

    TLS_1_2 = "1.2"
    """RFC 5246."""
    TLS_1_3 = "1.3"
    """RFC 8446."""


_DESCRIPTION_STARTS = ("tcp:", "tcp6:", "unix:", "ssl:", "systemd:")
_SECURE_STARTS = ("ssl:", "tls:")
"""The descriptions that are TLS by themselves."""


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

    Each message that arrives is one ``on_binary``; ``write_data`` sends bytes as they are and text as UTF-8.

    Args:
        end_of_frame: What ends a message; it is neither delivered nor added.
        scan: Where to look for it.

    Raises:
        OptionError: If *end_of_frame* is empty or no bytes, or *scan* is no `Scan`.
    """

    end_of_frame: bytes = b"\r\n"
    scan: Scan = Scan.NONE

    def __attrs_post_init__(self) -> None:
        if not (isinstance(self.end_of_frame, bytes) and self.end_of_frame):
            raise OptionError("RawTCP.end_of_frame", self.end_of_frame, "one byte or more")
        if not isinstance(self.scan, Scan):
            raise OptionError("RawTCP.scan", self.scan, "Scan.NONE, Scan.LATEST or Scan.ALL")


@attrs.frozen
class Fragment:
    """
    One frame of a message (RFC 6455 section 5.4).

    Args:
        data: What this frame carries, inflated; text may be cut within a character.
        opcode: What kind of message it is of.
        is_continuation: Whether it is not the first of its message.
        is_final: Whether it is the last of its message.

    Original: the parameters of ``OnFragmented``.
    """

    data: bytes
    opcode: Opcode
    is_continuation: bool
    is_final: bool


@attrs.frozen
class TLSDetails:
    """
    What was agreed with a peer when TLS was set up.

    Args:
        version: The version as OpenSSL calls it, such as ``TLSv1.3``.
        cipher: The cipher suite as OpenSSL calls it, such as ``TLS_AES_256_GCM_SHA384``.
        alpn: What both sides agreed to speak above it (RFC 7301), such as ``http/1.1``; None if the peer did not ask.
    """

    version: str
    cipher: str
    alpn: str | None = None


@attrs.frozen
class Binding:
    """
    One place to listen on.

    Args:
        host: A name or address of this machine; empty for all of them, IPv4 and IPv6.
        port: 0 to 65535; 0 lets the system choose.
        endpoint: Instead of host and port, by keyword, a Twisted endpoint description such as ``unix:/run/chat.sock``.
        tls: Whether TLS is spoken there, by keyword, as the server's options of the group ``tls`` say. None is True
            on a server with that group and False on one without it. An ``ssl:`` or ``tls:`` description has TLS of its
            own; there None is False.

    Raises:
        OptionError: If *host* is no text, *port* is out of range, both ways are given, or none, *tls* is no bool, or it
            is True for a description that has TLS of its own.

    Original: ``TsgcWebSocketHTTPServer.Bindings``.
    """

    host: str = ""
    port: int | None = None
    endpoint: str | None = attrs.field(default=None, kw_only=True)
    tls: bool | None = attrs.field(default=None, kw_only=True)

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
        self._check_tls()

    def _check_tls(self) -> None:
        if not isinstance(self.tls, bool | None):
            raise OptionError("Binding.tls", self.tls, "True, False, or None for what the server does")
        if self.tls and self.is_secure_by_itself:
            raise OptionError("Binding.tls", True, f"None or False, for {self.endpoint!r} is TLS by itself")

    @property
    def is_secure_by_itself(self) -> bool:
        """Whether its description asks for TLS, whatever the server's options say."""
        return self.endpoint is not None and self.endpoint.lower().startswith(_SECURE_STARTS)

    def __str__(self) -> str:
        if self.endpoint is not None:
            return self.endpoint
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}"
