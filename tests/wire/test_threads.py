"""Calls from other threads, and scripts that have no reactor of their own to speak of."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread
from twisted.python import threadable
from twisted.trial.unittest import SynchronousTestCase, TestCase

from sgcws import Connection, LifecycleError, ListenError, WebSocketHTTPServer
from tests.wire.peer import Peer, connect
from tests.wire.program import Program, connected, taken_port

T = TypeVar("T")

LOOPBACK = "tcp:0:interface=127.0.0.1"


class ForeignThreadTests(TestCase):
    """Every method of server and connection, from a thread that is not the reactor's."""

    timeout = 30

    async def setUp(self) -> None:
        """Start a server, and connect a client to it."""
        self.server = WebSocketHTTPServer(bindings=[LOOPBACK])
        self.addCleanup(lambda: self.server.stop())
        self.inside: list[bool] = []
        server = self.server
        for fact in (server.on_startup, server.on_shutdown, server.on_connect, server.on_disconnect):
            fact(lambda *_: self.inside.append(threadable.isInIOThread()))
        await self.server.start()
        self.peer, self.connection = await self.met()

    async def tearDown(self) -> None:
        """See that everything was told in the reactor's thread."""
        await self.server.stop()
        self.assertEqual(set(self.inside), {True})

    async def met(self) -> tuple[Peer, Connection]:
        """Connect a client, and return both ends."""
        peer = await connect(self.server.listening_ports[0])
        (connection,) = self.server.connections.values()
        return peer, connection

    async def there(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function in another thread, and return its answer."""
        return await deferToThread(function, *args, **kwargs)

    async def test_answers(self) -> None:
        """The methods that answer at once answer there, too."""
        guid = self.connection.guid
        self.assertTrue(await self.there(self.server.write_data, guid, "1"))
        self.assertFalse(await self.there(self.server.write_data, "nobody", "x"))
        self.assertEqual(await self.there(self.server.broadcast, b"2", include=[guid]), 1)
        self.assertTrue(await self.there(self.connection.write_data, "3"))
        self.assertEqual([await self.peer.came.get() for _ in range(3)], [b"1", b"2", b"3"])
        self.assertEqual(await self.there(self.server.ping, b"x"), 1)
        self.assertEqual(await self.there(lambda: list(self.server.connections)), [guid])
        self.assertEqual(await self.there(self.server.disconnect_all, 4000), 1)
        self.assertEqual(await self.peer.ended, 4000)

    async def test_errors(self) -> None:
        """What they raise is raised there."""
        for call in (
            lambda: self.server.ping(b"x" * 126),
            lambda: self.server.disconnect_all(1006),
            lambda: self.server.stop(-1),
            lambda: self.connection.close(1006),
        ):
            await self.assertFailure(deferToThread(call), ValueError)
        await self.assertFailure(deferToThread(self.server.broadcast, cast(Any, 5)), TypeError)

    async def test_life(self) -> None:
        """Start, stop and restart give Deferreds, which are waited for there."""

        def live() -> list[bool]:
            active = []
            for step in (self.server.restart, self.server.stop, self.server.start, self.server.stop):
                self.server.wait(step())
                active.append(self.server.active)
            return active

        self.assertEqual(await self.there(live), [True, False, True, False])
        self.assertEqual(await self.peer.ended, 1001)

    async def test_active(self) -> None:
        """The property is set there, and acts in the reactor's thread."""

        def switch() -> bool:
            self.server.active = False
            self.server.wait(self.server.stop())
            self.server.active = True
            self.server.wait(self.server.start())
            return self.server.active

        self.assertTrue(await self.there(switch))

    async def test_service(self) -> None:
        """The methods of the service work there."""

        def serve() -> tuple[bool, bool]:
            self.server.wait(self.server.stopService())
            stopped = self.server.active
            self.server.privilegedStartService()
            self.server.startService()
            self.server.wait(self.server.start())
            return stopped, self.server.active

        self.assertEqual(await self.there(serve), (False, True))

    async def test_connection(self) -> None:
        """A connection is closed and dropped from there."""
        await self.there(lambda: self.server.wait(self.connection.close(4001)))
        self.assertEqual(await self.peer.ended, 4001)
        peer, connection = await self.met()
        await self.there(connection.disconnect)
        self.assertEqual(await peer.ended, 1006)

    async def test_resource(self) -> None:
        """So is a resource for another Site made."""
        self.assertTrue((await self.there(self.server.websocket_resource)).isLeaf)

    async def test_run_in_thread(self) -> None:
        """Where the reactor runs already, `run_in_thread` serves in that, from any thread but its own."""
        other = WebSocketHTTPServer(bindings=[LOOPBACK])
        self.addCleanup(other.stop)
        await self.there(other.run_in_thread)
        self.assertTrue(other.active)
        self.assertRaises(LifecycleError, WebSocketHTTPServer(bindings=[LOOPBACK]).run_in_thread)
        self.assertRaises(LifecycleError, WebSocketHTTPServer(bindings=[LOOPBACK]).run)

    async def test_failures(self) -> None:
        """What a Deferred fails with is raised there, and one that does not fire in time is a `TimeoutError`."""
        with taken_port() as port:
            other = WebSocketHTTPServer(bindings=[f"tcp:{port}:interface=127.0.0.1"])
            await self.assertFailure(deferToThread(lambda: other.wait(other.start())), ListenError)
            await self.assertFailure(deferToThread(other.run_in_thread), ListenError)
        await self.assertFailure(deferToThread(self.server.wait, Deferred(), 0), TimeoutError)

    def test_wait_here(self) -> None:
        """In the reactor's thread nobody can wait."""
        self.assertRaises(LifecycleError, self.server.wait, succeed(None))

    async def test_handlers_in_threads(self) -> None:
        """A handler in the pool calls what it likes, and waits for it."""

        @self.server.on_message(threaded=True)
        def answer(connection: Connection, text: str) -> None:
            self.server.write_data(connection.guid, f"{self.server.broadcast('all')} {threadable.isInIOThread()}")
            self.server.wait(connection.close(4002))

        self.peer.say("x")
        self.assertEqual([await self.peer.came.get() for _ in range(2)], [b"all", b"1 False"])
        self.assertEqual(await self.peer.ended, 4002)


class ScriptCase(SynchronousTestCase):
    """A place for scripts."""

    def script(self, text: str, *arguments: str) -> Program:
        """Run a Python script."""
        path = Path(self.mktemp()).absolute()
        path.mkdir(parents=True)
        (path / "script.py").write_text(text)
        return Program(self, "script.py", *arguments, path=path)

    def assert_fine(self, program: Program, *lines: str) -> None:
        """Check that a script ends well, having printed these lines."""
        self.assertEqual((program.ended(), program.out.splitlines()), (0, list(lines)), program.err)
        self.assertNotIn("Traceback", program.err)


RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sgcws import WebSocketHTTPServer

server = WebSocketHTTPServer(bindings=[f"tcp:{sys.argv[1]}:interface=127.0.0.1"])
server.on_message(lambda connection, text: connection.write_data(text) and None)
server.on_disconnect(lambda connection, code, reason: print(code))
server.on_shutdown(lambda: print("shutdown"))
server.run()
print("end of script")
"""

HANGING_START = """
from twisted.internet.defer import Deferred
from sgcws import WebSocketHTTPServer

server = WebSocketHTTPServer(bindings=["tcp:0:interface=127.0.0.1"])
server.on_startup(lambda: Deferred())
server.run()
print("end of script")
"""

LOGGING = """
import sys
from twisted.logger import globalLogBeginner, textFileLogObserver
from sgcws import WebSocketHTTPServer

globalLogBeginner.beginLoggingTo([textFileLogObserver(open("log", "w", buffering=1))], redirectStandardIO=False)
server = WebSocketHTTPServer(bindings=["tcp:0:interface=127.0.0.1"])
server.on_startup(lambda: print("started"))
server.run()
print(open("log").read().count("listening on http://127.0.0.1:"))
"""


class RunTests(ScriptCase):
    """`run`: a plain script that serves until a signal comes."""

    def test_signals(self) -> None:
        """It says where it listens, serves, and ends well at either signal, having said goodbye to its peers."""
        for number in (signal.SIGINT, signal.SIGTERM):
            program = self.script(RUN, "0")
            with connected(f"ws://127.0.0.1:{program.port()}/") as client:
                client.send("hello")
                self.assertEqual(client.recv(), "hello")
                program.signal(number)
                self.assert_fine(program, "1001", "shutdown", "end of script")

    def test_port_taken(self) -> None:
        """A port that cannot be had is raised in the script, which ends with status 1 and says which."""
        with taken_port() as port:
            program = self.script(RUN, str(port))
            self.assertEqual(program.ended(), 1)
        last = program.err.splitlines()[-1]
        self.assertIn(f"ListenError: cannot listen on tcp:{port}:interface=127.0.0.1: ", last)
        self.assertNotIn("end of script", program.out)

    def test_signal_while_starting(self) -> None:
        """A signal while ``on_startup`` still waits ends it as well."""
        program = self.script(HANGING_START)
        program.port()
        program.signal(signal.SIGTERM)
        self.assert_fine(program, "end of script")

    def test_logging_has_begun(self) -> None:
        """A script that logs by itself goes on doing so; nothing goes to standard error."""
        program = self.script(LOGGING)
        program.says("started")
        program.signal(signal.SIGTERM)
        self.assert_fine(program, "started", "1")
        self.assertEqual(program.err, "")


THREADS = """
import threading
from twisted.internet.defer import Deferred
from sgcws import LifecycleError, ListenError, WebSocketHTTPServer
from websockets.sync.client import connect

LOOPBACK = ["tcp:0:interface=127.0.0.1"]

def silent():
    return WebSocketHTTPServer(bindings=LOOPBACK)

def echoing():
    server = silent()
    server.on_message(lambda connection, text: connection.write_data(text) and None)
    return server

def made():
    server = echoing()
    server.on_shutdown(lambda: print("shutdown", flush=True))
    return server

def url(server):
    return f"ws://127.0.0.1:{server.listening_ports[0]}/"

def running():
    return [thread.name for thread in threading.enumerate()].count("sgcws")

def echo(server):
    with connect(url(server)) as client:
        client.send("hello")
        return client.recv()
"""

TWO_SERVERS = (
    THREADS
    + """
one, other = made(), made()
one.run_in_thread()
other.run_in_thread()
print(echo(one), echo(other), one.listening_ports != other.listening_ports)
one.wait(one.stop())
print(one.active, other.active, echo(other))
one.run_in_thread()
print(echo(one), running())
"""
)

MANY_THREADS = (
    THREADS
    + """
servers = [echoing() for _ in range(8)]
threads = [threading.Thread(target=server.run_in_thread) for server in servers]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(server.active for server in servers), {echo(server) for server in servers}, running())
"""
)

REFUSALS = (
    THREADS
    + """
one = made()
one.run_in_thread()
taken = WebSocketHTTPServer(bindings=[f"tcp:{one.listening_ports[0]}:interface=127.0.0.1"])

try:
    taken.run_in_thread()
except ListenError as error:
    print(error.binding == taken.bindings[0].endpoint, taken.active)

@one.on_message
def inside(connection, text):
    for method in (taken.run_in_thread, taken.run):
        try:
            method()
        except LifecycleError as error:
            print(error)

echo(one)
try:
    taken.run()
except LifecycleError as error:
    print(error)
one.wait(one.stop())
taken.run_in_thread()
print(taken.active)
"""
)

HANGING = (
    THREADS
    + """
server = silent()
server.on_shutdown(lambda: print("shutdown", flush=True))
began = threading.Event()

@server.on_message
async def hang(connection, text):
    began.set()
    try:
        await Deferred()
    finally:
        print("cancelled", flush=True)

server.run_in_thread()
client = connect(url(server)).__enter__()
client.send("x")
began.wait()
print("end of script", flush=True)
"""
)

STOPPED_FOR_GOOD = (
    THREADS
    + """
from twisted.internet import reactor

one = made()
one.run_in_thread()
reactor.callFromThread(reactor.stop)
for thread in threading.enumerate():
    if thread.name == "sgcws":
        thread.join()
for method in (made().run_in_thread, made().run, one.run_in_thread, one.stop):
    try:
        method()
    except LifecycleError as error:
        print("refused")
"""
)


class RunInThreadTests(ScriptCase):
    """`run_in_thread`: a script that has no reactor."""

    def test_two_servers(self) -> None:
        """Two servers share one thread; one stops and starts again while the other lives; the script just ends."""
        program = self.script(TWO_SERVERS)
        self.assert_fine(
            program, "hello hello True", "shutdown", "False True hello", "hello 1", "shutdown", "shutdown"
        )

    def test_many_threads(self) -> None:
        """Servers that are started by many threads at once all listen, in one thread."""
        self.assert_fine(self.script(MANY_THREADS), "8 {'hello'} 1")

    def test_refusals(self) -> None:
        """What cannot be had is raised to the caller, and what cannot be done in the reactor's thread there."""
        self.assert_fine(
            self.script(REFUSALS),
            "True False",
            "the reactor runs in this thread; start() is the way to serve in it",
            "the reactor runs already; start() is the way to serve in it",
            "the reactor runs already; start() is the way to serve in it",
            "shutdown",
            "True",
        )

    def test_ends_with_peers_and_handlers(self) -> None:
        """The script ends although a peer is connected and its handler waits for ever."""
        self.assert_fine(self.script(HANGING), "end of script", "cancelled", "shutdown")

    def test_stopped_for_good(self) -> None:
        """When the reactor was stopped, every way to go on is refused at once, and the script ends."""
        self.assert_fine(self.script(STOPPED_FOR_GOOD), *["refused"] * 4)
