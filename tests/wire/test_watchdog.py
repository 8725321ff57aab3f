"""Listeners that die, on real sockets: the watchdog brings them back."""

from __future__ import annotations

import contextlib
import os
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from sgcws import Connection, ListenError, Monitor, WatchdogOptions, WebSocketHTTPServer
from tests.wire.peer import connect
from tests.wire.program import free_port

INTERVAL = 0.05
"""Seconds; short, since these tests wait for it on the real clock."""


class WatchdogTestCase(TestCase):
    """A server on one port, with a watchdog, and what it tells."""

    timeout = 30

    async def setUp(self) -> None:
        """Start it on a port that is free again later."""
        self.port = free_port()
        self.told: list[str] = []
        self.restarted: Deferred[None] = Deferred()
        self.server = self.make([f"tcp:{self.port}:interface=127.0.0.1"])
        await self.server.start()

    def options(self) -> WatchdogOptions:
        """Return the watchdog's options."""
        return WatchdogOptions(interval=INTERVAL)

    def make(self, bindings: list[str]) -> WebSocketHTTPServer:
        """Make a server that echoes and notes what it tells."""
        server = WebSocketHTTPServer(bindings=bindings, watchdog=self.options())
        server.on_message(self.echo)
        server.on_startup(self.started)
        server.on_shutdown(lambda: self.told.append("shutdown"))
        server.on_disconnect(lambda connection, code, reason: self.told.append(f"disconnect {code}"))
        self.addCleanup(server.stop)
        return server

    def echo(self, connection: Connection, text: str) -> None:
        """Send it back."""
        connection.write_data(text)

    def started(self) -> None:
        """Note it, and tell who waits for the second time."""
        self.told.append("startup")
        if self.told.count("startup") == 2:
            self.restarted.callback(None)

    def listening_port(self) -> Any:
        """Return the listening port that the reactor knows, to do it harm, or None."""
        for reader in cast(Any, reactor).getReaders():
            with contextlib.suppress(AttributeError, OSError):
                if reader.socket.getsockname()[1] == self.port and reader.factory is not None:
                    return reader
        return None

    def turn(self) -> Deferred[None]:
        """Let the reactor turn, for half an interval."""
        turned: Deferred[None] = Deferred()
        reactor.callLater(INTERVAL / 2, turned.callback, None)
        return turned

    async def until_listening(self, but: Any = None) -> None:
        """Look whether there is a listening port, another than *but*, until there is; the test's time-out ends this."""
        while self.listening_port() in (but, None) or not self.server.active:
            await self.turn()

    async def kill(self) -> None:
        """Close the listening descriptor behind everybody's back, and wait until there is another."""
        dead = self.listening_port()
        os.close(dead.fileno())
        await self.until_listening(but=dead)

    def take_the_port(self) -> socket.socket:
        """Have the port taken by somebody else when the server has closed it the next time; return the taker."""
        taker = socket.socket()
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.addCleanup(taker.close)

        def take() -> None:
            self.server.on_shutdown.remove(take)
            taker.bind(("127.0.0.1", self.port))
            taker.listen()

        self.server.on_shutdown(take)
        return taker

    def delayed_calls(self) -> list[Any]:
        """Return the reactor's delayed calls, but for the time-out of this test."""
        calls = reactor.getDelayedCalls()
        return [call for call in calls if "onTimeout" not in str(call)]


class ListenerTests(WatchdogTestCase):
    """A listening descriptor that somebody closes."""

    async def test_descriptor_closed(self) -> None:
        """It listens again on the same port, the peers stay connected, and the application hears nothing of it."""
        peer = await connect(self.port)
        await self.kill()
        self.assertEqual(await peer.echo("after"), b"after")
        other = await connect(self.port)
        self.assertEqual(await other.echo("new"), b"new")
        self.assertEqual((self.told, len(self.server.connections)), (["startup"], 2))
        await self.server.stop()
        self.assertEqual((await peer.ended, await other.ended), (1001, 1001))

    async def test_number_taken_by_a_file(self) -> None:
        """The closed descriptor's number may be another file's by then: that is neither read nor closed."""
        dead = self.listening_port()
        number = dead.fileno()
        file = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, file)
        os.dup2(file, number)
        await self.until_listening(but=dead)
        self.assertEqual(os.fstat(number), os.fstat(file))
        os.close(number)

    async def test_again_and_again(self) -> None:
        """It works again and again, and leaves no descriptor behind."""
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            await self.kill()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.assertEqual(self.told, ["startup"])

    async def test_given_up_by_the_reactor(self) -> None:
        """A listener that the reactor itself gives up comes back, too."""
        self.listening_port().connectionLost(Failure(ConnectionLost()))
        self.assertFalse(self.server.active)
        await self.until_listening()
        await connect(self.port)
        await self.server.stop()

    async def test_cannot_listen_on_restart(self) -> None:
        """Another program has the port when it restarts: it says so, tries on, and listens when that is gone."""
        taker = self.take_the_port()
        error = await cast("Deferred[ListenError]", self.assertFailure(self.server.restart(), ListenError))
        self.assertIn(str(self.port), error.binding)
        for _ in range(4):
            await self.turn()
        self.assertFalse(self.server.active)
        taker.close()
        await self.until_listening()
        await connect(self.port)
        await self.server.stop()

    async def test_stays_stopped(self) -> None:
        """A deliberate stop in the midst of the attempts is for good."""
        taker = self.take_the_port()
        await self.assertFailure(self.server.restart(), ListenError)
        await self.turn()
        await self.server.stop()
        taker.close()
        self.assertEqual(self.delayed_calls(), [])
        for _ in range(4):
            await self.turn()
        self.assertEqual((self.server.active, self.listening_port()), (False, None))

    async def test_stopped_before_it_notices(self) -> None:
        """Nor does it come back if the stop comes before the dead descriptor was noticed."""
        os.close(self.listening_port().fileno())
        await self.server.stop()
        self.assertEqual((self.told, self.delayed_calls()), (["startup", "shutdown"], []))


class AttemptsTests(WatchdogTestCase):
    """A watchdog that gives up some day."""

    def options(self) -> WatchdogOptions:
        """Try twice."""
        return WatchdogOptions(interval=INTERVAL, attempts=2)

    async def test_used_up(self) -> None:
        """After so many attempts it rests, although the port is free again; a start by hand works."""
        taker = self.take_the_port()
        await self.assertFailure(self.server.restart(), ListenError)
        while self.delayed_calls():
            await self.turn()
        taker.close()
        for _ in range(4):
            await self.turn()
        self.assertFalse(self.server.active)
        await self.server.start()
        await connect(self.port)
        await self.server.stop()


class MonitorTests(WatchdogTestCase):
    """A server that connects to itself."""

    def options(self) -> WatchdogOptions:
        """Look often; the listener itself is looked after in a while only."""
        return WatchdogOptions(interval=10, monitor=Monitor(interval=INTERVAL, timeout=1.0))

    def listen_to_all(self, server: WebSocketHTTPServer) -> list[str]:
        """Return what the application hears from now on."""
        heard: list[str] = []
        server.on_tcp_connect(lambda connection: heard.append("tcp"))
        server.on_before_command(lambda connection, request, response: heard.append("before"))
        server.on_handshake(lambda connection, request, headers: heard.append("handshake"))
        server.on_connect(lambda connection: heard.append("connect"))
        server.on_binary(lambda connection, data: heard.append("binary"))
        server.on_error(lambda connection, error: heard.append("error"))
        return heard

    async def look(self, server: WebSocketHTTPServer) -> None:
        """Let some looks pass, each of which would end in a restart if it failed, and take one more."""
        for _ in range(8):
            await self.turn()
        operation = server._operation
        await operation._check.probe(operation.places)

    async def test_answers(self) -> None:
        """It gets its echoes, and the application hears nothing of it."""
        heard = self.listen_to_all(self.server)
        await self.look(self.server)
        self.assertEqual((heard, len(self.server.connections), self.told), ([], 0, ["startup"]))

    async def test_all_kinds_of_listeners(self) -> None:
        """It gets its echoes over IPv4, IPv6 and TLS; a Unix socket counts as answering."""
        pem = certificate(Path(self.mktemp()))
        bindings = ["tcp:0", f"ssl:0:privateKey={pem}:certKey={pem}", "unix:s"]
        with contextlib.suppress(OSError), closing(socket.create_server(("::1", 0), family=socket.AF_INET6)):
            bindings.append("tcp6:0")
        server = self.make(bindings)
        heard = self.listen_to_all(server)
        await server.start()
        await self.look(server)
        self.assertEqual((heard, self.told), ([], ["startup", "startup"]))

    async def test_does_not_answer(self) -> None:
        """A listener that accepts nobody any more is restarted, and the peers are told so."""
        peer = await connect(self.port)
        self.listening_port().stopReading()
        await self.restarted
        self.assertEqual(await peer.ended, 1001)
        self.assertEqual(self.told, ["startup", "disconnect 1001", "shutdown", "startup"])
        await connect(self.port)
        await self.server.stop()

    async def test_stopped_while_looking(self) -> None:
        """A stop in the midst of a look is for good, and leaves nothing behind."""
        self.listening_port().stopReading()
        for _ in range(4):
            await self.turn()
        await self.server.stop()
        self.assertEqual(self.told, ["startup", "shutdown"])
        self.assertEqual(self.delayed_calls(), [])


def certificate(path: Path) -> Path:
    """Write a key and a certificate for it, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()) + made.public_bytes(encoding))
    return path
