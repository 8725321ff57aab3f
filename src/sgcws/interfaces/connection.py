"""What handlers are given of a peer."""

from __future__ import annotations

from typing import Any, Protocol

from multidict import CIMultiDictProxy, MultiDictProxy
from twisted.internet.defer import Deferred

from sgcws.values import Part, TLSDetails, TransportKind

__all__ = ["Connection"]


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
    def tls(self) -> TLSDetails | None:
        """What was agreed when TLS was set up; ``None`` where none is spoken, and once the connection has ended."""

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

    @property
    def buffered(self) -> int:
        """Bytes that the peer has not taken, as far as this side knows: the system's own buffers are not counted."""

    @property
    def last_message_at(self) -> float | None:
        """When the last message came, in seconds since 1970; ``None`` before the first."""

    @property
    def last_ping_at(self) -> float | None:
        """When the peer was last sent a ping, in seconds since 1970; ``None`` before the first."""

    @property
    def last_pong_at(self) -> float | None:
        """When the peer last answered a ping, in seconds since 1970; ``None`` before the first."""

    @property
    def latency(self) -> float | None:
        """Seconds from the last ping that was answered to its pong; ``None`` before the first."""

    @property
    def subscriptions(self) -> frozenset[str]:
        """The channels it is subscribed to."""

    def write_data(
        self,
        data: str | bytes,
        *,
        fragment_size: int | None = None,
        part: Part | None = None,
        key: str | None = None,
    ) -> bool:
        """
        Send one message, or a part of one.

        What the peer does not take at once waits for it, as much as ``SlowClientPolicy`` allows.

        Args:
            data: ``str`` goes out as a text message, ``bytes`` as a binary one.
            fragment_size: Splits it into fragments of so many bytes (RFC 6455 section 5.4); compressed ones, if the
                message is compressed. ``None`` does not split it.
            part: Builds one message of several calls: `Part.FIRST`, any number of `Part.CONTINUE`, `Part.LAST`. Other
                messages for this peer wait meanwhile.
            key: Under ``WhenFull.CONFLATE`` a message takes the place of the one that waits with the same key.

        Returns:
            Whether the message was taken; False once the connection is closing or closed, or cannot take messages,
            whatever the arguments are, and when the message was dropped.

        Raises:
            TypeError: If an argument is of another type, or the parts of a message are not of the same.
            ValueError: If *fragment_size* is less than 1, *part* stands beside another option, or does not fit the
                parts before it.
            UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.

        Original: ``TsgcWSConnection.WriteData``.
        """

    def write_and_wait(self, data: str | bytes, timeout: float = 10.0) -> Deferred[str | bytes]:
        """
        Send one message, and wait for the next that the peer sends.

        That one is not told to ``on_message`` or ``on_binary``, and overtakes those that wait for a handler.

        Args:
            data: ``str`` goes out as a text message, ``bytes`` as a binary one.
            timeout: Seconds to wait.

        Returns:
            A Deferred of the message. It fails with `TimeoutError` if none comes in time, or at once if *data* was not
            taken; with `ConnectionClosed` when the connection ends, or has ended.

        Raises:
            TypeError: If *data* is neither.
            UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.

        Original: ``TsgcWSConnection.WriteAndWaitData``.
        """

    def drained(self) -> Deferred[None]:
        """
        Wait until the peer has taken most of what it was sent.

        Returns:
            A Deferred that fires at once while no more waits than ``high_water`` of `SlowClientPolicy`, else when half
            of that is left, or the connection has ended.
        """

    def ping(self, payload: bytes = b"") -> Deferred[float]:
        """
        Ask the peer for an answer (RFC 6455 section 5.5.2).

        Args:
            payload: Up to 125 bytes, which come back.

        Returns:
            A Deferred of the round-trip time in seconds. It fails with `ConnectionClosed` when the connection ends, or
            has ended; with `LifecycleError` if what it speaks knows no ping.

        Raises:
            TypeError: If *payload* is not bytes.
            ValueError: If *payload* is too long.

        Original: ``TsgcWSConnection.Ping``.
        """

    def subscribe(self, channel: str) -> bool:
        """
        Let broadcasts to a channel reach this connection.

        Returns:
            Whether it is subscribed now, as it may have been before; False if it cannot take messages.

        Raises:
            TypeError: If *channel* is no text.
            ValueError: If *channel* is empty.

        Original: ``TsgcWSConnection.Subscribe``.
        """

    def unsubscribe(self, channel: str) -> bool:
        """
        Let broadcasts to a channel no longer reach this connection.

        Returns:
            Whether it was subscribed.

        Raises:
            TypeError: If *channel* is no text.
            ValueError: If *channel* is empty.

        Original: ``TsgcWSConnection.UnSubscribe``.
        """

    def pause_reading(self) -> None:
        """
        Read nothing more from the peer until `resume_reading`.

        While something of the peer's is awaited, a message, a pong or the end of its goodbye, reading goes on.
        """

    def resume_reading(self) -> None:
        """Read on."""

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
