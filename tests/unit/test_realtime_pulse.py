"""Promises of `sgcws.realtime.pulse`: pongs answer pings by RFC 6455 section 5.5.3, and nothing is kept for ever."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import ConnectionClosed
from sgcws.realtime.pulse import MOST_AWAITED, MOST_UNAWAITED, Pulse


class PulseTestCase(SynchronousTestCase):
    """The pulse of a peer that nothing has come from yet."""

    def setUp(self) -> None:
        """Have a pulse."""
        self.pulse = Pulse()


class PongTests(PulseTestCase):
    """What a pong answers."""

    def test_unknown(self) -> None:
        """At first nothing is known, and after a ping only when that was."""
        pulse = self.pulse
        self.assertEqual((pulse.latency, pulse.last_ping_at, pulse.last_pong_at), (None, None, None))
        pulse.sent(b"a", 5.0)
        self.assertEqual((pulse.latency, pulse.last_ping_at, pulse.last_pong_at), (None, 5.0, None))

    def test_round_trip(self) -> None:
        """A pong fires the Deferred of its ping with the seconds between them, which are the latency."""
        answer = self.pulse.ping(b"a", 5.0)
        self.assertNoResult(answer)
        self.pulse.ponged(b"a", 5.25)
        self.assertEqual(self.successResultOf(answer), 0.25)
        self.assertEqual((self.pulse.latency, self.pulse.last_pong_at, self.pulse.heard), (0.25, 5.25, True))

    def test_unawaited(self) -> None:
        """A ping that nobody awaits is measured all the same."""
        self.pulse.sent(b"a", 5.0)
        self.pulse.ponged(b"a", 6.0)
        self.assertEqual((self.pulse.latency, self.pulse.last_pong_at), (1.0, 6.0))

    def test_newest(self) -> None:
        """A peer that answers only the newest ping has answered those before it, too, and none after it."""
        first, second, third = (self.pulse.ping(payload, now) for payload, now in ((b"a", 1), (b"b", 2), (b"c", 3)))
        self.pulse.ponged(b"b", 4)
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (3, 2))
        self.assertNoResult(third)
        self.assertEqual(self.pulse.latency, 2)
        self.pulse.ponged(b"c", 5)
        self.assertEqual(self.successResultOf(third), 2)

    def test_same_payload(self) -> None:
        """Of several pings with its payload a pong answers the newest."""
        answers = [self.pulse.ping(b"", now) for now in (1, 2)]
        self.pulse.ponged(b"", 3)
        self.assertEqual([self.successResultOf(answer) for answer in answers], [2, 1])

    def test_unsolicited(self) -> None:
        """A pong that answers no ping is a sign of life, and no news besides; so is a second one for the same ping."""
        self.pulse.ponged(b"a", 1)
        self.assertEqual((self.pulse.heard, self.pulse.last_pong_at), (True, None))
        answer = self.pulse.ping(b"b", 2)
        self.pulse.ponged(b"a", 3)
        self.assertNoResult(answer)
        self.pulse.ponged(b"b", 4)
        self.pulse.ponged(b"b", 9)
        self.assertEqual((self.successResultOf(answer), self.pulse.latency, self.pulse.last_pong_at), (2, 2, 4))

    def test_clock_set_back(self) -> None:
        """A clock that was set back makes no negative time."""
        answer = self.pulse.ping(b"a", 5.0)
        self.pulse.ponged(b"a", 4.0)
        self.assertEqual((self.successResultOf(answer), self.pulse.latency), (0.0, 0.0))


class EndTests(PulseTestCase):
    """What becomes of those that are not answered."""

    def test_lost(self) -> None:
        """When the connection ends, all that are awaited fail with the same error, and a late pong is harmless."""
        answers = [self.pulse.ping(payload, 1) for payload in (b"a", b"b")]
        self.pulse.sent(b"c", 1)
        error = ConnectionClosed(1006)
        self.pulse.lost(error)
        for answer in answers:
            self.assertIs(self.failureResultOf(answer).value, error)
        self.pulse.ponged(b"c", 2)
        self.assertIsNone(self.pulse.latency)
        self.pulse.lost(error)

    def test_cancelled(self) -> None:
        """Who waits no more gets no answer; the pong still answers the pings before, and is measured."""
        first, second = self.pulse.ping(b"a", 1), self.pulse.ping(b"b", 2)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.pulse.ponged(b"b", 4)
        self.assertEqual((self.successResultOf(first), self.pulse.latency), (3, 2))

    def test_cancelled_by_another(self) -> None:
        """A Deferred that is cancelled by the callback of another one is left alone, with a pong and at the end."""
        for end in (lambda: self.pulse.ponged(b"b", 2), lambda: self.pulse.lost(ConnectionClosed(1006))):
            first, second = self.pulse.ping(b"a", 1), self.pulse.ping(b"b", 1)
            first.addBoth(lambda _, other=second: other.cancel())
            end()
            self.failureResultOf(second, CancelledError)

    def test_ping_from_callback(self) -> None:
        """A callback may ping again at once, and the pong that it has heard of does not answer that."""
        again: list[Deferred[float]] = []
        self.pulse.ping(b"a", 1).addCallback(lambda _: again.append(self.pulse.ping(b"a", 2)))
        self.pulse.ponged(b"a", 2)
        self.assertNoResult(again[0])
        self.pulse.ponged(b"a", 5)
        self.assertEqual(self.successResultOf(again[0]), 3)


class BoundTests(PulseTestCase):
    """A peer that answers nothing does not fill the memory."""

    def test_unawaited(self) -> None:
        """Of the pings that nobody awaits only the newest are kept; one that is awaited stays."""
        answer = self.pulse.ping(b"mine", 0)
        for number in range(MOST_UNAWAITED + 1):
            self.pulse.sent(b"%d" % number, number)
        self.pulse.ponged(b"0", 100)
        self.assertIsNone(self.pulse.latency)
        self.assertNoResult(answer)
        self.pulse.ponged(b"1", 100)
        self.assertEqual((self.pulse.latency, self.successResultOf(answer)), (99, 100))

    def test_cancelled(self) -> None:
        """Those that were cancelled count as not awaited."""
        for number in range(MOST_UNAWAITED + 1):
            answer = self.pulse.ping(b"%d" % number, number)
            answer.addErrback(lambda failure: failure.trap(CancelledError))
            answer.cancel()
        self.pulse.ponged(b"0", 100)
        self.assertIsNone(self.pulse.latency)
        self.pulse.ponged(b"1", 100)
        self.assertEqual(self.pulse.latency, 99)

    def test_awaited(self) -> None:
        """Of those that are awaited the oldest is given up when there are a thousand more."""
        answers = [self.pulse.ping(b"%d" % number, number) for number in range(MOST_AWAITED)]
        self.assertNoResult(answers[0])
        last = self.pulse.ping(b"last", 2000)
        self.failureResultOf(answers[0], TimeoutError)
        self.pulse.ponged(b"last", 2001)
        self.assertEqual((self.successResultOf(answers[1]), self.successResultOf(last)), (2000, 1))
        for answer in answers[2:]:
            self.successResultOf(answer)


class AnyTrafficTests(SynchronousTestCase):
    """Whatever is sent and comes."""

    @given(st.lists(st.tuples(st.sampled_from(("ping", "sent", "pong", "cancel")), st.integers(0, 3)), max_size=40))
    @settings(deadline=None)
    def test_any_traffic(self, traffic: list[tuple[str, int]]) -> None:
        """Each ping that is awaited comes to one end, at the latest when the connection does."""
        pulse, answers = Pulse(), list[Deferred[float]]()
        ends: list[object] = []
        for now, (what, number) in enumerate(traffic):
            if what == "ping":
                answers.append(pulse.ping(b"%d" % number, now).addBoth(ends.append))
            elif what == "sent":
                pulse.sent(b"%d" % number, now)
            elif what == "pong":
                pulse.ponged(b"%d" % number, now)
            elif number < len(answers):
                answers[number].cancel()
        pulse.lost(ConnectionClosed(1006))
        self.assertEqual(len(ends), len(answers))
