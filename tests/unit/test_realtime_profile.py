"""Promises of `sgcws.realtime.profile`: who a peer is, and how it came."""

from __future__ import annotations

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from sgcws.interfaces import Connection
from sgcws.realtime.connection import Peer
from sgcws.realtime.opening import Opening
from sgcws.values import TLSDetails, TransportKind
from tests.peers import PeerTestCase, options
from tests.support import FakeFraming, World


def counted(peer: Peer) -> tuple[int, int, int, int]:
    """Return what it has sent and received, in messages and bytes."""
    return peer.messages_sent, peer.bytes_sent, peer.messages_received, peer.bytes_received


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

    def test_numbers(self) -> None:
        """Before it can take messages, and before any were sent, there is nothing to count."""
        for peer in (self.world.peer(), self.make_open()[0]):
            self.assertEqual(counted(peer), (0, 0, 0, 0))
            self.assertEqual((peer.buffered, peer.subscriptions, peer.last_message_at), (0, frozenset(), None))
            self.assertEqual((peer.last_ping_at, peer.last_pong_at, peer.latency), (None, None, None))
            self.assertFalse(peer.reading_stopped)
        self.assertFalse(self.world.peer().answers_pings)

    def test_counted(self) -> None:
        """What was sent and received is still shown when it has gone."""
        self.world.reactor.advance(7)
        peer, _ = self.make_open()
        peer.write_data("ab")
        peer.text_received("cde", 3)
        peer.lost(1000, "bye")
        self.assertEqual(counted(peer), (1, 2, 1, 3))
        self.assertEqual((peer.last_message_at, peer.close_code, peer.close_reason), (7, 1000, "bye"))

    def test_tls(self) -> None:
        """What TLS was agreed on is asked for each time, for it is not known at first; without TLS it is None."""
        agreed: list[TLSDetails | None] = [None, TLSDetails("TLSv1.3", "X")]
        peer = Peer(self.world.shared, None, None, FakeFraming(), lambda: agreed.pop(0))
        self.assertIsNone(peer.tls)
        self.assertEqual(peer.tls, TLSDetails("TLSv1.3", "X"))
        self.assertIsNone(self.world.peer().tls)

    def test_server(self) -> None:
        """It has the clock of its server, and always today's options."""
        peer = self.world.peer()
        self.assertIs(peer.clock, self.world.reactor)
        self.world.shared.options = options(limit=5)
        self.assertEqual(peer.options.websocket.outgoing.limit, 5)

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
