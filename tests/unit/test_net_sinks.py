"""Promises of `sgcws.net.sinks`: what is below everything that waits, and how much waits there."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from sgcws.net.sinks import TransportSink, waiting_in
from tests.memory import Reactor
from tests.support import FakeTransport, Quiet


class Descriptor(FileDescriptor):
    """
    A socket without a system below it.

    Attributes:
        room: How many bytes the system takes.
        sent: What it has taken.
        ended: How it was closed.
    """

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self.connected = 1
        self.room = 0
        self.sent = b""
        self.ended: list[str] = []

    def writeSomeData(self, data: bytes) -> int:
        """Take as much as there is room for."""
        taken = bytes(data)[: self.room]
        self.sent += taken
        self.room -= len(taken)
        return len(taken)

    def abortConnection(self) -> None:
        """Note it."""
        self.ended.append("aborted")

    def _closeWriteConnection(self) -> None:
        self.ended.append("half closed")

    def _postLoseConnection(self) -> None:
        self.ended.append("closed")

    def lose(self) -> None:
        """Be closed by the other end."""
        self.connectionLost(Failure(ConnectionDone()))


class Producer:
    """Who is told to pause and to resume."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """Note it."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Note it."""
        self.told.append("resume")

    def stopProducing(self) -> None:
        """Note it."""
        self.told.append("stop")


class SinkTestCase(SynchronousTestCase):
    """A sink on a socket."""

    def setUp(self) -> None:
        """Have one."""
        self.reactor = Reactor()
        self.socket = Descriptor(self.reactor)
        self.sink = TransportSink(self.socket)

    def let_out(self, room: int) -> None:
        """Let the system take some bytes."""
        self.socket.room = room
        self.socket.doWrite()


class WritingTests(SinkTestCase):
    """What is written waits until the system takes it."""

    def test_waiting(self) -> None:
        """Every byte that the system has not taken is counted, in whichever buffer it is."""
        self.assertEqual(self.sink.waiting(), 0)
        self.sink.write(b"x" * 100)
        self.assertEqual(self.sink.waiting(), 100)
        self.let_out(40)
        self.sink.write(b"y" * 7)
        self.assertEqual(self.sink.waiting(), 67)
        self.let_out(1000)
        self.assertEqual((self.sink.waiting(), self.socket.sent), (0, b"x" * 100 + b"y" * 7))

    def test_producer(self) -> None:
        """Its producer pauses when more than 64 KiB wait, and resumes when nothing does, until it is unregistered."""
        producer = Producer()
        self.sink.register(producer)
        self.sink.write(bytes(1 << 16))
        self.assertEqual(producer.told, [])
        self.sink.write(b"x")
        self.assertEqual(producer.told, ["pause"])
        self.let_out(1 << 16)
        self.assertEqual(producer.told, ["pause"])
        self.let_out(1)
        self.assertEqual(producer.told, ["pause", "resume"])
        self.sink.unregister()
        self.sink.write(bytes(1 << 17))
        self.assertEqual(producer.told, ["pause", "resume"])

    def test_below_others(self) -> None:
        """What wraps a socket, as TLS does, is looked through; in what is no socket nothing can be counted."""
        wrapper = ProtocolWrapper(WrappingFactory(Factory()), Quiet())
        outer = ProtocolWrapper(WrappingFactory(Factory()), Quiet())
        wrapper.transport, outer.transport = self.socket, wrapper
        self.sink.write(b"abc")
        for transport, expected in ((self.socket, 3), (wrapper, 3), (outer, 3), (FakeTransport(), 0), (None, 0)):
            self.assertEqual(waiting_in(transport), expected)


class EndTests(SinkTestCase):
    """How it is closed."""

    def test_lose(self) -> None:
        """It is closed once everything is sent."""
        self.sink.write(b"abc")
        self.sink.lose()
        self.assertEqual(self.socket.ended, [])
        self.let_out(3)
        self.assertEqual((self.socket.ended, self.socket.sent), (["closed"], b"abc"))

    def test_half_close(self) -> None:
        """Our half is closed once everything is sent; the other half is still read."""
        self.sink.write(b"abc")
        self.sink.half_close()
        self.assertEqual(self.socket.ended, [])
        self.let_out(3)
        self.assertEqual((self.socket.ended, self.socket.connected), (["half closed"], 1))

    def test_no_half(self) -> None:
        """Where there is no half, as with TLS, all of it is closed."""
        self.sink.write(b"abc")
        alsoProvides(self.socket, ISSLTransport)
        self.sink.half_close()
        self.let_out(3)
        self.assertEqual(self.socket.ended, ["closed"])
        bare = Bare()
        TransportSink(bare).half_close()
        self.assertTrue(bare.lost)

    def test_gone(self) -> None:
        """A socket that is gone is not asked for again, whatever is done to it."""
        self.socket.lose()
        self.sink.half_close()
        self.sink.lose()
        self.sink.write(b"x")
        self.sink.unregister()
        self.assertEqual((self.reactor.getWriters(), self.sink.waiting(), self.socket.ended), ([], 0, []))

    def test_abort(self) -> None:
        """It can be closed at once."""
        self.sink.write(b"abc")
        self.sink.abort()
        self.assertEqual((self.socket.ended, self.socket.sent), (["aborted"], b""))


class Bare:
    """A transport that knows no half."""

    lost = False

    def write(self, data: bytes) -> None:
        """Write nothing."""

    def loseConnection(self) -> None:
        """Note it."""
        self.lost = True
