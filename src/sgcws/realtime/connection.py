"""`Peer`: a `Connection` as the server holds it, whatever it speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from sgcws.carrier import carried
from sgcws.errors import LifecycleError
from sgcws.interfaces import Shuttable, Sink
from sgcws.realtime.answers import Answers
from sgcws.realtime.framing import Framing, Message
from sgcws.realtime.inbox import Inbox
from sgcws.realtime.incoming import Incoming
from sgcws.realtime.opening import NO_OPENING, Opening
from sgcws.realtime.outbox import Outbox
from sgcws.realtime.pulse import Pulse
from sgcws.realtime.shared import Shared
from sgcws.realtime.stage import CLOSED, CLOSING, DROPPED, OPEN, PLAIN
from sgcws.realtime.valve import Stop, Valve
from sgcws.rules.close_codes import ABNORMAL, INTERNAL_ERROR, POLICY_VIOLATION, check_close
from sgcws.rules.payload import check_form, check_ping, payload_of
from sgcws.values import Part, TLSDetails, TransportKind

__all__ = ["Peer"]


class Peer(Incoming):
    """
    One socket from its accept to its end.

    It is born plain, with whatever looks at its first bytes as its holder.
    `open` makes it a peer that can take messages; `lost` ends it.

    Args:
        shared: What all peers of the server share.
        peer_address: The other end, as Twisted tells it.
        local_address: Our end.
        holder: Who holds the socket.
        tls: Returns what was agreed with it when TLS was set up; None where none is spoken.

    Attributes:
        holder: Who holds the socket now.
        held: Bytes that are kept for it, on their way in and out.
    """

    __slots__ = (
        "_carrier",
        "_deadline",
        "_goodbye",
        "_when_closed",
        "data",
        "holder",
    )

    def __init__(
        self,
        shared: Shared,
        peer_address: object,
        local_address: object,
        holder: Shuttable,
        tls: Callable[[], TLSDetails | None] | None = None,
    ) -> None:
        super().__init__(shared, peer_address, local_address, tls)
        self.data: Any = None
        self.holder = holder
        self._carrier = shared.carrier
        self._goodbye: tuple[int, str] | None = None
        self._deadline: IDelayedCall | None = None
        self._when_closed: tuple[Deferred[None], ...] = ()
        shared.registry.add(self)

    # What the application does with it.

    @carried
    def write_data(
        self,
        data: str | bytes,
        *,
        fragment_size: int | None = None,
        part: Part | None = None,
        key: str | None = None,
    ) -> bool:
        if self._stage is not OPEN or self.outbox is None:
            return False
        check_form(fragment_size, key, part)
        payload, text = payload_of(data)
        if part is not None:
            return self.outbox.send_part(payload, text, part)
        return self.outbox.send(Message(payload, text, key, fragment_size))

    @carried
    def write_and_wait(self, data: str | bytes, timeout: float = 10.0) -> Deferred[str | bytes]:
        if timeout < 0:
            raise ValueError(f"timeout is {timeout:g}; allowed: 0 or more seconds")
        taken = self.write_data(data)
        if self._stage is not OPEN or self._valve is None:
            return fail(self._end())
        if not taken:
            return fail(TimeoutError("the peer does not take what it was sent before"))
        if self._answers is None:
            self._answers = Answers()
        return self._valve.open_for(self._answers.next(self.clock, timeout))

    @carried
    def drained(self) -> Deferred[None]:
        return succeed(None) if self.outbox is None else self.outbox.drained()

    @carried
    def ping(self, payload: bytes = b"") -> Deferred[float]:
        check_ping(payload)
        if self._stage is not OPEN or self.pulse is None or self._valve is None:
            return fail(self._end())
        if not self.answers_pings:
            return fail(LifecycleError(f"a {self.transport.value} connection answers no pings"))
        answer = self._valve.open_for(self.pulse.ping(payload, self.clock.seconds()))
        self._put_ping(payload)
        return answer

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
            if self.outbox is not None:
                self.outbox.lost()

    @carried
    def subscribe(self, channel: str) -> bool:
        return self._stage is OPEN and self._shared.registry.channels.join(channel, self.guid)

    @carried
    def unsubscribe(self, channel: str) -> bool:
        return self._shared.registry.channels.leave(channel, self.guid)

    @carried
    def pause_reading(self) -> None:
        self.stop(Stop.APPLICATION)

    @carried
    def resume_reading(self) -> None:
        self.go_on(Stop.APPLICATION)

    # What its server does with it.

    def send(self, message: Message) -> bool:
        """Send one message; on the reactor's thread only."""
        return self._stage is OPEN and self.outbox is not None and self.outbox.send(message)

    def send_ping(self, payload: bytes) -> bool:
        """Send a ping, if it has such a thing, whose answer nobody awaits; whether that will be answered."""
        if self._stage is not OPEN or self.pulse is None:
            return False
        if self.answers_pings:
            self.pulse.sent(payload, self.clock.seconds())
        return self._put_ping(payload) and self.answers_pings

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

    def evict(self, code: int) -> None:
        """End it, and drop all that waits; one that is leaving already has no more time."""
        framing = self._framing if self._stage is OPEN else None
        if framing is not None:
            # What is dropped has room for nothing new.
            self._goodbye = (code, "")
            self._take_leave()
        self.dropped(0 if self.outbox is None else self.outbox.discard())
        if self._inbox is not None:
            self._inbox.discard()
        if framing is not None and self._stage < DROPPED:
            framing.fail(code, "")
            self._hear_the_end()
        else:
            self.disconnect()

    # What the protocols tell it.

    def open(self, kind: TransportKind, framing: Framing, sink: Sink, opening: Opening = NO_OPENING) -> None:
        """Become a peer that can take messages; one that was told to go meanwhile hears so right away."""
        if self._stage >= DROPPED:
            framing.abort()
            return
        self.transport = kind
        self._opening = opening
        self.holder = self._framing = framing
        self._inbox = Inbox(self)
        self._valve = Valve(framing)
        self.pulse = Pulse()
        self.outbox = Outbox(framing, sink, self.options.websocket.outgoing, self)
        self._stage = OPEN if self._stage is PLAIN else self._stage
        goodbye = self._goodbye
        self._shared.registry.opened(self)
        self._shared.heartbeat.opened(self)
        self._inbox.deliver(0, self._shared.events.on_connect.tell, self)
        if goodbye is not None and self._stage < DROPPED:
            self.closing()
            framing.shut(*goodbye)

    def closing(self) -> None:
        """Hear that the end has begun, from either side; it may take no longer than ``close_timeout``."""
        self._take_leave()
        self._hear_the_end()

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
        if self.pulse is not None:
            self._shared.heartbeat.closed()
        self._let_go()
        self._tell(self._tell_dropped)
        if self._inbox is not None:
            self._tell(self._shared.events.on_disconnect.tell, self, self.close_code, self.close_reason)
        self._tell(self._gone)
        waiting, self._when_closed = self._when_closed, ()
        for deferred in waiting:
            deferred.callback(None)

    # What its inbox and its outbox tell it.

    def overflowed(self) -> None:
        """Close it, for it takes less than it is sent."""
        self.evict(POLICY_VIOLATION)

    def write_failed(self, failure: Failure, fatal: bool = False) -> None:
        """Tell the application that a message could not be sent; after a *fatal* failure nothing else can be."""
        self._shared.events.report_failure(self, failure, "a write")
        if fatal:
            self.evict(INTERNAL_ERROR)

    # How it is done.

    def _begin_goodbye(self, code: int, reason: str) -> None:
        first = self._goodbye is None and self._stage < DROPPED
        self._take_leave()
        if first:
            self._goodbye = (code, reason)
            self.holder.shut(code, reason)
        self._hear_the_end()

    def _take_leave(self) -> None:
        """Take no more messages, and take no longer than ``close_timeout``."""
        if self._stage < CLOSING:
            self._stage = CLOSING
            self._deadline = self.clock.callLater(self.options.websocket.close_timeout, self.disconnect)

    def _hear_the_end(self) -> None:
        """Read on, for the peer's end has to be heard; what has come already may be told before this returns."""
        if self._valve is not None:
            self._valve.open()

    def _put_ping(self, payload: bytes) -> bool:
        """Send a ping before everything that waits; whether it could be put into a frame."""
        try:
            frame = None if self._framing is None else self._framing.encode_ping(payload)
        except Exception:
            self.write_failed(Failure())
            return False
        if frame is not None and self.outbox is not None:
            self.outbox.ping(frame)
        return True

    def _let_go(self) -> None:
        """Keep nothing more for it, and let nobody wait for anything of it."""
        if self._valve is not None:
            self._valve.lost()
        if self.outbox is not None:
            self.outbox.lost()
        if self.pulse is not None:
            self.pulse.lost(self._end())
        if self._answers is not None:
            self._answers.fail(self._end())

    def _gone(self) -> None:
        self._framing = self._inbox = self._valve = None
        self._shared.registry.gone(self)
