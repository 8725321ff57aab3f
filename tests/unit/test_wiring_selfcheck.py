"""Promises of `sgcws.wiring.selfcheck` and of the client it sends, on a reactor in memory."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, FirstError
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from sgcws import SecurityOptions, WebSocketHTTPServer, WebSocketOptions
from sgcws.carrier import Carrier
from sgcws.events import Events
from sgcws.net.first_bytes import FirstBytes
from sgcws.realtime.shared import Shared
from sgcws.rules.places import Place
from sgcws.websocket.echo_client import EchoClientFactory
from sgcws.wiring.selfcheck import SelfCheck
from tests.memory import Reactor

FAR = IPv4Address("TCP", "192.0.2.1", 5)


class Accepting(Factory):
    """Gives sockets to the check where it expects them, as the server does, and counts the others."""

    noisy = False

    def __init__(self, check: SelfCheck, reactor: Reactor) -> None:
        self.check, self.reactor = check, reactor
        self.strangers = 0

    def buildProtocol(self, addr: Any) -> Any:
        """Ask the check."""
        if self.check.expects(addr):
            return FirstBytes(self.check.desk, cast(Any, self.reactor), 10.0)
        self.strangers += 1
        return Protocol()


class Mute(Factory):
    """Takes in whatever comes, and answers what it is told to."""

    noisy = False

    def __init__(self, answer: bytes | None = None) -> None:
        self.answer = answer
        self.came = b""

    def buildProtocol(self, addr: Any) -> Any:
        """Make a protocol that closes, or answers nothing."""
        outer = self

        class MuteProtocol(Protocol):
            def dataReceived(self, data: bytes) -> None:
                outer.came += data
                if outer.answer is not None:
                    self.transport.write(outer.answer)  # type: ignore[union-attr]
                    self.transport.loseConnection()  # type: ignore[union-attr]

        return MuteProtocol()


class SelfCheckTests(SynchronousTestCase):
    """The look at itself."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        carrier = Carrier(cast(Any, self.reactor))
        events = Events(cast(Any, None), Logger())
        self.shared = Shared(clock=cast(Any, self.reactor), carrier=carrier, events=events)
        self.check = SelfCheck(self.shared, self.reactor, Logger())
        self.factory = Accepting(self.check, self.reactor)

    def listen(self, number: int, interface: str = "127.0.0.1", factory: Factory | None = None) -> Place:
        """Listen, and return where."""
        return Place(self.reactor.listenTCP(number, factory or self.factory, interface=interface).getHost())

    def turn(self) -> None:
        """Let everything happen that takes no time."""
        self.reactor.advance(0)

    def test_echo(self) -> None:
        """It connects to all places, gets its echoes, and leaves nothing behind."""
        places = [
            self.listen(81),
            self.listen(82, "0.0.0.0"),
            self.listen(83, "::"),
            Place(UNIXAddress("/run/chat.sock")),
        ]
        answered = self.check.probe(places)
        self.assertNoResult(answered)
        self.turn()
        self.assertIsNone(self.successResultOf(answered))
        self.assertEqual(self.factory.strangers, 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.shared.registry.everyone(), ())

    def test_expects_its_own_only(self) -> None:
        """It expects its own sockets while it looks, and nobody else's at any time."""
        self.assertFalse(self.check.expects(FAR))
        answered = self.check.probe([self.listen(81)])
        ((source,),) = [self.check._expected]
        self.assertTrue(self.check.expects(IPv4Address("TCP", *source)))
        self.assertTrue(self.check.expects(IPv6Address("TCP", f"::ffff:{source[0]}", source[1])))
        self.assertFalse(self.check.expects(FAR))
        self.turn()
        self.successResultOf(answered)
        self.assertFalse(self.check.expects(IPv4Address("TCP", *source)))

    def test_nobody_listens(self) -> None:
        """It fails where nobody listens, and expects nothing any more."""
        answered = self.check.probe([Place(IPv4Address("TCP", "127.0.0.1", 81))])
        self.turn()
        self.failureResultOf(answered, FirstError).value.subFailure.trap(ConnectionRefusedError)
        self.assertEqual(self.check._expected, set())

    def test_one_of_two(self) -> None:
        """It fails with the first that fails, and leaves the others at once."""
        silent = self.listen(81, factory=Mute())
        answered = self.check.probe([silent, Place(IPv4Address("TCP", "127.0.0.1", 82))])
        self.turn()
        self.failureResultOf(answered)
        self.assertEqual((self.check._expected, self.reactor.getDelayedCalls()), (set(), []))

    def test_cancelled(self) -> None:
        """Cancelling it ends its connection, on the way as well as made."""
        for turns in range(2):
            answered = self.check.probe([self.listen(81 + turns, factory=Mute())])
            if turns:
                self.turn()
            answered.cancel()
            self.failureResultOf(answered)
            self.turn()
            self.assertEqual((self.check._expected, self.reactor.getDelayedCalls()), (set(), []))

    def test_no_descriptor(self) -> None:
        """When no descriptor is left to look with, that says nothing about the server."""
        self.reactor.full = True
        self.successResultOf(self.check.probe([self.listen(81)]))
        self.turn()

    def test_closed(self) -> None:
        """Closing it drops its connections, and waits until they are gone."""
        self.reactor.latency = 1.0
        answered = self.check.probe([self.listen(81)])
        self.turn()
        closed = Deferred.fromCoroutine(self.check.close())
        self.assertNoResult(closed)
        self.turn()
        self.successResultOf(closed)
        self.failureResultOf(answered)
        self.successResultOf(Deferred.fromCoroutine(self.check.close()))


class EchoClientTests(SynchronousTestCase):
    """The client that asks for one echo."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.client = EchoClientFactory(b"echo", self.reactor)

    def connect(self, answer: bytes | None) -> Mute:
        """Connect the client to somebody who answers this."""
        server = Mute(answer)
        self.reactor.listenTCP(81, server)
        self.reactor.connectTCP("127.0.0.1", 81, self.client)
        self.reactor.advance(0)
        return server

    def test_request(self) -> None:
        """It asks for a WebSocket as any program does, without an Origin, and waits as long as it is let."""
        server = self.connect(None)
        self.assertTrue(server.came.startswith(b"GET / HTTP/1.1\r\n"))
        self.assertNotIn(b"Origin", server.came)
        self.reactor.advance(1000)
        self.assertNoResult(self.client.answered)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.client.answered.addErrback(lambda failure: None).cancel()

    def test_refused(self) -> None:
        """An answer that is no upgrade is no echo."""
        self.connect(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        self.failureResultOf(self.client.answered)

    def test_closed(self) -> None:
        """Nor is it when the server closes without a word."""
        self.connect(b"")
        self.failureResultOf(self.client.answered, ConnectionDone)


    def test_another_message(self) -> None:
        """Another message than its own is no echo."""
        server = WebSocketHTTPServer(81, reactor=self.reactor)
        server.on_binary(lambda connection, data: connection.write_data(data + b"!"))
        self.successResultOf(server.start())
        self.reactor.connectTCP("127.0.0.1", 81, self.client)
        self.reactor.advance(0)
        self.failureResultOf(self.client.answered)


class IndependenceTests(SynchronousTestCase):
    """The check does not depend on what the application asks of its peers."""

    def test_strict_options(self) -> None:
        """Options under which no program without an Origin could connect do not keep it out."""
        reactor = Reactor()
        server = WebSocketHTTPServer(
            81,
            reactor=reactor,
            security=SecurityOptions(allow_missing_origin=False),
            websocket=WebSocketOptions(max_message_size=1),
        )
        server.on_tcp_connect(lambda connection: False)
        self.successResultOf(server.start())
        operation = server._operation
        answered = operation._check.probe(operation.places)
        reactor.advance(0)
        self.successResultOf(answered)
        self.successResultOf(server.stop())
        self.assertEqual(reactor.getDelayedCalls(), [])
