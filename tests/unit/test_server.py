"""Promises of `sgcws.server`: the facade, on a reactor in memory."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Application, IService, IServiceCollection, MultiService
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.static import Data
from zope.interface.verify import verifyObject

from sgcws import (
    Binding,
    Connection,
    FallbackOptions,
    HTTPOptions,
    LifecycleError,
    ListenError,
    OptionError,
    Part,
    RawTCP,
    Reject,
    Request,
    Response,
    SecurityOptions,
    ServerOptions,
    SlowClientPolicy,
    WebSocketHTTPServer,
    WebSocketOptions,
)
from sgcws.options import OptionGroups
from sgcws.version import VERSION
from sgcws.wiring.plan import DEFAULT_PORT
from tests.memory import BINARY, CLOSE, PING, PONG, TEXT, Client, Reactor

GOING_AWAY = (CLOSE, (1001).to_bytes(2) + b"going away")
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class ServerTestCase(SynchronousTestCase):
    """A server on a reactor in memory."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.told: list[Any] = []
        self.server = self.make(8080)

    def make(self, port: int | None = None, **given: Any) -> WebSocketHTTPServer:
        """Make a server that notes what it tells."""
        given.setdefault("reactor", self.reactor)
        server = WebSocketHTTPServer(port, **given)
        server.on_startup(lambda: self.told.append("startup"))
        server.on_shutdown(lambda: self.told.append("shutdown"))
        server.on_connect(lambda connection: self.told.append("connect"))
        server.on_disconnect(lambda connection, code, reason: self.told.append(("disconnect", code, reason)))
        return server

    def start(self, server: WebSocketHTTPServer | None = None) -> None:
        """Start a server, which has to work at once."""
        self.successResultOf((server or self.server).start())

    def websocket(self, protocol: str = "", number: int | None = None) -> tuple[Client, Connection]:
        """Connect a WebSocket, and return both ends."""
        before = set(self.server.connections)
        client = self.reactor.connect(number).upgrade(protocol=protocol)
        self.assertTrue(client.received().startswith(b"HTTP/1.1 101 "))
        (guid,) = set(self.server.connections) - before
        return client, self.server.connections[guid]

    def handlers_fail(self) -> list[tuple[Connection | None, Failure]]:
        """Return what ``on_exception`` hears from now on."""
        heard: list[tuple[Connection | None, Failure]] = []
        self.server.on_exception(lambda connection, failure: heard.append((connection, failure)))
        return heard


class MakingTests(ServerTestCase):
    """What a server is made of."""

    def test_default(self) -> None:
        """Without a word a server is for port 8080 on all interfaces, and not listening."""
        server = self.make()
        self.assertEqual((server.port, server.bindings, server.options), (DEFAULT_PORT, (), ServerOptions()))
        self.assertEqual((server.active, server.listening_ports, dict(server.connections)), (False, (), {}))
        self.assertEqual(server.version, VERSION)
        self.assertEqual(self.reactor.open, {})

    def test_options(self) -> None:
        """Options come whole or by group, and never both ways."""
        options = ServerOptions(watchdog=None)
        self.assertEqual(self.make(options=options).options, options)
        self.assertEqual(self.make(watchdog=None).options, options)
        for name, group in (
            ("http", HTTPOptions()),
            ("security", SecurityOptions()),
            ("websocket", WebSocketOptions()),
            ("tls", None),
            ("heartbeat", None),
            ("fallback", FallbackOptions()),
            ("watchdog", None),
        ):
            error = self.assertRaises(OptionError, WebSocketHTTPServer, options=options, **{name: group})
            self.assertEqual(error.field, name)

    def test_every_group(self) -> None:
        """Every group can be given by its name, and no other name is one."""
        for name in OptionGroups.__annotations__:
            group = getattr(ServerOptions(), name)
            self.assertEqual(getattr(self.make(**{name: group}).options, name), group)
        self.assertRaises(TypeError, self.make, groups=None)

    def test_where(self) -> None:
        """A port and bindings together are refused."""
        self.assertRaises(OptionError, WebSocketHTTPServer, 80, bindings=["tcp:81"])
        self.assertEqual(self.make(bindings=["tcp:81"]).bindings, (Binding(endpoint="tcp:81"),))

    def test_global_reactor(self) -> None:
        """Without a reactor a server is for Twisted's own, and leaves nothing in it when it goes."""
        from twisted.internet import reactor

        WebSocketHTTPServer(0)
        self.assertEqual(reactor.getDelayedCalls(), [])

    def test_set_while_stopped(self) -> None:
        """Port, bindings and options can be set while the server is stopped, and count from the next start on."""
        self.server.port = 81
        self.start()
        self.assertEqual(self.server.listening_ports, (81,))
        self.successResultOf(self.server.stop())
        self.server.bindings = ["tcp:82", "tcp:83"]
        self.server.options = ServerOptions(http=HTTPOptions(server_header="Mine"))
        self.start()
        self.assertEqual((self.server.port, self.server.listening_ports), (None, (82, 83)))
        client = self.reactor.connect()
        client.get()
        self.assertIn(b"\r\nServer: Mine\r\n", client.received())

    def test_set_while_running(self) -> None:
        """While the server runs nothing can be set, and nothing changes."""
        self.start()
        for name, value in (("port", 81), ("bindings", ["tcp:82"]), ("options", ServerOptions(watchdog=None))):
            before = getattr(self.server, name)
            self.assertRaises(LifecycleError, setattr, self.server, name, value)
            self.assertEqual(getattr(self.server, name), before)

    def test_set_wrong(self) -> None:
        """A value that is not allowed is refused when it is set."""
        for name, value in (("port", "x"), ("bindings", [1]), ("options", {})):
            self.assertRaises(OptionError, setattr, self.server, name, value)


class LifeTests(ServerTestCase):
    """Starting and stopping."""

    def test_start_and_stop(self) -> None:
        """A started server listens and tells so; a stopped one has closed its port, and tells so last."""
        self.start()
        self.assertTrue(self.server.active)
        self.assertEqual(set(self.reactor.open), {8080})
        self.successResultOf(self.server.stop())
        self.assertEqual((self.server.active, self.reactor.open), (False, {}))
        self.assertEqual(self.told, ["startup", "shutdown"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_before_the_reactor(self) -> None:
        """A start before the reactor runs waits for it, and never runs it."""
        self.reactor = Reactor(running=False)
        server = self.make(80)
        started = server.start()
        self.assertNoResult(started)
        self.assertEqual((self.reactor.running, self.reactor.open), (False, {}))
        self.reactor.begin()
        self.successResultOf(started)
        self.assertEqual(set(self.reactor.open), {80})

    def test_started_when_startup_has_run(self) -> None:
        """The start is over when ``on_startup`` is; the server is active before."""
        waiting: Deferred[None] = Deferred()
        self.server.on_startup(lambda: waiting)
        started = self.server.start()
        self.assertNoResult(started)
        self.assertTrue(self.server.active)
        waiting.callback(None)
        self.successResultOf(started)

    def test_two_starts(self) -> None:
        """Two starts at the same time are one, with a Deferred for each; a third has nothing left to do."""
        waiting: Deferred[None] = Deferred()
        self.server.on_startup(lambda: waiting)
        first, second = self.server.start(), self.server.start()
        self.assertIsNot(first, second)
        waiting.callback(None)
        self.successResultOf(first)
        self.successResultOf(second)
        self.start()
        self.assertEqual(self.told, ["startup"])

    def test_states(self) -> None:
        """Each call does in each state what the table of states says, and what it does not know fails."""
        stopped = self.make(1)
        self.successResultOf(stopped.stop())
        self.start()
        client, _ = self.websocket()
        stopping = self.server.stop()
        self.assertNoResult(stopping)
        self.failureResultOf(self.server.start(), LifecycleError)
        self.failureResultOf(self.server.restart(), LifecycleError)
        again = self.server.stop()
        client.answer_close()
        self.reactor.advance(0)
        self.successResultOf(stopping)
        self.successResultOf(again)
        self.successResultOf(self.server.restart())
        self.assertTrue(self.server.active)

    def test_stop_wins_over_start(self) -> None:
        """A start that is under way is given up for a stop, and says so."""
        self.server.on_startup(lambda: Deferred())
        started = self.server.start()
        self.successResultOf(self.server.stop())
        self.failureResultOf(started, LifecycleError)
        self.assertEqual(self.reactor.open, {})

    def test_port_taken(self) -> None:
        """A binding that cannot be had fails the start by its name, and leaves nothing half-open."""
        self.reactor.taken.add(82)
        server = self.make(bindings=["tcp:81", "tcp:82", "tcp:83"])
        error = self.failureResultOf(server.start(), ListenError).value
        self.assertEqual((error.binding, error.reason), ("tcp:82", "Address already in use"))
        self.assertEqual(str(error), "cannot listen on tcp:82: Address already in use")
        self.assertEqual((self.reactor.open, server.active, server.listening_ports), ({}, False, ()))
        self.assertEqual((self.told, self.reactor.getDelayedCalls()), ([], []))
        self.reactor.taken.clear()
        self.start(server)
        self.assertEqual(server.listening_ports, (81, 82, 83))

    def test_bad_description(self) -> None:
        """A description that cannot be read is refused when it is given, or by the start, before anything is open."""
        for description in ("tcp:abc", "nonsense:1", "tcp:1:no=such"):
            error = self.assertRaises(OptionError, self.make, bindings=["tcp:81", description])
            self.assertEqual((error.field, error.value), ("bindings", description))
        server = self.make(bindings=["tcp:81", "systemd:INET:name=nosuch"])
        error = self.failureResultOf(server.start(), OptionError).value
        self.assertEqual((error.field, error.value), ("bindings", "systemd:INET:name=nosuch"))
        self.assertEqual(self.reactor.open, {})

    def test_restart(self) -> None:
        """A restart says goodbye to everybody and listens by the new port; those who ask meanwhile share it."""
        self.start()
        client, _ = self.websocket()
        first, second = self.server.restart(), self.server.restart()
        self.assertEqual(client.frames(), [GOING_AWAY])
        client.answer_close(1001)
        self.reactor.advance(0)
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.told, ["startup", "connect", ("disconnect", 1001, ""), "shutdown", "startup"])
        self.assertEqual((self.server.active, set(self.reactor.open)), (True, {8080}))

    def test_wrong_timeout(self) -> None:
        """A time-out that is none is refused, and the server runs on."""
        self.start()
        self.assertRaises(ValueError, self.server.stop, -1)
        self.assertRaises(ValueError, self.server.stop, float("nan"))
        self.assertTrue(self.server.active)

    def test_two_servers(self) -> None:
        """Two servers in one process share nothing: neither handlers nor peers nor resources nor their lives."""
        other = self.make(8081)
        other.resources.putChild(b"only", Data(b"other", "text/plain"))
        self.start()
        self.start(other)
        client, connection = self.websocket(number=8080)
        self.assertEqual((len(self.server.connections), len(other.connections)), (1, 0))
        self.assertFalse(other.write_data(connection.guid, "x"))
        self.assertEqual(other.broadcast("x"), 0)
        self.assertEqual(self.server.resources.listNames(), [])
        self.successResultOf(other.stop())
        self.assertEqual((self.server.active, client.closed), (True, False))


class StopTests(ServerTestCase):
    """How a stop treats those who are connected."""

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_goodbye(self) -> None:
        """Every WebSocket gets 1001; the stop is over after the last ``on_disconnect`` and then ``on_shutdown``."""
        clients = [self.websocket()[0] for _ in range(3)]
        stopped = self.server.stop()
        self.assertEqual([client.frames() for client in clients], [[GOING_AWAY]] * 3)
        self.assertEqual(self.reactor.open, {})
        for client in clients:
            self.assertNoResult(stopped)
            client.answer_close(1001)
            self.reactor.advance(0)
        self.successResultOf(stopped)
        gone = [("disconnect", 1001, "")] * 3
        self.assertEqual(self.told, ["startup", *["connect"] * 3, *gone, "shutdown"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_silent_peer(self) -> None:
        """A peer that does not answer is dropped at the stop's time-out, with the code it was sent."""
        client, _ = self.websocket()
        stopped = self.server.stop(timeout=3)
        self.reactor.advance(2.9)
        self.assertFalse(client.closed)
        self.assertNoResult(stopped)
        self.reactor.advance(0.1)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(self.told[2:], [("disconnect", 1001, "going away"), "shutdown"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_at_once(self) -> None:
        """A stop that waits no time drops everybody in the next turn of the reactor."""
        self.websocket()
        stopped = self.server.stop(timeout=0)
        self.reactor.advance(0)
        self.reactor.advance(0)
        self.successResultOf(stopped)

    def test_hung_handlers(self) -> None:
        """Handlers that wait for ever are cancelled at the time-out, so that every stop ends."""
        cancelled: list[str] = []

        def hang(name: str) -> Any:
            return lambda *args: Deferred(lambda _: cancelled.append(name))

        self.server.on_connect(hang("connect"))
        self.server.on_message(hang("message"))
        self.server.on_disconnect(hang("disconnect"))
        self.server.on_command_get(hang("command"))
        client = self.reactor.connect().upgrade()
        client.say("x")
        self.reactor.connect().get()
        stopped = self.server.stop(timeout=3)
        client.answer_close()
        self.reactor.advance(2.9)
        self.assertEqual((cancelled, self.server.active), ([], False))
        self.reactor.advance(0.1)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(sorted(cancelled), ["command", "connect", "disconnect", "message"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_deaf_handler(self) -> None:
        """Even a handler that takes no notice of being cancelled does not hold up a stop."""

        @self.server.on_message
        async def deaf(connection: Connection, text: str) -> None:
            try:
                await Deferred()
            finally:
                await Deferred()

        client, _ = self.websocket()
        client.say("x")
        stopped = self.server.stop(timeout=3)
        self.reactor.advance(3)
        self.reactor.advance(0)
        self.successResultOf(stopped)

    def test_hung_questions(self) -> None:
        """A question that is never answered does not hold up a stop: about a socket, first bytes or an upgrade."""
        cancelled: list[str] = []

        def hung(name: str) -> Any:
            return Deferred(lambda _: cancelled.append(name))

        answers: Any = iter([hung("socket"), None, None])
        self.server.on_tcp_connect(lambda connection: next(answers))
        silent = self.reactor.connect()
        self.server.on_unknown_protocol(lambda connection, data: hung("first bytes"))
        unknown = self.reactor.connect()
        unknown.send(b"\x01\x02\x03\x04 what is this")
        self.server.on_handshake(lambda connection, request, headers: hung("upgrade"))
        undecided = self.reactor.connect().upgrade()
        stopped = self.server.stop(timeout=3)
        self.reactor.advance(3)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual([silent.closed, unknown.closed, undecided.closed], [True] * 3)
        self.assertEqual(cancelled, ["socket", "first bytes", "upgrade"])
        self.assertEqual(self.told, ["startup", "shutdown"])

    def test_upgrade_under_way(self) -> None:
        """A peer whose upgrade is granted while the server stops is not let in any more."""
        answer: Deferred[Reject | None] = Deferred()
        self.server.on_handshake(lambda connection, request, headers: answer)
        client = self.reactor.connect().upgrade()
        stopped = self.server.stop()
        answer.callback(None)
        self.reactor.advance(0)
        self.assertTrue(client.received().startswith(b"HTTP/1.1 503 "))
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["startup", "shutdown"])

    def test_http_response(self) -> None:
        """A response under way ends, and its connection after it; an idle connection is closed at once."""
        answer: Deferred[None] = Deferred()

        @self.server.on_command_get
        async def slow(request: Request, response: Response) -> None:
            await answer
            response.text = "whole"

        idle, busy = self.reactor.connect(), self.reactor.connect()
        busy.get()
        stopped = self.server.stop()
        self.reactor.advance(1)
        self.assertEqual((idle.closed, busy.closed), (True, False))
        answer.callback(None)
        self.reactor.advance(0)
        self.assertTrue(busy.received().endswith(b"whole"))
        self.assertTrue(busy.closed)
        self.successResultOf(stopped)

    def test_hung_response(self) -> None:
        """A response that does not end is dropped at the time-out."""
        self.server.on_command_get(lambda request, response: Deferred())
        client = self.reactor.connect()
        client.get()
        stopped = self.server.stop(timeout=3)
        self.reactor.advance(3)
        self.reactor.advance(0)
        self.assertTrue(client.closed)
        self.successResultOf(stopped)

    def test_raw_tcp(self) -> None:
        """A raw TCP peer is closed and told of with the code it would have been sent."""
        self.server.on_tcp_connect(lambda connection: RawTCP())
        client = self.reactor.connect()
        stopped = self.server.stop()
        self.reactor.advance(0)
        self.assertTrue(client.closed)
        self.successResultOf(stopped)
        self.assertEqual(self.told[1:], ["connect", ("disconnect", 1001, "going away"), "shutdown"])

    def test_threaded_handler(self) -> None:
        """A handler in a thread cannot be cancelled, and does not hold up a stop beyond the time-out."""
        self.server.on_message(threaded=True)(lambda connection, text: self.told.append(text))
        client, _ = self.websocket()
        client.say("threaded")
        stopped = self.server.stop(timeout=3)
        self.reactor.advance(3)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.reactor.pool.run()
        self.assertEqual(self.told[-1], "threaded")

    def test_stop_inside_a_handler(self) -> None:
        """A handler that waits for the stop it asked for is cancelled at the time-out, as any that hangs."""

        @self.server.on_message
        async def last(connection: Connection, text: str) -> None:
            await self.server.stop(timeout=3)

        client, _ = self.websocket()
        client.say("goodbye")
        client.answer_close()
        self.reactor.advance(3)
        self.reactor.advance(0)
        self.assertEqual(self.told[-1], "shutdown")
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class ActiveTests(ServerTestCase):
    """The property that starts and stops."""

    def test_set(self) -> None:
        """Setting it starts and stops, and setting it to what it is does nothing."""
        for active in (False, True, True, False, False):
            self.server.active = active
            self.assertEqual(self.server.active, active)
        self.assertEqual(self.told, ["startup", "shutdown"])

    def test_failure(self) -> None:
        """A start that fails goes to ``on_exception`` and the log, with no connection."""
        heard = self.handlers_fail()
        self.reactor.taken.add(8080)
        self.server.active = True
        ((connection, failure),) = heard
        self.assertIsNone(connection)
        self.assertTrue(failure.check(ListenError))
        self.assertEqual(len(self.flushLoggedErrors(ListenError)), 1)
        self.assertFalse(self.server.active)

    def test_off_while_starting(self) -> None:
        """Switched off before it listens, it never does."""
        self.reactor = Reactor(running=False)
        server = self.make(80)
        server.active = True
        server.active = False
        self.reactor.begin()
        self.assertEqual((server.active, self.reactor.open), (False, {}))
        self.assertEqual(len(self.flushLoggedErrors(LifecycleError)), 1)

    def test_off_while_the_listener_is_gone(self) -> None:
        """Switched off while the listener is gone, it stays off: the watchdog does not bring it back."""
        self.start()
        self.reactor.taken.add(8080)
        self.reactor.open[8080].die()
        self.reactor.advance(0)
        self.assertFalse(self.server.active)
        self.server.active = False
        self.reactor.taken.clear()
        self.reactor.advance(1000)
        self.assertEqual((self.reactor.open, self.told), ({}, ["startup", "shutdown"]))
        self.flushLoggedErrors()


class ServiceTests(ServerTestCase):
    """The server as a Twisted service."""

    def test_interface(self) -> None:
        """It is a service."""
        verifyObject(IService, self.server)

    def test_in_an_application(self) -> None:
        """In an application it binds first, accepts then, and is waited for at the end."""
        application = Application("test")
        self.server.setServiceParent(application)
        whole, parent = IService(application), IServiceCollection(application)
        self.assertEqual(list(parent), [self.server])
        whole.privilegedStartService()
        self.assertEqual((set(self.reactor.open), self.server.active, self.told), ({8080}, False, []))
        self.assertEqual(self.server.listening_ports, (8080,))
        whole.startService()
        self.assertTrue(self.server.active)
        client, _ = self.websocket()
        stopped: Deferred[Any] = whole.stopService()
        self.assertNoResult(stopped)
        client.answer_close()
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(self.told[-1], "shutdown")

    def test_taken_port_is_raised(self) -> None:
        """A binding that cannot be had is raised before privileges are given up, so that nobody misses it."""
        self.reactor.taken.add(8080)
        error = self.assertRaises(ListenError, self.server.privilegedStartService)
        self.assertEqual(error.binding, "*:8080")
        self.assertEqual(self.reactor.open, {})

    def test_bad_description_is_raised(self) -> None:
        """So is a description that cannot be read."""
        self.assertRaises(OptionError, self.make(bindings=["systemd:INET:name=x"]).privilegedStartService)

    def test_failed_start_is_reported(self) -> None:
        """A start that fails later goes to ``on_exception`` and the log."""
        heard = self.handlers_fail()
        self.reactor.taken.add(8080)
        self.server.startService()
        self.assertTrue(heard[0][1].check(ListenError))
        self.assertEqual(len(self.flushLoggedErrors(ListenError)), 1)

    def test_stopped_while_starting(self) -> None:
        """A start that was given up since the service was stopped is nobody's failure."""
        heard = self.handlers_fail()
        self.server.on_startup(lambda: Deferred())
        self.server.startService()
        self.successResultOf(self.server.stopService())
        self.assertEqual(heard, [])

    def test_joins_a_running_parent(self) -> None:
        """Put into a parent that runs it starts, and removed from it it stops; a running one just stays so."""
        parent = MultiService()
        parent.privilegedStartService()
        parent.startService()
        self.server.setServiceParent(parent)
        self.assertTrue(self.server.active)
        self.successResultOf(self.server.disownServiceParent())
        self.assertFalse(self.server.active)
        self.start()
        self.server.setServiceParent(parent)
        self.assertTrue(self.server.active)


class PeersTests(ServerTestCase):
    """What is done with many peers at once."""

    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_write_data(self) -> None:
        """Text goes out as a text message, bytes as a binary one, to the one peer that has the guid."""
        one, connection = self.websocket()
        other, _ = self.websocket()
        self.assertTrue(self.server.write_data(connection.guid, "grüße"))
        self.assertTrue(self.server.write_data(connection.guid, b"\x00\xff"))
        self.assertEqual(one.frames(), [(TEXT, "grüße".encode()), (BINARY, b"\x00\xff")])
        self.assertEqual(other.frames(), [])

    def test_write_data_forms(self) -> None:
        """One message may go out in fragments, or be given in parts, for which others wait."""
        client, connection = self.websocket()
        self.assertTrue(self.server.write_data(connection.guid, "abc", fragment_size=2))
        self.assertTrue(self.server.write_data(connection.guid, "d", part=Part.FIRST))
        self.assertTrue(self.server.write_data(connection.guid, "other"))
        self.assertTrue(self.server.write_data(connection.guid, "e", part=Part.LAST))
        self.assertEqual(client.frames(), [(TEXT, b"ab"), (0, b"c"), (TEXT, b"d"), (0, b"e"), (TEXT, b"other")])

    def test_write_and_wait(self) -> None:
        """A handler may ask its client something, and go on with the answer."""

        async def ask(connection: Connection, text: str) -> None:
            connection.write_data(f"you said {await connection.write_and_wait('what?')}")

        self.server.on_message(ask)
        client, _ = self.websocket()
        client.say("hello")
        client.say("nothing")
        self.assertEqual(client.frames(), [(TEXT, b"what?"), (TEXT, b"you said nothing")])

    def test_round_trip(self) -> None:
        """A client can be asked whether it is there, and how far away it is."""
        client, connection = self.websocket()
        waiting = connection.ping(b"abc")
        self.reactor.advance(0.5)
        ((opcode, payload),) = client.frames()
        client.frame(PONG, payload)
        self.assertEqual((opcode, self.successResultOf(waiting), connection.latency), (PING, 0.5, 0.5))

    def test_slow_client(self) -> None:
        """What a client does not take is bounded; the application hears of it, and nobody else suffers."""
        self.successResultOf(self.server.stop())
        policy = SlowClientPolicy(limit=1000)
        self.server.options = ServerOptions(websocket=WebSocketOptions(outgoing=policy, compression=None))
        self.start()
        heard: list[tuple[Connection, int]] = []
        self.server.on_slow_client(lambda connection, dropped: heard.append((connection, dropped)))
        (slow, connection), (fast, _) = self.websocket(), self.websocket()
        slow.transport.producer.pauseProducing()
        counts = [self.server.broadcast("x" * 500) for _ in range(3)]
        self.reactor.advance(0)
        self.assertEqual((counts, heard), ([2, 1, 1], [(connection, 2)]))
        self.assertEqual(len(fast.frames()), 3)
        slow.transport.producer.resumeProducing()
        self.assertEqual(slow.frames(), [(CLOSE, (1008).to_bytes(2))])

    def test_channels_and_groups(self) -> None:
        """A broadcast reaches who is in a channel, or in groups by mask, as long as they are there."""
        one, connection = self.websocket()
        other, _ = self.websocket()
        connection.subscribe("news")
        self.server.groups.add("Room1", connection)
        self.assertEqual(self.server.broadcast("a", channel="news"), 1)
        self.assertEqual(self.server.groups.broadcast("Room*", "b"), 1)
        self.assertEqual(dict(self.server.channels), {"news": (connection,)})
        self.assertEqual(dict(self.server.groups), {"Room1": (connection,)})
        self.assertEqual((one.frames(), other.frames()), ([(TEXT, b"a"), (TEXT, b"b")], []))
        one.leave()
        self.assertEqual((len(self.server.channels), len(self.server.groups)), (0, 0))

    def test_write_data_false(self) -> None:
        """It is False for a guid nobody has, a plain HTTP connection, a closing peer and one that has gone."""
        self.assertFalse(self.server.write_data("0" * 32, "x"))
        plain: list[Connection] = []
        self.server.on_tcp_connect(plain.append)
        self.reactor.connect().get()
        self.assertFalse(self.server.write_data(plain[0].guid, "x"))
        client, connection = self.websocket()
        connection.close()
        self.assertFalse(self.server.write_data(connection.guid, "x"))
        client.answer_close()
        self.reactor.advance(0)
        self.assertFalse(self.server.write_data(connection.guid, "x"))
        self.assertFalse(connection.write_data("x"))

    def test_broadcast_to_all(self) -> None:
        """Without a filter everybody gets it who can take messages, and the count says how many."""
        clients = [self.websocket()[0] for _ in range(3)]
        self.reactor.connect().get()
        self.assertEqual(self.server.broadcast("all"), 3)
        self.assertEqual([client.frames() for client in clients], [[(TEXT, b"all")]] * 3)

    def test_broadcast_filters(self) -> None:
        """Every filter has to be passed; a guid may stand in an iterable, or in a string with commas or semicolons."""
        (_, a), (_, b), (_, c) = (self.websocket() for _ in range(3))
        one, two = [a.guid], f"{a.guid};{b.guid}"
        for include, exclude, count in (
            (None, (), 3),
            ((), (), 0),
            ("", (), 0),
            (one, (), 1),
            (iter(one), (), 1),
            (two, (), 2),
            (f" {a.guid}, {b.guid} , nobody", (), 2),
            (None, two, 1),
            (None, iter(one), 2),
            (one, one, 0),
            (two, c.guid, 2),
            (None, "", 3),
        ):
            self.assertEqual(self.server.broadcast("x", include=include, exclude=exclude), count)

    def test_broadcast_protocol(self) -> None:
        """A sub-protocol is a filter as well."""
        self.successResultOf(self.server.stop())
        self.server.options = ServerOptions(websocket=WebSocketOptions(subprotocols=("chat", "news")))
        self.start()
        chat, connection = self.websocket(protocol="chat")
        self.websocket(protocol="news")
        self.websocket()
        self.assertEqual(self.server.broadcast("x", protocol="chat"), 1)
        self.assertEqual(chat.frames(), [(TEXT, b"x")])
        self.assertEqual(self.server.broadcast("x", protocol="chat", exclude=connection.guid), 0)
        self.assertEqual(self.server.broadcast("x", protocol="none"), 0)

    def test_broadcast_takes_messages_only(self) -> None:
        """What is no message is refused before anybody gets it."""
        self.assertRaises(TypeError, self.server.broadcast, 5)

    def test_broken_peer(self) -> None:
        """A peer that cannot be written to goes to ``on_exception``, is not counted, and stops nobody."""
        heard = self.handlers_fail()
        _, connection = self.websocket()
        fine, _ = self.websocket()
        connection.holder.encode = lambda message: 1 / 0
        self.assertEqual(self.server.broadcast("x"), 1)
        self.assertEqual(fine.frames(), [(TEXT, b"x")])
        self.assertIs(heard[0][0], connection)
        self.assertTrue(heard[0][1].check(ZeroDivisionError))
        self.flushLoggedErrors(ZeroDivisionError)

    def test_ping(self) -> None:
        """Every WebSocket is pinged and counted, nobody else; more than 125 bytes are no ping."""
        client, _ = self.websocket()
        self.server.on_tcp_connect(lambda connection: RawTCP())
        raw = self.reactor.connect()
        self.assertEqual(self.server.ping(b"x" * 125), 1)
        self.assertEqual((client.frames(), raw.received()), ([(PING, b"x" * 125)], b""))
        self.assertEqual(self.server.ping(), 1)
        self.assertRaises(ValueError, self.server.ping, b"x" * 126)

    def test_disconnect_all(self) -> None:
        """Everybody is closed, plain HTTP too; only those who take messages are counted; it goes on listening."""
        client, _ = self.websocket()
        plain = self.reactor.connect()
        plain.get()
        self.assertEqual(self.server.disconnect_all(4000, "maintenance"), 1)
        self.assertEqual(client.frames(), [(CLOSE, (4000).to_bytes(2) + b"maintenance")])
        client.answer_close(4000)
        self.reactor.advance(0)
        self.assertTrue(plain.closed and client.closed)
        self.assertEqual(self.told[-1], ("disconnect", 4000, ""))
        self.assertTrue(self.server.active)
        self.websocket()

    def test_disconnect_all_wrong(self) -> None:
        """A code or a reason that may not be sent is refused, and nobody is closed."""
        client, _ = self.websocket()
        self.assertRaises(ValueError, self.server.disconnect_all, 1006)
        self.assertRaises(ValueError, self.server.disconnect_all, 1000, "x" * 124)
        self.assertEqual(client.frames(), [])

    def test_connections(self) -> None:
        """The mapping is of now, read-only, and can be iterated while peers come and go."""
        connections = self.server.connections
        clients = [self.websocket()[0] for _ in range(3)]
        seen = []
        for guid in connections:
            seen.append(guid)
            clients.pop().leave()
            self.websocket()
        self.assertEqual(len(seen), 3)
        self.assertEqual(len(connections), 3)
        self.assertEqual(set(connections), set(self.server.connections))
        self.assertRaises(KeyError, lambda: connections["nobody"])
        self.assertFalse(hasattr(connections, "__setitem__"))

    def test_disconnected_once(self) -> None:
        """However a connection ends, its ``on_disconnect`` comes once."""
        client, connection = self.websocket()
        connection.disconnect()
        client.leave()
        self.reactor.advance(0)
        self.assertEqual(self.told[1:], ["connect", ("disconnect", 1006, "")])


class ResourceTests(ServerTestCase):
    """What else is served, and being served elsewhere."""

    def test_resources(self) -> None:
        """A resource that is put in answers at its path, before and after a restart."""
        self.server.resources.putChild(b"mine", Data(b"put in", "text/plain"))
        for _ in range(2):
            self.successResultOf(self.server.restart())
            client = self.reactor.connect()
            client.get("/mine")
            self.assertTrue(client.received().endswith(b"put in"))
            client.leave()

    def guest(self) -> Client:
        """Connect a WebSocket to the server by way of somebody else's Site."""
        from twisted.web.server import Site

        root = Resource()
        root.putChild(b"ws", self.server.websocket_resource())
        self.reactor.listenTCP(99, Site(root, reactor=self.reactor))
        client = self.reactor.connect(99).upgrade("/ws")
        self.assertTrue(client.received().startswith(b"HTTP/1.1 101 "))
        self.addCleanup(self.reactor.open[99].stopListening)
        return client

    def test_whole_tree_of_a_server_that_never_listened(self) -> None:
        """The whole tree answers commands and upgrades in somebody else's Site, without any start."""
        from twisted.web.server import Site

        self.server.on_command_get(lambda request, response: setattr(response, "text", request.path))
        self.reactor.listenTCP(99, Site(self.server.resources, reactor=self.reactor))
        self.addCleanup(self.reactor.open[99].stopListening)
        client = self.reactor.connect(99)
        client.get("/there")
        self.assertTrue(client.received().endswith(b"/there"))
        client.leave()
        peer = self.reactor.connect(99).upgrade("/ws")
        self.assertTrue(peer.received().startswith(b"HTTP/1.1 101 "))
        peer.leave()

    def test_guest_of_a_running_server(self) -> None:
        """A peer by way of another Site is a peer like any: told of, written to, and said goodbye to."""
        self.start()
        client = self.guest()
        self.assertEqual(self.server.broadcast("x"), 1)
        stopped = self.server.stop()
        self.assertEqual(client.frames(), [(TEXT, b"x"), GOING_AWAY])
        client.answer_close()
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(self.told[-1], "shutdown")

    def test_guest_of_a_server_that_never_listened(self) -> None:
        """So it is when the server itself does not listen, and a stop waits for it all the same."""
        client = self.guest()
        stopped = self.server.stop(timeout=3)
        self.assertNoResult(stopped)
        self.assertEqual(client.frames(), [GOING_AWAY])
        self.reactor.advance(3)
        self.reactor.advance(0)
        self.successResultOf(stopped)
        self.assertEqual(self.told, ["connect", ("disconnect", 1001, "going away")])


class ThreadTests(ServerTestCase):
    """What cannot be done on the reactor's thread."""

    def test_wait(self) -> None:
        """Nobody can wait on the reactor's thread."""
        self.assertRaises(LifecycleError, self.server.wait, succeed(None))
        self.assertRaises(LifecycleError, self.server.wait, succeed(None), 0)
