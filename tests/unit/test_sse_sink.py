"""Promises of `sgcws.sse.sink`: the answer to a request, as a place for events to go to."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sgcws.sse.sink import RequestSink
from tests.web import ServerTestCase, Socket, read_answers, request


class Kept(Resource):
    """Keeps its request as a sink."""

    isLeaf = True

    def render_GET(self, request: Any) -> int:
        """Keep it."""
        self.sink = RequestSink(request)
        return int(NOT_DONE_YET)


class Producer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """Hear that it has to pause."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Hear that it may go on."""
        self.told.append("resume")

    def stopProducing(self) -> None:
        """Hear that nobody listens any more."""
        self.told.append("stop")


class RequestSinkTests(ServerTestCase):
    """One request that is being answered."""

    def setUp(self) -> None:
        """Ask."""
        super().setUp()
        kept = Kept()
        self.server.root.putChild(b"kept", kept)
        self.socket: Socket = self.server.connect()
        self.socket.send(request("/kept", "Connection: close"))
        self.sink = kept.sink

    def test_write(self) -> None:
        """What is written is the body, in chunks; the end of it is the end of the answer and of the socket."""
        self.sink.write(b"a")
        self.assertTrue(self.socket.received().endswith(b"\r\n\r\n1\r\na\r\n"))
        self.sink.write(bytes(100))
        self.assertEqual(self.socket.received(), b"64\r\n" + bytes(100) + b"\r\n")
        self.sink.lose()
        self.assertEqual(self.socket.received(), b"0\r\n\r\n")
        self.assertTrue(self.socket.closed)

    def test_between_events(self) -> None:
        """Wherever an event is cut, it is whole when its last byte is written, and not before."""
        self.assertFalse(self.sink.between_events)
        for pieces in ((b"data: x\n\n",), (b"data: x\n", b"\n"), (b"data: x", b"\n", b"\n"), (b":", b"\n\n")):
            for piece in pieces[:-1]:
                self.sink.write(piece)
                self.assertFalse(self.sink.between_events)
            self.sink.write(pieces[-1])
            self.assertTrue(self.sink.between_events)

    def test_producer(self) -> None:
        """A producer hears of the socket's room until it is unregistered."""
        producer = Producer()
        self.sink.register(producer)
        below = self.socket.transport.producer
        below.pauseProducing()
        below.resumeProducing()
        self.assertEqual(producer.told, ["pause", "resume"])
        self.sink.unregister()
        below.pauseProducing()
        self.assertEqual(producer.told, ["pause", "resume"])

    def test_half_close(self) -> None:
        """There is no half of an answer: it ends."""
        self.sink.write(b"a")
        self.sink.half_close()
        (answer,) = read_answers(self.socket.received())
        self.assertEqual(answer.body, b"a")

    def test_abort(self) -> None:
        """The socket closes at once, whatever is written."""
        self.sink.abort()
        self.assertTrue(self.socket.closed)
        self.assertTrue(self.socket.transport.aborted)

    def test_after_the_end(self) -> None:
        """Once the client has gone, nothing is sent and nothing fails."""
        self.sink.register(Producer())
        self.socket.leave()
        self.sink.write(b"a")
        self.sink.unregister()
        self.sink.lose()
        self.sink.abort()
        self.assertEqual(self.sink.waiting(), 0)
        self.assertEqual(self.socket.received(), b"")

    def test_after_the_answer(self) -> None:
        """Once the answer is over, it stays so."""
        self.sink.write(b"a")
        self.sink.lose()
        self.sink.unregister()
        self.sink.lose()
        self.assertEqual(len(read_answers(self.socket.received())), 1)
