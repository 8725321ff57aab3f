"""Promises of `sgcws.realtime.connection`: one life from the accept to the end, however that comes about."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import ConnectionClosed
from sgcws.interfaces import Connection
from sgcws.options import ServerOptions, WebSocketOptions
from sgcws.realtime.connection import Peer
from sgcws.realtime.inbox import MOST_MESSAGES
from sgcws.realtime.opening import Opening
from sgcws.rules.close_codes import ABNORMAL, GOING_AWAY
from sgcws.values import TransportKind
from tests.support import FakeFraming, Recorder, World, raiser


class PeerTestCase(SynchronousTestCase):
    """Peers, and what the application hears of them."""

    def setUp(self) -> None:
        """Hear of everything."""
        self.world = World()
        self.world.listen()
        self.told = self.world.told

    def make_open(self) -> tuple[Peer, FakeFraming]:
        """Return an open peer and its framing; that it has connected is forgotten."""
        peer, framing = self.world.open_peer()
        self.told.clear()
        return peer, framing

    def waiting_handler(self) -> Deferred[None]:
        """Register a handler of messages that waits for what is returned, ahead of the one that writes them down."""
        waiting: Deferred[None] = Deferred()
        self.world.listen_last("on_message", lambda connection, text: waiting)
        return waiting


class FactsTests(PeerTestCase):
    """What is known about a connection."""

    def test_addresses(self) -> None:
        """Both ends are shown as text and number, IPv4 as IPv4 on a socket for both; a Unix socket has neither."""
        for address, shown in (
            (IPv4Address("TCP", "192.0.2.1", 80), ("192.0.2.1", 80)),
            (IPv6Address("TCP", "2001:db8::1", 81), ("2001:db8::1", 81)),
            (IPv6Address("TCP", "::ffff:192.0.2.1", 82), ("192.0.2.1", 82)),
            (UNIXAddress("/x"), ("", 0)),
        ):
            peer = self.world.peer(None, address, None)
            self.assertEqual((peer.ip, peer.port, peer.local_ip, peer.local_port), (*shown, "", 0))
            peer = self.world.peer(None, None, address)
            self.assertEqual((peer.ip, peer.port, peer.local_ip, peer.local_port), ("", 0, *shown))

    def test_at_birth(self) -> None:
        """A new one has a name of its own and a time of birth, speaks HTTP at most, and is empty otherwise."""
        self.world.reactor.advance(1000)
        first, second = self.world.peer(), self.world.peer()
        self.assertNotEqual(first.guid, second.guid)
        self.assertRegex(first.guid, "^[0-9a-f]{32}$")
        self.assertEqual((first.created_at, first.transport, first.data), (1000, TransportKind.HTTP, None))
        self.assertEqual((first.url, first.path, first.protocol), ("", "", None))
        self.assertEqual((len(first.query), len(first.headers), len(first.response_headers)), (0, 0, 0))
        self.assertEqual((first.close_code, first.close_reason, first.is_open), (None, "", False))

    def test_opening(self) -> None:
        """The request by which it came is shown once it can take messages."""
        query = MultiDictProxy(MultiDict(a="1"))
        headers = CIMultiDictProxy(CIMultiDict({"X-A": "1"}))
        added = CIMultiDictProxy(CIMultiDict({"X-B": "2"}))
        peer = self.world.peer()
        opening = Opening(
            url="/a?a=1", path="/a", query=query, headers=headers, protocol="chat", response_headers=added
        )
        peer.open(TransportKind.WEBSOCKET, FakeFraming(), FakeFraming(), opening)
        self.assertEqual((peer.url, peer.path, peer.protocol, peer.query["a"]), ("/a?a=1", "/a", "chat", "1"))
        self.assertEqual((peer.headers["x-a"], peer.response_headers["x-b"]), ("1", "2"))
        self.assertEqual((peer.transport, peer.is_open), (TransportKind.WEBSOCKET, True))

    def test_contract(self) -> None:
        """It has every member of the contract that handlers are typed by."""
        peer, _ = self.make_open()
        members = [name for name in (*dir(Connection), *Connection.__annotations__) if not name.startswith("_")]
        self.assertEqual([name for name in members if not hasattr(peer, name)], [])

    def test_whose(self) -> None:
        """It is a peer of its own server and of no other."""
        peer = self.world.peer()
        self.assertTrue(peer.belongs_to(self.world.shared))
        self.assertFalse(peer.belongs_to(World().shared))

    def test_shown(self) -> None:
        """Its ``repr`` names it, and shows nothing that it carries."""
        peer = self.world.peer(None, IPv4Address("TCP", "192.0.2.1", 80))
        peer.data = "secret"
        self.assertEqual(repr(peer), f"<Connection {peer.guid} HTTP 192.0.2.1:80>")

    def test_application_data(self) -> None:
        """Applications keep in ``data`` what they like, and cannot lose it in a misspelled name."""
        peer = self.world.peer()
        peer.data = {"user": 1}
        with self.assertRaises(AttributeError):
            peer.dta = 1  # type: ignore[attr-defined]


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
        for end, turns in ((Peer.close, [("resume",), ("shut", 1000, "")]), (Peer.lost, [])):
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

    def test_closed_by_on_connect(self) -> None:
        """Only one goodbye is said to one that ``on_connect`` closes."""
        self.world.events.on_connect(lambda connection: connection.close(4000) and None)
        _, framing = self.world.open_peer()
        self.assertEqual(framing.done, [("shut", 4000, "")])


class AnyLifeTests(PeerTestCase):
    """Whatever happens in whatever order, the promises hold."""

    STEPS = (
        "open",
        "text",
        "failed",
        "close",
        "closing",
        "goodbye",
        "disconnect",
        "give up",
        "lost",
        "advance",
        "handler done",
    )

    @given(st.lists(st.sampled_from(STEPS), max_size=12), st.booleans())
    @settings(deadline=None, max_examples=200)
    def test_any_life(self, steps: list[str], slow: bool) -> None:
        """
        Applications hear of the beginning first, once, of the end last, once, and of nothing after it; nothing is
        left of the connection.
        """
        self.setUp()
        waiting: list[Deferred[None]] = []
        if slow:
            self.world.events.on_message(lambda connection, text: waiting.append(Deferred()) or waiting[-1])
        peer = self.world.peer()
        opened = False
        for step in [*steps, "lost", *["handler done"] * 12]:
            if step == "open" and not opened:
                opened = True
                peer.open(TransportKind.WEBSOCKET, FakeFraming(peer), FakeFraming())
            elif step == "handler done" and waiting:
                waiting.pop().callback(None)
            elif step == "advance":
                self.world.reactor.advance(2.5)
            else:
                self.take(peer, step)
        names = [name for name, *_ in self.told if name != "error"]
        self.assertEqual(set(names[1:-1]) - {"message"}, set())
        self.assertIn((names[:1], names[-1:]), ((["connect"], ["disconnect"]), ([], [])))
        self.assertEqual(self.world.shared.registry.everyone(), ())
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def take(self, peer: Peer, step: str) -> None:
        """Let something happen."""
        calls: dict[str, Any] = {
            "text": lambda: peer.text_received("x", 1),
            "failed": lambda: peer.failed(1002, "bad"),
            "close": peer.close,
            "closing": peer.closing,
            "goodbye": lambda: peer.say_goodbye(GOING_AWAY, ""),
            "disconnect": peer.disconnect,
            "give up": peer.give_up,
            "lost": peer.lost,
        }
        if step in calls:
            calls[step]()
