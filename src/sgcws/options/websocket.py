"""What the WebSocket side accepts."""

from __future__ import annotations

import attrs

from sgcws.options.field import option, table
from sgcws.options.kinds import flag, optional, positive, size, text, tuple_of, whole
from sgcws.rules.tokens import is_token

__all__ = ["Compression", "WebSocketOptions"]

_token = text("a token of RFC 9110 section 5.6.2", is_token)


@attrs.frozen(kw_only=True)
class Compression:
    """
    How messages are compressed for a client that offers permessage-deflate (RFC 7692).

    Raises:
        OptionError: If a value is not allowed.
    """

    window_bits: int = option(
        12,
        whole(9, 15),
        doc="The window, as a power of two in bytes; each bit more doubles the memory of a connection.",
        live=True,
    )
    context_takeover: bool = option(
        True,
        flag,
        doc="Whether a message is compressed with the ones before it in mind: smaller, but takes memory.",
        live=True,
    )
    memory_level: int = option(
        5,
        whole(1, 9),
        doc="The memory that zlib works with; more is faster and compresses better.",
        live=True,
    )


@attrs.frozen(kw_only=True)
class WebSocketOptions:
    """
    What the WebSocket side accepts (RFC 6455).

    Raises:
        OptionError: If a value is not allowed.

    Original: ``Options``, ``Extensions``, ``MaxMessageSize``.
    """

    validate_utf8: bool = option(
        True,
        flag,
        doc="Whether text that is not UTF-8 ends the connection with 1007; if not, U+FFFD takes its place.",
        live=True,
    )
    max_message_size: int = option(
        64 * 1024**2,
        size,
        doc="The largest message in bytes, all fragments together and after inflation; above it: close 1009.",
        live=True,
    )
    max_frame_size: int | None = option(
        None,
        optional(size),
        doc="The largest payload of one frame in bytes; None leaves it to max_message_size.",
        live=True,
    )
    compression: Compression | None = option(
        Compression(),
        optional(table(Compression)),
        doc="How messages are compressed; None never compresses.",
        live=True,
    )
    subprotocols: tuple[str, ...] = option(
        (),
        tuple_of(_token),
        doc="The sub-protocols that the server speaks.",
        live=True,
    )
    enforce_version: bool = option(
        True,
        flag,
        doc="Whether a version other than 13 is answered with 426 (RFC 6455 section 4.4).",
        live=True,
    )
    validate_key: bool = option(
        True,
        flag,
        doc="Whether a Sec-WebSocket-Key that is not 16 bytes in base64 is answered with 400.",
        live=True,
    )
    close_timeout: float = option(
        5.0,
        positive,
        doc="Seconds to wait for the peer's half of the closing handshake, then the connection is dropped.",
        live=True,
    )
    open_timeout: float = option(
        10.0,
        positive,
        doc="Seconds for the opening handshake, then the connection is dropped.",
        live=True,
    )
