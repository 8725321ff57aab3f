"""The pings and pongs of one peer, and whether it shows any life."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

__all__ = ["MOST_AWAITED", "MOST_UNAWAITED", "Pulse"]

MOST_UNAWAITED = 64
"""Pings kept without anybody awaiting their pongs; the oldest is forgotten for one more."""

MOST_AWAITED = 1024
"""Pings kept in all; for one more the oldest is given up."""


class _Ping:
    """One ping that was sent, and who awaits its pong."""

    __slots__ = ("awaiting", "payload", "sent_at")

    def __init__(self, payload: bytes, sent_at: float, awaiting: Deferred[float] | None) -> None:
        self.payload = payload
        self.sent_at = sent_at
        self.awaiting = awaiting


class Pulse:
    """
    Keeps the pings that were not answered, and what the last answer told.

    Attributes:
        heard: Whether anything has come from the peer, or reading from it was resumed, since somebody set it to False.
        latency: Seconds from the last ping that was answered to its pong, or None.
        last_ping_at: When the last ping was sent, or None.
        last_pong_at: When the last pong came that answered a ping, or None.
    """

    __slots__ = ("_unanswered", "heard", "last_ping_at", "last_pong_at", "latency")

    def __init__(self) -> None:
        self.heard = False
        self.latency: float | None = None
        self.last_ping_at: float | None = None
        self.last_pong_at: float | None = None
        self._unanswered: list[_Ping] | None = None

    def sent(self, payload: bytes, now: float) -> None:
        """Note a ping whose pong nobody awaits."""
        self._note(_Ping(payload, now, None))

    def ping(self, payload: bytes, now: float) -> Deferred[float]:
        """
        Note a ping.

        Returns:
            A Deferred of the seconds to its pong, or to the pong of a later ping. It can be cancelled, and fails with
            what `lost` is given, or with `TimeoutError` when more than 1,024 pings wait that were sent later.
        """
        answer: Deferred[float] = Deferred(self._await_no_more)
        self._note(_Ping(payload, now, answer))
        return answer

    def ponged(self, payload: bytes, now: float) -> None:
        """
        Note a pong: it answers the newest ping with its payload, and all before that (RFC 6455 section 5.5.3).

        A pong that answers none is no news.
        """
        self.heard = True
        pings = self._unanswered or []
        count = next((place for place in range(len(pings), 0, -1) if pings[place - 1].payload == payload), 0)
        if not count:
            return
        answered, self._unanswered = pings[:count], pings[count:] or None
        self.last_pong_at = now
        self.latency = max(0.0, now - answered[-1].sent_at)
        for ping in answered:
            if ping.awaiting is not None and not ping.awaiting.called:
                ping.awaiting.callback(max(0.0, now - ping.sent_at))

    def lost(self, error: Exception) -> None:
        """Note that no more pongs will come: all that are awaited fail with *error*."""
        pings, self._unanswered = self._unanswered or [], None
        for ping in pings:
            _give_up(ping, error)

    def _note(self, ping: _Ping) -> None:
        self.last_ping_at = ping.sent_at
        if self._unanswered is None:
            self._unanswered = []
        self._unanswered.append(ping)
        if len(self._unanswered) > MOST_UNAWAITED:
            self._forget_one(self._unanswered)

    def _forget_one(self, pings: list[_Ping]) -> None:
        """Forget the oldest ping that nobody awaits, if there are too many, or else give up the oldest of all."""
        unawaited = [ping for ping in pings if ping.awaiting is None]
        if len(unawaited) > MOST_UNAWAITED:
            pings.remove(unawaited[0])
        elif len(pings) > MOST_AWAITED:
            _give_up(pings.pop(0), TimeoutError(f"none of {MOST_AWAITED} pings was answered"))

    def _await_no_more(self, answer: Deferred[float]) -> None:
        """Keep the ping of a Deferred that was cancelled as one that nobody awaits: its pong answers those before."""
        pings = self._unanswered or []
        for ping in pings:
            if ping.awaiting is answer:
                ping.awaiting = None
                self._forget_one(pings)
                return


def _give_up(ping: _Ping, error: Exception) -> None:
    if ping.awaiting is not None and not ping.awaiting.called:
        ping.awaiting.errback(Failure(error))
