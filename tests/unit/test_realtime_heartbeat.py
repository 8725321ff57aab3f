"""Promises of `sgcws.realtime.heartbeat`: who answers stays, who is silent goes, and many cost little more than one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from sgcws.events import Question
from sgcws.events.calling import Caller
from sgcws.options import HeartbeatOptions
from sgcws.realtime.heartbeat import LATE, MOST_AT_ONCE, Heartbeat, ping_due
from sgcws.realtime.pulse import Pulse
from sgcws.realtime.valve import Stop


class Somebody:
    """
    A peer, in the words of `sgcws.realtime.heartbeat.Beating`.

    Attributes:
        done: What was done with it, and when.
        pings: The payloads of its pings.
        delay: Seconds after which it answers a ping; None for no answer.
        answers_pings: Whether its protocol has answers.
        stops: Why it is not read from.
        waiting: What has come while it was not read from.
    """

    def __init__(self, clock: Clock, heartbeat: Heartbeat, delay: float | None = None) -> None:
        self.is_open = True
        self.last_message_at: float | None = None
        self.pulse = Pulse()
        self.done: list[tuple[float, str]] = []
        self.pings: list[bytes] = []
        self.delay = delay
        self.answers_pings = True
        self.stops: set[Stop] = set()
        self.waiting: list[Callable[[], None]] = []
        self.clock = clock
        self.heartbeat = heartbeat
        heartbeat.opened(self)

    @property
    def reading_stopped(self) -> bool:
        """Whether there is a reason not to read."""
        return bool(self.stops)

    def send_ping(self, payload: bytes) -> bool:
        """Keep it, and answer in time."""
        self.note("ping")
        self.pings.append(payload)
        if self.answers_pings:
            self.pulse.sent(payload, self.clock.seconds())
            if self.delay is not None:
                self.clock.callLater(self.delay, self.come, lambda: self.pulse.ponged(payload, self.clock.seconds()))
        return self.answers_pings

    def disconnect(self) -> None:
        """Be closed."""
        self.note("drop")
        self.close()

    def close(self) -> None:
        """Have come to the end."""
        self.is_open = False
        self.heartbeat.closed()

    def stop(self, why: Stop) -> None:
        """Have a reason not to be read."""
        self.stops.add(why)

    def go_on(self, why: Stop) -> None:
        """Be read, with all that has come meanwhile."""
        if why in self.stops:
            self.stops.remove(why)
            self.pulse.heard = True
            waiting, self.waiting = self.waiting, []
            for read in waiting:
                read()

    def come(self, read: Callable[[], None]) -> None:
        """Let something come, to be read by a function."""
        if self.stops:
            self.waiting.append(read)
        elif self.is_open:
            self.pulse.heard = True
            read()

    def message(self) -> None:
        """Let a message come."""
        self.come(lambda: setattr(self, "last_message_at", self.clock.seconds()))

    def bytes(self) -> None:
        """Let a part of a message come."""
        self.come(lambda: None)

    def note(self, what: str) -> None:
        """Write down what is done."""
        self.done.append((self.clock.seconds(), what))


def asking_nobody(peer: object) -> None:
    """Stand for an application that does nothing instead of a ping."""


class HeartbeatTestCase(SynchronousTestCase):
    """A heartbeat that pings every 60 s and waits 20 s, on a clock."""

    def setUp(self) -> None:
        """Have a heartbeat without peers."""
        self.clock = Clock()
        self.options: HeartbeatOptions | None = HeartbeatOptions()
        self.asked: list[object] = []
        self.handled: Any = None
        self.heartbeat = Heartbeat(cast(Any, self.clock), lambda: self.options, self.ask)

    def ask(self, peer: object) -> Any:
        """Answer for the application."""
        self.asked.append(peer)
        return self.handled

    def set(self, **options: Any) -> None:
        """Set other options."""
        self.options = HeartbeatOptions(**options)

    def peer(self, delay: float | None = None) -> Somebody:
        """Return a new peer, which answers pings after *delay* seconds."""
        return Somebody(self.clock, self.heartbeat, delay)

    def pass_by(self, *steps: float) -> None:
        """Let time pass."""
        for step in steps:
            self.clock.advance(step)

    def calls(self) -> int:
        """Count the delayed calls of the heartbeat."""
        return [call.func for call in self.clock.getDelayedCalls()].count(self.heartbeat._wake)


class PingTests(HeartbeatTestCase):
    """When a ping is sent."""

    def test_quiet(self) -> None:
        """A peer is pinged an interval after it opened, and an interval after each ping as long as it answers."""
        peer = self.peer(delay=1)
        self.pass_by(59.9)
        self.assertEqual(peer.done, [])
        self.pass_by(0.1, *[1] * 130)
        self.assertEqual(peer.done, [(60, "ping"), (120, "ping"), (180, "ping")])

    def test_idle(self) -> None:
        """A message puts the ping off; part of one does not."""
        peer = self.peer(delay=1)
        self.pass_by(50)
        peer.message()
        self.pass_by(40)
        peer.bytes()
        self.pass_by(19.9)
        self.assertEqual(peer.done, [])
        self.pass_by(0.1)
        self.assertEqual(peer.done, [(110, "ping")])

    def test_always(self) -> None:
        """Without ``only_if_idle`` pings go on beside messages."""
        self.set(only_if_idle=False)
        peer = self.peer(delay=1)
        for _ in range(18):
            self.pass_by(10)
            peer.message()
        self.assertEqual(peer.done, [(60, "ping"), (120, "ping"), (180, "ping")])

    def test_payload(self) -> None:
        """Each ping can be told from all others of the heartbeat, and from the application's."""
        peers = self.peer(delay=0), self.peer(delay=0)
        self.pass_by(60, 60)
        payloads = [payload for peer in peers for payload in peer.pings]
        self.assertEqual(len(set(payloads)), 4)
        for payload in payloads:
            self.assertRegex(payload, rb"(?s)\Aheartbeat.{4}\Z")

    def test_measured(self) -> None:
        """The heartbeat keeps the latency up to date."""
        peer = self.peer(delay=0.25)
        self.pass_by(60, 0.25)
        self.assertEqual((peer.pulse.latency, peer.pulse.last_pong_at), (0.25, 60.25))

    def test_off(self) -> None:
        """Without options nobody is looked at; those that are looked after stop to be when there are none any more."""
        peer = self.peer()
        self.options = None
        other = self.peer()
        self.assertEqual(self.calls(), 1)
        self.pass_by(60)
        self.assertEqual((peer.done, other.done, self.calls()), ([], [], 0))

    def test_todays_options(self) -> None:
        """A change of options counts from the next look on."""
        peer = self.peer()
        self.pass_by(50)
        self.set(interval=65)
        self.pass_by(10)
        self.assertEqual(peer.done, [])
        self.pass_by(5)
        self.assertEqual(peer.done, [(65, "ping")])
        self.set(timeout=None)
        self.pass_by(30)
        self.assertTrue(peer.is_open)

    def test_shorter_interval(self) -> None:
        """A peer that comes after a change to a shorter interval does not wait for the others."""
        self.peer()
        self.set(interval=5)
        peer = self.peer()
        self.pass_by(5)
        self.assertEqual(peer.done, [(5, "ping")])

    def test_ping_due(self) -> None:
        """A ping is due an interval after the last one, or after the last message if that counts."""
        for only_if_idle, last_message_at, due in (
            (True, None, 70),
            (True, 5, 70),
            (True, 15, 75),
            (False, 15, 70),
        ):
            options = HeartbeatOptions(only_if_idle=only_if_idle)
            self.assertEqual(ping_due(options, 10, last_message_at), due)


class DropTests(HeartbeatTestCase):
    """Who is dropped, and who is not."""

    def test_silent(self) -> None:
        """A peer from which nothing comes in time after a ping is dropped."""
        peer = self.peer()
        self.pass_by(60, 19.9)
        self.assertEqual(peer.done, [(60, "ping")])
        self.pass_by(0.1)
        self.assertEqual(peer.done, [(60, "ping"), (80, "drop")])
        self.assertEqual(self.calls(), 0)

    def test_any_sign(self) -> None:
        """Whatever comes is a sign of life: a pong to another ping, a message, a part of one."""
        for come in (
            lambda peer: peer.pulse.ponged(b"other", self.clock.seconds()),
            Somebody.message,
            Somebody.bytes,
        ):
            peer = self.peer()
            self.pass_by(60, 19)
            come(peer)
            self.pass_by(1, 30)
            self.assertTrue(peer.is_open)
            peer.close()

    def test_before_the_ping(self) -> None:
        """What came before the ping is no answer to it."""
        peer = self.peer()
        self.pass_by(59)
        peer.bytes()
        self.pass_by(1, 20)
        self.assertFalse(peer.is_open)

    def test_never(self) -> None:
        """Without a timeout nobody is dropped, and pings go on."""
        self.set(timeout=None)
        peer = self.peer()
        self.pass_by(*[60] * 3)
        self.assertEqual(peer.done, [(60, "ping"), (120, "ping"), (180, "ping")])

    def test_long_timeout(self) -> None:
        """With a timeout longer than the interval the next ping waits for the answer, and not for the timeout."""
        self.set(interval=10, timeout=100)
        peer = self.peer(delay=15)
        self.pass_by(*[5] * 10)
        self.assertEqual(peer.done, [(10, "ping"), (30, "ping"), (50, "ping")])
        peer.delay = None
        self.pass_by(*[5] * 30)
        self.assertEqual(peer.done[3:], [(70, "ping"), (170, "drop")])

    def test_unread_answer(self) -> None:
        """What has arrived while the reactor was held counts, although the timeout has passed before it is read."""
        peer = self.peer()
        for pings in ([(60, "ping")], [(60, "ping"), (120, "ping")]):
            self.pass_by(pings[-1][0] - self.clock.seconds())
            self.clock.rightNow += 30
            # As with a reactor, what is due is called before anything is read.
            self.clock.callLater(0, peer.bytes)
            self.pass_by(0, 20)
            self.assertEqual(peer.done, pings)

    def test_held_and_silent(self) -> None:
        """Held or not: a peer from which nothing has arrived is dropped."""
        peer = self.peer()
        self.pass_by(60, 300)
        self.assertEqual([what for _, what in peer.done], ["ping", "drop"])

    def test_closed(self) -> None:
        """A peer that has begun to close is left alone."""
        peer, other = self.peer(), self.peer()
        peer.is_open = False
        self.pass_by(60)
        self.assertEqual((peer.done, other.done), ([], [(60, "ping")]))
        other.is_open = False
        self.pass_by(20)
        self.assertEqual((other.done, self.calls()), ([(60, "ping")], 0))


class PausedTests(HeartbeatTestCase):
    """Deadlines stand still while reading is stopped."""

    def test_never_dropped(self) -> None:
        """A peer that is not read from is never dropped, and its ping is not repeated."""
        peer = self.peer()
        peer.stop(Stop.FULL)
        self.pass_by(60, *[7] * 200)
        self.assertEqual(peer.done, [(60, "ping")])

    def test_full_timeout_again(self) -> None:
        """When reading resumes the peer has the whole timeout, whenever that was."""
        for stopped, resumed in ((61, 79), (61, 99), (61, 100.5), (79.9, 80)):
            self.setUp()
            peer = self.peer()
            self.pass_by(60, stopped - 60)
            peer.stop(Stop.FULL)
            self.pass_by(resumed - stopped)
            peer.go_on(Stop.FULL)
            self.pass_by(20 - LATE)
            self.assertTrue(peer.is_open)
            self.pass_by(*[1] * 62)
            self.assertFalse(peer.is_open)

    def test_answer_waits(self) -> None:
        """A pong that came while reading was stopped is heard when it resumes."""
        peer = self.peer(delay=1)
        self.pass_by(60)
        peer.stop(Stop.APPLICATION)
        self.pass_by(*[10] * 50)
        peer.go_on(Stop.APPLICATION)
        self.assertEqual(peer.pulse.latency, 500)
        self.pass_by(20)
        self.assertTrue(peer.is_open)


class HandledTests(HeartbeatTestCase):
    """The application may do something else."""

    def test_handled(self) -> None:
        """Told that it is handled, the heartbeat sends nothing, waits for nothing, and asks again an interval later."""
        peer = self.peer()
        self.handled = True
        self.pass_by(60, 59.9)
        self.assertEqual(self.asked, [peer])
        self.pass_by(0.1)
        self.assertEqual((self.asked, peer.done), ([peer, peer], []))

    def test_not_handled(self) -> None:
        """Any other answer is the default, which is a ping."""
        for answer in (None, False):
            self.handled = answer
            peer = self.peer(delay=1)
            self.pass_by(60)
            self.assertEqual([what for _, what in peer.done], ["ping"])
            peer.close()

    def test_no_pings(self) -> None:
        """A peer whose protocol has no answers is asked for all the same, and never dropped."""
        peer = self.peer()
        peer.answers_pings = False
        self.pass_by(*[60] * 3)
        self.assertEqual((len(self.asked), [what for _, what in peer.done]), (3, ["ping"] * 3))

    def test_failing(self) -> None:
        """When the handler fails the ping is sent; the event reports the failure."""
        reports: list[object] = []
        caller = Caller(cast(Any, None), lambda *report: reports.append(report), Logger(observer=lambda event: None))
        question: Question[[Any], bool] = Question("on_before_heartbeat", caller, safe=False, answers=(bool,))

        @question
        def fail(connection: object) -> bool:
            raise OSError

        self.heartbeat = Heartbeat(cast(Any, self.clock), lambda: self.options, question.ask)
        peer = self.peer()
        self.pass_by(60)
        self.assertEqual((peer.done, len(reports)), ([(60, "ping")], 1))

    def test_later(self) -> None:
        """While the application thinks the peer is not read from; the interval begins with the answer."""
        for answer, expected in ((None, [(70, "ping"), (90, "drop")]), (True, [])):
            self.setUp()
            self.handled = thinking = Deferred[Any]()
            peer = self.peer()
            self.pass_by(60)
            self.assertEqual((peer.stops, peer.done, self.calls()), ({Stop.QUESTION}, [], 0))
            self.pass_by(10)
            thinking.callback(answer)
            self.assertEqual(peer.stops, set())
            self.handled = None
            self.pass_by(20, 39.9)
            self.assertEqual(peer.done, expected)
            if answer:
                self.pass_by(0.1)
                self.assertEqual(peer.done, [(130, "ping")])

    def test_no_answer(self) -> None:
        """Without an answer within the time-out the ping is sent: nobody is left unread for ever."""
        self.handled = thinking = Deferred[Any]()
        peer = self.peer()
        self.pass_by(60)
        self.handled = None
        self.pass_by(20)
        self.assertEqual((peer.stops, peer.done), (set(), [(80, "ping")]))
        self.assertTrue(thinking.called)

    def test_gone_meanwhile(self) -> None:
        """A peer that has gone while the application thought is not pinged, and nothing is left of it."""
        self.handled = thinking = Deferred[Any]()
        peer = self.peer()
        self.pass_by(60)
        peer.close()
        thinking.callback(None)
        self.assertEqual((peer.done, self.calls()), ([], 0))

    def test_closed_by_the_handler(self) -> None:
        """Neither is one that the handler itself has closed."""
        self.heartbeat = Heartbeat(cast(Any, self.clock), lambda: self.options, Somebody.disconnect)
        peer = self.peer()
        self.pass_by(60)
        self.assertEqual((peer.done, self.calls()), ([(60, "drop")], 0))

    def test_closed_by_the_ping(self) -> None:
        """Nothing is left of a peer that ends while it is pinged."""
        peer = self.peer()

        def end(payload: bytes) -> bool:
            peer.disconnect()
            return True

        peer.send_ping = end  # type: ignore[method-assign]
        self.pass_by(60)
        self.assertEqual((peer.done, self.calls()), ([(60, "drop")], 0))


class CostTests(HeartbeatTestCase):
    """Many peers."""

    def test_one_timer(self) -> None:
        """However many there are and however they come and go, there is at most one delayed call; in the end, none."""
        peers = []
        for number in range(300):
            peers.append(self.peer(delay=1))
            self.pass_by(0.3)
            self.assertEqual(self.calls(), 1)
            if number % 3 == 0:
                peers[number // 3].close()
        for peer in peers:
            if peer.is_open:
                peer.close()
        self.assertEqual(self.calls(), 0)

    def test_shared_waking(self) -> None:
        """Peers that are due at nearly the same time are looked at together, a little late but never early."""
        peers = []
        for _ in range(10):
            peers.append(self.peer())
            self.pass_by(LATE / 10)
        wakings = set()
        self.pass_by(58)
        self.clock.pump([LATE / 20] * 5000)
        for number, peer in enumerate(peers):
            for (at, _), due in zip(peer.done, (60, 80), strict=False):
                self.assertGreaterEqual(at, due + number * LATE / 10 - 1e-6)
                self.assertLessEqual(at, due + number * LATE / 10 + 2 * LATE)
            wakings.add(round(peer.done[0][0], 6))
        self.assertLessEqual(len(wakings), 3)

    def test_not_all_at_once(self) -> None:
        """Thousands that are due together are spread over turns of the reactor, and other calls are made between."""
        peers = [self.peer(delay=0) for _ in range(MOST_AT_ONCE * 3)]
        counts = list[int]()
        self.clock.callLater(60, lambda: counts.append(sum(len(peer.done) for peer in peers)))
        self.pass_by(60)
        self.assertEqual(counts, [MOST_AT_ONCE])
        self.assertEqual({tuple(peer.done) for peer in peers}, {((60, "ping"),)})

    def test_gone_at_once(self) -> None:
        """A peer that has closed is not kept; what is kept of thousands is bounded by those that are left."""
        stays = self.peer(delay=0)
        for _ in range(5000):
            self.peer().close()
        gc.collect()
        left = [each for each in gc.get_objects() if isinstance(each, Somebody) and each.heartbeat is self.heartbeat]
        self.assertEqual(left, [stays])
        self.assertLess(len(self.heartbeat._turns), 200)
        self.pass_by(60)
        self.assertEqual(stays.done, [(60, "ping")])

    def test_one_that_fails(self) -> None:
        """One whose ping fails without any sense is not looked after any more, and the others are."""
        *others, broken = (self.peer(delay=0) for _ in range(3))

        def fail(payload: bytes) -> bool:
            raise ZeroDivisionError

        broken.send_ping = fail  # type: ignore[method-assign]
        self.assertRaises(ZeroDivisionError, self.pass_by, 60)
        self.pass_by(0)
        self.assertEqual([other.done for other in others], [[(60, "ping")]] * 2)


steps = st.lists(
    st.tuples(
        st.integers(0, 240).map(lambda quarters: quarters / 4),
        st.sampled_from(("message", "bytes", "stop", "go on")),
    ),
    max_size=30,
)
times = st.integers(2, 240).map(lambda quarters: quarters / 4)


class AnyScheduleTests(SynchronousTestCase):
    """Whatever happens when."""

    def act(self, peer: Somebody, what: str) -> None:
        """Let something happen with a peer."""
        if what == "stop":
            peer.stop(Stop.APPLICATION)
        elif what == "go on":
            peer.go_on(Stop.APPLICATION)
        else:
            getattr(peer, what)()

    def run_through(
        self, interval: float, timeout: float, idle: bool, delay: float | None, schedule: list[tuple[float, str]]
    ) -> tuple[Clock, Somebody]:
        """Play a schedule with a peer, as long as it is there, and let it be read in the end."""
        clock = Clock()
        options = HeartbeatOptions(interval=interval, timeout=timeout, only_if_idle=idle)
        peer = Somebody(clock, Heartbeat(cast(Any, clock), lambda: options, asking_nobody), delay)
        for step, what in [*schedule, (0.0, "go on")]:
            clock.pump([1 / 8] * int(step * 8))
            if peer.is_open:
                self.act(peer, what)
        return clock, peer

    @given(times, times, st.booleans(), st.integers(0, 99), steps)
    @settings(deadline=None, max_examples=50)
    def test_answering(
        self, interval: float, timeout: float, idle: bool, percent: int, schedule: list[tuple[float, str]]
    ) -> None:
        """A peer that answers its pings in time is never dropped."""
        clock, peer = self.run_through(interval, timeout, idle, timeout * percent / 100, schedule)
        clock.pump([1 / 8] * int((interval + timeout) * 3 * 8))
        self.assertTrue(peer.is_open)
        self.assertIn("ping", {what for _, what in peer.done})

    @given(times, times, st.booleans(), steps)
    @settings(deadline=None, max_examples=50)
    def test_silent(self, interval: float, timeout: float, idle: bool, schedule: list[tuple[float, str]]) -> None:
        """A peer from which nothing comes any more is dropped within interval and timeout, once."""
        clock, peer = self.run_through(interval, timeout, idle, None, [*schedule, (0.0, "go on"), (0.0, "bytes")])
        clock.pump([1 / 8] * (int((interval + timeout + 2 * LATE) * 8) + 1))
        self.assertFalse(peer.is_open)
        self.assertEqual([what for _, what in peer.done].count("drop"), 1)
        self.assertEqual(clock.getDelayedCalls(), [])
