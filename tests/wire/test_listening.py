"""Listeners and first bytes on real sockets: TCP, Unix, TLS, and descriptors that come from elsewhere."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import Any

from OpenSSL.SSL import Error
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, clientFromString, connectProtocol
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.pollreactor import PollReactor
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.ssl import CertificateOptions, KeyPair
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from sgcws.errors import ListenError
from sgcws.net.bindings import endpoints_for, wildcard_interfaces
from sgcws.net.first_bytes import FAREWELLS, FirstBytes
from sgcws.net.inherited import InheritedEndpoint
from sgcws.net.listeners import Listeners
from sgcws.rules.addresses import host_and_port
from sgcws.rules.first_bytes import HTTP2_PREFACE, Speech
from sgcws.values import Binding, RawTCP
from tests.support import Desk, Quiet, factory_of


class Echo(Quiet):
    """Sends back what comes."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        super().dataReceived(data)
        self.transport.write(data)  # type: ignore[union-attr]


class EchoDesk(Desk):
    """A desk whose protocols send back what they get; it counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.peers: list[Any] = []

    def accepted(self, holder: Any, transport: Any) -> str:
        """Keep the transport."""
        self.peers.append(transport)
        return super().accepted(holder, transport)

    def _give(self, kind: str) -> Quiet:
        self.given = (kind, Echo())
        return self.given[1]


class Client(Protocol):
    """The other end; `until` tells when so much has come, `ended` when all has."""

    def __init__(self) -> None:
        self.received = b""
        self.ended: Deferred[bytes] = Deferred()
        self._wanted: tuple[int, Deferred[bytes]] | None = None

    def until(self, size: int) -> Deferred[bytes]:
        """Return a Deferred of the first *size* bytes."""
        self._wanted = (size, Deferred())
        self._look()
        return self._wanted[1] if self._wanted else Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data
        self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell."""
        self.ended.callback(self.received)

    def _look(self) -> None:
        if self._wanted is not None and len(self.received) >= self._wanted[0]:
            size, waiting = self._wanted
            waiting.called or waiting.callback(self.received[:size])


class ListeningTestCase(TestCase):
    """Listeners whose peers are given to a desk."""

    timeout = 20

    def setUp(self) -> None:
        """Have none open."""
        self.desk = EchoDesk()
        self.died = 0
        self.listeners = Listeners(self.make, self.note_death)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.listeners.close()))

    def make(self, address: object) -> Any:
        """Make what looks at first bytes."""
        return FirstBytes(self.desk, reactor, 10.0)  # type: ignore[arg-type]

    def note_death(self) -> None:
        """Count it."""
        self.died += 1

    async def listen(self, *bindings: Binding) -> list[Any]:
        """Listen, and return the ports."""
        await self.listeners.open(
            [(binding, endpoint) for binding in bindings for endpoint in endpoints_for(reactor, binding, 16)]
        )
        return self.listeners.ports()

    async def connect(self, description: str) -> Client:
        """Connect a client that is gone at the end of the test."""
        client: Client = await connectProtocol(clientFromString(reactor, description), Client())

        async def leave() -> None:
            if client.transport is not None and not client.ended.called:
                client.transport.abortConnection()  # type: ignore[attr-defined]
                await client.ended

        self.addCleanup(lambda: Deferred.fromCoroutine(leave()))
        return client

    async def check_echo(self, description: str, words: bytes = b"GET /") -> Client:
        """Check that somebody is served there."""
        client = await self.connect(description)
        client.transport.write(words)  # type: ignore[union-attr]
        self.assertEqual(await client.until(len(words)), words)
        return client


class PlacesTests(ListeningTestCase):
    """A server listens where it is told to."""

    async def test_tcp(self) -> None:
        """Two TCP ports, by a value and by a description."""
        ports = await self.listen(Binding("127.0.0.1", 0), Binding(endpoint="tcp:0:interface=127.0.0.1"))
        for port in ports:
            await self.check_echo(f"tcp:127.0.0.1:{port.getHost().port}")
        self.assertTrue(self.listeners.alive())

    async def test_all_interfaces(self) -> None:
        """All interfaces are IPv4 and IPv6, and a peer is shown as what it is on both ends."""
        port = (await self.listen(Binding(port=0)))[0].getHost().port
        hosts = ["127.0.0.1"] + (["::1"] if wildcard_interfaces() == ("::",) else [])
        for host in hosts:
            await self.check_echo(f"tcp:host={host.replace(':', chr(92) + ':')}:port={port}")
            peer = self.desk.peers[-1]
            self.assertEqual(host_and_port(peer.getPeer())[0], host)
            self.assertEqual(host_and_port(peer.getHost()), (host, port))

    async def test_unix(self) -> None:
        """A Unix socket, whose peers have no addresses; nothing is left of it in the end."""
        path = os.path.abspath(self.mktemp())
        await self.listen(Binding(endpoint=f"unix:{path}"))
        await self.check_echo(f"unix:{path}")
        self.assertEqual(host_and_port(self.desk.peers[-1].getPeer()), ("", 0))
        self.assertTrue(self.listeners.alive())
        await self.listeners.close()
        self.assertEqual((os.path.lexists(path), os.path.lexists(path + ".lock")), (False, False))

    async def test_taken(self) -> None:
        """A port that somebody has is refused by its name, and those before it are closed when that is told."""
        with socket.socket() as somebody:
            somebody.bind(("127.0.0.1", 0))
            somebody.listen()
            taken = somebody.getsockname()[1]
            free = free_port()
            with self.assertRaises(ListenError) as caught:
                await self.listen(Binding("127.0.0.1", free), Binding("127.0.0.1", taken))
        self.assertEqual(str(caught.exception), f"cannot listen on 127.0.0.1:{taken}: Address already in use")
        with socket.socket() as free_now:
            free_now.bind(("127.0.0.1", free))
        self.assertEqual((len(self.listeners), self.died), (0, 0))

    async def test_taken_on_all_interfaces(self) -> None:
        """So it is on all interfaces, also when it is taken on one of them only."""
        with socket.socket() as somebody:
            somebody.bind(("0.0.0.0", 0))
            somebody.listen()
            port = somebody.getsockname()[1]
            with self.assertRaises(ListenError) as caught:
                await self.listen(Binding(port=port))
        self.assertEqual(str(caught.exception), f"cannot listen on *:{port}: Address already in use")

    async def test_not_here(self) -> None:
        """An address or a folder that this machine does not have is refused with the system's words."""
        for binding, reason in (
            (Binding("192.0.2.1", 0), "Cannot assign requested address"),
            (Binding(endpoint=f"unix:{self.mktemp()}/x"), "No such file or directory"),
        ):
            with self.assertRaises(ListenError) as caught:
                await self.listen(binding)
            self.assertEqual((caught.exception.binding, caught.exception.reason), (str(binding), reason))


class InheritedTests(ListeningTestCase):
    """A socket that was opened by somebody else, as by systemd."""

    def inherit(self, family: int, address: Any) -> tuple[socket.socket, tuple[Binding, IStreamServerEndpoint]]:
        """Return somebody's listening socket, and what listens on it."""
        theirs = socket.socket(family, socket.SOCK_STREAM)
        self.addCleanup(theirs.close)
        theirs.bind(address)
        theirs.listen()
        return theirs, (Binding(endpoint="systemd:x"), InheritedEndpoint(reactor, theirs.fileno(), family))

    async def test_tcp(self) -> None:
        """It is listened on, and can be again; somebody keeps it."""
        theirs, inherited = self.inherit(socket.AF_INET, ("127.0.0.1", 0))
        for _ in range(2):
            await self.listeners.open([inherited])
            await self.check_echo(f"tcp:127.0.0.1:{theirs.getsockname()[1]}")
            await self.listeners.close()
        self.assertEqual(theirs.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), 1)
        self.assertEqual(self.died, 0)

    async def test_unix(self) -> None:
        """So it is with a Unix socket, whose path stays where it is."""
        path = os.path.abspath(self.mktemp())
        _, inherited = self.inherit(socket.AF_UNIX, path)
        for _ in range(2):
            await self.listeners.open([inherited])
            await self.check_echo(f"unix:{path}")
            await self.listeners.close()
            self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        self.assertEqual(self.died, 0)


class DeathTests(ListeningTestCase):
    """Somebody closes a listening descriptor behind our back."""

    async def die(self) -> int:
        """Listen, and let the descriptor be closed; return its number."""
        await turn()  # when the reactor begins to run it takes descriptors of its own
        (port,) = await self.listen(Binding("127.0.0.1", 0))
        number: int = port.fileno()
        self.assertTrue(self.listeners.alive())
        os.close(number)
        return number

    async def test_noticed(self) -> None:
        """It is noticed when asked, whether its number is free or somebody else's; what is left is closed quietly."""
        number = await self.die()
        self.assertFalse(self.listeners.alive())
        with take_number(number) as file:
            self.assertFalse(self.listeners.alive())
            await self.listeners.close()
            self.assertEqual(os.fstat(file.fileno()).st_size, 0)
        self.assertEqual((self.died, self.flushLoggedErrors()), (0, []))

    async def test_the_next_with_that_number(self) -> None:
        """After that a connection that gets the number is served, and so is a listener that gets it."""
        number = await self.die()
        await self.listeners.close()
        with only_free(number):
            (port,) = await self.listen(Binding("127.0.0.1", 0))
        self.assertEqual(port.fileno(), number)
        await self.check_echo(f"tcp:127.0.0.1:{port.getHost().port}")

        client = socket.socket()
        self.addCleanup(client.close)
        client.setblocking(False)
        number = await self.die_beside(port)
        with only_free(number):
            with contextlib.suppress(BlockingIOError):
                client.connect(("127.0.0.1", port.getHost().port))
            while self.desk.peers[-1].fileno() != number:
                await turn()
        client.send(b"GET /")
        while self.desk.given is None or self.desk.given[1].received != b"GET /":
            await turn()

    async def die_beside(self, port: Any) -> int:
        """Open another listener, kill it, and close what is left of it; return its number."""
        other = Listeners(self.make, self.note_death)
        await other.open([(Binding(port=0), endpoints_for(reactor, Binding("127.0.0.1", 0), 1)[0])])
        number: int = other.ports()[0].fileno()
        os.close(number)
        self.assertEqual((other.alive(), self.listeners.alive()), (False, True))
        await other.close()
        return number

    async def test_several(self) -> None:
        """One that died does not keep the others from being closed."""
        ports = await self.listen(*[Binding("127.0.0.1", 0) for _ in range(3)])
        numbers = [port.getHost().port for port in ports]
        os.close(ports[1].fileno())
        self.assertFalse(self.listeners.alive())
        await self.listeners.close()
        for number in numbers:
            with socket.socket() as free_now:
                free_now.bind(("127.0.0.1", number))
        self.assertEqual(self.died, 0)

    async def test_path(self) -> None:
        """A Unix socket that lost its path is dead, too; what is left is closed quietly, and its lock given back."""
        path = os.path.abspath(self.mktemp())
        binding = Binding(endpoint=f"unix:{path}")
        for close_too in (False, True):
            (port,) = await self.listen(binding)
            os.unlink(path)
            if close_too:
                os.close(port.fileno())
            self.assertFalse(self.listeners.alive())
            await self.listeners.close()
            self.assertFalse(os.path.lexists(path + ".lock"))
        await self.listen(binding)
        await self.check_echo(f"unix:{path}")
        self.assertEqual((self.died, self.flushLoggedErrors()), (0, []))

    async def test_stopped_listening(self) -> None:
        """A socket that only stopped listening is dead as well."""
        (port,) = await self.listen(Binding("127.0.0.1", 0))
        port.stopReading()
        port.socket.shutdown(socket.SHUT_RDWR)
        self.assertFalse(self.listeners.alive())

    async def test_heard_of(self) -> None:
        """One that the reactor itself finds dead is told, and is closed quietly."""
        (port,) = await self.listen(Binding("127.0.0.1", 0))
        port.socket.shutdown(socket.SHUT_RDWR)
        while not self.died:
            await turn()
        self.assertFalse(self.listeners.alive())
        await self.listeners.close()
        self.assertEqual((self.died, self.flushLoggedErrors()), (1, []))


class ReactorsTests(SynchronousTestCase):
    """Each reactor of this machine forgets a descriptor that was closed behind its back."""

    def test_forgotten(self) -> None:
        """Nothing is raised, nothing of it is left in the reactor, and whoever has its number now keeps it."""
        for kind in (EPollReactor, PollReactor, SelectReactor):
            with self.subTest(kind=kind.__name__):
                own: Any = kind()
                before = set(own.getReaders())
                listeners = Listeners(lambda address: Quiet(), self.fail)
                binding = Binding("127.0.0.1", 0)
                opening = Deferred.fromCoroutine(listeners.open([(binding, endpoints_for(own, binding, 1)[0])]))
                self.successResultOf(opening)
                (port,) = listeners.ports()
                number = port.fileno()  # type: ignore[attr-defined]
                os.close(number)
                with take_number(number) as file:
                    closing = Deferred.fromCoroutine(listeners.close())
                    while not closing.called:
                        own.iterate(0.01)
                    self.successResultOf(closing)
                    self.assertEqual(os.fstat(file.fileno()).st_size, 0)
                self.assertEqual(set(own.getReaders()), before)
                self.assertNotIn(number, own._reads)
                own.removeAll()
                for reader in before:
                    reader.connectionLost(Failure(ConnectionError()))


class SpeechTests(ListeningTestCase):
    """Peers of each kind on one port."""

    async def setUp(self) -> None:  # type: ignore[override]
        """Listen."""
        super().setUp()
        (port,) = await self.listen(Binding("127.0.0.1", 0))
        self.place = f"tcp:127.0.0.1:{port.getHost().port}"

    async def test_raw(self) -> None:
        """A raw TCP peer is kept if the application wants it, at once or later."""
        for words, connect, unknown in ((b"hello", None, True), (b"hello", RawTCP(), None), (b"GET /", RawTCP(), None)):
            self.desk.connect, self.desk.unknown = connect, unknown
            await self.check_echo(self.place, words)
            assert self.desk.given is not None
            self.assertEqual(self.desk.given[0], "raw")

    async def test_asked_first(self) -> None:
        """Nothing is read from a socket that the application is asked about; then all that waited is."""
        self.desk.connect = answer = Deferred[Any]()
        client = await self.connect(self.place)
        client.transport.write(b"GET /")  # type: ignore[union-attr]
        while "may connect" not in self.desk.told:
            await turn()
        await turn()
        self.assertEqual(self.desk.holder._seen, b"")
        answer.callback(None)
        self.assertEqual(await client.until(5), b"GET /")

    async def test_vanished(self) -> None:
        """A peer that leaves while the application is asked is gone when that answers."""
        self.desk.connect = answer = Deferred[Any]()
        client = await self.connect(self.place)
        while "may connect" not in self.desk.told:
            await turn()
        client.transport.abortConnection()  # type: ignore[union-attr]
        await client.ended
        answer.callback(None)
        while "lost" not in self.desk.told:
            await turn()
        self.assertIsNone(self.desk.given)

    async def test_farewells(self) -> None:
        """A peer that speaks HTTP/2, and one that speaks TLS, gets its farewell whole before the end."""
        for words, farewell in (
            (HTTP2_PREFACE + b"\0\0\0\4\0\0\0\0\0", FAREWELLS[Speech.HTTP2]),
            (b"\x16\x03\x01\x00\x05hello", FAREWELLS[Speech.TLS]),
        ):
            client = await self.connect(self.place)
            client.transport.write(words)  # type: ignore[union-attr]
            self.assertEqual(await client.ended, farewell)

    async def test_a_tls_client(self) -> None:
        """A real TLS client understands it as "wrong protocol version"."""
        ended: Deferred[None] = Deferred()

        class Shaking(Protocol):
            def connectionLost(self, reason: Failure = connectionDone) -> None:
                ended.errback(reason)

        layer = TLSMemoryBIOFactory(CertificateOptions(), True, factory_of(Shaking()))
        await clientFromString(reactor, self.place).connect(layer)
        with self.assertRaisesRegex(Error, "alert protocol version"):
            await ended


class LayerTests(ListeningTestCase):
    """Layers around a socket."""

    async def test_tls(self) -> None:
        """Under TLS the first bytes are those inside."""
        key, certificate = self.mktemp(), KeyPair.generate(size=2048).selfSignedCert(1, CN=b"localhost")
        with open(key, "wb") as file:
            file.write(certificate.dumpPEM() + certificate.privateKey.dump(1))
        binding = Binding(endpoint=f"ssl:0:privateKey={key}:interface=127.0.0.1")
        (port,) = await self.listen(binding)
        client = Client()
        layer = TLSMemoryBIOFactory(CertificateOptions(), True, factory_of(client))
        await clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}").connect(layer)
        client.transport.write(b"GET /")  # type: ignore[union-attr]
        self.assertEqual(await client.until(5), b"GET /")
        client.transport.loseConnection()  # type: ignore[union-attr]
        await client.ended
        while self.desk.given is None or not self.desk.given[1].ends:
            await turn()

    async def test_unix_unknown(self) -> None:
        """A Unix peer that speaks nothing known is closed."""
        path = os.path.abspath(self.mktemp())
        await self.listen(Binding(endpoint=f"unix:{path}"))
        client: Client = await connectProtocol(UNIXClientEndpoint(reactor, path), Client())
        client.transport.write(b"hello")  # type: ignore[union-attr]
        self.assertEqual(await client.ended, b"")


def turn() -> Deferred[None]:
    """Let the reactor turn once."""
    turned: Deferred[None] = Deferred()
    reactor.callLater(0.001, turned.callback, None)  # type: ignore[attr-defined]
    return turned


def free_port() -> int:
    """Return a port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class only_free:
    """A context in which the next descriptor that is opened gets a certain number."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken: list[int] = []

    def __enter__(self) -> None:
        """Take all numbers below it, and then it."""
        while self._number not in self._taken:
            assert len(self._taken) < 500, "it is not free"
            self._taken.append(os.dup(0))
        self._taken.remove(self._number)
        os.close(self._number)

    def __exit__(self, *args: object) -> None:
        """Give them back."""
        for number in self._taken:
            os.close(number)


def take_number(number: int) -> Any:
    """Open an empty file under a certain descriptor number."""
    with only_free(number):
        file = open(os.devnull, "rb")  # noqa: SIM115  # the caller closes it
    assert file.fileno() == number
    return file
