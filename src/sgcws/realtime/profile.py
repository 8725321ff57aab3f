"""What is known about one connection."""

from __future__ import annotations

from collections.abc import Callable

from multidict import CIMultiDictProxy, MultiDictProxy
from twisted.internet.interfaces import IReactorTime

from sgcws.errors import ConnectionClosed
from sgcws.options import ServerOptions
from sgcws.realtime.framing import Framing
from sgcws.realtime.opening import NO_OPENING
from sgcws.realtime.outbox import Outbox
from sgcws.realtime.pulse import Pulse
from sgcws.realtime.shared import Shared
from sgcws.realtime.stage import OPEN, PLAIN
from sgcws.realtime.valve import Valve
from sgcws.rules.addresses import host_and_port
from sgcws.rules.close_codes import ABNORMAL
from sgcws.values import TLSDetails, TransportKind

__all__ = ["Profile"]


class Profile:
    """
    Who a peer is, how it came, how far, and what it has sent and taken.

    Args:
        shared: What all peers of the server share.
        peer_address: The other end, as Twisted tells it.
        local_address: Our end.
        tls: Returns what was agreed with it when TLS was set up; None where none is spoken.

    Attributes:
        outbox: What it has not taken; None while it cannot take messages.
        pulse: Its pings and pongs; None while it cannot take messages.
    """

    __slots__ = (
        "__weakref__",
        "_framing",
        "_local_address",
        "_opening",
        "_peer_address",
        "_shared",
        "_stage",
        "_tls",
        "_valve",
        "bytes_received",
        "close_code",
        "close_reason",
        "created_at",
        "guid",
        "last_message_at",
        "messages_received",
        "outbox",
        "pulse",
        "transport",
    )

    def __init__(
        self,
        shared: Shared,
        peer_address: object,
        local_address: object,
        tls: Callable[[], TLSDetails | None] | None = None,
    ) -> None:
        self.guid = shared.new_guid()
        self.transport = TransportKind.HTTP
        self.created_at = shared.clock.seconds()
        self.last_message_at: float | None = None
        self.close_code: int | None = None
        self.close_reason = ""
        self.messages_received = self.bytes_received = 0
        self.outbox: Outbox | None = None
        self.pulse: Pulse | None = None
        self._shared = shared
        self._peer_address = peer_address
        self._local_address = local_address
        self._tls = tls
        self._opening = NO_OPENING
        self._stage = PLAIN
        self._framing: Framing | None = None
        self._valve: Valve | None = None

    def __repr__(self) -> str:
        return f"<Connection {self.guid} {self.transport.name} {self.ip}:{self.port}>"

    # To its server.

    @property
    def clock(self) -> IReactorTime:
        """What tells its time."""
        return self._shared.clock

    @property
    def options(self) -> ServerOptions:
        """Today's options of its server."""
        return self._shared.options

    def belongs_to(self, shared: Shared) -> bool:
        """Whether it is a peer of the server whose peers share this."""
        return self._shared is shared

    @property
    def is_open(self) -> bool:
        """Whether it can take messages now."""
        return self._stage is OPEN

    @property
    def reading_stopped(self) -> bool:
        """Whether nothing is read from it at the moment."""
        return self._valve is not None and self._valve.stopped

    @property
    def answers_pings(self) -> bool:
        """Whether a ping is answered."""
        return self._framing is not None and self._framing.answers_pings

    def _end(self) -> ConnectionClosed:
        """Return the error for what is asked of it too late, or too early."""
        return ConnectionClosed(self.close_code or ABNORMAL, self.close_reason)

    # To the application.

    @property
    def ip(self) -> str:
        return host_and_port(self._peer_address)[0]

    @property
    def port(self) -> int:
        return host_and_port(self._peer_address)[1]

    @property
    def local_ip(self) -> str:
        return host_and_port(self._local_address)[0]

    @property
    def local_port(self) -> int:
        return host_and_port(self._local_address)[1]

    @property
    def tls(self) -> TLSDetails | None:
        return None if self._tls is None else self._tls()

    @property
    def url(self) -> str:
        return self._opening.url

    @property
    def path(self) -> str:
        return self._opening.path

    @property
    def query(self) -> MultiDictProxy[str]:
        return self._opening.query

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return self._opening.headers

    @property
    def response_headers(self) -> CIMultiDictProxy[str]:
        return self._opening.response_headers

    @property
    def protocol(self) -> str | None:
        return self._opening.protocol

    @property
    def messages_sent(self) -> int:
        return 0 if self.outbox is None else self.outbox.messages_sent

    @property
    def bytes_sent(self) -> int:
        return 0 if self.outbox is None else self.outbox.bytes_sent

    @property
    def buffered(self) -> int:
        return 0 if self.outbox is None else self.outbox.buffered

    @property
    def last_ping_at(self) -> float | None:
        return None if self.pulse is None else self.pulse.last_ping_at

    @property
    def last_pong_at(self) -> float | None:
        return None if self.pulse is None else self.pulse.last_pong_at

    @property
    def latency(self) -> float | None:
        return None if self.pulse is None else self.pulse.latency

    @property
    def subscriptions(self) -> frozenset[str]:
        return self._shared.registry.channels.of(self.guid)
