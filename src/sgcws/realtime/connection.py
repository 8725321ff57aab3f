"""`Peer`: a `Connection` as the server holds it, whatever it speaks."""

from __future__ import annotations

import os
from typing import Any

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
from sgcws.values import TransportKind

__all__ = ["Opening", "Peer"]


@attrs.frozen(kw_only=True)
class Opening:
    """The request by which a peer came to take messages, and what was agreed on."""

    url: str = ""
    path: str = ""
    query: MultiDictProxy[str] = MultiDictProxy(MultiDict())
    headers: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())
    protocol: str | None = None
    response_headers: CIMultiDictProxy[str] = CIMultiDictProxy(CIMultiDict())


NO_OPENING = Opening()


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
        "_close_asked",
        "_closing",
        "_deadline",
        "_framing",
        "_inbox",
        "_local_address",
        "_opening",
        "_peer_address",
        "_shared",
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
        self.guid = os.urandom(16).hex()
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
        self._close_asked: tuple[int, str] | None = None
        self._closing = False
        self._deadline: IDelayedCall | None = None
        self._when_closed: list[Deferred[None]] = []
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
        if isinstance(data, str):
            return self.send(data.encode(), text=True)
        if isinstance(data, bytes | bytearray | memoryview):
            return self.send(bytes(data), text=False)
        raise TypeError(f"write_data takes str or bytes, not {type(data).__name__}")

    @carried
    def close(self, code: int = 1000, reason: str = "") -> Deferred[None]:
        check_close(code, reason)
        if self.close_code is not None:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._when_closed.append(closed)
        if self._close_asked is None:
            self._close_asked = (code, reason)
            self.closing()
            self.holder.shut(code, reason)
        return closed

    @carried
    def disconnect(self) -> None:
        if self.close_code is None:
            self.holder.abort()

    # What its server does with it.

    @property
    def is_open(self) -> bool:
        """Whether it can take messages now."""
        return self._framing is not None and not self._closing and self.close_code is None

    def send(self, payload: bytes, text: bool) -> bool:
        """Send one message, already encoded; on the reactor's thread only."""
        if self._framing is None or not self.is_open:
            return False
        try:
            (self._framing.send_text if text else self._framing.send_binary)(payload)
        except Exception:
            self._shared.events.on_exception.tell(self, Failure())
            return False
        self.messages_sent += 1
        self.bytes_sent += len(payload)
        return True

    def ping(self, payload: bytes) -> bool:
        """Send a ping; whether this peer can get one."""
        return self._framing is not None and self.is_open and self._framing.send_ping(payload)

    def say_goodbye(self, code: int, reason: str) -> None:
        """End it politely, whatever it speaks."""
        if self._framing is not None:
            self.close(code, reason)
        else:
            self.holder.shut(code, reason)

    def give_up(self) -> None:
        """End it at once, and do not wait any longer for a handler of its."""
        self.disconnect()
        if self._inbox is not None:
            self._inbox.hurry()

    # What the protocols tell it.

    def open(self, kind: TransportKind, framing: Framing, opening: Opening = NO_OPENING) -> None:
        """Become a peer that can take messages."""
        self.transport = kind
        self._opening = opening
        self.holder = self._framing = framing
        self._inbox = Inbox(framing.pause, framing.resume)
        self._shared.registry.opened(self)
        self._inbox.deliver(0, self._shared.events.on_connect.tell, self)

    def text_received(self, text: str, size: int) -> None:
        """Take in a whole text message of *size* bytes."""
        self._count(size)
        self._tell(size, self._shared.events.on_message.tell, self, text)

    def binary_received(self, data: bytes) -> None:
        """Take in a whole binary message."""
        self._count(len(data))
        self._tell(len(data), self._shared.events.on_binary.tell, self, data)

    def failed(self, code: int, reason: str) -> None:
        """Hear that the peer broke its protocol, and was answered with *code*."""
        self._tell(0, self._shared.events.on_error.tell, self, PeerProtocolError(code, reason))

    def closing(self) -> None:
        """Hear that the end has begun, from either side; it may take no longer than ``close_timeout``."""
        if not self._closing and self.close_code is None:
            self._closing = True
            self._deadline = self._shared.clock.callLater(self._shared.close_timeout, self._too_late)

    def lost(self, code: int | None = None, reason: str = "") -> None:
        """
        Hear that the socket is closed.

        Args:
            code: The close code that the peer sent, or None.
            reason: The reason it sent.
        """
        if self.close_code is not None:
            return
        self.close_code, self.close_reason = (code, reason) if code is not None else self._close_asked or (ABNORMAL, "")
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._shared.registry.closed(self)
        if self._inbox is not None:
            self._tell(0, self._shared.events.on_disconnect.tell, self, self.close_code, self.close_reason)
        self._tell(0, self._gone)
        waiting, self._when_closed = self._when_closed, []
        for deferred in waiting:
            deferred.callback(None)

    def _gone(self) -> None:
        self._shared.registry.gone(self)

    def _too_late(self) -> None:
        self._deadline = None
        self.holder.abort()

    def _count(self, size: int) -> None:
        self.messages_received += 1
        self.bytes_received += size

    def _tell(self, size: int, tell: Any, *args: Any) -> None:
        if self._inbox is None:
            tell(*args)
        else:
            self._inbox.deliver(size, tell, *args)
