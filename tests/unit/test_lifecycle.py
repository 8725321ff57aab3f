"""Promises of `sgcws.lifecycle`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import LifecycleError, ListenError
from sgcws.lifecycle import MOVES, Lifecycle, Phase, Step, move

CALLS = (Step.BIND, Step.START, Step.STOP, Step.RESTART, Step.REVIVE)

TABLE = """
                  stopped   starting  running   stopping  failed
bind              starting  -         -         -         starting
start             starting  -         -         -         starting
stop              -         stopping  stopping  -         stopping
restart           starting  -         stopping  -         starting
revive            -         -         -         -         starting
opened            -         running   -         -         -
open failed       -         failed    -         -         -
listener lost     -         -         failed    -         -
closed            -         -         -         stopped   -
closed to reopen  -         -         -         starting  -
close failed      -         -         -         failed    -
"""

SHARED = {
    (Phase.STARTING, Step.START),
    (Phase.STARTING, Step.REVIVE),
    (Phase.RUNNING, Step.START),
    (Phase.RUNNING, Step.REVIVE),
    (Phase.STOPPING, Step.STOP),
    (Phase.STOPPED, Step.STOP),
}
"""Calls that are no move, but have an answer: what they ask for is so, or is under way."""


def read_table() -> dict[tuple[Phase, Step], Phase | None]:
    """Read `TABLE`."""
    head, *rows = TABLE.strip("\n").splitlines()
    phases = [Phase(name) for name in head.split()]
    return {
        (phase, Step(row[:18].strip())): None if word == "-" else Phase(word)
        for row in rows
        for phase, word in zip(phases, row[18:].split(), strict=True)
    }


class World:
    """What a lifecycle drives: bindings that open and close when a test says so, a reactor that may run."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.phases: list[Phase] = []
        self.waiting: list[Callable[[], None]] = []
        self.running = True
        self.opening: Deferred[None] | None = None
        self.closing: Deferred[None] | None = None
        self.telling: Deferred[None] | None = None
        self.slow_telling = False
        self.on_cancel: str = "fails"
        self.listening = False
        self.lifecycle = Lifecycle(
            open=self.open,
            close=self.close,
            started=partial(self.tell, "started"),
            stopped=partial(self.tell, "stopped"),
            when_running=self.when_running,
            changed=self.phases.append,
        )

    def open(self) -> Deferred[None]:
        """Begin to open; `opened` or `refuse` ends it."""
        assert self.opening is None and self.closing is None
        self.log.append("open")
        self.opening = Deferred(self.cancelled)
        return self.opening

    def cancelled(self, _: Deferred[None]) -> None:
        """Obey a cancellation at once, or by having opened after all."""
        self.log.append("cancel")
        if self.on_cancel == "opens":
            self.opened()
        else:
            self.opening = None

    def opened(self) -> None:
        """Let the bindings that are being opened be open."""
        opening, self.opening = self.opening, None
        assert opening is not None
        self.listening = True
        opening.callback(None)

    def refuse(self) -> None:
        """Let a binding be in use."""
        opening, self.opening = self.opening, None
        assert opening is not None
        self.listening = False
        opening.errback(ListenError("tcp:80", "in use"))

    def close(self, timeout: float) -> Deferred[None]:
        """Begin to close; `closed` ends it."""
        assert self.opening is None and self.closing is None
        self.log.append(f"close {timeout:g}")
        self.closing = Deferred()
        return self.closing

    def closed(self) -> None:
        """Let all be gone."""
        closing, self.closing = self.closing, None
        assert closing is not None
        self.listening = False
        closing.callback(None)

    def tell(self, fact: str) -> Deferred[None]:
        """Hear of ``on_startup`` or ``on_shutdown``; when told to be slow, until `told`."""
        self.log.append(fact)
        heard: Deferred[None] = Deferred()
        if self.slow_telling:
            self.telling = heard
        else:
            heard.callback(None)
        return heard

    def told(self) -> None:
        """Let the handlers of an event be done."""
        telling, self.telling = self.telling, None
        assert telling is not None
        telling.callback(None)

    def when_running(self, function: Callable[[], None]) -> None:
        """Call at once if the reactor runs."""
        if self.running:
            function()
        else:
            self.waiting.append(function)

    def run(self) -> None:
        """Let the reactor run."""
        self.running = True
        waiting, self.waiting = self.waiting, []
        for function in waiting:
            function()

    def call(self, step: Step) -> Deferred[None]:
        """Make the call that is named so."""
        if step in (Step.STOP, Step.RESTART):
            return {Step.STOP: self.lifecycle.stop, Step.RESTART: self.lifecycle.restart}[step](10.0)
        plain = {Step.BIND: self.lifecycle.bind, Step.START: self.lifecycle.start}
        return plain.get(step, self.lifecycle.revive)()

    def lead_to(self, phase: Phase) -> None:
        """Go to a phase by the shortest way."""
        if phase is Phase.STOPPED:
            return
        self.lifecycle.start().addErrback(lambda failure: failure.trap(ListenError, LifecycleError))
        if phase is Phase.FAILED:
            self.refuse()
        elif phase is not Phase.STARTING:
            self.opened()
            if phase is Phase.STOPPING:
                self.lifecycle.stop(10.0)


class LifecycleTestCase(SynchronousTestCase):
    """A lifecycle in a world of its own."""

    def setUp(self) -> None:
        self.world = World()
        self.lifecycle = self.world.lifecycle

    def in_phase(self, phase: Phase) -> None:
        """Lead the server to a phase and forget how it came there."""
        self.world.lead_to(phase)
        self.assertIs(self.lifecycle.phase, phase)
        self.world.log.clear()
        self.world.phases.clear()

    def assert_given_up(self, deferred: Deferred[None]) -> None:
        """Check that a Deferred failed with `LifecycleError`."""
        self.failureResultOf(deferred, LifecycleError)


class TableTests(LifecycleTestCase):
    """Each step in each phase."""

    def test_moves(self) -> None:
        """Every pair of phase and step leads where the table says, or is an error that names both."""
        table = read_table()
        self.assertEqual(len(table), len(Phase) * len(Step))
        for (phase, step), target in table.items():
            if target is not None:
                self.assertIs(move(phase, step), target)
            else:
                error = self.assertRaises(LifecycleError, move, phase, step)
                self.assertEqual(str(error), f"cannot {step.value} while {phase.value}")
        self.assertEqual({key for key, target in table.items() if target}, set(MOVES))

    def test_calls(self) -> None:
        """Every call in every phase makes its move, shares what is so, or fails naming state and call."""
        for phase in Phase:
            for step in CALLS:
                world = World()
                world.lead_to(phase)
                answer = world.call(step)
                if (phase, step) in MOVES:
                    self.assertIs(world.lifecycle.phase, MOVES[phase, step], f"{step} in {phase}")
                    answer.addErrback(lambda failure: None)
                elif (phase, step) in SHARED:
                    self.assertIs(world.lifecycle.phase, phase)
                    self.assertFalse(isinstance(getattr(answer, "result", None), Failure))
                else:
                    self.assertIs(world.lifecycle.phase, phase)
                    error = self.failureResultOf(answer, LifecycleError).value
                    self.assertEqual(str(error), f"cannot {step.value} while {phase.value}")


class StartTests(LifecycleTestCase):
    """The way up tells the truth."""

    def test_order(self) -> None:
        """The Deferred fires when the bindings are open and ``on_startup`` has run, in this order."""
        self.world.slow_telling = True
        start = self.lifecycle.start()
        self.assertEqual(self.world.log, ["open"])
        self.world.opened()
        self.assertIs(self.lifecycle.phase, Phase.RUNNING)
        self.assertNoResult(start)
        self.world.told()
        self.successResultOf(start)
        self.assertEqual(self.world.log, ["open", "started"])
        self.assertEqual(self.world.phases, [Phase.STARTING, Phase.RUNNING])

    def test_before_the_reactor(self) -> None:
        """A start before the reactor runs waits for it, and opens nothing."""
        self.world.running = False
        start = self.lifecycle.start()
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.STARTING, []))
        self.world.run()
        self.world.opened()
        self.successResultOf(start)

    def test_refused(self) -> None:
        """A binding that cannot be had fails the start with its error, and nobody hears of a startup."""
        start = self.lifecycle.start()
        self.world.refuse()
        self.failureResultOf(start, ListenError)
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.FAILED, ["open"]))

    def test_again_after_refusal(self) -> None:
        """A failed server can be started when the binding is free again."""
        self.in_phase(Phase.FAILED)
        start = self.lifecycle.start()
        self.world.opened()
        self.successResultOf(start)
        self.assertEqual(self.world.log, ["open", "started"])

    def test_surprise(self) -> None:
        """Whatever opening raises leaves the server failed, not starting for ever."""

        def raises() -> Deferred[None]:
            raise KeyboardInterrupt

        lifecycle = Lifecycle(
            open=raises,
            close=self.world.close,
            started=partial(self.world.tell, "started"),
            stopped=partial(self.world.tell, "stopped"),
            when_running=self.world.when_running,
        )
        self.failureResultOf(lifecycle.start(), KeyboardInterrupt)
        self.assertIs(lifecycle.phase, Phase.FAILED)

    def test_shared(self) -> None:
        """All who start while a start is under way get its outcome, and open nothing twice."""
        starts = [self.lifecycle.start() for _ in range(3)]
        self.world.opened()
        for start in starts:
            self.successResultOf(start)
        self.assertEqual(self.world.log, ["open", "started"])

    def test_own_deferred(self) -> None:
        """One caller's cancellation and callbacks touch neither the start nor another caller."""
        first, second, third = (self.lifecycle.start() for _ in range(3))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        second.addCallback(lambda _: 1 / 0)
        self.assertEqual(self.world.log, ["open"])
        self.world.opened()
        self.failureResultOf(second, ZeroDivisionError)
        self.assertIsNone(self.successResultOf(third))

    def test_running(self) -> None:
        """To start what runs is done at once."""
        self.in_phase(Phase.RUNNING)
        self.successResultOf(self.lifecycle.start())
        self.assertEqual(self.world.log, [])

    def test_start_from_a_callback(self) -> None:
        """A caller may use the lifecycle in the callback of a start."""
        stops: list[Deferred[None]] = []
        self.lifecycle.start().addCallback(lambda _: stops.append(self.lifecycle.stop(1.0)))
        self.world.opened()
        self.world.closed()
        self.successResultOf(stops[0])
        self.assertIs(self.lifecycle.phase, Phase.STOPPED)


class BindTests(LifecycleTestCase):
    """To bind first and to accept later, as twistd does."""

    def test_two_stages(self) -> None:
        """Binding opens before the reactor runs; only a start in a running reactor completes it."""
        self.world.running = False
        bind = self.lifecycle.bind()
        self.world.opened()
        self.successResultOf(bind)
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.STARTING, ["open"]))
        start = self.lifecycle.start()
        self.assertIs(self.lifecycle.phase, Phase.STARTING)
        self.world.run()
        self.successResultOf(start)
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.RUNNING, ["open", "started"]))

    def test_started_twice(self) -> None:
        """Several starts of what is bound, before the reactor runs, complete it once."""
        self.world.running, self.world.slow_telling = False, True
        self.lifecycle.bind()
        self.world.opened()
        starts = [self.lifecycle.start(), self.lifecycle.start()]
        self.world.run()
        self.world.told()
        for start in starts:
            self.successResultOf(start)
        self.assertEqual(self.world.log, ["open", "started"])

    def test_start_before_open(self) -> None:
        """A start while the bindings are still being opened waits for them."""
        bind, start = self.lifecycle.bind(), self.lifecycle.start()
        self.assertNoResult(bind)
        self.world.opened()
        self.successResultOf(bind)
        self.successResultOf(start)
        self.assertEqual(self.world.log, ["open", "started"])

    def test_refused(self) -> None:
        """A binding that cannot be had fails both callers."""
        bind, start = self.lifecycle.bind(), self.lifecycle.start()
        self.world.refuse()
        self.failureResultOf(bind, ListenError)
        self.failureResultOf(start, ListenError)
        self.assertIs(self.lifecycle.phase, Phase.FAILED)

    def test_stopped(self) -> None:
        """What was bound and never started is closed by a stop, without ``on_shutdown``."""
        self.lifecycle.bind()
        self.world.opened()
        stop = self.lifecycle.stop(3.0)
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual(self.world.log, ["open", "close 3"])

    def test_stopped_while_opening(self) -> None:
        """A stop fails the binding that has not come to its end."""
        bind = self.lifecycle.bind()
        self.lifecycle.stop(3.0)
        self.assert_given_up(bind)


class StopTests(LifecycleTestCase):
    """The way down."""

    def test_order(self) -> None:
        """The Deferred fires when all is closed and then ``on_shutdown`` has run."""
        self.in_phase(Phase.RUNNING)
        self.world.slow_telling = True
        stop = self.lifecycle.stop(7.0)
        self.assertEqual(self.world.log, ["close 7"])
        self.world.closed()
        self.assertEqual(self.world.log, ["close 7", "stopped"])
        self.assertNoResult(stop)
        self.world.told()
        self.successResultOf(stop)
        self.assertEqual(self.world.phases, [Phase.STOPPING, Phase.STOPPED])

    def test_shared(self) -> None:
        """All who stop while a stop is under way get its outcome; one who cancels disturbs nobody."""
        self.in_phase(Phase.RUNNING)
        first, second, third = (self.lifecycle.stop(10.0) for _ in range(3))
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.world.closed()
        self.successResultOf(first)
        self.successResultOf(third)
        self.assertEqual(self.world.log, ["close 10", "stopped"])

    def test_stopped(self) -> None:
        """To stop what is stopped is done at once."""
        self.successResultOf(self.lifecycle.stop(10.0))
        self.assertEqual(self.world.log, [])

    def test_start_again(self) -> None:
        """A stopped server can be started again, and tells of it again."""
        self.in_phase(Phase.STOPPING)
        self.world.closed()
        self.lifecycle.start()
        self.world.opened()
        self.assertEqual(self.world.log, ["stopped", "open", "started"])

    def test_while_opening(self) -> None:
        """A stop gives the start up: its Deferred fails, what was being opened is cancelled and closed."""
        start = self.lifecycle.start()
        stop = self.lifecycle.stop(2.0)
        self.assert_given_up(start)
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual(self.world.log, ["open", "cancel", "close 2"])
        self.assertEqual(self.world.phases, [Phase.STARTING, Phase.STOPPING, Phase.STOPPED])

    def test_opened_all_the_same(self) -> None:
        """Bindings that open although they were cancelled are closed."""
        self.world.on_cancel = "opens"
        start = self.lifecycle.start()
        stop = self.lifecycle.stop(2.0)
        self.assert_given_up(start)
        self.assertTrue(self.world.listening)
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual(self.world.log, ["open", "cancel", "close 2"])

    def test_opening_that_tidies(self) -> None:
        """Closing waits until an opening that was cancelled has tidied up behind itself."""
        tidied: Deferred[None] = Deferred()

        async def open() -> None:
            try:
                await Deferred()
            finally:
                await tidied

        lifecycle = Lifecycle(
            open=lambda: Deferred.fromCoroutine(open()),
            close=self.world.close,
            started=partial(self.world.tell, "started"),
            stopped=partial(self.world.tell, "stopped"),
            when_running=self.world.when_running,
        )
        start, stop = lifecycle.start(), lifecycle.stop(2.0)
        self.assert_given_up(start)
        self.assertEqual(self.world.log, [])
        tidied.callback(None)
        self.world.closed()
        self.successResultOf(stop)

    def test_before_the_reactor(self) -> None:
        """A start that is stopped before the reactor runs never opens anything."""
        self.world.running = False
        start = self.lifecycle.start()
        stop = self.lifecycle.stop(2.0)
        self.assert_given_up(start)
        self.world.closed()
        self.successResultOf(stop)
        self.world.run()
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.STOPPED, ["close 2"]))

    def test_while_startup_is_told(self) -> None:
        """A stop does not wait for an ``on_startup`` that still waits, and ``on_shutdown`` follows it."""
        self.world.slow_telling = True
        start = self.lifecycle.start()
        self.world.opened()
        startup, self.world.telling, self.world.slow_telling = self.world.telling, None, False
        stop = self.lifecycle.stop(2.0)
        self.assert_given_up(start)
        self.world.closed()
        self.successResultOf(stop)
        assert startup is not None
        startup.callback(None)
        self.assertEqual(self.world.log, ["open", "started", "close 2", "stopped"])
        self.assertIs(self.lifecycle.phase, Phase.STOPPED)

    def test_inside_startup(self) -> None:
        """A handler of ``on_startup`` may stop the server and wait for it."""
        world = self.world
        stops: list[Phase] = []

        async def started() -> None:
            world.log.append("started")
            await lifecycle.stop(2.0)
            stops.append(lifecycle.phase)

        lifecycle = Lifecycle(
            open=world.open,
            close=world.close,
            started=lambda: Deferred.fromCoroutine(started()),
            stopped=partial(world.tell, "stopped"),
            when_running=world.when_running,
        )
        start = lifecycle.start()
        world.opened()
        self.assert_given_up(start)
        world.closed()
        self.assertEqual(stops, [Phase.STOPPED])
        self.assertEqual(world.log, ["open", "started", "close 2", "stopped"])

    def test_failed(self) -> None:
        """A stop of a failed server closes what is left."""
        self.in_phase(Phase.FAILED)
        stop = self.lifecycle.stop(2.0)
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.STOPPED, ["close 2"]))

    def test_close_fails(self) -> None:
        """Should closing fail, callers hear it, and the server is failed: it can be stopped once more."""
        self.in_phase(Phase.RUNNING)
        stop = self.lifecycle.stop(2.0)
        closing, self.world.closing = self.world.closing, None
        assert closing is not None
        closing.errback(OSError())
        self.failureResultOf(stop, OSError)
        self.assertIs(self.lifecycle.phase, Phase.FAILED)
        self.lifecycle.stop(2.0)
        self.world.closed()
        self.assertEqual(self.world.log, ["close 2", "close 2", "stopped"])


class RestartTests(LifecycleTestCase):
    """Down and up again."""

    def test_order(self) -> None:
        """A restart closes, tells of it, opens, tells of it; it is never seen as stopped."""
        self.in_phase(Phase.RUNNING)
        restart = self.lifecycle.restart(4.0)
        self.world.closed()
        self.assertNoResult(restart)
        self.world.opened()
        self.successResultOf(restart)
        self.assertEqual(self.world.log, ["close 4", "stopped", "open", "started"])
        self.assertEqual(self.world.phases, [Phase.STOPPING, Phase.STARTING, Phase.RUNNING])

    def test_shared(self) -> None:
        """Who restarts or starts during a restart shares it, down and up."""
        self.in_phase(Phase.RUNNING)
        calls = [self.lifecycle.restart(4.0), self.lifecycle.restart(4.0), self.lifecycle.start()]
        self.world.closed()
        calls += [self.lifecycle.restart(4.0), self.lifecycle.start(), self.lifecycle.revive()]
        self.world.opened()
        for call in calls:
            self.successResultOf(call)
        self.assertEqual(self.world.log, ["close 4", "stopped", "open", "started"])

    def test_from_stopped_and_failed(self) -> None:
        """From stopped or failed a restart is a start, which a second restart shares."""
        for phase in (Phase.STOPPED, Phase.FAILED):
            world = World()
            world.lead_to(phase)
            world.log.clear()
            restarts = [world.lifecycle.restart(4.0), world.lifecycle.restart(4.0)]
            world.opened()
            for restart in restarts:
                self.successResultOf(restart)
            self.assertEqual(world.log, ["open", "started"])

    def test_refused(self) -> None:
        """A restart that cannot open leaves the server failed, with ``on_shutdown`` told once."""
        self.in_phase(Phase.RUNNING)
        restart = self.lifecycle.restart(4.0)
        self.world.closed()
        self.world.refuse()
        self.failureResultOf(restart, ListenError)
        self.assertEqual(self.world.log, ["close 4", "stopped", "open"])
        revive = self.lifecycle.revive()
        self.world.opened()
        self.successResultOf(revive)
        self.assertEqual(self.world.log[3:], ["open", "started"])

    def test_stop_while_closing(self) -> None:
        """A stop in the first half wins: the restart fails, the server stays stopped."""
        self.in_phase(Phase.RUNNING)
        restart, stop = self.lifecycle.restart(4.0), self.lifecycle.stop(2.0)
        self.assert_given_up(restart)
        self.assert_given_up(self.lifecycle.start())
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual((self.lifecycle.phase, self.world.log), (Phase.STOPPED, ["close 4", "stopped"]))

    def test_stop_while_opening(self) -> None:
        """A stop in the second half wins as well."""
        self.in_phase(Phase.RUNNING)
        restart = self.lifecycle.restart(4.0)
        self.world.closed()
        stop = self.lifecycle.stop(2.0)
        self.assert_given_up(restart)
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual(self.world.log, ["close 4", "stopped", "open", "cancel", "close 2"])

    def test_while_startup_is_told(self) -> None:
        """Who waits for ``on_startup`` when a restart begins gets the outcome of the restart."""
        self.world.slow_telling = True
        start = self.lifecycle.start()
        self.world.opened()
        self.world.slow_telling = False
        restart = self.lifecycle.restart(4.0)
        self.world.told()
        self.assertNoResult(start)
        self.world.closed()
        self.world.opened()
        self.successResultOf(start)
        self.successResultOf(restart)
        self.assertEqual(self.world.log, ["open", "started", "close 4", "stopped", "open", "started"])

    def test_close_fails(self) -> None:
        """Should closing fail, the restart fails with it."""
        self.in_phase(Phase.RUNNING)
        restart = self.lifecycle.restart(4.0)
        assert self.world.closing is not None
        self.world.closing.errback(OSError())
        self.failureResultOf(restart, OSError)
        self.assertIs(self.lifecycle.phase, Phase.FAILED)


class LostTests(LifecycleTestCase):
    """A listening socket that dies, and its revival."""

    def test_revive(self) -> None:
        """A revival opens again and tells nobody of a startup: there was no shutdown."""
        self.in_phase(Phase.RUNNING)
        self.assertTrue(self.lifecycle.listener_lost())
        self.assertIs(self.lifecycle.phase, Phase.FAILED)
        revive = self.lifecycle.revive()
        self.world.opened()
        self.successResultOf(revive)
        self.assertEqual(self.world.log, ["open"])
        self.assertEqual(self.world.phases, [Phase.FAILED, Phase.STARTING, Phase.RUNNING])

    def test_revive_refused(self) -> None:
        """A revival that cannot open leaves the server failed, to be tried again."""
        self.in_phase(Phase.RUNNING)
        self.lifecycle.listener_lost()
        revive = self.lifecycle.revive()
        self.world.refuse()
        self.failureResultOf(revive, ListenError)
        self.assertIs(self.lifecycle.phase, Phase.FAILED)

    def test_restart_during_revival(self) -> None:
        """An operator who restarts during a revival shares it."""
        self.in_phase(Phase.FAILED)
        self.lifecycle.revive()
        restart = self.lifecycle.restart(4.0)
        self.world.opened()
        self.successResultOf(restart)

    def test_stop_during_revival(self) -> None:
        """A stop in the midst of a revival wins, and ``on_shutdown`` follows the ``on_startup`` before."""
        self.in_phase(Phase.RUNNING)
        self.lifecycle.listener_lost()
        revive, stop = self.lifecycle.revive(), self.lifecycle.stop(2.0)
        self.assert_given_up(revive)
        self.world.closed()
        self.successResultOf(stop)
        self.assertEqual(self.world.log, ["open", "cancel", "close 2", "stopped"])
        self.assert_given_up(self.lifecycle.revive())

    def test_in_other_phases(self) -> None:
        """Listeners that go while the server starts, stops or is failed are no news."""
        for phase in set(Phase) - {Phase.RUNNING}:
            world = World()
            world.lead_to(phase)
            self.assertFalse(world.lifecycle.listener_lost())
            self.assertIs(world.lifecycle.phase, phase)

    def test_while_startup_is_told(self) -> None:
        """A start whose listener dies before ``on_startup`` has run did not succeed."""
        self.world.slow_telling = True
        start = self.lifecycle.start()
        self.world.opened()
        self.lifecycle.listener_lost()
        self.assert_given_up(start)
        self.world.told()
        self.assertIs(self.lifecycle.phase, Phase.FAILED)


CASES = ("start", "bind", "stop", "restart", "revive", "lost", "run", "cancel")
ENDS = ("opened", "refused", "closed", "told")


class AnyOrderTests(SynchronousTestCase):
    """Whatever is called in whatever order."""

    @settings(max_examples=400)
    @given(
        st.lists(st.sampled_from(CASES + 2 * ENDS), max_size=40),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["fails", "opens"]),
    )
    def test_any_order(self, steps: list[str], running: bool, slow: bool, on_cancel: str) -> None:
        """Every Deferred ends, in success or an error of ours; facts alternate; the phase tells the truth."""
        self.world = World()
        self.world.running, self.world.slow_telling, self.world.on_cancel = running, slow, on_cancel
        self.asked: list[Deferred[None]] = []
        for step in steps:
            self.take(step)
            self.check()
        self.finish()
        for deferred in self.asked:
            self.check_ended(deferred)

    def take(self, step: str) -> None:
        """Make a call, or let something happen that may happen now."""
        world = self.world
        if step in {call.value for call in CALLS}:
            self.asked.append(world.call(Step(step)))
        elif step == "lost" and world.lifecycle.listener_lost():
            world.listening = False
        elif step == "run":
            world.run()
        elif step == "cancel" and self.asked:
            self.asked[len(self.asked) // 2].cancel()
        elif step in ("opened", "refused") and world.opening is not None:
            world.opened() if step == "opened" else world.refuse()
        elif step == "closed" and world.closing is not None:
            world.closed()
        elif step == "told" and world.telling is not None:
            world.told()

    def check(self) -> None:
        """Check what holds at any time."""
        facts = [word for word in self.world.log if word in ("started", "stopped")]
        self.assertEqual(facts, (["started", "stopped"] * len(facts))[: len(facts)])
        if self.world.lifecycle.phase is Phase.RUNNING:
            self.assertTrue(self.world.listening)
        if self.world.lifecycle.phase is Phase.STOPPED:
            self.assertFalse(self.world.listening)
            self.assertEqual(facts[-1:], ["stopped"] * bool(facts))

    def finish(self) -> None:
        """Let everything that is under way come to its end."""
        for _ in range(5):
            for step in ("run", "opened", "closed", "told"):
                self.take(step)
                self.check()
        if self.world.lifecycle.phase is Phase.STARTING:  # bound, and never started
            self.asked.append(self.world.lifecycle.start())
            self.take("told")
        self.assertIn(self.world.lifecycle.phase, (Phase.STOPPED, Phase.RUNNING, Phase.FAILED))

    def check_ended(self, deferred: Deferred[None]) -> None:
        """Check that a Deferred has fired, with nothing, or with an error that callers know."""
        self.assertTrue(deferred.called)
        ends: list[Failure | None] = []
        deferred.addBoth(ends.append)
        if ends[0] is not None:
            ends[0].trap(LifecycleError, ListenError, CancelledError)
