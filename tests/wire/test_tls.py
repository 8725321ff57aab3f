"""TLS on real sockets: everything that is served without it, what is refused, and who never ends a handshake."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.protocols.wire import Echo
from twisted.trial.unittest import SynchronousTestCase, TestCase
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sgcws import (
    Binding,
    Connection,
    HTTPOptions,
    RawTCP,
    Request,
    Response,
    ServerOptions,
    TLSConfigError,
    TLSOptions,
    WebSocketHTTPServer,
)
from sgcws.net.inherited import InheritedEndpoint
from sgcws.net.listeners import Listeners
from sgcws.net.tls import over_tls
from tests.tls import for_two_threads, issue, pem
from tests.wire.program import PATIENCE, TWISTD, Program

HELLO = bytes.fromhex("16030100 2e 01 00002a 0303") + b"\0" * 20
"""The first half of a ClientHello (RFC 5246 section 7.4.1.2)."""

ROOT = issue("root")
MIDDLE = issue("middle", ROOT)
OWN = issue("localhost", MIDDLE)


def write_files(folder: Path) -> TLSOptions:
    """Write certificate, chain and key into a new folder, the root for clients beside them; return the options."""
    folder.mkdir(parents=True)
    for name, things in (("own", [OWN.certificate]), ("chain", [MIDDLE.certificate]), ("key", [OWN.key])):
        (folder / f"{name}.pem").write_bytes(pem(*things))
    (folder / "root.pem").write_bytes(pem(ROOT.certificate))
    return TLSOptions(
        certificate=str(folder / "own.pem"), private_key=str(folder / "key.pem"), chain=str(folder / "chain.pem")
    )


def trusting(folder: Path) -> ssl.SSLContext:
    """Make what a client trusts: the root, and nobody else."""
    return ssl.create_default_context(cafile=str(folder / "root.pem"))


@contextlib.contextmanager
def shaken(port: int, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Give a socket whose handshake is over; for other threads than the reactor's."""
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        yield client


def closed_with(client: ClientConnection) -> int:
    """Wait for the end of a WebSocket, and return the close code."""
    try:
        while True:
            client.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code


class TLSTestCase(TestCase):
    """A server that echoes and answers, whose port speaks TLS."""

    timeout = 60

    async def setUp(self) -> None:
        """Start it."""
        self.folder = Path(self.mktemp()).absolute()
        self.tls = write_files(self.folder)
        self.trust = trusting(self.folder)
        self.ended: list[int] = []
        self.peers: list[Connection] = []
        await self.serve()

    async def serve(self, *bindings: Binding | str, **groups: Any) -> None:
        """Start one, in place of another; where it listens if nothing else is said is the loopback."""
        options = ServerOptions(tls=self.tls, **groups)
        self.server = WebSocketHTTPServer(bindings=bindings or [Binding("127.0.0.1", 0)], options=options)
        self.server.on_message(lambda connection, text: connection.write_data(text))
        self.server.on_binary(lambda connection, data: connection.write_data(data))
        self.server.on_connect(self.peers.append)
        self.server.on_disconnect(lambda connection, code, reason: self.ended.append(code))
        self.server.on_command_get(self.answer)
        self.addCleanup(self.server.stop)
        await self.server.start()
        self.port = self.server.listening_ports[0]

    def answer(self, request: Request, response: Response) -> None:
        """Answer a request."""
        response.text = f"{request.method} {request.path}"

    def websocket(self, port: int = 0, scheme: str = "wss", **more: Any) -> Any:
        """Connect a WebSocket; for other threads than the reactor's."""
        context = for_two_threads(trusting(self.folder)) if scheme == "wss" else None
        return connect(f"{scheme}://127.0.0.1:{port or self.port}/", ssl=context, open_timeout=PATIENCE, **more)

    async def until(self, look: Callable[[], object]) -> None:
        """Look again and again; the test's time-out ends this."""
        while not look():
            turned: Deferred[None] = Deferred()
            reactor.callLater(0.005, turned.callback, None)  # type: ignore[attr-defined]
            await turned

    async def until_alone(self) -> None:
        """Wait until the server knows of nobody."""
        await self.until(lambda: not self.server._shared.registry.everyone())


class ServingTests(TLSTestCase):
    """What is served without TLS is served with it."""

    async def test_echo(self) -> None:
        """Messages of all sizes go both ways, to a client that trusts only who has issued the issuer."""

        def talk() -> list[Any]:
            with self.websocket(max_size=None) as client:
                came = []
                for message in ("x" * 16, b"\0" * 16, os.urandom(1 << 20), "é" * (1 << 19)):
                    client.send(message)
                    came.append((client.recv(timeout=PATIENCE), message))
                return came

        for echo, message in await deferToThread(talk):
            self.assertTrue(echo == message, f"{len(message)} bytes came back as others")

    async def test_details(self) -> None:
        """Version, cipher and protocol can be told of a peer."""
        with await deferToThread(self.websocket) as client:
            await self.until(lambda: self.peers)
            details = self.peers[0].tls
            assert details is not None
            self.assertEqual((details.version, details.cipher), ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"))
            await deferToThread(client.close)

    def layers(self) -> list[Any]:
        """Return the layers of TLS around the sockets that are open."""
        (listener,) = self.server._operation._listeners.ports()  # type: ignore[union-attr]
        return [layer.wrappedProtocol for layer in listener.factory.protocols]  # type: ignore[attr-defined]

    async def test_https(self) -> None:
        """Commands and files are answered."""
        (self.folder / "www").mkdir()
        (self.folder / "www" / "big.bin").write_bytes(b"\1" * 300_000)
        await self.serve(http=HTTPOptions(document_root=str(self.folder / "www")))

        def ask(path: str) -> bytes:
            with urlopen(f"https://127.0.0.1:{self.port}/{path}", timeout=PATIENCE, context=self.trust) as answer:
                return bytes(answer.read())

        self.assertEqual(await deferToThread(ask, "a"), b"GET /a")
        self.assertEqual(await deferToThread(ask, "big.bin"), b"\1" * 300_000)

    async def test_alpn(self) -> None:
        """A client that would rather speak HTTP/2 is served HTTP/1.1; one that speaks nothing else is told so."""

        def offer(*protocols: str) -> str | None:
            context = trusting(self.folder)
            context.set_alpn_protocols(list(protocols))
            with shaken(self.port, context) as client:
                return client.selected_alpn_protocol()

        self.assertEqual(await deferToThread(offer, "h2", "http/1.1"), "http/1.1")
        with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
            await deferToThread(offer, "h2")

    async def test_client_closes(self) -> None:
        """A closing handshake begun by the client ends with its code on both sides, and the socket with it."""

        def talk() -> int:
            client = self.websocket()
            client.close(3001, "done")
            return int(client.close_code)

        self.assertEqual(await deferToThread(talk), 3001)
        await self.until_alone()
        self.assertEqual(self.ended, [3001])

    async def test_server_closes(self) -> None:
        """So does one begun by the server; and `disconnect` ends it without one."""
        client = await deferToThread(self.websocket)
        await self.until(lambda: self.peers)
        self.peers[0].close(4000, "enough")
        self.assertEqual(await deferToThread(closed_with, client), 4000)
        await self.until_alone()
        client = await deferToThread(self.websocket)
        await self.until(lambda: len(self.peers) == 2)
        self.peers[1].disconnect()
        with self.assertRaises(ConnectionClosed):
            await deferToThread(client.recv, PATIENCE)
        await self.until_alone()
        self.assertEqual(self.ended, [4000, 1006])

    async def test_client_vanishes(self) -> None:
        """A client that goes without a word, of TLS or of WebSocket, is gone here, too."""
        client = await deferToThread(self.websocket)
        await self.until(lambda: self.peers)
        client.socket.shutdown(socket.SHUT_RDWR)
        await self.until_alone()
        self.assertEqual(self.ended, [1006])

    async def test_stop(self) -> None:
        """A stop closes every WebSocket with 1001, and waits until that is done."""
        clients = [await deferToThread(self.websocket) for _ in range(3)]
        await self.until(lambda: len(self.peers) == 3)
        stopped = self.server.stop()
        self.assertEqual([await deferToThread(closed_with, client) for client in clients], [1001] * 3)
        await stopped
        self.assertEqual(self.ended, [1001] * 3)

    async def test_monitor(self) -> None:
        """The server's look at itself goes by TLS."""
        operation = self.server._operation
        self.assertEqual([str(place) for place in operation.places], [f"https://127.0.0.1:{self.port}/"])
        for _ in range(2):
            await operation._check.probe(operation.places)
        self.assertEqual(self.peers, [])

    async def test_raw_tcp(self) -> None:
        """A peer without a protocol can be accepted, and hears first."""
        self.server.on_tcp_connect(lambda connection: RawTCP())
        self.server.on_connect(lambda connection: connection.write_data(b"welcome"))

        def talk() -> tuple[bytes, bytes]:
            with shaken(self.port, self.trust) as client:
                first = client.recv(100)
                client.sendall(b"hello")
                return first, client.recv(100)

        self.assertEqual(await deferToThread(talk), (b"welcome", b"hello"))
        await self.until_alone()


class PlaceTests(TLSTestCase):
    """TLS and plain bindings."""

    async def test_side_by_side(self) -> None:
        """Both stand in one server, whose peers hear the same."""
        await self.serve(Binding("127.0.0.1", 0, tls=True), Binding("127.0.0.1", 0, tls=False))
        secure, plain = self.server.listening_ports
        clients = [await deferToThread(self.websocket, secure), await deferToThread(self.websocket, plain, "ws")]
        await self.until(lambda: len(self.peers) == 2)
        self.assertEqual(self.server.broadcast("hear"), 2)
        for client in clients:
            self.assertEqual(await deferToThread(client.recv, PATIENCE), "hear")
            await deferToThread(client.close)

    async def test_inherited(self) -> None:
        """A socket that was opened by somebody else, as by systemd, can speak it, too, and again after a restart."""
        with socket.socket() as theirs:
            theirs.bind(("127.0.0.1", 0))
            theirs.listen()
            port: int = theirs.getsockname()[1]
            endpoint = InheritedEndpoint(reactor, theirs.fileno(), socket.AF_INET)
            listeners = Listeners(lambda address: Echo(), self.fail, over_tls(self.tls, cast(Any, reactor)))
            for _ in range(2):
                await listeners.open([(Binding(endpoint="systemd:domain=INET:index=0", tls=True), endpoint)])
                self.assertEqual(await deferToThread(self.say, port), b"hello")
                await listeners.close()

    def say(self, port: int) -> bytes:
        """Say something by TLS, and return what comes back."""
        with shaken(port, self.trust) as client:
            client.sendall(b"hello")
            return client.recv(100)

    async def test_wrong_file(self) -> None:
        """With a wrong file nobody listens, and it is named."""
        os.unlink(self.tls.chain or "")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = WebSocketHTTPServer(
            bindings=[Binding("127.0.0.1", port, tls=False)], options=ServerOptions(tls=self.tls)
        )
        with self.assertRaises(TLSConfigError) as caught:
            await server.start()
        self.assertEqual(caught.exception.path, self.tls.chain)
        with socket.socket() as free_now:
            free_now.bind(("127.0.0.1", port))


class RefusedTests(TLSTestCase):
    """What is refused, which is no failure of ours."""

    def handshake(self, ciphers: str, newest: int) -> str:
        """Return the version that was agreed on."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_VERSION)
        context.set_max_proto_version(newest)
        context.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as plain:
            plain.settimeout(None)
            client = SSL.Connection(context, plain)
            client.set_connect_state()
            client.do_handshake()
            return str(client.get_protocol_version_name())

    async def test_old(self) -> None:
        """TLS 1.1 and older is refused, and so is CBC and every cipher without forward secrecy."""
        for ciphers, newest in (
            ("ALL", SSL.TLS1_1_VERSION),
            ("ALL", SSL.TLS1_VERSION),
            ("ECDHE+SHA", SSL.TLS1_2_VERSION),
            ("kRSA", SSL.TLS1_2_VERSION),
        ):
            with self.assertRaises(SSL.Error) as caught:
                await deferToThread(self.handshake, ciphers, newest)
            self.assertRegex(str(caught.exception), "alert (protocol version|handshake failure)")
        for newest, version in ((SSL.TLS1_2_VERSION, "TLSv1.2"), (SSL.TLS1_3_VERSION, "TLSv1.3")):
            self.assertEqual(await deferToThread(self.handshake, "ALL", newest), version)
        await self.until_alone()
        self.assertEqual(self.flushLoggedErrors(), [])

    async def send(self, data: bytes) -> bytes:
        """Send some bytes, and return all that comes until the end."""

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
                client.sendall(data)
                came = b""
                with contextlib.suppress(ConnectionResetError):
                    while piece := client.recv(1 << 16):
                        came += piece
                return came

        return await deferToThread(talk)

    async def test_plain_http(self) -> None:
        """Plain HTTP at a port that speaks TLS is closed, at once and quietly."""
        came = await self.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertLessEqual(len(came), 7)
        await self.until_alone()
        self.assertEqual((self.flushLoggedErrors(), self.peers), ([], []))

    async def test_a_client_without_trust(self) -> None:
        """A client that does not trust the certificate goes, and nobody hears of it."""

        def talk() -> None:
            with shaken(self.port, ssl.create_default_context()):
                """It does not come so far."""

        with self.assertRaises(ssl.SSLCertVerificationError):
            await deferToThread(talk)
        await self.until_alone()
        self.assertEqual((self.flushLoggedErrors(), self.peers), ([], []))

    async def test_never_ending_handshakes(self) -> None:
        """Silence, half a handshake and one that comes by drops are cut at the time that a head may take."""
        await self.serve(http=HTTPOptions(header_timeout=0.3))
        clients = []
        for data in (b"", HELLO, HELLO[:3], b"\x16"):
            client = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            self.addCleanup(client.close)
            client.sendall(data)
            clients.append(client)
        registry = self.server._shared.registry
        await self.until(lambda: len(registry.everyone()) == len(clients))
        await self.until_alone()
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(await deferToThread(client.recv, 100), b"")
        self.assertEqual((self.flushLoggedErrors(), self.peers), ([], []))

    async def test_never_ending_handshakes_of_accepted_peers(self) -> None:
        """So are those of peers that are accepted as raw TCP before they have said a word."""
        await self.serve(http=HTTPOptions(header_timeout=0.3))
        self.server.on_tcp_connect(lambda connection: RawTCP())
        self.assertEqual(await self.send(HELLO), b"")
        await self.until_alone()
        self.assertEqual(self.peers, [])

    async def test_garbage(self) -> None:
        """What is no TLS, or breaks off in the middle of it, is closed quietly, with an alert at most."""
        for data in (os.urandom(500), b"\x16\x03\x01\xff\xff" + os.urandom(2000), HELLO + b"\xff" * 300, b"\0" * 5000):
            self.assertLessEqual(len(await self.send(data)), 7)
        await self.until_alone()
        self.assertEqual((self.flushLoggedErrors(), self.peers), ([], []))


class TwistdTests(SynchronousTestCase):
    """``twistd sgcws`` with a certificate."""

    def setUp(self) -> None:
        """Write the files."""
        self.path = Path(self.mktemp()).absolute()
        write_files(self.path)

    def twistd(self, *arguments: str) -> Program:
        """Start twistd."""
        return Program(self, *TWISTD, "--pidfile=", *arguments, path=self.path)

    def test_serving(self) -> None:
        """Two flags and the chain are enough; the log tells of https, and nothing else of TLS."""
        place = ("--binding", "tcp:0:interface=127.0.0.1")
        files = ("--certificate", "own.pem", "--private-key", "key.pem", "--tls-chain", "chain.pem")
        program = self.twistd("--nodaemon", "sgcws", *place, *files)
        port = int(program.says(r"listening on https://127\.0\.0\.1:(\d+)/\n"))
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                plain.recv(100)
        with connect(f"wss://127.0.0.1:{port}/", ssl=trusting(self.path), open_timeout=PATIENCE) as client:
            client.send("hello")
            self.assertEqual(client.recv(timeout=PATIENCE), "hello")
            program.signal(signal.SIGTERM)
            self.assertEqual(closed_with(client), 1001)
        program.ended()
        self.assertNotRegex(program.out, "(?i)traceback|unhandled|error|factory")
        self.assertEqual(program.err, "")

    def test_wrong_file(self) -> None:
        """A wrong file is named in one line, with status 1; a daemon says it before it goes into the background."""
        for arguments in (["--nodaemon"], []):
            program = self.twistd(*arguments, "sgcws", "--certificate", "own.pem", "--private-key", "chain.pem")
            self.assertEqual(program.ended(), 1)
            (line,) = program.err.splitlines()
            path = self.path / "chain.pem"
            reason = "there is no private key in PEM in it, or a broken one"
            self.assertEqual(line, f"sgcws: cannot use {path} for TLS: {reason}")
            self.assertFalse((self.path / "twistd.log").exists())
