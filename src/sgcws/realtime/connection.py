"""`Peer`: a `Connection` as the server holds it, whatever it speaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from sgcws.carrier import carried
from sgcws.errors import ConnectionClosed, LifecycleError, PeerProtocolError
from sgcws.interfaces import Shuttable, Sink
from sgcws.realtime.answers import Answers
from sgcws.realtime.framing import Framing, Message
from sgcws.realtime.inbox import Inbox
from sgcws.realtime.opening import NO_OPENING, Opening
from sgcws.realtime.outbox import Outbox
from sgcws.realtime.profile import Profile
from sgcws.realtime.pulse import Pulse
from sgcws.realtime.shared import Shared
from sgcws.realtime.stage import CLOSED, CLOSING, DROPPED, OPEN, PLAIN
from sgcws.realtime.valve import Stop, Valve
from sgcws.rules.close_codes import ABNORMAL, check_close
from sgcws.rules.payload import check_form, check_ping, payload_of
from sgcws.values import Fragment, Part, TLSDetails, TransportKind

__all__ = ["Peer"]

POLICY_VIOLATION, INTERNAL_ERROR = 1008, 1011


class Peer(Profile):
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
        "_answers",
        "_carrier",
        "_deadline",
        "_dropped",
        "_goodbye",
        "_inbox",
        "_when_closed",
        "data",
        "held",
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
        self.held = self._dropped = 0
        self._carrier = shared.carrier
        self._inbox: Inbox | None = None
        self._answers: Answers | None = None
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
        """Send a ping that nobody awaits the answer of; whether it will be answered."""
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
            self.closing()
        self.dropped(0 if self.outbox is None else self.outbox.discard())
        if self._inbox is not None:
            self._inbox.discard()
        if framing is not None and self._stage < DROPPED:
            framing.fail(code, "")
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

    def heard(self) -> None:
        """Hear that bytes have come, whatever they are, or that it has taken some."""
        if self.pulse is not None:
            self.pulse.heard = True

    def ponged(self, payload: bytes) -> None:
        """Hear that a ping was answered."""
        if self.pulse is not None:
            self.pulse.ponged(payload, self.clock.seconds())

    def text_received(self, text: str, size: int) -> None:
        """Take in a whole text message of *size* bytes."""
        inbox = self._inbox_for(size)
        if inbox is not None and not (self._answers is not None and self._answers.take(text)):
            inbox.deliver(size, self._shared.events.on_message.tell, self, text)

    def binary_received(self, data: bytes) -> None:
        """Take in a whole binary message."""
        size = len(data)
        inbox = self._inbox_for(size)
        if inbox is not None and not (self._answers is not None and self._answers.take(data)):
            inbox.deliver(size, self._shared.events.on_binary.tell, self, data)

    def fragment_received(self, fragment: Fragment) -> None:
        """Take in one frame of a message."""
        inbox = self._inbox
        if inbox is not None and self._stage < DROPPED and not (self._stage is CLOSING and inbox.full):
            inbox.deliver(len(fragment.data), self._shared.events.on_fragmented.tell, self, fragment)

    def message_ended(self, size: int) -> None:
        """Count a message of which only the fragments were wanted."""
        self._inbox_for(size)

    def failed(self, code: int, reason: str) -> None:
        """Hear that the peer broke its protocol, and was answered with *code*."""
        if self._stage is not CLOSED:
            self._tell(self._shared.events.on_error.tell, self, PeerProtocolError(code, reason))

    def closing(self) -> None:
        """Hear that the end has begun, from either side; it may take no longer than ``close_timeout``."""
        if self._stage < CLOSING:
            self._stage = CLOSING
            self._deadline = self.clock.callLater(self.options.websocket.close_timeout, self.disconnect)
            if self._valve is not None:
                # The peer's end has to be heard.
                self._valve.open()

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
        self._tell_dropped()
        if self._inbox is not None:
            self._tell(self._shared.events.on_disconnect.tell, self, self.close_code, self.close_reason)
        self._tell(self._gone)
        waiting, self._when_closed = self._when_closed, ()
        for deferred in waiting:
            deferred.callback(None)

    # What its inbox and its outbox tell it.

    def hold(self, change: int) -> None:
        """Hear that so many bytes more are kept for it, or fewer."""
        self.held += change
        if change > 0:
            self._shared.memory.hold(change)
        else:
            self._shared.memory.release(-change)

    def stop(self, why: Stop) -> None:
        """Stop reading, but not from one that is saying goodbye."""
        if self._valve is not None and self._stage is OPEN:
            self._valve.stop(why)

    def go_on(self, why: Stop) -> None:
        """Read on, if nothing else is against it."""
        if self._valve is not None and self._stage is OPEN and self._valve.go_on(why):
            self.heard()

    def overflowed(self) -> None:
        """Close it, for it takes less than it is sent."""
        self.evict(POLICY_VIOLATION)

    def dropped(self, count: int) -> None:
        """Tell the application that messages were dropped, once for all of the same turn of the reactor."""
        if count and not self._dropped:
            self.clock.callLater(0, self._tell_dropped)
        self._dropped += count

    def write_failed(self, failure: Failure, fatal: bool = False) -> None:
        """Tell the application that a message could not be sent; after a *fatal* failure nothing else can be."""
        self._shared.events.report_failure(self, failure, "a write")
        if fatal:
            self.evict(INTERNAL_ERROR)

    # How it is done.

    def _begin_goodbye(self, code: int, reason: str) -> None:
        first = self._goodbye is None and self._stage < DROPPED
        if first:
            self._goodbye = (code, reason)
        self.closing()
        if first and self._stage < DROPPED:
            self.holder.shut(code, reason)

    def _inbox_for(self, size: int) -> Inbox | None:
        """Count a message; none that comes too late, nor one more from a peer that is leaving and has much waiting."""
        inbox = self._inbox
        if inbox is None or self._stage >= DROPPED or (self._stage is CLOSING and inbox.full):
            return None
        self.messages_received += 1
        self.bytes_received += size
        self.last_message_at = self.clock.seconds()
        return inbox

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

    def _end(self) -> ConnectionClosed:
        """Return the error for what is asked of it too late, or too early."""
        return ConnectionClosed(self.close_code or ABNORMAL, self.close_reason)

    def _tell_dropped(self) -> None:
        count, self._dropped = self._dropped, 0
        if count:
            self._tell(self._shared.events.on_slow_client.tell, self, count)

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

    def _tell(self, tell: Any, *args: Any) -> None:
        if self._inbox is None:
            tell(*args)
        else:
            self._inbox.deliver(0, tell, *args)
