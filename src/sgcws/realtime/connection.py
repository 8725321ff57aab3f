"""`Peer`: a `Connection` as the server holds it, whatever it speaks."""

from __future__ import annotations

import enum
from typing import Any, Final

import attrs
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from sgcws.carrier import carried
from sgcws.errors import PeerProtocolError
from sgcws.interfaces import Framing, Shuttable
from sgcws.realtime.inbox import Inbox
from sgcws.realtime.shared import Shared
from sgcws.rules.addresses import host_and_port
from sgcws.rules.close_codes import ABNORMAL, check_close
from sgcws.rules.payload import payload_of
from sgcws.values import TransportKind

__all__ = ["Opening", "Peer"]

NO_VALUES: Final = MultiDictProxy(MultiDict[str]())
NO_HEADERS: Final = CIMultiDictProxy(CIMultiDict[str]())


@attrs.frozen(kw_only=True)
class Opening:
    """The request by which a peer came to take messages, and what was agreed on."""

    url: str = ""
    path: str = ""
    query: MultiDictProxy[str] = NO_VALUES
    headers: CIMultiDictProxy[str] = NO_HEADERS
    protocol: str | None = None
    response_headers: CIMultiDictProxy[str] = NO_HEADERS


NO_OPENING = Opening()


class Stage(enum.IntEnum):
    """How far a peer has come; it never goes back."""

    PLAIN = 0
    """It cannot take messages yet, and perhaps never will."""
    OPEN = 1
    CLOSING = 2
    """One side has begun to say goodbye."""
    DROPPED = 3
    """We have given the socket up; nothing it still brings is heard."""
    CLOSED = 4
    """The socket is closed."""


# Looked at with every message; as attributes of the class they cost as much as the rest of the call.
PLAIN, OPEN, CLOSING, DROPPED, CLOSED = Stage


class Peer:
    """
    One socket from its accept to its end.

    It is born plain, with whatever looks at its first bytes as its holder.
    `open` makes it a peer that can take messages; `lost` ends it.

    Args:
        shared: What all peers of the server share.
        peer_address: The other end, as Twisted tells it.
        local_address: Our end.
        holder: Who holds the socket.
    """

    __slots__ = (
        "__weakref__",
        "_carrier",
        "_deadline",
        "_framing",
        "_goodbye",
        "_inbox",
        "_local_address",
        "_opening",
        "_peer_address",
        "_shared",
        "_stage",
        "_when_closed",
        "bytes_received",
        "bytes_sent",
        "close_code",
        "close_reason",
        "created_at",
        "data",
        "guid",
        "holder",
        "messages_received",
        "messages_sent",
        "transport",
    )

    def __init__(self, shared: Shared, peer_address: object, local_address: object, holder: Shuttable) -> None:
        self.guid = shared.new_guid()
        self.transport = TransportKind.HTTP
        self.created_at = shared.clock.seconds()
        self.data: Any = None
        self.close_code: int | None = None
        self.close_reason = ""
        self.messages_received = self.messages_sent = self.bytes_received = self.bytes_sent = 0
        self.holder = holder
        self._shared = shared
        self._carrier = shared.carrier
        self._peer_address = peer_address
        self._local_address = local_address
        self._opening = NO_OPENING
        self._framing: Framing | None = None
        self._inbox: Inbox | None = None
        self._stage = PLAIN
        self._goodbye: tuple[int, str] | None = None
        self._deadline: IDelayedCall | None = None
        self._when_closed: tuple[Deferred[None], ...] = ()
        shared.registry.add(self)

    def __repr__(self) -> str:
        return f"<Connection {self.guid} {self.transport.name} {self.ip}:{self.port}>"

    # What it is.

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

    # What the application does with it.

    @carried
    def write_data(self, data: str | bytes) -> bool:
        return self.is_open and self.send(*payload_of(data))

    @carried
    def close(self, code: int = 1000, reason: str = "") -> Deferred[None]:
        check_close(code, reason)
        if self._stage is CLOSED:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._when_closed += (closed,)
        self._begin_goodbye(code, reason)
        return closed

    @carried
    def disconnect(self) -> None:
        if self._stage < DROPPED:
            self._stage = DROPPED
            self.holder.abort()

    # What its server does with it.

    @property
    def is_open(self) -> bool:
        """Whether it can take messages now."""
        return self._stage is OPEN

    def send(self, payload: bytes, text: bool) -> bool:
        """Send one message, already encoded; on the reactor's thread only."""
        if self._framing is None or self._stage is not OPEN:
            return False
        try:
            (self._framing.send_text if text else self._framing.send_binary)(payload)
        except Exception:
            self._shared.events.report_failure(self, Failure(), "a write")
            return False
        self.messages_sent += 1
        self.bytes_sent += len(payload)
        return True

    def belongs_to(self, shared: Shared) -> bool:
        """Whether it is a peer of the server whose peers share this."""
        return self._shared is shared

    def ping(self, payload: bytes) -> bool:
        """Send a ping; whether this peer got one."""
        if self._framing is None or self._stage is not OPEN:
            return False
        try:
            return self._framing.send_ping(payload)
        except Exception:
            self._shared.events.report_failure(self, Failure(), "a write")
            return False

    def say_goodbye(self, code: int, reason: str) -> None:
        """End it politely, whatever it speaks; an answer over HTTP may take its time."""
        if self._stage is not PLAIN:
            self._begin_goodbye(code, reason)
        elif self._goodbye is None:
            self._goodbye = (code, reason)
            self.holder.shut(code, reason)

    def give_up(self) -> None:
        """End it at once, and do not wait any longer for a handler of its."""
        self.disconnect()
        if self._inbox is not None:
            self._inbox.hurry()

    # What the protocols tell it.

    def open(self, kind: TransportKind, framing: Framing, opening: Opening = NO_OPENING) -> None:
        """Become a peer that can take messages; one that was told to go meanwhile hears so right away."""
        if self._stage >= DROPPED:
            framing.abort()
            return
        self.transport = kind
        self._opening = opening
        self.holder = self._framing = framing
        self._inbox = Inbox(self)
        self._stage = OPEN if self._stage is PLAIN else self._stage
        goodbye = self._goodbye
        self._shared.registry.opened(self)
        self._inbox.deliver(0, self._shared.events.on_connect.tell, self)
        if goodbye is not None and self._stage < DROPPED:
            self.closing()
            framing.shut(*goodbye)

    def text_received(self, text: str, size: int) -> None:
        """Take in a whole text message of *size* bytes."""
        inbox = self._inbox_for(size)
        if inbox is not None:
            inbox.deliver(size, self._shared.events.on_message.tell, self, text)

    def binary_received(self, data: bytes) -> None:
        """Take in a whole binary message."""
        size = len(data)
        inbox = self._inbox_for(size)
        if inbox is not None:
            inbox.deliver(size, self._shared.events.on_binary.tell, self, data)

    def failed(self, code: int, reason: str) -> None:
        """Hear that the peer broke its protocol, and was answered with *code*."""
        if self._stage is not CLOSED:
            self._tell(0, self._shared.events.on_error.tell, self, PeerProtocolError(code, reason))

    def closing(self) -> None:
        """Hear that the end has begun, from either side; it may take no longer than ``close_timeout``."""
        if self._stage < CLOSING:
            self._stage = CLOSING
            timeout = self._shared.options.websocket.close_timeout
            self._deadline = self._shared.clock.callLater(timeout, self.disconnect)

    def lost(self, code: int | None = None, reason: str = "") -> None:
        """
        Hear that the socket is closed.

        Args:
            code: The close code that the peer sent, or None.
            reason: The reason it sent.
        """
        if self._stage is CLOSED:
            return
        self._stage = CLOSED
        self.close_code, self.close_reason = (code, reason) if code is not None else self._goodbye or (ABNORMAL, "")
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._shared.registry.closed(self)
        if self._inbox is not None:
            self._tell(0, self._shared.events.on_disconnect.tell, self, self.close_code, self.close_reason)
        self._tell(0, self._gone)
        waiting, self._when_closed = self._when_closed, ()
        for deferred in waiting:
            deferred.callback(None)

    # What its inbox tells it.

    def pause(self) -> None:
        """Stop reading, but not from one that is saying goodbye: its end has to be heard."""
        if self._framing is not None and self._stage is OPEN:
            self._framing.pause()

    def resume(self) -> None:
        """Read on."""
        if self._framing is not None and self._stage < DROPPED:
            self._framing.resume()

    # How it is done.

    def _begin_goodbye(self, code: int, reason: str) -> None:
        self.closing()
        if self._goodbye is None and self._stage < DROPPED:
            self._goodbye = (code, reason)
            self.holder.shut(code, reason)

    def _inbox_for(self, size: int) -> Inbox | None:
        """Count a message; none that comes too late, nor one more from a peer that is leaving and has much waiting."""
        inbox = self._inbox
        if inbox is None or self._stage >= DROPPED or (self._stage is CLOSING and inbox.full):
            return None
        self.messages_received += 1
        self.bytes_received += size
        return inbox

    def _gone(self) -> None:
        self._framing = self._inbox = None
        self._shared.registry.gone(self)

    def _tell(self, size: int, tell: Any, *args: Any) -> None:
        if self._inbox is None:
            tell(*args)
        else:
            self._inbox.deliver(size, tell, *args)
