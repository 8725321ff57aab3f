"""Promises of `sgcws.realtime.connection`: one life from the accept to the end, however that comes about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred

from sgcws.errors import ConnectionClosed, LifecycleError
from sgcws.interfaces import Connection
from sgcws.options import ListenOptions, ServerOptions, WebSocketOptions
from sgcws.realtime.connection import Peer
from sgcws.realtime.framing import ROOM, Message
from sgcws.realtime.inbox import MOST_BYTES
from sgcws.rules.close_codes import ABNORMAL, GOING_AWAY
from sgcws.values import Fragment, Opcode, Part, TransportKind, WhenFull
from tests.peers import PeerTestCase, options
from tests.support import FACTS, FakeFraming, raiser

MIB = 1024**2



class SendingTests(PeerTestCase):
    """Messages go out while it is open."""

    def test_kinds(self) -> None:
        """Text goes out as text in UTF-8, bytes as binary; both are counted."""
        peer, framing = self.make_open()
        self.assertIs(peer.write_data("é"), True)
        self.assertIs(peer.write_data(b"abc"), True)
        self.assertIs(peer.write_data(bytearray(b"d")), True)  # type: ignore[arg-type]
        self.assertEqual(framing.done, [("text", b"\xc3\xa9"), ("binary", b"abc"), ("binary", b"d")])
        self.assertEqual((peer.messages_sent, peer.bytes_sent), (3, 6))

    def test_refused(self) -> None:
        """What is neither, or cannot be UTF-8, is an error of the caller's."""
        peer, framing = self.make_open()
        self.assertRaises(TypeError, peer.write_data, 5)
        self.assertRaises(UnicodeEncodeError, peer.write_data, "\ud800")
        self.assertEqual((framing.done, peer.messages_sent), ([], 0))

    def test_not_open(self) -> None:
        """Before it can take messages, while it closes and after its end a write gives False, whatever is written."""
        peer, framing = self.make_open()
        peer.close()
        lost, _ = self.make_open()
        lost.lost()
        dropped, _ = self.make_open()
        dropped.holder = FakeFraming()
        dropped.disconnect()
        framing.done.clear()
        for closed in (self.world.peer(), peer, lost, dropped):
            for data in ("x", b"x", 5, "\ud800"):
                self.assertIs(closed.write_data(data), False)  # type: ignore[arg-type]
            self.failureResultOf(closed.ping(), ConnectionClosed)
            self.failureResultOf(closed.write_and_wait("x"), ConnectionClosed)
            self.assertIs(closed.send_ping(b""), False)
            self.assertEqual(closed.messages_sent, 0)
        self.assertEqual(framing.done, [])

    def test_failing_write(self) -> None:
        """A write that fails gives False, does not count, and is told to ``on_exception``."""
        peer, framing = self.make_open()
        framing.failing = True
        self.assertIs(peer.write_data("x"), False)
        self.assertIs(peer.send_ping(b""), False)
        self.assertEqual(([name for name, *_ in self.told], peer.messages_sent), (["exception", "exception"], 0))


class EndTests(PeerTestCase):
    """It ends once, and everybody hears of it."""

    def test_codes(self) -> None:
        """The code is the peer's, else ours, else 1006."""
        for asked, came, told in (
            (False, (1001, "peer"), (1001, "peer")),
            (True, (1001, "peer"), (1001, "peer")),
            (True, (), (4000, "ours")),
            (False, (), (ABNORMAL, "")),
        ):
            peer, _ = self.make_open()
            if asked:
                peer.close(4000, "ours")
            peer.lost(*came)
            self.assertEqual(self.told, [("disconnect", *told)])
            self.assertEqual((peer.close_code, peer.close_reason, peer.is_open), (*told, False))

    def test_once(self) -> None:
        """However often it is told that the socket is closed, applications hear of it once."""
        peer, _ = self.make_open()
        for code in (None, 1000, 1001):
            peer.lost(code)
        self.assertEqual((self.told, peer.close_code), ([("disconnect", ABNORMAL, "")], ABNORMAL))

    def test_plain(self) -> None:
        """A connection that never took messages goes without a word, and is forgotten."""
        peer = self.world.peer()
        peer.lost()
        self.assertEqual((self.told, self.world.shared.registry.everyone()), ([], ()))

    def test_close(self) -> None:
        """`close` starts the closing handshake once, with the first code, and fires when the socket is closed."""
        peer, framing = self.make_open()
        first, second = peer.close(4000, "a"), peer.close(4001, "b")
        self.assertEqual(framing.done, [("shut", 4000, "a")])
        self.assertNoResult(first)
        peer.lost()
        self.successResultOf(first)
        self.successResultOf(second)
        self.successResultOf(peer.close())
        self.assertEqual((framing.done, self.told), ([("shut", 4000, "a")], [("disconnect", 4000, "a")]))

    def test_close_is_checked(self) -> None:
        """A code or a reason that may not be sent is refused, and nothing begins."""
        peer, framing = self.make_open()
        self.assertRaises(ValueError, peer.close, 1005)
        self.assertRaises(ValueError, peer.close, 1000, "x" * 124)
        self.assertEqual((framing.done, peer.is_open), ([], True))

    def test_cancelling_the_wait(self) -> None:
        """Who no longer waits for the end of `close` disturbs nobody."""
        peer, _ = self.make_open()
        first, second = peer.close(), peer.close()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        peer.lost()
        self.successResultOf(second)

    def test_deadline(self) -> None:
        """A peer that does not answer the goodbye, of either side, is dropped after the close timeout."""
        self.world.shared.options = ServerOptions(websocket=WebSocketOptions(close_timeout=3))
        for begin in (Peer.close, Peer.closing):
            peer, framing = self.make_open()
            begin(peer)
            self.world.reactor.advance(2.9)
            self.assertNotIn(("abort",), framing.done)
            self.world.reactor.advance(0.1)
            self.assertEqual(framing.done[-1], ("abort",))
            self.assertEqual([name for name, *_ in self.told], ["disconnect"])
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_no_deadline_is_left(self) -> None:
        """A peer that answers in time leaves no delayed call."""
        peer, _ = self.make_open()
        peer.close()
        peer.lost(1000)
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_close_after_the_peer(self) -> None:
        """Closing what the peer is closing already only waits for it."""
        peer, _ = self.make_open()
        peer.closing()
        done = peer.close(4000)
        peer.lost(1001)
        self.successResultOf(done)
        self.assertEqual(self.told, [("disconnect", 1001, "")])

    def test_disconnect(self) -> None:
        """`disconnect` drops the socket at once, once, and says no goodbye after it."""
        peer, framing = self.make_open()
        framing.peer = None  # a socket whose end comes later
        peer.disconnect()
        peer.disconnect()
        waiting = peer.close(4000)
        peer.say_goodbye(1001, "")
        self.assertEqual((framing.done, peer.is_open), ([("abort",)], False))
        peer.lost()
        self.successResultOf(waiting)
        self.assertEqual(self.told, [("disconnect", ABNORMAL, "")])
        peer.disconnect()
        self.assertEqual(framing.done, [("abort",)])

    def test_disconnect_gives_back(self) -> None:
        """What waited for it is given back at once, and nobody waits for room, before the socket is closed."""
        self.world.shared.options = options(high_water=1)
        peer, framing = self.make_open()
        framing.peer = None
        framing.block()
        peer.write_data("x")
        waiting = peer.drained()
        peer.disconnect()
        self.successResultOf(waiting)
        self.assertEqual((peer.held, self.world.shared.memory.total, peer.buffered), (0, 0, 0))

    def test_after_the_queue(self) -> None:
        """The end is told after all that came before it, and after that the connection is forgotten."""
        waiting = self.waiting_handler()
        peer, _ = self.make_open()
        peer.text_received("a", 1)
        peer.text_received("b", 1)
        closed = peer.close()
        peer.lost()
        self.successResultOf(closed)
        self.assertEqual((self.told, self.world.shared.registry.everyone()), ([], (peer,)))
        waiting.callback(None)
        self.assertEqual(self.told, [("message", "a"), ("message", "b"), ("disconnect", 1000, "")])
        self.assertEqual(self.world.shared.registry.everyone(), ())

    def test_waiting_disconnect(self) -> None:
        """A connection is not gone before the handlers of ``on_disconnect`` are done."""
        waiting: Deferred[None] = Deferred()
        self.world.events.on_disconnect(lambda connection, code, reason: waiting)
        peer, _ = self.make_open()
        gone = self.world.shared.registry.when_gone([peer])
        peer.lost()
        self.assertNoResult(gone)
        waiting.callback(None)
        self.successResultOf(gone)

    def test_waiting_for_its_own_end(self) -> None:
        """A handler may wait for the end of its own connection."""
        done: list[str] = []

        async def handler(connection: Connection, text: str) -> None:
            await connection.close(4000)
            done.append("closed")

        self.world.events.on_message(handler)
        peer, _ = self.make_open()
        peer.text_received("a", 1)
        peer.lost()
        self.assertEqual((done, self.told), (["closed"], [("message", "a"), ("disconnect", 4000, "")]))

    def test_give_up(self) -> None:
        """Giving it up drops it and waits for no handler: all is told, and it is gone."""
        self.waiting_handler()
        self.world.events.on_disconnect(lambda connection, code, reason: Deferred())
        peer, framing = self.make_open()
        peer.text_received("a", 1)
        peer.text_received("b", 1)
        gone = self.world.shared.registry.when_gone([peer])
        peer.give_up()
        self.successResultOf(gone)
        self.assertEqual(framing.done, [("abort",)])
        self.assertEqual(self.told, [("message", "a"), ("message", "b"), ("disconnect", ABNORMAL, "")])

    def test_give_up_after_the_end(self) -> None:
        """So it does when the socket is closed already, and only a handler is left."""
        self.world.events.on_disconnect(lambda connection, code, reason: Deferred())
        peer, framing = self.make_open()
        gone = self.world.shared.registry.when_gone([peer])
        peer.lost()
        self.assertNoResult(gone)
        peer.give_up()
        self.successResultOf(gone)
        peer.give_up()
        self.assertEqual(framing.done, [])

    def test_by_a_handler(self) -> None:
        """A handler of any event may end its own connection, and that is told after the event."""
        for event, bring in (
            ("on_connect", lambda peer: None),
            ("on_message", lambda peer: peer.text_received("a", 1)),
            ("on_disconnect", lambda peer: peer.lost()),
        ):
            for end in (Peer.disconnect, Peer.close, Peer.give_up):
                self.setUp()
                getattr(self.world.events, event)(lambda peer, *rest, end=end: end(peer) and None)
                peer, _ = self.world.open_peer()
                bring(peer)
                peer.lost()
                self.assertEqual([name for name, *_ in self.told].count("disconnect"), 1, (event, end))
                self.assertEqual(self.told[-1][0], "disconnect")
                self.assertEqual(self.world.shared.registry.everyone(), ())
                self.assertEqual(self.world.reactor.getDelayedCalls(), [])


class GoodbyeTests(PeerTestCase):
    """The server says goodbye, whatever a connection is doing."""

    def test_open(self) -> None:
        """One that takes messages gets the closing handshake, with a deadline."""
        peer, framing = self.make_open()
        peer.say_goodbye(GOING_AWAY, "going away")
        self.assertEqual(framing.done, [("shut", GOING_AWAY, "going away")])
        self.world.reactor.advance(5)
        self.assertEqual(framing.done[-1], ("abort",))
        self.assertEqual(self.told, [("disconnect", GOING_AWAY, "going away")])

    def test_closing(self) -> None:
        """One that is closing keeps what it was told."""
        peer, framing = self.make_open()
        peer.close(4000)
        peer.say_goodbye(GOING_AWAY, "")
        self.assertEqual(framing.done, [("shut", 4000, "")])

    def test_plain(self) -> None:
        """One that speaks HTTP is shut, and may finish its answer in its own time."""
        peer = self.world.peer()
        holder: Any = peer.holder
        peer.say_goodbye(GOING_AWAY, "")
        peer.say_goodbye(GOING_AWAY, "")
        self.assertEqual(holder.done, [("shut", GOING_AWAY, "")])
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])
        closed = peer.close(4000)
        self.assertEqual(len(self.world.reactor.getDelayedCalls()), 1)
        self.world.reactor.advance(5)
        self.successResultOf(closed)

    def test_while_it_upgrades(self) -> None:
        """One that comes to take messages just then is told so right away, and applications hear both."""
        for begin in (Peer.say_goodbye, Peer.close):
            peer = self.world.peer()
            begin(peer, GOING_AWAY, "going away")
            framing = FakeFraming(peer)
            peer.open(TransportKind.WEBSOCKET, framing, framing)
            self.assertEqual(framing.done, [("shut", GOING_AWAY, "going away")])
            self.assertFalse(peer.is_open)
            self.world.reactor.advance(5)
            self.assertEqual(framing.done[-1], ("abort",))
            self.assertEqual(self.told, [("connect",), ("disconnect", GOING_AWAY, "going away")])
            self.told.clear()

    def test_too_late_to_open(self) -> None:
        """One that was dropped or lost before it could take messages never does, and its socket is closed."""
        for end in (Peer.disconnect, Peer.lost):
            peer, framing = self.world.peer(), FakeFraming()
            end(peer)
            peer.open(TransportKind.TCP, framing, framing)
            self.assertEqual((framing.done, self.told, peer.is_open), ([("abort",)], [], False))

    def test_dropped_while_it_upgrades(self) -> None:
        """One that was dropped, and whose socket is not closed yet, does not come to take messages either."""
        peer = self.world.peer()
        holder: Any = peer.holder
        holder.peer = None
        peer.disconnect()
        framing = FakeFraming()
        peer.open(TransportKind.WEBSOCKET, framing, framing)
        self.assertEqual((framing.done, self.told, len(self.world.shared.registry)), ([("abort",)], [], 0))

    def test_closing_while_it_upgrades(self) -> None:
        """One that is closing takes no messages, not even in ``on_connect``, which may drop it without a goodbye."""
        wrote: list[bool] = []

        def drop(connection: Connection) -> None:
            wrote.append(connection.write_data("x"))
            connection.disconnect()

        self.world.events.on_connect(drop)
        peer = self.world.peer()
        peer.close(4000)
        framing = FakeFraming()
        peer.open(TransportKind.WEBSOCKET, framing, framing)
        self.assertEqual((wrote, framing.done), ([False], [("abort",)]))

    def test_closed_by_on_connect(self) -> None:
        """Only one goodbye is said to one that ``on_connect`` closes."""
        self.world.events.on_connect(lambda connection: connection.close(4000) and None)
        _, framing = self.world.open_peer()
        self.assertEqual(framing.done, [("shut", 4000, "")])


class AnswerTests(PeerTestCase):
    """The application writes, and waits for what the peer says to it."""

    def test_next(self) -> None:
        """The next message is the answer, text or binary; it is counted, but not told."""
        for answer in ("é", b"abc"):
            peer, framing = self.make_open()
            waiting = peer.write_and_wait("question")
            self.assertEqual(framing.done, [("text", b"question")])
            if isinstance(answer, str):
                peer.text_received(answer, 2)
            else:
                peer.binary_received(answer)
            self.assertEqual(self.successResultOf(waiting), answer)
            peer.text_received("more", 4)
            self.assertEqual(self.told, [("message", "more")])
            self.assertEqual(peer.messages_received, 2)

    def test_several(self) -> None:
        """Who asked first gets the first answer."""
        peer, _ = self.make_open()
        first, second = peer.write_and_wait("1"), peer.write_and_wait(b"2")
        peer.text_received("a", 1)
        self.assertNoResult(second)
        peer.text_received("b", 1)
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), ("a", "b"))

    def test_ahead_of_the_inbox(self) -> None:
        """It is given at once, also to a handler that waits for it, ahead of the messages that wait for the same."""

        async def ask(connection: Connection, text: str) -> None:
            self.told.append(await connection.write_and_wait("which?"))

        self.world.events.on_binary(lambda connection, data: self.told.append("handled"))
        self.world.events.on_message(ask)
        peer, _ = self.make_open()
        peer.text_received("first", 5)
        peer.text_received("this", 4)
        self.assertEqual(self.told, [("message", "first"), "this"])

    def test_too_late(self) -> None:
        """Without a message in time it fails, and what comes then is told as any."""
        peer, _ = self.make_open()
        waiting = peer.write_and_wait("question", timeout=2)
        self.world.reactor.advance(2)
        self.failureResultOf(waiting, TimeoutError)
        peer.text_received("late", 4)
        self.assertEqual(self.told, [("message", "late")])
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_no_time(self) -> None:
        """Who gives it no time hears so in the next turn."""
        peer, _ = self.make_open()
        waiting = peer.write_and_wait("question", timeout=0)
        self.assertNoResult(waiting)
        self.world.reactor.advance(0)
        self.failureResultOf(waiting, TimeoutError)

    def test_wrong_timeout(self) -> None:
        """A negative time is an error of the caller's, and nothing is sent."""
        peer, framing = self.make_open()
        self.assertRaises(ValueError, peer.write_and_wait, "x", -1)
        peer.text_received("a", 1)
        self.assertEqual((framing.done, self.told), ([], [("message", "a")]))

    def test_refused(self) -> None:
        """So is what is no message."""
        peer, _ = self.make_open()
        self.assertRaises(TypeError, peer.write_and_wait, 5)
        self.assertRaises(UnicodeEncodeError, peer.write_and_wait, "\ud800")

    def test_lost(self) -> None:
        """It fails with the code when the connection ends meanwhile, before that is told."""
        peer, _ = self.make_open()
        waiting = peer.write_and_wait("question")
        peer.lost(1001, "away")
        error = self.failureResultOf(waiting, ConnectionClosed).value
        self.assertEqual((error.code, error.reason), (1001, "away"))
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_answer_while_closing(self) -> None:
        """An answer that comes while the goodbye is under way counts."""
        peer, _ = self.make_open()
        waiting = peer.write_and_wait("question")
        peer.close()
        peer.text_received("a", 1)
        self.assertEqual(self.successResultOf(waiting), "a")

    def test_not_taken(self) -> None:
        """It fails at once when the message was dropped, or closed the peer."""
        for when_full, error in ((WhenFull.DROP_NEWEST, TimeoutError), (WhenFull.CLOSE, ConnectionClosed)):
            peer, _ = self.make_full(when_full)
            self.failureResultOf(peer.write_and_wait("x" * 1000), error)

    def test_who_hears_may_ask_again(self) -> None:
        """Who has the answer may ask again at once."""
        peer, _ = self.make_open()
        got: list[object] = []

        def again(answer: object) -> None:
            got.append(answer)
            peer.write_and_wait("more").addCallbacks(again, lambda _: None)

        again(None)
        for text in "ab":
            peer.text_received(text, 1)
        peer.lost()
        self.assertEqual(got, [None, "a", "b"])

    def test_who_hears_may_disconnect(self) -> None:
        """Who has the answer may end the connection at once."""
        peer, _ = self.make_open()
        peer.write_and_wait("x").addCallback(lambda _: peer.disconnect())
        peer.text_received("a", 1)
        self.assertEqual(self.told, [("disconnect", ABNORMAL, "")])


class PingTests(PeerTestCase):
    """The application asks whether the peer is there."""

    def test_round_trip(self) -> None:
        """It hears how long the answer took; the connection shows it, and when."""
        peer, framing = self.make_open()
        self.assertEqual((peer.latency, peer.last_ping_at, peer.last_pong_at), (None, None, None))
        self.world.reactor.advance(10)
        waiting = peer.ping(b"abc")
        self.world.reactor.advance(0.25)
        peer.ponged(b"other")
        self.assertNoResult(waiting)
        peer.ponged(b"abc")
        self.assertEqual(self.successResultOf(waiting), 0.25)
        self.assertEqual((peer.latency, peer.last_ping_at, peer.last_pong_at), (0.25, 10, 10.25))
        self.assertEqual((framing.done, framing.written), ([("ping", b"abc")], [b"abc"]))

    def test_wrong(self) -> None:
        """What no ping carries is an error of the caller's, whatever state the connection is in."""
        for peer in (self.make_open()[0], self.world.peer()):
            self.assertRaises(ValueError, peer.ping, b"x" * 126)
            self.assertRaises(TypeError, peer.ping, "x")

    def test_without_pings(self) -> None:
        """What the connection speaks may know no ping, or no answer to one."""
        peer, framing = self.make_open()
        framing.answers_pings = False
        error = self.failureResultOf(peer.ping(), LifecycleError).value
        self.assertIn("websocket", str(error))
        self.assertEqual((framing.done, peer.answers_pings), ([], False))
        self.assertIs(peer.send_ping(b""), False)
        self.assertEqual((framing.done, peer.last_ping_at), ([("ping", b"")], None))

    def test_no_ping_now(self) -> None:
        """What it speaks may have none, or none at this moment; then nothing is sent."""
        peer, framing = self.make_open()
        framing.answers_pings = False
        framing.encode_ping = lambda payload: None  # type: ignore[method-assign]
        self.assertIs(peer.send_ping(b""), False)
        self.assertEqual((framing.written, self.told), ([], []))

    def test_unawaited(self) -> None:
        """A ping that nobody awaits the answer of is noted all the same."""
        peer, _ = self.make_open()
        self.assertIs(peer.send_ping(b"x"), True)
        peer.ponged(b"x")
        self.assertEqual((peer.latency, peer.last_ping_at), (0, 0))

    def test_lost(self) -> None:
        """It fails when the connection ends."""
        peer, _ = self.make_open()
        waiting = peer.ping()
        peer.lost(1001, "away")
        self.assertEqual(self.failureResultOf(waiting, ConnectionClosed).value.code, 1001)
        self.assertEqual(self.failureResultOf(peer.ping(), ConnectionClosed).value.code, 1001)

    def test_overtakes(self) -> None:
        """It overtakes the messages that wait."""
        peer, framing = self.make_open()
        framing.block()
        peer.write_data("x")
        peer.ping(b"p")
        framing.unblock()
        self.assertEqual(framing.written, [b"p", b"x"])

    def test_before_it_is_open(self) -> None:
        """A pong, and life, of one that cannot take messages are no news."""
        peer = self.world.peer()
        peer.heard()
        peer.ponged(b"")
        self.assertEqual((peer.last_pong_at, peer.pulse), (None, None))


class FormTests(PeerTestCase):
    """In what form a message is sent."""

    def test_parts(self) -> None:
        """A message may be given in parts."""
        peer, framing = self.make_open()
        for data, part in (("é", Part.FIRST), ("", Part.CONTINUE), ("b", Part.LAST)):
            self.assertIs(peer.write_data(data, part=part), True)
        self.assertEqual(
            framing.done, [("part", b"\xc3\xa9", True, False), ("part", b"", False, False), ("part", b"b", False, True)]
        )
        self.assertEqual((peer.messages_sent, peer.bytes_sent), (1, 3))

    def test_wrong(self) -> None:
        """A wrong form is an error of the caller's, and nothing is sent."""
        peer, framing = self.make_open()
        wrong: tuple[tuple[type[Exception], dict[str, Any]], ...] = (
            (ValueError, {"fragment_size": 0}),
            (TypeError, {"fragment_size": "1"}),
            (TypeError, {"key": 5}),
            (TypeError, {"part": "first"}),
            (ValueError, {"part": Part.LAST}),
            (ValueError, {"part": Part.FIRST, "key": "k"}),
            (ValueError, {"part": Part.FIRST, "fragment_size": 1}),
        )
        for error, form in wrong:
            self.assertRaises(error, peer.write_data, "x", **form)
        self.assertEqual((framing.done, peer.held), ([], 0))

    def test_shared(self) -> None:
        """A message that several peers get is sent as it is; one that has gone does not take it."""
        message = Message(b"x", True, forms={})
        peer, framing = self.make_open()
        self.assertIs(peer.send(message), True)
        self.assertEqual(framing.done, [("text", b"x")])
        peer.close()
        self.assertIs(peer.send(message), False)
        self.assertIs(self.world.peer().send(message), False)


class EvictTests(PeerTestCase):
    """It has to go, and at once give back what is kept for it."""

    def make_holding(self) -> tuple[Peer, FakeFraming]:
        """Return a peer for which something waits on its way in and out."""
        self.waiting_handler()
        peer, framing = self.make_open()
        framing.block()
        peer.write_data("out")
        peer.text_received("a", 1)
        peer.text_received("in", 2)
        self.assertEqual(peer.held, 3 + ROOM + 2)
        return peer, framing

    def test_evicted(self) -> None:
        """An open one is told the code; what waits is dropped, out and in, and what was on its way out is told of."""
        peer, framing = self.make_holding()
        peer.evict(1013)
        self.assertEqual((peer.held, self.world.shared.memory.total, peer.is_open), (0, 0, False))
        self.assertEqual(framing.done[-1], ("fail", 1013, ""))
        self.assertIs(peer.write_data("x"), False)
        framing.unblock()
        self.assertEqual(framing.written, [])
        self.world.reactor.advance(5)
        self.assertEqual(framing.done[-1], ("abort",))
        peer.give_up()
        self.assertEqual(self.told, [("message", "a"), ("slow_client", 1), ("disconnect", 1013, "")])

    def test_again(self) -> None:
        """One that is leaving already, for whatever reason, is dropped, and that stays the reason."""
        for begin, code in ((Peer.close, 1000), (Peer.closing, ABNORMAL), (partial(Peer.evict, code=1013), 1013)):
            peer, framing = self.make_open()
            begin(peer)
            self.assertNotIn(("abort",), framing.done)
            peer.evict(1001)
            self.assertEqual(framing.done[-1], ("abort",))
            peer.evict(1001)
            self.assertEqual(framing.done.count(("abort",)), 1)
            self.assertEqual(self.told[-1], ("disconnect", code, ""))

    def test_plain(self) -> None:
        """So is one that cannot take messages."""
        peer = self.world.peer()
        holder: Any = peer.holder
        peer.evict(1013)
        self.assertEqual((holder.done, self.told), ([("abort",)], []))

    def test_by_the_account(self) -> None:
        """When too much waits for all together, the one that holds most is evicted."""
        self.world.shared.options = ServerOptions(listen=ListenOptions(memory_limit=MIB), heartbeat=None)
        (small, its), (large, framing) = self.make_open(), self.make_open()
        its.block()
        framing.block()
        small.write_data(bytes(MIB // 4 - 1))
        large.write_data(bytes(MIB // 2))
        for _ in range(2):
            self.assertIs(small.write_data(bytes(MIB // 8 - ROOM)), True)
        self.assertEqual((small.is_open, large.is_open, large.held), (True, False, 0))
        self.assertEqual((framing.done, self.world.shared.memory.total), ([("fail", 1013, "")], small.held))

    def test_itself(self) -> None:
        """That may be the one whose message was too much; then it was not taken."""
        self.world.shared.options = ServerOptions(listen=ListenOptions(memory_limit=MIB), heartbeat=None)
        peer, framing = self.make_open()
        framing.block()
        self.assertIs(peer.write_data(bytes(MIB)), False)
        self.assertEqual((peer.held, framing.done), (0, [("fail", 1013, "")]))

    def test_who_waited_for_room(self) -> None:
        """Who waited for room hears that there is, but is not let write for nothing."""
        self.world.shared.options = options(high_water=1)
        peer, framing = self.make_open()
        framing.block()
        peer.write_data("x")
        wrote = peer.drained().addCallback(lambda _: peer.write_data("y"))
        peer.evict(1013)
        self.assertIs(self.successResultOf(wrote), False)

    def test_dropped_by_who_waited_for_room(self) -> None:
        """Who waited for room may drop it; then it is told no code."""
        self.world.shared.options = options(high_water=1)
        peer, framing = self.make_open()
        framing.peer = None
        framing.block()
        peer.write_data("x")
        peer.drained().addCallback(lambda _: peer.disconnect())
        peer.evict(1013)
        self.assertEqual(framing.done[-1], ("abort",))

    def test_lost_while_it_is_told(self) -> None:
        """It may be lost in the moment when reading goes on for its goodbye."""
        peer, framing = self.make_open()
        peer.pause_reading()
        framing.on_resume = lambda: peer.lost(1000, "bye")
        peer.evict(1013)
        self.assertEqual(self.told, [("disconnect", 1000, "bye")])
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_broken(self) -> None:
        """One to which nothing more can be sent is evicted with 1011, and applications hear why."""
        peer, framing = self.make_open()
        peer.write_data("1", part=Part.FIRST)
        framing.failing = True
        peer.write_data("2", part=Part.LAST)
        self.assertEqual((framing.done[-1], peer.is_open), (("fail", 1011, ""), False))
        self.assertEqual([name for name, *_ in self.told], ["exception"])

    def test_broken_sink(self) -> None:
        """So is one whose sink fails."""
        peer, framing = self.make_open()
        framing.write = raiser(OSError())  # type: ignore[method-assign]
        self.assertIs(peer.write_data("x"), False)
        self.assertEqual((framing.done[-1], [name for name, *_ in self.told]), (("fail", 1011, ""), ["exception"]))


class MixedTests(PeerTestCase):
    """Handlers may do whatever they like in the middle of it."""

    def test_first_goodbye(self) -> None:
        """What a handler says, which runs because reading goes on for the goodbye, comes after that goodbye."""
        self.world.events.on_message(lambda connection, text: connection.close(4001) and None)
        peer, framing = self.make_open()
        peer.pause_reading()
        framing.on_resume = lambda: peer.text_received("a", 1)
        peer.close(4000)
        peer.lost()
        self.assertEqual([done for done in framing.done if done[0] == "shut"], [("shut", 4000, "")])
        self.assertEqual(self.told, [("message", "a"), ("disconnect", 4000, "")])

    def test_lost_by_the_goodbye(self) -> None:
        """It may be lost in that moment."""
        peer, framing = self.make_open()
        peer.pause_reading()
        framing.on_resume = peer.lost
        self.successResultOf(peer.close(4000))
        self.assertEqual(framing.done, [("pause",), ("shut", 4000, ""), ("resume",)])

    def test_everything_in_every_event(self) -> None:
        """A handler of any event may do anything to its own connection, once: all is told in order, to the end."""
        doings: tuple[Callable[[Any], object], ...] = (
            lambda peer: peer.write_data("x"),
            lambda peer: peer.write_data("x", part=Part.FIRST),
            lambda peer: peer.write_and_wait("x").addErrback(lambda _: None),
            lambda peer: peer.ping().addErrback(lambda _: None),
            lambda peer: peer.drained(),
            lambda peer: peer.subscribe("news"),
            lambda peer: peer.unsubscribe("news"),
            lambda peer: peer.pause_reading(),
            lambda peer: peer.resume_reading(),
            lambda peer: peer.close(4000),
            lambda peer: peer.disconnect(),
            lambda peer: peer.evict(1013),
            lambda peer: peer.give_up(),
        )
        for doing in doings:
            for event in FACTS:
                self.setUp()
                left = [doing]
                getattr(self.world.events, event)(lambda peer, *rest, left=left: left and left.pop()(peer) and None)
                self.live()
                names = [name for name, *_ in self.told]
                self.assertEqual((names[0], names[-1]), ("connect", "disconnect"), (event, names))
                self.assertEqual((names.count("connect"), names.count("disconnect")), (1, 1))
                self.assertNothingLeft()

    def live(self) -> None:
        """Let one of everything happen to a peer."""
        self.world.shared.options = options(limit=1, when_full=WhenFull.DROP_NEWEST)
        peer, framing = self.world.open_peer()
        peer.text_received("a", 1)
        peer.binary_received(b"b")
        peer.fragment_received(Fragment(b"c", Opcode.TEXT, False, False))
        peer.failed(1002, "bad")
        framing.failing = True
        peer.write_data("d")
        framing.failing = False
        if framing.producer is not None:
            framing.block()
        for text in "ef":
            peer.write_data(text)
        self.world.reactor.advance(0)
        peer.text_received("g", 1)
        peer.lost(1000, "")
        self.world.reactor.advance(0)

    def assertNothingLeft(self) -> None:
        """See that nobody is kept, and nothing for them."""
        shared = self.world.shared
        self.assertEqual((shared.registry.everyone(), shared.memory.total, len(shared.registry)), ((), 0, 0))
        self.world.reactor.advance(10)
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_subscriptions(self) -> None:
        """It is in the channels that it subscribed to while it is open, and in none after that."""
        peer, _ = self.make_open()
        self.assertIs(peer.subscribe("news"), True)
        self.assertEqual(peer.subscriptions, {"news"})
        peer.close()
        self.assertEqual((peer.subscribe("more"), peer.subscriptions), (False, {"news"}))
        self.assertIs(peer.unsubscribe("news"), True)
        peer.lost()
        self.assertEqual((peer.subscribe("news"), peer.subscriptions), (False, frozenset()))
        self.assertIs(self.world.peer().subscribe("news"), False)


class AnyLifeTests(PeerTestCase):
    """Whatever happens in whatever order, the promises hold."""

    STEPS = (
        "open",
        "text",
        "large",
        "fragment",
        "failed",
        "write",
        "write much",
        "part",
        "ask",
        "ping",
        "pong",
        "drained",
        "block",
        "unblock",
        "break",
        "mend",
        "pause",
        "resume",
        "evict",
        "close",
        "closing",
        "goodbye",
        "disconnect",
        "give up",
        "lost",
        "advance",
        "handler done",
    )

    @given(st.lists(st.sampled_from(STEPS), max_size=25), st.booleans(), st.sampled_from(list(WhenFull)))
    @settings(deadline=None, max_examples=300)
    def test_any_life(self, steps: list[str], slow: bool, when_full: WhenFull) -> None:
        """
        Applications hear of the beginning first, once, of the end last, once, and of nothing after it. What is held is
        what is accounted for; nothing is left of the connection, and nobody waits for anything of it.
        """
        self.setUp()
        self.world.shared.options = options(limit=5000, high_water=1000, when_full=when_full)
        self.handlers: list[Deferred[None]] = []
        self.awaited: list[Deferred[Any]] = []
        if slow:
            self.world.events.on_message(lambda connection, text: self.handlers.append(Deferred()) or self.handlers[-1])
        peer, framing = self.world.peer(), FakeFraming()
        for step in [*steps, "lost", *["handler done"] * 25, "advance"]:
            self.take(peer, framing, step)
            self.assertEqual(peer.held, self.world.shared.memory.total)
        names = [name for name, *_ in self.told if name not in ("error", "exception")]
        self.assertEqual(set(names[1:-1]) - {"message", "binary", "fragmented", "slow_client"}, set())
        self.assertIn((names[:1], names[-1:]), ((["connect"], ["disconnect"]), ([], [])))
        self.assertTrue(all(each.called for each in self.awaited))
        self.assertEqual((self.world.shared.registry.everyone(), peer.held), ((), 0))
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def take(self, peer: Peer, framing: FakeFraming, step: str) -> None:
        """Let something happen."""
        calls: dict[str, Callable[[], object]] = {
            "open": lambda: framing.peer or self.open(peer, framing),
            "text": lambda: peer.text_received("x", 1),
            "large": lambda: peer.binary_received(bytes(MOST_BYTES)),
            "fragment": lambda: peer.fragment_received(Fragment(b"x", Opcode.TEXT, False, False)),
            "failed": lambda: peer.failed(1002, "bad"),
            "write": lambda: peer.write_data("x"),
            "write much": lambda: peer.write_data("x" * 2000),
            "part": lambda: self.give_part(peer),
            "ask": lambda: self.wait(peer.write_and_wait("x", timeout=3)),
            "ping": lambda: self.wait(peer.ping(b"p")),
            "pong": lambda: peer.ponged(b"p"),
            "drained": lambda: self.wait(peer.drained()),
            "block": lambda: framing.producer and framing.block(),
            "unblock": lambda: framing.producer and framing.unblock(),
            "break": lambda: setattr(framing, "failing", True),
            "mend": lambda: setattr(framing, "failing", False),
            "pause": peer.pause_reading,
            "resume": peer.resume_reading,
            "evict": lambda: peer.evict(1013),
            "close": lambda: self.wait(peer.close()),
            "closing": peer.closing,
            "goodbye": lambda: peer.say_goodbye(GOING_AWAY, ""),
            "disconnect": peer.disconnect,
            "give up": peer.give_up,
            "lost": peer.lost,
            "advance": lambda: self.world.reactor.advance(2.5),
            "handler done": lambda: self.handlers and self.handlers.pop().callback(None),
        }
        calls[step]()

    def open(self, peer: Peer, framing: FakeFraming) -> None:
        """Let it take messages."""
        framing.peer = peer
        peer.open(TransportKind.WEBSOCKET, framing, framing)

    def wait(self, deferred: Deferred[Any]) -> None:
        """Keep what is waited for."""
        self.awaited.append(deferred.addErrback(lambda _: None))

    def give_part(self, peer: Peer) -> None:
        """Give the next part of a message, the first or the last."""
        for part in (Part.LAST, Part.FIRST):
            try:
                peer.write_data("x" * 500, part=part)
            except ValueError:
                continue
            return
