"""Promises of `sgcws.realtime.incoming`: what a peer sends is told once, in order, and not without bounds."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from sgcws.errors import ConnectionClosed
from sgcws.realtime.connection import Peer
from sgcws.realtime.framing import ROOM
from sgcws.realtime.inbox import MOST_BYTES, MOST_MESSAGES, OVERFULL
from sgcws.rules.close_codes import ABNORMAL
from sgcws.values import Fragment, Opcode, WhenFull
from tests.peers import PeerTestCase, options
from tests.support import FakeFraming, Recorder, raiser


class ReceivingTests(PeerTestCase):
    """Messages come in, in order."""

    def test_kinds(self) -> None:
        """Text and binary messages are told and counted."""
        peer, _ = self.make_open()
        peer.text_received("é", 2)
        peer.binary_received(b"abc")
        self.assertEqual(self.told, [("message", "é"), ("binary", b"abc")])
        self.assertEqual((peer.messages_received, peer.bytes_received), (2, 5))

    def test_order(self) -> None:
        """Whatever comes while a handler is waited for is told after it: messages, errors, the end."""
        waiting = self.waiting_handler()
        peer, _ = self.make_open()
        peer.text_received("a", 1)
        peer.binary_received(b"b")
        peer.failed(1002, "bad")
        peer.text_received("c", 1)
        peer.lost(1000, "bye")
        self.assertEqual(self.told, [])
        waiting.callback(None)
        names = ["message", "binary", "error", "message", "disconnect"]
        self.assertEqual([name for name, *_ in self.told], names)
        self.assertEqual(self.told[-1], ("disconnect", 1000, "bye"))

    def test_before_connect_is_done(self) -> None:
        """Messages wait until ``on_connect`` is done."""
        waiting: Deferred[None] = Deferred()
        self.world.events.on_connect(lambda connection: waiting)
        peer, _ = self.world.open_peer()
        peer.text_received("a", 1)
        self.assertEqual(self.told, [("connect",)])
        waiting.callback(None)
        self.assertEqual(self.told, [("connect",), ("message", "a")])

    def test_threaded(self) -> None:
        """A handler in the pool keeps the order of its connection, and holds up no other."""
        self.world.events.on_message(Recorder(), threaded=True)
        first, _ = self.make_open()
        second, _ = self.make_open()
        for peer, text in ((first, "a"), (first, "b"), (second, "c")):
            peer.text_received(text, 1)
        self.assertEqual(self.told, [("message", "a"), ("message", "c")])
        self.world.reactor.pool.run()
        self.assertEqual(self.told, [("message", "a"), ("message", "c"), ("message", "b")])
        self.world.reactor.pool.run()

    def test_failing_handler(self) -> None:
        """A handler that fails ends neither the connection nor its messages."""
        self.world.events.on_message(raiser(KeyError()))
        peer, framing = self.make_open()
        peer.text_received("a", 1)
        peer.text_received("b", 1)
        self.assertEqual([name for name, *_ in self.told], ["message", "exception"] * 2)
        self.assertEqual((peer.is_open, framing.done), (True, []))

    def test_back_pressure(self) -> None:
        """A full inbox stops reading, and room in it starts it again; nothing is lost."""
        waiting = self.waiting_handler()
        peer, framing = self.make_open()
        for number in range(MOST_MESSAGES + 3):
            peer.text_received(str(number), 1)
        self.assertEqual(framing.done, [("pause",)])
        waiting.callback(None)
        self.assertEqual(framing.done, [("pause",), ("resume",)])
        self.assertEqual(self.told, [("message", str(number)) for number in range(MOST_MESSAGES + 3)])

    def test_too_late(self) -> None:
        """What still comes in after it was dropped, or is lost, is not told."""
        for end in (Peer.disconnect, Peer.lost):
            peer, _ = self.make_open()
            peer.holder = FakeFraming()
            end(peer)
            self.told.clear()
            peer.text_received("a", 1)
            peer.binary_received(b"a")
            self.assertEqual((self.told, peer.messages_received), ([], 0))
        peer.failed(1002, "bad")
        self.assertEqual(self.told, [])

    def test_while_closing(self) -> None:
        """While it is closing messages still come in, but no more than the inbox holds, and reading is not stopped."""
        waiting = self.waiting_handler()
        peer, framing = self.make_open()
        peer.text_received("first", 1)
        peer.close()
        for number in range(MOST_MESSAGES * 2):
            peer.text_received(str(number), 1)
        self.assertEqual(framing.done, [("shut", 1000, "")])
        waiting.callback(None)
        self.assertEqual(len(self.told), 1 + MOST_MESSAGES)
        self.assertEqual(peer.messages_received, 1 + MOST_MESSAGES)

    def test_reading_goes_on_while_closing(self) -> None:
        """Reading that was stopped is started again for one that is closing, but not for one that is gone."""
        for end, turns in ((Peer.close, [("shut", 1000, ""), ("resume",)]), (Peer.lost, [])):
            self.setUp()
            waiting = self.waiting_handler()
            peer, framing = self.make_open()
            for _ in range(MOST_MESSAGES + 1):
                peer.text_received("a", 1)
            end(peer)
            waiting.callback(None)
            self.assertEqual(framing.done, [("pause",), *turns])

    def test_error_of_a_plain_peer(self) -> None:
        """A bad handshake is told of a connection that never takes messages."""
        self.world.peer().failed(400, "bad handshake")
        ((name, error),) = self.told
        self.assertEqual((name, error.code, error.reason), ("error", 400, "bad handshake"))


    def test_before_it_is_open(self) -> None:
        """What one brings that cannot take messages is not told, and not counted."""
        peer = self.world.peer()
        peer.text_received("a", 1)
        peer.binary_received(b"a")
        peer.fragment_received(Fragment(b"a", Opcode.TEXT, False, False))
        peer.message_ended(1)
        self.assertEqual((self.told, peer.messages_received), ([], 0))

    def test_when_told(self) -> None:
        """One can be called when all that has come so far is handled."""
        waiting = self.waiting_handler()
        peer, _ = self.make_open()
        peer.when_told(lambda: self.told.append(("now",)))
        peer.text_received("a", 1)
        peer.text_received("b", 1)
        peer.when_told(lambda: self.told.append(("then",)))
        peer.text_received("c", 1)
        self.assertEqual(self.told, [("now",)])
        waiting.callback(None)
        self.assertEqual(self.told, [("now",), ("message", "a"), ("message", "b"), ("then",), ("message", "c")])


class ReadingTests(PeerTestCase):
    """The application stops and starts what comes in."""

    def test_pause(self) -> None:
        """Reading stops until it is resumed, however often it was paused."""
        peer, framing = self.make_open()
        for _ in range(2):
            peer.pause_reading()
        self.assertTrue(peer.reading_stopped)
        peer.resume_reading()
        self.assertEqual((framing.done, peer.reading_stopped), ([("pause",), ("resume",)], False))

    def test_full_and_paused(self) -> None:
        """It goes on only when there is neither reason any more."""
        waiting = self.waiting_handler()
        peer, framing = self.make_open()
        for _ in range(MOST_MESSAGES + 1):
            peer.text_received("a", 1)
        peer.pause_reading()
        waiting.callback(None)
        self.assertEqual((framing.done, len(self.told)), ([("pause",)], MOST_MESSAGES + 1))
        peer.resume_reading()
        self.assertEqual(framing.done, [("pause",), ("resume",)])

    def test_awaited(self) -> None:
        """While an answer, or a pong, is awaited, reading goes on, and stops again after that."""
        peer, framing = self.make_open()
        peer.pause_reading()
        answer, pong = peer.write_and_wait("x"), peer.ping(b"p")
        peer.text_received("a", 1)
        self.assertFalse(peer.reading_stopped)
        peer.ponged(b"p")
        self.assertTrue(peer.reading_stopped)
        self.assertEqual([name for (name, *_) in framing.done], ["pause", "text", "resume", "ping", "pause"])
        self.successResultOf(answer)
        self.successResultOf(pong)

    def test_not_awaited_any_more(self) -> None:
        """So it is when the waiting ends in another way."""
        peer, _ = self.make_open()
        peer.pause_reading()
        answer, pong = peer.write_and_wait("x", timeout=1), peer.ping()
        pong.cancel()
        self.assertFalse(peer.reading_stopped)
        self.world.reactor.advance(1)
        self.assertTrue(peer.reading_stopped)
        self.failureResultOf(answer, TimeoutError)
        self.failureResultOf(pong, CancelledError)

    def test_full_and_awaited(self) -> None:
        """A full inbox does not keep an answer away that a handler waits for; but even then there is an end."""
        self.waiting_handler()
        peer, _ = self.make_open()
        for _ in range(MOST_MESSAGES + 1):
            peer.text_received("a", 1)
        self.assertTrue(peer.reading_stopped)
        peer.ping()
        self.assertFalse(peer.reading_stopped)
        peer.binary_received(bytes(OVERFULL[0]))
        self.assertTrue(peer.reading_stopped)

    def test_closing(self) -> None:
        """While it is closing, reading goes on, whatever was said before or is said then."""
        for begin in (Peer.close, Peer.closing):
            peer, framing = self.make_open()
            peer.pause_reading()
            begin(peer)
            self.assertFalse(peer.reading_stopped)
            peer.pause_reading()
            peer.resume_reading()
            self.assertEqual([done for done in framing.done if done[0] != "shut"], [("pause",), ("resume",)])

    def test_lost(self) -> None:
        """Once it is lost, nothing is read or stopped, also if something was awaited."""
        peer, framing = self.make_open()
        peer.pause_reading()
        answer, pong = peer.write_and_wait("x"), peer.ping()
        framing.done.clear()
        peer.lost()
        peer.pause_reading()
        peer.resume_reading()
        self.assertEqual((framing.done, peer.reading_stopped), ([], False))
        self.failureResultOf(answer, ConnectionClosed)
        self.failureResultOf(pong, ConnectionClosed)

    def test_before_it_is_open(self) -> None:
        """One that cannot take messages is not stopped."""
        peer = self.world.peer()
        peer.pause_reading()
        peer.resume_reading()
        self.assertFalse(peer.reading_stopped)

    def test_life(self) -> None:
        """That reading goes on again counts as life, for the peer could not show any; asking for it twice does not."""
        peer, _ = self.make_open()
        assert peer.pulse is not None
        peer.resume_reading()
        self.assertFalse(peer.pulse.heard)
        peer.pause_reading()
        peer.resume_reading()
        self.assertTrue(peer.pulse.heard)


class FragmentTests(PeerTestCase):
    """Messages of which each frame is told."""

    def fragment(self, data: bytes = b"abc") -> Fragment:
        """Make one."""
        return Fragment(data, Opcode.TEXT, False, False)

    def test_told(self) -> None:
        """A fragment is told in order with everything else; only the whole message is counted."""
        peer, _ = self.make_open()
        peer.fragment_received(self.fragment())
        self.assertEqual((peer.messages_received, peer.last_message_at), (0, None))
        peer.message_ended(6)
        self.assertEqual(self.told, [("fragmented", self.fragment())])
        self.assertEqual((peer.messages_received, peer.bytes_received, peer.last_message_at), (1, 6, 0))

    def test_full(self) -> None:
        """Fragments fill the inbox as messages do."""
        self.waiting_handler()
        peer, framing = self.make_open()
        peer.text_received("a", 1)
        peer.fragment_received(self.fragment(bytes(MOST_BYTES)))
        self.assertEqual((framing.done, peer.held), ([("pause",)], MOST_BYTES))

    def test_too_late(self) -> None:
        """No more of them are kept while it is closing than the inbox holds, and none after its end."""
        waiting = self.waiting_handler()
        peer, _ = self.make_open()
        peer.text_received("a", 1)
        peer.close()
        for _ in range(10):
            peer.fragment_received(self.fragment(bytes(MOST_BYTES // 2)))
        self.assertEqual(peer.held, MOST_BYTES)
        peer.lost()
        peer.fragment_received(self.fragment())
        waiting.callback(None)
        self.assertEqual([name for name, *_ in self.told], ["message", "fragmented", "fragmented", "disconnect"])
        self.told.clear()
        peer, framing = self.make_open()
        framing.peer = None
        peer.disconnect()
        peer.fragment_received(self.fragment())
        self.assertEqual(self.told, [])


class SlowClientTests(PeerTestCase):
    """A peer that takes less than it is sent."""

    def test_waits(self) -> None:
        """What it does not take waits, is shown, and is held."""
        peer, framing = self.make_open()
        framing.block()
        framing.kept = 1000
        self.assertTrue(peer.write_data("x" * 100))
        self.assertEqual((peer.held, self.world.shared.memory.total), (100 + ROOM,) * 2)
        self.assertEqual((peer.buffered, peer.messages_sent), (1100 + ROOM, 0))
        framing.unblock()
        self.assertEqual((framing.written, peer.held, self.world.shared.memory.total), ([b"x" * 100], 0, 0))

    def test_drained(self) -> None:
        """One can wait for it to take what it was sent; where nothing can wait, nobody does."""
        self.world.shared.options = options(high_water=100)
        peer, framing = self.make_open()
        self.successResultOf(peer.drained())
        framing.block()
        peer.write_data("x" * 100)
        waiting = peer.drained()
        self.assertNoResult(waiting)
        framing.unblock()
        self.successResultOf(waiting)
        self.successResultOf(self.world.peer().drained())

    def test_drained_by_the_end(self) -> None:
        """That ends with the connection; who waited cannot write any more."""
        self.world.shared.options = options(high_water=1)
        peer, framing = self.make_open()
        framing.block()
        peer.write_data("x")
        waiting = peer.drained().addCallback(lambda _: peer.write_data("y"))
        peer.lost()
        self.assertIs(self.successResultOf(waiting), False)
        self.successResultOf(peer.drained())
        self.assertEqual((peer.held, peer.buffered), (0, 0))

    def test_dropped(self) -> None:
        """Applications hear once in a turn of the reactor how many messages were dropped."""
        peer, _ = self.make_full(WhenFull.DROP_NEWEST)
        for _ in range(3):
            self.assertFalse(peer.write_data("x" * 1000))
        self.assertEqual((self.told, len(self.world.reactor.getDelayedCalls())), ([], 1))
        self.world.reactor.advance(0)
        self.assertEqual(self.told, [("slow_client", 3)])
        peer.write_data("x" * 1000)
        self.world.reactor.advance(0)
        self.world.reactor.advance(0)
        self.assertEqual(self.told, [("slow_client", 3), ("slow_client", 1)])

    def test_dropped_in_order(self) -> None:
        """That is an event like any other: it waits for the handlers of those before it."""
        waiting = self.waiting_handler()
        peer, _ = self.make_full(WhenFull.DROP_NEWEST)
        peer.text_received("a", 1)
        peer.write_data("x" * 1000)
        self.world.reactor.advance(0)
        self.assertEqual(self.told, [])
        waiting.callback(None)
        self.assertEqual(self.told, [("message", "a"), ("slow_client", 1)])

    def test_dropped_and_lost(self) -> None:
        """It is told before the end of the connection, and nothing is after it."""
        peer, _ = self.make_full(WhenFull.DROP_NEWEST)
        peer.write_data("x" * 1000)
        peer.lost()
        self.world.reactor.advance(0)
        self.assertEqual(self.told, [("slow_client", 1), ("disconnect", ABNORMAL, "")])

    def test_closed(self) -> None:
        """By default it is closed with 1008; what waits is dropped, and told with what was too much."""
        peer, framing = self.make_full(WhenFull.CLOSE)
        self.assertIs(peer.write_data("x" * 1000), False)
        self.assertEqual((framing.done, peer.held, peer.is_open), ([("text", b""), ("fail", 1008, "")], 0, False))
        self.world.reactor.advance(0)
        self.assertEqual(self.told, [("slow_client", 2)])
        self.world.reactor.advance(5)
        self.assertEqual((framing.done[-1], self.told[-1]), (("abort",), ("disconnect", 1008, "")))

    def test_conflated(self) -> None:
        """A key is heeded where the policy says so, and means nothing elsewhere."""
        for when_full, written in ((WhenFull.CONFLATE, [b"2"]), (WhenFull.CLOSE, [b"1", b"2"])):
            self.world.shared.options = options(when_full=when_full)
            peer, framing = self.make_open()
            framing.block()
            peer.write_data("1", key="k")
            peer.write_data("2", key="k")
            framing.unblock()
            self.assertEqual(framing.written, written)

    def test_life(self) -> None:
        """That it has taken something is life."""
        peer, framing = self.make_open()
        assert peer.pulse is not None
        framing.block()
        framing.unblock()
        self.assertTrue(peer.pulse.heard)
