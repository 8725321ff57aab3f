"""Promises of `sgcws.sse.stream`: messages for one peer as events, and the end of its stream."""

from __future__ import annotations

import base64
import json
from typing import Any

from twisted.internet.defer import Deferred

from sgcws.errors import LifecycleError
from sgcws.options import HeartbeatOptions, SlowClientPolicy, WebSocketOptions
from sgcws.realtime.broadcast import ping_all
from sgcws.realtime.farewell import farewell
from sgcws.realtime.framing import Message
from sgcws.values import Part, WhenFull
from tests.streams import PATH, StreamClient, StreamTestCase
from tests.web import request

LIMIT = 10_000


class OneStreamTestCase(StreamTestCase):
    """Tests with one client."""

    def setUp(self) -> None:
        """Begin its stream, without pings."""
        super().setUp()
        self.begin()

    def begin(self, **groups: Any) -> StreamClient:
        """Begin another stream, from a server with other options."""
        self.serve(**{"heartbeat": None, **groups})
        self.client = self.stream()
        self.peer = self.client.peer
        return self.client

    def block(self) -> None:
        """Let the client take nothing more."""
        self.client.socket.transport.producer.pauseProducing()

    def unblock(self) -> None:
        """Let the client take what waits."""
        self.client.socket.transport.producer.resumeProducing()


class MessageTests(OneStreamTestCase):
    """What is sent."""

    def test_messages(self) -> None:
        """Text is a message of its own lines, bytes are an event "binary" in base64; both are counted."""
        self.assertTrue(self.peer.write_data("a\r\nb\rc\nd"))
        self.assertTrue(self.peer.write_data(b"\0\xff"))
        self.assertTrue(self.peer.write_data(""))
        self.assertEqual(self.client.hears(), [("message", "a\nb\nc\nd"), ("binary", "AP8="), ("message", "")])
        self.assertEqual((self.peer.messages_sent, self.peer.bytes_sent), (3, 10))

    def test_not_split(self) -> None:
        """A message is one event, whatever size its fragments were to have."""
        self.peer.write_data("abc", fragment_size=1)
        self.assertEqual(self.client.hears(), [("message", "abc")])

    def test_large(self) -> None:
        """A large one arrives whole, though the client takes it in pieces."""
        text = "ä\n" * 300_000
        self.block()
        self.assertTrue(self.peer.write_data(text))
        self.assertEqual(self.client.hears(), [])
        self.unblock()
        self.assertEqual(self.client.hears(), [("message", text)])

    def test_encoded_once(self) -> None:
        """A message for many is encoded once."""
        other = self.stream()
        for payload, is_text in ((b"a", True), (b"a", False)):
            message = Message(payload, is_text, forms={})
            first = self.peer.holder.encode(message)
            self.assertIs(other.peer.holder.encode(message), first)
            self.assertEqual(self.peer.holder.encode(Message(payload, is_text)), first)

    def test_conflated(self) -> None:
        """While the client takes nothing, a message takes the place of one with the same key."""
        policy = SlowClientPolicy(when_full=WhenFull.CONFLATE)
        self.begin(websocket=WebSocketOptions(outgoing=policy))
        self.block()
        for price in range(5):
            self.peer.write_data(str(price), key="EURUSD")
        self.unblock()
        self.assertEqual([data for _, data in self.client.hears()][-1:], ["4"])


class PartTests(OneStreamTestCase):
    """Messages in parts."""

    def test_text(self) -> None:
        """Parts of text are one message, which is there with the last; others wait for it."""
        self.assertTrue(self.peer.write_data("a\r", part=Part.FIRST))
        self.assertTrue(self.peer.write_data("\nb", part=Part.CONTINUE))
        self.peer.write_data("other")
        self.assertEqual(self.client.hears(), [])
        self.assertTrue(self.peer.write_data("", part=Part.LAST))
        self.assertEqual(self.client.hears(), [("message", "a\nb"), ("message", "other")])

    def test_binary(self) -> None:
        """Parts of bytes are one message in base64, wherever they are cut."""
        for data, part in ((b"a", Part.FIRST), (b"bcde", Part.CONTINUE), (b"", Part.CONTINUE), (b"fg", Part.LAST)):
            self.peer.write_data(data, part=part)
        ((name, data),) = self.client.hears()
        self.assertEqual((name, base64.b64decode(data, validate=True)), ("binary", b"abcdefg"))

    def test_one_after_the_other(self) -> None:
        """Each message in parts begins anew."""
        for text in ("a", "b"):
            self.peer.write_data(f"{text}\r", part=Part.FIRST)
            self.peer.write_data("\n", part=Part.LAST)
        self.assertEqual(self.client.hears(), [("message", "a\n"), ("message", "b\n")])

    def test_end_within(self) -> None:
        """A message whose last part never comes is not heard of, nor is anything else taken for a part of it."""
        self.peer.write_data("a", part=Part.FIRST)
        self.peer.close(4000, "bye")
        self.assertEqual(self.client.hears(), [])
        self.assertTrue(self.client.ended)

    def test_end_behind(self) -> None:
        """One whose last part still waits when the end is said is sent, and then the end."""
        self.peer.write_data("a", part=Part.FIRST)
        self.block()
        self.peer.write_data("b", part=Part.LAST)
        self.peer.close(4000)
        self.unblock()
        self.assertEqual([name for name, _ in self.client.hears()], ["message", "closed"])


class PingTests(OneStreamTestCase):
    """What keeps a stream open on which nothing happens."""

    def test_comment(self) -> None:
        """A ping is a comment, which is no event and has no answer."""
        self.assertEqual(ping_all(self.server.shared.registry, b""), 0)
        self.assertEqual((self.client.hears(), self.client.source.comments), ([], 1))
        self.failureResultOf(self.peer.ping(), LifecycleError)

    def test_heartbeat(self) -> None:
        """The heartbeat sends one each interval, and does not take the silence for death."""
        self.begin(heartbeat=HeartbeatOptions(interval=10, timeout=5))
        for _ in range(12):
            self.reactor.advance(10)
        self.client.hears()
        self.assertGreaterEqual(self.client.source.comments, 10)
        self.assertFalse(self.client.socket.closed)

    def test_not_within_an_event(self) -> None:
        """None comes within a message in parts, where it would end it."""
        self.peer.write_data("a", part=Part.FIRST)
        self.peer.send_ping(b"")
        self.peer.write_data("b", part=Part.LAST)
        self.peer.send_ping(b"")
        self.assertEqual(self.client.hears(), [("message", "ab")])
        self.assertEqual(self.client.source.comments, 1)

    def test_not_between_parts_that_wait(self) -> None:
        """Nor between parts that wait for the client."""
        self.block()
        self.peer.write_data("a" * 100_000, part=Part.FIRST)
        self.peer.write_data("b", part=Part.CONTINUE)
        self.peer.send_ping(b"")
        self.peer.write_data("c", part=Part.LAST)
        self.unblock()
        self.peer.send_ping(b"")
        self.assertEqual(self.client.hears(), [("message", "a" * 100_000 + "bc")])


class EndTests(OneStreamTestCase):
    """How a stream ends; the application hears of it once."""

    def test_close(self) -> None:
        """What waits comes first, then why, then the end of the stream and of the socket."""
        self.block()
        self.peer.write_data("last")
        closed = self.peer.close(4000, "bye ä")
        self.assertNoResult(closed)
        self.assertFalse(self.peer.write_data("too late"))
        self.unblock()
        events = self.client.hears()
        self.assertEqual([name for name, _ in events], ["message", "closed"])
        self.assertEqual(json.loads(events[1][1]), {"code": 4000, "reason": "bye ä"})
        self.assertTrue(self.client.ended)
        self.assertTrue(self.client.socket.closed)
        self.successResultOf(closed)
        self.assertEqual(self.server.told, ["connect", (4000, "bye ä")])
        self.assertEmpty()

    def test_stop(self) -> None:
        """When the server stops, the code is 1001."""
        registry = self.server.shared.registry
        over = Deferred.fromCoroutine(farewell(registry, self.reactor, 1001, "going away", timeout=10))
        self.reactor.advance(0)
        self.successResultOf(over)
        ((name, data),) = self.client.hears()
        self.assertEqual((name, json.loads(data)["code"]), ("closed", 1001))
        self.assertEqual(self.server.told, ["connect", (1001, "going away")])
        self.assertEmpty()

    def test_client_leaves(self) -> None:
        """A client has no codes: its end is 1006."""
        self.client.socket.leave()
        self.assertEqual(self.server.told, ["connect", (1006, "")])
        self.assertFalse(self.peer.write_data("too late"))
        self.assertEmpty()

    def test_disconnect(self) -> None:
        """Without a goodbye nothing more is sent."""
        self.peer.write_data("a")
        self.peer.disconnect()
        self.assertTrue(self.client.socket.closed)
        self.assertTrue(self.client.socket.transport.aborted)
        self.assertEqual([name for name, _ in self.client.hears()], ["message"])
        self.assertEqual(self.server.told, ["connect", (1006, "")])

    def test_client_that_takes_nothing(self) -> None:
        """One that does not take the goodbye is dropped after close_timeout."""
        self.block()
        self.peer.close(1000)
        self.reactor.advance(4.9)
        self.assertFalse(self.client.socket.closed)
        self.reactor.advance(0.2)
        self.assertTrue(self.client.socket.closed)
        self.assertEqual(self.server.told, ["connect", (1000, "")])
        self.assertEmpty()

    def test_too_slow(self) -> None:
        """One for which more waits than may is closed with 1008, and what waits is dropped."""
        self.begin(websocket=WebSocketOptions(outgoing=SlowClientPolicy(high_water=1000, limit=LIMIT)))
        self.block()
        taken = 0
        while self.peer.write_data("x" * 1000):
            taken += 1
        self.assertLessEqual(taken, LIMIT // 1000)
        self.assertLessEqual(self.peer.buffered, 1000)
        self.unblock()
        self.assertEqual([name for name, _ in self.client.hears()], ["closed"])
        self.assertTrue(self.client.socket.closed)
        self.assertEqual(self.server.told[-1][0], 1008)

    def test_dropped(self) -> None:
        """Where the oldest are dropped, those that arrive are whole, and the newest are among them."""
        policy = SlowClientPolicy(high_water=1000, limit=LIMIT, when_full=WhenFull.DROP_OLDEST)
        self.begin(websocket=WebSocketOptions(outgoing=policy))
        self.block()
        sent = [str(number) * 400 for number in range(100)]
        for text in sent:
            self.assertTrue(self.peer.write_data(text))
        self.unblock()
        heard = [data for _, data in self.client.hears()]
        self.assertLess(len(heard), 60)
        self.assertEqual(heard, sent[-len(heard) :])

    def test_in_on_connect(self) -> None:
        """The application may close it as soon as it hears of it."""
        self.events.on_connect(lambda connection: connection.close(4001))
        client = self.server.connect()
        client.send(request(PATH, "Accept: text/event-stream"))
        self.assertIn(b'event: closed\ndata: {"code": 4001', client.received())
        self.assertTrue(client.closed)


class SecretTests(OneStreamTestCase):
    """Who may speak for the client."""

    def test_admits(self) -> None:
        """The secret and nothing else is admitted."""
        secret = self.client.opened["secret"]
        self.assertTrue(self.peer.holder.admits(secret))
        for wrong in ("", secret[:-1], secret + "x", secret.swapcase(), "é"):
            self.assertFalse(self.peer.holder.admits(wrong))

    def test_not_shown(self) -> None:
        """Nothing that is printed or logged of a connection has it."""
        for shown in (repr(self.peer), repr(self.peer.holder), str(dict(self.peer.headers)), self.peer.url):
            self.assertNotIn(self.client.opened["secret"], shown)
