"""What the WebSocket side accepts."""

from __future__ import annotations

import attrs

from sgcws.options.field import option, table
from sgcws.options.kinds import flag, member_of, optional, positive, size, text, tuple_of, whole
from sgcws.rules.tokens import is_token
from sgcws.values import FragmentMode, WhenFull

__all__ = ["Compression", "SlowClientPolicy", "WebSocketOptions"]

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
    threshold: int = option(
        256,
        size,
        doc="Bytes below which a message is sent as it is; 1 compresses every message.",
        live=True,
    )
    max_ratio: int = option(
        100,
        whole(1),
        doc="How many times as large as it came a message may become, once it has inflated to more than 1 MiB; "
        "above it: close 1009.",
        live=True,
    )


@attrs.frozen(kw_only=True)
class SlowClientPolicy:
    """
    How much may wait for a peer that takes less than it is sent, and what becomes of more.

    A message is taken if nothing waits or if it fits below the limit. So one larger than the limit goes alone.

    Raises:
        OptionError: If a value is not allowed.
    """

    high_water: int = option(
        1024**2,
        size,
        doc="Bytes that wait above which drained() waits, or half of limit if that is less; it fires when half of "
        "that is left.",
        live=True,
    )
    limit: int = option(
        16 * 1024**2,
        size,
        doc="Bytes that may wait for one peer, 128 for each message besides what it carries, without the 128 KiB that "
        "the socket's own buffer takes.",
        live=True,
    )
    when_full: WhenFull = option(
        WhenFull.CLOSE,
        member_of(WhenFull),
        doc="What becomes of a message above the limit.",
        live=True,
    )


@attrs.frozen(kw_only=True)
class WebSocketOptions:
    """
    How messages are taken in and sent, by WebSocket (RFC 6455) and in every other way.

    Raises:
        OptionError: If a value is not allowed.

    Original: ``Options``, ``Extensions``, ``MaxMessageSize``.
    """

    fragmented_messages: FragmentMode = option(
        FragmentMode.BUFFER,
        member_of(FragmentMode),
        doc="What the application hears of messages in fragments: whole messages, each fragment, or both.",
        live=True,
    )
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
    max_control_frames: int = option(
        100,
        whole(1, 1_000_000),
        doc="Control frames that a peer may send in a second, and twice as many at once; above it: close 1008.",
        live=True,
    )
    max_tiny_fragments: int = option(
        1000,
        whole(1, 1_000_000),
        doc="Fragments of less than 16 bytes, the last of each message not counted, that a peer may send in a "
        "second, and twice as many at once; above it: close 1008.",
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
    outgoing: SlowClientPolicy = option(
        SlowClientPolicy(),
        table(SlowClientPolicy),
        doc="How much may wait for one peer, and what becomes of more.",
        live=True,
    )
