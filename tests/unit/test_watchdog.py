"""Promises of `sgcws.watchdog`."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import LifecycleError, ListenError
from sgcws.lifecycle import Lifecycle, Phase
from sgcws.options.watchdog import Monitor, WatchdogOptions
from sgcws.watchdog import Watchdog

IN_USE = ListenError("tcp:80", "in use")


def logger(events: list[LogEvent]) -> Logger:
    """Return a logger that keeps what is logged."""
    return Logger(observer=cast(ILogObserver, events.append))


class WatchdogTestCase(SynchronousTestCase):
    """A watchdog on a clock, over a server of which every answer is chosen by the test."""

    options = WatchdogOptions(interval=10.0)

    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[LogEvent] = []
        self.calls: list[tuple[str, float]] = []
        self.listening = True
        self.is_news = True
        self.revival: Deferred[None] | None = None
        self.restarting: Deferred[None] | None = None
        self.answer: Deferred[None] | None = None
        self.watchdog = self.make(self.options)

    def make(self, options: WatchdogOptions) -> Watchdog:
        """Make a watchdog over this test's server."""
        return Watchdog(
            self.clock,
            options,
            listening=lambda: self.listening,
            lost=self.lost,
            revive=self.revive,
            restart=self.restart,
            probe=self.probe,
            log=logger(self.events),
        )

    def called(self, name: str) -> None:
        """Note a call and its time."""
        self.calls.append((name, self.clock.seconds()))

    def lost(self) -> bool:
        """Take notice of the loss."""
        self.called("lost")
        return self.is_news

    def revive(self) -> Deferred[None]:
        """Listen again, as the test chose; by default the binding is in use."""
        self.called("revive")
        return fail(IN_USE) if self.revival is None else self.revival

    def restart(self) -> Deferred[None]:
        """Restart, as the test chose; by default the binding is in use."""
        self.called("restart")
        return fail(IN_USE) if self.restarting is None else self.restarting

    def probe(self) -> Deferred[None]:
        """Answer, as the test chose; by default at once."""
        self.called("probe")
        return succeed(None) if self.answer is None else self.answer

    def advance(self, seconds: float) -> None:
        """Let time go by in steps of half a second."""
        self.clock.pump([0.5] * int(seconds * 2))

    def levels(self) -> list[LogLevel]:
        """Return the levels of what was logged."""
        return [event["log_level"] for event in self.events]

    def times(self, name: str) -> list[float]:
        """Return when a call was made."""
        return [time for call, time in self.calls if call == name]


class ListenerTests(WatchdogTestCase):
    """The listener dies."""

    def test_all_is_well(self) -> None:
        """A server that listens is left alone."""
        self.watchdog.arm()
        self.advance(100.0)
        self.assertEqual((self.calls, self.events), ([], []))

    def test_found_by_looking(self) -> None:
        """A dead listener is found and listens again within one interval."""
        self.revival = succeed(None)
        self.watchdog.arm()
        self.advance(7.0)
        self.listening = False
        self.clock.advance(3.0)
        self.listening = True
        self.advance(30.0)
        self.assertEqual(self.calls, [("lost", 10.0), ("revive", 10.0)])
        self.assertEqual(self.levels(), [LogLevel.error, LogLevel.info])

    def test_told(self) -> None:
        """A dead listener that is told of is opened again in the reactor's next turn, not in the telling."""
        self.revival = succeed(None)
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.assertEqual(self.calls, [("lost", 0.0)])
        self.clock.advance(0.0)
        self.assertEqual(self.calls, [("lost", 0.0), ("revive", 0.0)])

    def test_told_twice(self) -> None:
        """Several listeners that die together are one loss and one revival."""
        self.revival = Deferred()
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.watchdog.listener_died()
        self.watchdog.start_failed()
        self.listening = False
        self.advance(100.0)
        self.assertEqual([name for name, _ in self.calls], ["lost", "revive"])

    def test_back_off(self) -> None:
        """Tries that fail come ever more seldom, up to eight intervals, without end."""
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.advance(320.0)
        self.assertEqual(self.times("revive"), [0.5, 10.5, 30.5, 70.5, 150.5, 230.5, 310.5])
        self.assertEqual(self.levels(), [LogLevel.error] + 7 * [LogLevel.warn])

    def test_watched_again(self) -> None:
        """After a revival the watchdog watches as before, and counts its tries anew."""
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.advance(15.0)
        self.revival = succeed(None)
        self.advance(20.0)
        self.calls.clear()
        self.revival = None
        self.listening = False
        self.advance(20.0)
        self.assertEqual(self.times("revive"), [35.5, 45.5])

    def test_not_news(self) -> None:
        """A listener that the server closed itself is not mended, and goes on to be watched."""
        self.is_news = False
        self.listening = False
        self.watchdog.arm()
        self.advance(10.0)
        self.assertEqual(self.calls, [("lost", 5.0), ("lost", 10.0)])
        self.assertEqual(self.events, [])

    def test_no_text_of_exceptions(self) -> None:
        """No log line shows the text of an exception."""
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.advance(100.0)
        self.assertNotIn("in use", repr(self.events))


class AttemptsTests(WatchdogTestCase):
    """The attempts are used up."""

    options = WatchdogOptions(interval=10.0, attempts=3)

    def setUp(self) -> None:
        super().setUp()
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.advance(100.0)

    def test_rest(self) -> None:
        """After the last attempt one critical line is logged, and nothing more is done or planned."""
        self.assertEqual(self.times("revive"), [0.5, 10.5, 30.5])
        self.assertEqual(self.levels().count(LogLevel.critical), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.watchdog.listener_died()
        self.watchdog.start_failed()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_next_start(self) -> None:
        """The next start that succeeds ends the rest."""
        self.calls.clear()
        self.watchdog.arm()
        self.listening = False
        self.advance(100.0)
        self.assertEqual(len(self.times("revive")), 3)


class DisarmTests(WatchdogTestCase):
    """A deliberate stop stays stopped."""

    options = WatchdogOptions(interval=10.0, monitor=Monitor(interval=30.0, timeout=5.0))

    def assert_quiet(self) -> None:
        """Check that nothing is planned, and that nothing that is told changes this."""
        self.calls.clear()
        self.listening = False
        for told in (self.watchdog.listener_died, self.watchdog.start_failed, self.watchdog.disarm):
            told()
            self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.calls, [])

    def test_never_armed(self) -> None:
        """Before the first successful start the watchdog does nothing."""
        self.assert_quiet()

    def test_watching(self) -> None:
        """No delayed call of a watchdog at rest is left."""
        self.watchdog.arm()
        self.watchdog.disarm()
        self.assert_quiet()

    def test_try_due(self) -> None:
        """A try that is due is called off."""
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.advance(12.0)
        self.watchdog.disarm()
        self.assert_quiet()

    def test_try_under_way(self) -> None:
        """A revival under way is followed by nothing, however it ends."""
        for end in (succeed(None), fail(IN_USE)):
            self.revival = Deferred()
            self.watchdog.arm()
            self.watchdog.listener_died()
            self.clock.advance(0.0)
            self.watchdog.disarm()
            end.chainDeferred(self.revival)
            self.assert_quiet()

    def test_probe_under_way(self) -> None:
        """A probe under way is cancelled, and its failure restarts nothing."""
        self.answer = Deferred()
        self.watchdog.arm()
        self.advance(30.0)
        self.watchdog.disarm()
        self.assertTrue(self.answer.called)
        self.assert_quiet()

    def test_restart_under_way(self) -> None:
        """A restart of the monitor's that a stop overtakes is not tried again."""
        self.answer, self.restarting = fail(ConnectionError()), Deferred()
        self.watchdog.arm()
        self.advance(30.0)
        self.watchdog.disarm()
        self.restarting.errback(LifecycleError("given up"))
        self.assert_quiet()

    def test_stopped_by_the_loss(self) -> None:
        """An application that stops the server when it hears of the loss has its way."""

        def lost() -> bool:
            self.watchdog.disarm()
            return True

        self.watchdog = Watchdog(
            self.clock,
            self.options,
            listening=lambda: True,
            lost=lost,
            revive=self.revive,
            restart=self.restart,
            probe=self.probe,
            log=logger(self.events),
        )
        self.watchdog.arm()
        self.watchdog.listener_died()
        self.assert_quiet()


class StartFailedTests(WatchdogTestCase):
    """A restart that cannot listen."""

    def test_tried_on(self) -> None:
        """A restart that failed ends in the same tries as a listener that died."""
        self.watchdog.arm()
        self.watchdog.start_failed()
        self.advance(15.0)
        self.revival = succeed(None)
        self.advance(50.0)
        self.assertEqual(self.calls, [("revive", 0.5), ("revive", 10.5), ("revive", 30.5)])

    def test_mended_by_the_operator(self) -> None:
        """A start by hand that succeeds calls off the try that is due."""
        self.watchdog.arm()
        self.watchdog.start_failed()
        self.advance(5.0)
        self.watchdog.arm()
        self.advance(50.0)
        self.assertEqual(self.times("revive"), [0.5])
        self.assertEqual(self.levels()[-1], LogLevel.info)


class MonitorTests(WatchdogTestCase):
    """The server connects to itself."""

    options = WatchdogOptions(interval=10.0, monitor=Monitor(interval=30.0, timeout=5.0))

    def test_answers(self) -> None:
        """A server that answers is probed once in each interval."""
        self.watchdog.arm()
        self.advance(100.0)
        self.assertEqual(self.calls, [("probe", 30.0), ("probe", 60.0), ("probe", 90.0)])
        self.assertEqual(self.events, [])

    def test_off(self) -> None:
        """Without a monitor nothing is probed."""
        self.make(WatchdogOptions()).arm()
        self.advance(100.0)
        self.assertEqual(self.calls, [])

    def test_refused(self) -> None:
        """A probe that fails restarts the server, and the watchdog goes on."""
        self.answer, self.restarting = fail(ConnectionError()), succeed(None)
        self.watchdog.arm()
        self.advance(30.0)
        self.answer = None
        self.advance(30.0)
        self.assertEqual(self.calls, [("probe", 30.0), ("restart", 30.0), ("probe", 60.0)])
        self.assertEqual(self.levels(), [LogLevel.error, LogLevel.info])

    def test_silence(self) -> None:
        """A probe that takes longer than its timeout is cancelled, and the server is restarted."""
        self.answer, self.restarting = Deferred(), succeed(None)
        self.watchdog.arm()
        self.advance(34.5)
        self.assertFalse(self.answer.called)
        self.advance(0.5)
        self.assertTrue(self.answer.called)
        self.assertEqual(self.calls, [("probe", 30.0), ("restart", 35.0)])

    def test_probe_that_cannot_be_cancelled(self) -> None:
        """A probe that does not obey its cancellation does not hold up the restart."""
        self.answer = Deferred(lambda deferred: deferred.callback(None))
        self.restarting = succeed(None)
        self.watchdog.arm()
        self.advance(35.0)
        self.assertEqual(self.times("restart"), [35.0])

    def test_late_answer(self) -> None:
        """An answer in time calls its timeout off."""
        self.answer = Deferred()
        self.watchdog.arm()
        self.advance(33.0)
        self.answer.callback(None)
        self.answer = None
        self.advance(30.0)
        self.assertEqual(self.calls, [("probe", 30.0), ("probe", 60.0)])

    def test_never_two_probes(self) -> None:
        """A timeout longer than the interval does not lead to two probes at once."""
        watchdog = self.make(WatchdogOptions(monitor=Monitor(interval=2.0, timeout=7.0)))
        self.answer, self.restarting = Deferred(), Deferred()
        watchdog.arm()
        self.advance(60.0)
        self.assertEqual(self.calls, [("probe", 2.0), ("restart", 9.0)])

    def test_restart_fails(self) -> None:
        """A restart that fails ends in tries to listen, at once and with growing pauses."""
        self.answer = fail(ConnectionError())
        self.watchdog.arm()
        self.advance(45.0)
        self.assertEqual(
            self.calls, [("probe", 30.0), ("restart", 30.0), ("revive", 30.0), ("revive", 40.0)]
        )

    def test_quiet_while_mending(self) -> None:
        """While the server restarts it is neither probed nor looked at, nor is a closed listener a loss."""
        self.answer, self.restarting = fail(ConnectionError()), Deferred()
        self.watchdog.arm()
        self.advance(30.0)
        self.listening = False
        self.watchdog.listener_died()
        self.advance(100.0)
        self.assertEqual(self.calls, [("probe", 30.0), ("restart", 30.0)])

    def test_dead_listener_during_a_probe(self) -> None:
        """A listener that dies during a probe is mended; the probe is cancelled and restarts nothing."""
        self.answer = Deferred()
        self.watchdog.arm()
        self.advance(31.0)
        self.watchdog.listener_died()
        self.assertTrue(self.answer.called)
        self.advance(20.0)
        self.assertEqual(self.times("restart"), [])


class Server:
    """A lifecycle with its watchdog, and a port that is free or in use."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.free = True
        self.alive = False
        self.opened = 0
        self.lifecycle = Lifecycle(
            open=self.open,
            close=self.close,
            started=lambda: succeed(None),
            stopped=lambda: succeed(None),
            when_running=lambda function: function(),
            changed=self.changed,
        )
        self.watchdog = Watchdog(
            self.clock,
            WatchdogOptions(interval=10.0),
            listening=lambda: self.alive,
            lost=self.lifecycle.listener_lost,
            revive=self.lifecycle.revive,
            restart=lambda: self.lifecycle.restart(10.0),
            probe=lambda: succeed(None),
            log=logger([]),
        )

    def changed(self, phase: Phase) -> None:
        """Tell the watchdog, as a server does."""
        if phase is Phase.RUNNING:
            self.watchdog.arm()
        elif phase is Phase.FAILED:
            self.watchdog.start_failed()

    async def _open(self) -> None:
        arrived: Deferred[None] = Deferred()
        due = self.clock.callLater(1.0, arrived.callback, None)
        try:
            await arrived
        finally:
            if due.active():
                due.cancel()
        if not self.free:
            raise IN_USE
        self.alive = True

    def open(self) -> Deferred[None]:
        """Listen, after a second."""
        return Deferred.fromCoroutine(self._open())

    def close(self, timeout: float) -> Deferred[None]:
        """Close, after a second."""
        self.alive = False
        closed: Deferred[None] = Deferred()
        self.clock.callLater(1.0, closed.callback, None)
        return closed

    def die(self) -> None:
        """Let the listening socket die, and be noticed."""
        self.alive = False
        self.watchdog.listener_died()

    def stop(self) -> Deferred[None]:
        """Stop on purpose."""
        self.watchdog.disarm()
        return self.lifecycle.stop(10.0)


class TogetherTests(SynchronousTestCase):
    """Watchdog and lifecycle over one server."""

    def setUp(self) -> None:
        self.server = Server()
        self.clock = self.server.clock

    def start(self) -> None:
        """Start and be running."""
        started = self.server.lifecycle.start()
        self.clock.advance(1.0)
        self.successResultOf(started)

    def test_revived(self) -> None:
        """A server whose listener dies runs again, and is watched again."""
        self.start()
        for _ in range(3):
            self.server.die()
            self.assertIs(self.server.lifecycle.phase, Phase.FAILED)
            self.clock.pump([0.0, 1.0])
            self.assertIs(self.server.lifecycle.phase, Phase.RUNNING)

    def test_restart_that_cannot_listen(self) -> None:
        """A restart that finds its port taken is tried again until the port is free."""
        self.start()
        self.server.free = False
        restart = self.server.lifecycle.restart(10.0)
        self.clock.pump([1.0, 1.0])
        self.failureResultOf(restart, ListenError)
        self.clock.pump([0.5] * 60)
        self.assertIs(self.server.lifecycle.phase, Phase.FAILED)
        self.server.free = True
        self.clock.pump([0.5] * 60)
        self.assertIs(self.server.lifecycle.phase, Phase.RUNNING)

    def test_operator_first(self) -> None:
        """An operator's restart during the tries ends them; there is one listener in the end."""
        self.start()
        self.server.free = False
        self.server.die()
        self.clock.pump([0.5] * 10)
        self.server.free = True
        restart = self.server.lifecycle.restart(10.0)
        self.clock.pump([0.5] * 100)
        self.successResultOf(restart)
        self.assertIs(self.server.lifecycle.phase, Phase.RUNNING)

    def test_restart_is_no_loss(self) -> None:
        """A look in the midst of a restart does not disturb it."""
        self.start()
        self.clock.advance(4.0)
        restart = self.server.lifecycle.restart(10.0)
        self.clock.pump([0.5] * 4)
        self.successResultOf(restart)
        self.assertIs(self.server.lifecycle.phase, Phase.RUNNING)

    @given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 3.0]), max_size=4), st.booleans())
    def test_stop_wins(self, pauses: list[float], free: bool) -> None:
        """A deliberate stop at any moment after a loss stays stopped, and leaves no delayed call."""
        self.server = Server()
        self.clock = self.server.clock
        self.start()
        self.server.free = free
        self.server.die()
        self.clock.pump(pauses)
        stop = self.server.stop()
        self.clock.pump([0.5] * 400)
        self.successResultOf(stop)
        self.assertIs(self.server.lifecycle.phase, Phase.STOPPED)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertFalse(self.server.alive)
