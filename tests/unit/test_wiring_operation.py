"""Promises of `sgcws.wiring.operation`: listeners, states and watchdog together, on a reactor in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import attrs
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from sgcws.carrier import Carrier
from sgcws.errors import ListenError, TLSConfigError
from sgcws.events import Events
from sgcws.http.root import Root
from sgcws.lifecycle import Phase
from sgcws.options import ListenOptions, Monitor, ServerOptions, TLSOptions, WatchdogOptions
from sgcws.realtime.shared import Shared
from sgcws.values import Binding
from sgcws.wiring.operation import STOP_TIMEOUT, Operation, limited, speaks_tls
from sgcws.wiring.plan import Plan
from tests.memory import MemoryPort, Reactor
from tests.tls import tls_files

INTERVAL = 10.0


class OperationTestCase(SynchronousTestCase):
    """An operation for two ports, with a watchdog."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.logged: list[LogEvent] = []
        log = Logger(observer=cast(ILogObserver, self.logged.append))
        self.events = Events(cast(Any, None), log)
        self.shared = Shared(
            clock=cast(Any, self.reactor), carrier=Carrier(cast(Any, self.reactor)), events=self.events
        )
        self.told: list[str] = []
        self.events.on_startup(lambda: self.told.append("startup"))
        self.events.on_shutdown(lambda: self.told.append("shutdown"))
        self.plan = Plan.of(None, ["tcp:81", "tcp:82"], ServerOptions(watchdog=self.watchdog()), {})
        self.limit: str | None = None
        self.operation = Operation(self.shared, Root(), self.reactor, lambda: self.plan, log, lambda: self.limit)

    def watchdog(self) -> WatchdogOptions | None:
        """Return the watchdog's options."""
        return WatchdogOptions(interval=INTERVAL)

    def lines(self) -> list[str]:
        """Return what has been logged since the last time."""
        lines = [formatEvent(event) for event in self.logged]
        self.logged.clear()
        return lines

    def start(self) -> None:
        """Start, which has to work at once."""
        self.successResultOf(self.operation.start())
        self.lines()

    def listening(self) -> set[int]:
        """Return the numbers of the ports that listen."""
        return set(self.reactor.open)


class TellingTests(OperationTestCase):
    """What people are told."""

    def test_listening(self) -> None:
        """Every place is logged when it listens, as something to click, and the stop in the end."""
        v4, v6 = "tcp:82:interface=127.0.0.1", "tcp6:83:interface=\\:\\:1"
        self.plan = self.plan.on([Binding(port=81), v4, v6, "unix:x"])
        self.successResultOf(self.operation.start())
        self.assertEqual(
            self.lines(),
            [
                "listening on http://localhost:81/ (all interfaces)",
                "listening on http://127.0.0.1:82/",
                "listening on http://[::1]:83/",
                "listening on unix:x",
            ],
        )
        self.successResultOf(self.operation.stop(1))
        self.assertEqual(self.lines(), ["stopped"])

    def test_open_files(self) -> None:
        """How many files may be open is logged at the first start, before anything listens, and not again."""
        self.limit = "open files: 1024 -> 20000"
        self.reactor.taken.add(81)
        self.failureResultOf(self.operation.start(), ListenError)
        self.assertEqual(self.lines()[:1], ["open files: 1024 -> 20000"])
        self.reactor.taken.clear()
        self.successResultOf(self.operation.start())
        self.assertEqual([line for line in self.lines() if "open files" in line], [])

    def test_restarted(self) -> None:
        """A restart is told of by the places that listen again, which is not a stop."""
        self.start()
        self.successResultOf(self.operation.restart())
        self.assertEqual(len([line for line in self.lines() if line.startswith("listening on ")]), 2)

    def test_places(self) -> None:
        """The places are those of the listeners, by the numbers that the system chose; none when all is closed."""
        self.plan = self.plan.on(["tcp:0", "tcp:82"])
        self.assertEqual(self.operation.places, [])
        self.start()
        self.assertEqual([place.port for place in self.operation.places], [40000, 82])
        self.successResultOf(self.operation.stop(1))
        self.assertEqual(self.operation.places, [])


class TLSTests(OperationTestCase):
    """TLS at some of the places, or at all."""

    def use(self, tls: TLSOptions | None, *bindings: Binding | str) -> None:
        """Have a plan with these options of TLS."""
        options = ServerOptions(tls=tls, watchdog=self.watchdog())
        self.plan = Plan.of(None, bindings or ["tcp:81", "tcp:82"], options, {})

    def spoken(self) -> list[bool]:
        """Return at which places TLS is spoken now."""
        return [place.secure for place in self.operation.places]

    def test_listening(self) -> None:
        """Places where TLS is spoken are told as such, beside the plain ones."""
        self.use(tls_files(self.mktemp()), Binding(port=81), Binding("127.0.0.1", 82, tls=False), "tcp:83")
        self.successResultOf(self.operation.start())
        self.assertEqual(self.spoken(), [True, False, True])
        self.assertEqual(
            self.lines(),
            [
                "listening on https://localhost:81/ (all interfaces)",
                "listening on http://127.0.0.1:82/",
                "listening on https://localhost:83/ (all interfaces)",
            ],
        )

    def test_wrong_files(self) -> None:
        """With a wrong file nothing listens, whatever the bindings; it can be tried again."""
        self.use(TLSOptions(certificate="/missing.pem"), Binding(port=81, tls=False), "tcp:82")
        for _ in range(2):
            error = self.failureResultOf(self.operation.start(), TLSConfigError).value
            self.assertEqual((error.path, error.reason), ("/missing.pem", "No such file or directory"))
            self.assertEqual((self.listening(), self.operation.phase), (set(), Phase.FAILED))
        self.assertEqual(self.told, [])
        self.use(tls_files(self.mktemp()))
        self.start()
        self.assertEqual((self.spoken(), self.told), ([True, True], ["startup"]))

    def test_wrong_files_before_the_reactor(self) -> None:
        """It is known at once, so that twistd hears of it."""
        self.reactor.running = False
        self.use(TLSOptions(certificate="/missing.pem"))
        self.failureResultOf(self.operation.bind(), TLSConfigError)
        self.assertEqual(self.listening(), set())

    def test_read_at_each_start(self) -> None:
        """A restart reads the files again, and the watchdog tries on while they are wrong."""
        tls = tls_files(self.mktemp())
        self.use(tls)
        self.start()
        assert tls.certificate is not None
        certificate = Path(tls.certificate)
        before = certificate.read_bytes()
        certificate.write_text("")
        self.failureResultOf(self.operation.restart(), TLSConfigError)
        self.assertEqual((self.listening(), self.operation.phase), (set(), Phase.FAILED))
        certificate.write_bytes(before)
        self.reactor.pump([INTERVAL] * 2)
        self.assertEqual((self.spoken(), self.operation.phase), ([True, True], Phase.RUNNING))


class LifeTests(OperationTestCase):
    """Up and down."""

    def test_bound_first(self) -> None:
        """Bindings can be opened before the start, which goes on from there."""
        self.successResultOf(self.operation.bind())
        self.assertEqual((self.listening(), self.operation.phase), ({81, 82}, Phase.STARTING))
        self.start()
        self.assertEqual((self.operation.phase, self.told), (Phase.RUNNING, ["startup"]))
        self.successResultOf(self.operation.bind())
        self.assertEqual(self.operation.phase, Phase.RUNNING)

    def test_bound_and_stopped(self) -> None:
        """What was bound and never started is closed by a stop, and nobody hears of it."""
        self.successResultOf(self.operation.bind())
        self.successResultOf(self.operation.stop(1))
        self.assertEqual((self.listening(), self.told), (set(), []))

    def test_taken_port_before_the_reactor(self) -> None:
        """That a port is taken is known at once, although the other takes a turn of the reactor to be closed."""
        self.reactor.closes_at_once = False
        self.reactor.running = False
        self.reactor.taken.add(82)
        self.failureResultOf(self.operation.bind(), ListenError)
        self.reactor.advance(0)
        self.assertEqual(self.listening(), set())

    def test_taken_port(self) -> None:
        """While the reactor runs a start fails once the ports that could be had are closed: it can be tried again."""
        self.reactor.closes_at_once = False
        self.reactor.taken.add(82)
        for _ in range(2):
            started = self.operation.start()
            self.assertNoResult(started)
            self.reactor.advance(0)
            self.failureResultOf(started, ListenError)
            self.assertEqual(self.listening(), set())

    def test_todays_plan(self) -> None:
        """A restart goes by the plan of then, its backlog too."""
        self.start()
        self.plan = Plan.of(85, (), ServerOptions(listen=ListenOptions(backlog=7)), {})
        self.successResultOf(self.operation.restart())
        self.assertEqual(self.listening(), {85})

    def test_startup_is_cancelled(self) -> None:
        """An ``on_startup`` that still waits when the server stops is cancelled: what it prepares is not wanted."""
        cancelled: list[str] = []
        self.events.on_startup(lambda: Deferred(lambda _: cancelled.append("startup")))
        started = self.operation.start()
        self.successResultOf(self.operation.stop(1))
        self.failureResultOf(started)
        self.assertEqual((cancelled, self.told), (["startup"], ["startup", "shutdown"]))

    def test_shutdown_is_cancelled(self) -> None:
        """An ``on_shutdown`` that waits for ever is cancelled in the end, so that every stop ends."""
        cancelled: list[str] = []
        self.events.on_shutdown(lambda: Deferred(lambda _: cancelled.append("shutdown")))
        self.start()
        stopped = self.operation.stop(1)
        self.reactor.advance(STOP_TIMEOUT - 0.1)
        self.assertNoResult(stopped)
        self.reactor.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual((cancelled, self.operation.phase), (["shutdown"], Phase.STOPPED))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_wrong_timeout(self) -> None:
        """A negative time-out is refused in every state."""
        self.assertRaises(ValueError, self.operation.stop, -0.1)


class WatchdogTests(OperationTestCase):
    """A listener that goes away."""

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def die(self, number: int = 82) -> None:
        """Lose a listener."""
        self.reactor.open[number].die()

    def test_listens_again(self) -> None:
        """A listener that goes away is back within the interval, and the application hears nothing of it."""
        self.die()
        self.assertEqual(self.operation.phase, Phase.FAILED)
        self.reactor.advance(INTERVAL)
        self.assertEqual((self.listening(), self.operation.phase), ({81, 82}, Phase.RUNNING))
        self.assertEqual(self.told, ["startup"])

    def test_peers_stay(self) -> None:
        """Who is connected stays so meanwhile, and can be written to."""
        client = self.reactor.connect(81).upgrade()
        self.die()
        self.reactor.advance(INTERVAL)
        (peer,) = self.shared.registry.messaging()
        client.received()
        self.assertTrue(peer.write_data("still here"))
        self.assertEqual((client.frames(), client.closed), ([(1, b"still here")], False))

    def test_taken_meanwhile(self) -> None:
        """It tries on while somebody else has the port, and listens once that is free."""
        self.reactor.taken.add(82)
        self.die()
        self.reactor.advance(INTERVAL)
        self.assertEqual((self.listening(), self.operation.phase), (set(), Phase.FAILED))
        self.reactor.taken.clear()
        self.reactor.pump([INTERVAL] * 20)
        self.assertEqual((self.listening(), self.operation.phase), ({81, 82}, Phase.RUNNING))

    def test_stays_stopped(self) -> None:
        """A stop in the midst of the attempts ends them for good."""
        self.reactor.taken.add(82)
        self.die()
        self.reactor.advance(INTERVAL)
        self.successResultOf(self.operation.stop(1))
        self.reactor.taken.clear()
        self.reactor.pump([INTERVAL] * 20)
        self.assertEqual((self.listening(), self.operation.phase), (set(), Phase.STOPPED))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_attempts_used_up(self) -> None:
        """When all attempts are used up it rests, until somebody starts the server."""
        self.successResultOf(self.operation.stop(1))
        options = WatchdogOptions(interval=INTERVAL, attempts=2)
        self.plan = self.plan.under(attrs.evolve(self.plan.options, watchdog=options))
        self.start()
        self.reactor.taken.add(82)
        self.die()
        self.reactor.pump([INTERVAL] * 20)
        self.assertEqual((self.operation.phase, self.reactor.getDelayedCalls()), (Phase.FAILED, []))
        self.reactor.taken.clear()
        self.reactor.pump([INTERVAL] * 20)
        self.assertEqual(self.listening(), set())
        self.start()
        self.die()
        self.reactor.advance(INTERVAL)
        self.assertEqual(self.operation.phase, Phase.RUNNING)

    def test_restart_fails(self) -> None:
        """A restart that cannot have its port says so, and the watchdog gets it once it is free."""
        self.reactor.taken.add(82)
        self.failureResultOf(self.operation.restart(), ListenError)
        self.assertEqual(self.listening(), set())
        self.reactor.taken.clear()
        self.reactor.pump([INTERVAL] * 2)
        self.assertEqual((self.listening(), self.operation.phase), ({81, 82}, Phase.RUNNING))

    def test_never_started(self) -> None:
        """The first start is the operator's: the watchdog does not repeat one that failed."""
        self.successResultOf(self.operation.stop(1))
        self.reactor.taken.add(82)
        self.failureResultOf(self.operation.start(), ListenError)
        self.reactor.taken.clear()
        self.reactor.pump([INTERVAL] * 20)
        self.assertEqual(self.listening(), set())

    def test_other_options(self) -> None:
        """A restart brings the watchdog of today's options, or none."""
        self.plan = self.plan.under(ServerOptions(watchdog=None))
        self.successResultOf(self.operation.restart())
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.plan = self.plan.under(ServerOptions(watchdog=WatchdogOptions(interval=2)))
        self.successResultOf(self.operation.restart())
        self.assertEqual([call.getTime() - self.reactor.seconds() for call in self.reactor.getDelayedCalls()], [1])


class NoWatchdogTests(OperationTestCase):
    """Without a watchdog."""

    def watchdog(self) -> WatchdogOptions | None:
        """Have none."""
        return None

    def test_listener_lost(self) -> None:
        """A lost listener is at least told of in the log; the server is active no more, and can be started again."""
        self.start()
        self.reactor.open[82].die()
        self.assertEqual(self.lines(), ["a listener is gone, and there is no watchdog to open it again"])
        self.assertEqual(self.operation.phase, Phase.FAILED)
        self.reactor.advance(1000)
        self.assertEqual(self.listening(), {81})
        self.start()
        self.assertEqual(self.listening(), {81, 82})


class MonitorTests(OperationTestCase):
    """A server that looks after itself from outside."""

    def watchdog(self) -> WatchdogOptions | None:
        """Look every 30 seconds."""
        return WatchdogOptions(interval=INTERVAL, monitor=Monitor(interval=30, timeout=5))

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_answers(self) -> None:
        """While it answers nothing happens, and the application is not told of its own visits."""
        heard: list[str] = []
        self.events.on_tcp_connect(lambda connection: heard.append("tcp"))
        self.events.on_connect(lambda connection: heard.append("connect"))
        self.events.on_handshake(lambda connection, request, headers: heard.append("handshake"))
        self.events.on_before_command(lambda connection, request, response: heard.append("before"))
        self.events.on_binary(lambda connection, data: heard.append("binary"))
        self.events.on_error(lambda connection, error: heard.append("error"))
        for _ in range(3):
            self.reactor.advance(30)
        self.assertEqual((heard, self.lines(), self.told), ([], [], ["startup"]))
        self.assertEqual((self.operation.phase, self.shared.registry.everyone()), (Phase.RUNNING, ()))

    def test_does_not_answer(self) -> None:
        """A server that does not answer in time is restarted, and its peers are told so."""
        client = self.reactor.connect(81).upgrade()
        client.received()
        self.reactor.deaf = True
        self.reactor.advance(30)
        self.reactor.advance(4.9)
        self.assertEqual(client.frames(), [])
        self.reactor.advance(0.1)
        self.assertEqual(client.frames(), [(8, (1001).to_bytes(2) + b"going away")])
        client.answer_close()
        self.reactor.advance(0)
        self.assertEqual((self.operation.phase, self.told), (Phase.RUNNING, ["startup", "shutdown", "startup"]))

    def test_stopped_while_looking(self) -> None:
        """A stop ends a look under way, on both ends, before it is over."""
        self.reactor.latency = 1.0
        self.reactor.advance(30)
        stopped = self.operation.stop(1)
        self.assertNoResult(stopped)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.reactor.advance(1)  # what was on its way arrives nowhere
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class LimitedTests(SynchronousTestCase):
    """`limited`: to wait, but not for ever."""

    def setUp(self) -> None:
        self.clock = Clock()

    def test_nothing(self) -> None:
        """What is done needs no waiting."""
        self.successResultOf(limited(None, self.clock, 1))
        self.successResultOf(limited(succeed(None), self.clock, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_in_time(self) -> None:
        """What is done in time leaves nothing behind."""
        waiting: Deferred[None] = Deferred()
        done = limited(waiting, self.clock, 1)
        self.clock.advance(0.9)
        self.assertNoResult(done)
        waiting.callback(None)
        self.successResultOf(done)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_late(self) -> None:
        """What is not done in time is cancelled, and waited for no longer whether it takes notice or not."""
        for waiting in (Deferred[None](), Deferred[None](lambda deferred: deferred.callback(None))):
            done = limited(waiting, self.clock, 1)
            self.clock.advance(1)
            self.successResultOf(done)
            self.assertTrue(waiting.called)

    def test_deaf(self) -> None:
        """Being cancelled may be ignored altogether."""

        async def deaf() -> None:
            try:
                await Deferred()
            except CancelledError:
                await last

        last: Deferred[None] = Deferred()
        done = limited(Deferred.fromCoroutine(deaf()), self.clock, 1)
        self.clock.advance(1)
        self.successResultOf(done)
        last.callback(None)

    def test_failure(self) -> None:
        """A failure is the end of waiting, too."""
        self.successResultOf(limited(fail(ZeroDivisionError()), self.clock, 1))


class SpeaksTLSTests(SynchronousTestCase):
    """`speaks_tls`: what is spoken at a port."""

    def test_factories(self) -> None:
        """Only a port whose factory wraps in TLS speaks it; one that does not show its factory is taken for plain."""
        plain = cast(Any, MemoryPort(Reactor(), 1, object(), ""))
        secure = cast(Any, MemoryPort(Reactor(), 1, TLSMemoryBIOFactory(CertificateOptions(), False, Factory()), ""))
        self.assertFalse(speaks_tls(plain))
        self.assertTrue(speaks_tls(secure))
        self.assertFalse(speaks_tls(cast(Any, object())))
