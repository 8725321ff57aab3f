"""Promises of `sgcws.net.first_bytes`: a socket is given to whoever speaks its protocol, or closed in time."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase

from sgcws.net.first_bytes import FAREWELLS, FirstBytes
from sgcws.net.tls import over_tls
from sgcws.rules.first_bytes import HTTP2_PREFACE, Speech
from sgcws.values import RawTCP, Reject, Scan
from tests.support import Desk, FakeTransport, factory_of
from tests.tls import tls_files

HELLO = b"\x16\x03\x01\x02\x00\x01"
TIMEOUT = 10.0
HALF = TIMEOUT / 2


class FirstBytesTestCase(SynchronousTestCase):
    """A socket, and a desk that takes it in."""

    def setUp(self) -> None:
        """Have nobody connected yet."""
        self.clock = Clock()
        self.desk = Desk()
        self.transport = FakeTransport()

    def begin(self, *data: bytes) -> None:
        """Connect, and send some bytes in as many packets."""
        self.first = FirstBytes(self.desk, self.clock, TIMEOUT)
        self.transport.connect(self.first)
        for packet in data:
            self.transport.receive(packet)

    def given(self) -> tuple[str, bytes] | None:
        """Return who got the socket, and what it received."""
        return None if self.desk.given is None else (self.desk.given[0], self.desk.given[1].received)

    def assert_closed(self, aborted: bool = False, said: bytes = b"") -> None:
        """Check that the socket is closed in that way, that nobody got it, and that nothing is left of it."""
        self.assertEqual((self.transport.connected, self.transport.aborted), (False, aborted))
        self.assertEqual((self.transport.value(), self.given()), (said, None))
        self.assertEqual(self.desk.told.count("lost"), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def assert_given(self, kind: str, received: bytes) -> None:
        """Check that the socket is in those hands for good, reading, with all that was sent."""
        self.assertEqual(self.given(), (kind, received))
        self.assertEqual((self.transport.producerState, self.transport.connected), ("producing", True))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.transport.receive(b"more")
        self.assertEqual(self.given(), (kind, received + b"more"))
        self.transport.end()
        assert self.desk.given is not None
        self.assertEqual((self.desk.given[1].ends, self.desk.told.count("lost")), (1, 0))


class SpeechTests(FirstBytesTestCase):
    """What a peer says decides who gets it."""

    def test_http(self) -> None:
        """HTTP gets the socket, and all that was sent, however it was cut up."""
        for packets in ((b"GET / HTTP/1.1\r\n\r\n",), (b"G", b"E", b"T", b" /"), (b"PROPFIND / HTTP/1.1", b"\r\n")):
            self.setUp()
            self.begin(*packets)
            self.assertEqual(self.desk.told, ["accepted", "may connect"])
            self.assert_given("http", b"".join(packets))

    @given(st.binary(max_size=60) | st.just(b"GET / HTTP/1.1\r\n\r\n"), st.lists(st.integers(0, 60), max_size=5))
    @settings(deadline=None)
    def test_any_split(self, data: bytes, cuts: list[int]) -> None:
        """Whatever is sent, and however it is cut up, it comes to the same."""
        outcomes = []
        for places in ([], sorted(cuts)):
            self.setUp()
            self.desk.unknown = True
            packets = [data[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]
            self.begin(*packets)
            self.clock.pump([HALF, HALF])
            outcomes.append((self.given(), self.transport.aborted, self.transport.value()))
        self.assertEqual(outcomes[0], outcomes[1])

    def test_unknown(self) -> None:
        """Anything else is asked about, with all that was sent, and closed unless somebody wants it."""
        for answer in (None, False):
            self.setUp()
            self.desk.unknown = answer
            self.begin(b"hel", b"lo")
            self.assertEqual(self.desk.told, ["accepted", "may connect", ("unknown", b"hel"), "lost"])
            self.assert_closed()

    def test_farewells(self) -> None:
        """A peer that speaks TLS or HTTP/2 is told in its own protocol."""
        for data, farewell in ((HELLO, FAREWELLS[Speech.TLS]), (HTTP2_PREFACE + b"\0", FAREWELLS[Speech.HTTP2])):
            self.setUp()
            self.begin(data)
            self.assertEqual(self.desk.told[2], ("unknown", data))
            self.assert_closed(said=farewell)

    def test_farewell_is_not_taken(self) -> None:
        """A peer that does not take its farewell is closed by force at the deadline."""
        self.transport = FakeTransport(sudden=False)
        self.begin(HELLO)
        self.clock.advance(HALF)
        self.clock.advance(HALF - 0.1)
        self.assertFalse(self.transport.aborted)
        self.clock.advance(0.1)
        self.assertTrue(self.transport.aborted)
        self.transport.receive(b"late")
        self.transport.end()
        self.assert_closed(aborted=True, said=FAREWELLS[Speech.TLS])

    def test_kept(self) -> None:
        """The application can keep what nobody speaks, and gets those bytes first."""
        for answer in (True, RawTCP()):
            for data in (b"hello", HELLO, HTTP2_PREFACE):
                self.setUp()
                self.desk.unknown = answer
                self.begin(data)
                self.assert_given("raw", data)

    def test_how_it_is_kept(self) -> None:
        """Whoever takes the socket over hears where messages end; True stands for the usual place."""
        own = RawTCP(b"\0", Scan.ALL)
        for question, answer, heard in (("unknown", True, RawTCP()), ("unknown", own, own), ("connect", own, own)):
            self.setUp()
            setattr(self.desk, question, answer)
            self.begin(b"hello")
            self.assertEqual(self.desk.answer, heard)

    def test_kept_later(self) -> None:
        """It may take its time: nothing is read meanwhile, and what comes all the same is kept."""
        self.desk.unknown = answer = Deferred[Any]()
        self.begin(b"hel")
        self.assertEqual(self.transport.producerState, "paused")
        self.transport.receive(b"lo")
        answer.callback(True)
        self.assertEqual(self.desk.told, ["accepted", "may connect", ("unknown", b"hel")])
        self.assert_given("raw", b"hello")

    def test_refused_later(self) -> None:
        """It may as well decide against it."""
        self.desk.unknown = answer = Deferred[Any]()
        self.begin(HELLO)
        answer.callback(None)
        self.assert_closed(said=FAREWELLS[Speech.TLS])


    def test_wrapped(self) -> None:
        """Under a layer such as a throttle it is the same."""
        for data, unknown, kind in ((b"GET /", None, "http"), (b"hello", True, "raw")):
            self.setUp()
            self.desk.unknown = unknown
            first = FirstBytes(self.desk, self.clock, TIMEOUT)
            self.transport.connect(WrappingFactory(factory_of(first)).buildProtocol(None))
            self.transport.receive(data)
            self.assert_given(kind, data)

    def test_wrapped_and_refused(self) -> None:
        """So is a refusal."""
        self.desk.connect = Reject()
        first = FirstBytes(self.desk, self.clock, TIMEOUT)
        self.transport.connect(WrappingFactory(factory_of(first)).buildProtocol(None))
        self.assert_closed(aborted=True)


class AdmissionTests(FirstBytesTestCase):
    """The application is asked before anything is read."""

    def test_accepted(self) -> None:
        """None and True let it in."""
        for answer in (None, True):
            self.setUp()
            self.desk.connect = answer
            self.begin(b"GET ")
            self.assert_given("http", b"GET ")

    def test_refused(self) -> None:
        """False and `Reject` close it without a word."""
        for answer in (False, Reject(), Reject(503, "full")):
            self.setUp()
            self.desk.connect = answer
            self.begin()
            self.assert_closed(aborted=True)
            self.assertEqual(self.desk.told, ["accepted", "may connect", "lost"])

    def test_raw(self) -> None:
        """`RawTCP` makes it a raw TCP peer at once, before it has said a word."""
        self.desk.connect = RawTCP()
        self.begin()
        self.assert_given("raw", b"")

    def test_asked(self) -> None:
        """Nothing is read while an asynchronous answer is awaited; what a TLS layer still brings is kept."""
        for answer, kind in ((None, "http"), (RawTCP(), "raw")):
            self.setUp()
            self.desk.connect = awaited = Deferred[Any]()
            self.begin()
            self.assertEqual(self.transport.producerState, "paused")
            self.transport.receive(b"GET /")
            self.assertEqual(self.given(), None)
            awaited.callback(answer)
            self.assert_given(kind, b"GET /")

    def test_refused_later(self) -> None:
        """A refusal may come later, too."""
        self.desk.connect = awaited = Deferred[Any]()
        self.begin()
        awaited.callback(Reject())
        self.assert_closed(aborted=True)

    def test_answered_at_once(self) -> None:
        """A Deferred that has fired is an answer at once."""
        self.desk.connect = Deferred[Any]()
        self.desk.connect.callback(None)
        self.begin(b"GET ")
        self.assert_given("http", b"GET ")


class VanishingTests(FirstBytesTestCase):
    """The peer may leave at any moment, and so may we."""

    def test_before_it_speaks(self) -> None:
        """A peer that leaves before it has said enough leaves nothing behind."""
        for data in ((), (b"GE",)):
            self.setUp()
            self.begin(*data)
            self.transport.end()
            self.assert_closed()

    def test_while_asked(self) -> None:
        """When it leaves while the application is asked, that is cancelled, and whatever it answers is void."""
        for question in ("connect", "unknown"):
            for answer in (None, True, False, RawTCP()):
                self.setUp()
                cancelled: list[object] = []
                awaited: Deferred[Any] = Deferred(lambda each, into=cancelled: into.append(each))
                awaited.addErrback(lambda _, answer=answer: answer)
                setattr(self.desk, question, awaited)
                self.begin(*([b"hello"] if question == "unknown" else []))
                self.transport.end()
                self.assertEqual(len(cancelled), 1)
                self.assertTrue(awaited.called)
                self.assert_closed()

    def test_one_that_takes_no_notice(self) -> None:
        """A handler that goes on all the same answers to nobody."""
        awaited: Deferred[Any] = Deferred(lambda each: each.callback(later))
        later: Deferred[Any] = Deferred()
        self.desk.connect = awaited
        self.begin()
        self.transport.end()
        later.callback(RawTCP())
        self.assert_closed()

    def test_ended_by_the_question(self) -> None:
        """A handler may close or drop the connection that it is asked about, whatever it answers then."""
        ends = (lambda holder: holder.shut(1000, ""), lambda holder: holder.abort())
        for aborted, end in enumerate(ends):
            for answer in (None, True, False, RawTCP(), "later"):
                for question in ("connect", "unknown"):
                    self.setUp()
                    later = Deferred[Any]().addErrback(lambda _: True)

                    def ask(_: object, end: Any = end, answer: Any = answer, later: Any = later) -> Any:
                        end(self.first)
                        return later if answer == "later" else answer

                    setattr(self.desk, question, ask)
                    self.begin(*([b"hello"] if question == "unknown" else []))
                    self.assert_closed(aborted=bool(aborted))
                    self.assertEqual(later.called, answer == "later")

    def test_ended_meanwhile(self) -> None:
        """So may anybody while an answer is awaited, and the answer is void."""
        for aborted in (False, True):
            self.setUp()
            self.desk.connect = awaited = Deferred[Any]()
            awaited.addErrback(lambda _: None)
            self.begin()
            self.first.abort() if aborted else self.first.shut(1000, "")
            self.assert_closed(aborted=aborted)

    def test_slow_to_close(self) -> None:
        """What still comes in after it was closed is not looked at."""
        self.transport = FakeTransport(sudden=False)
        self.begin()
        self.first.shut(1000, "")
        self.transport.receive(b"GET / HTTP/1.1\r\n\r\n")
        self.transport.end()
        self.assert_closed()

    def test_lost_while_resuming(self) -> None:
        """A transport that tells of its end only when it reads again is believed."""
        self.desk.connect = awaited = Deferred[Any]()
        self.begin()
        self.transport.resumeProducing = self.transport.end  # type: ignore[method-assign]
        awaited.callback(RawTCP())
        self.assert_closed()


class DeadlineTests(FirstBytesTestCase):
    """Nobody stays for ever."""

    def test_silent(self) -> None:
        """A peer that says nothing is closed at the deadline."""
        self.begin()
        self.clock.advance(HALF)
        self.clock.advance(HALF - 0.1)
        self.assertTrue(self.transport.connected)
        self.clock.advance(0.1)
        self.assert_closed(aborted=True)
        self.assertEqual(self.desk.told, ["accepted", "may connect", "lost"])

    def test_unfinished(self) -> None:
        """What is unfinished after half of the time is asked about as it is, so that there is time for an answer."""
        self.desk.unknown = awaited = Deferred[Any]()
        self.begin(b"HELO")
        self.clock.advance(HALF - 0.1)
        self.assertEqual(len(self.desk.told), 2)
        self.clock.advance(0.1)
        self.assertEqual(self.desk.told[2], ("unknown", b"HELO"))
        self.clock.advance(HALF - 0.1)
        awaited.callback(True)
        self.assert_given("raw", b"HELO")

    def test_late_start(self) -> None:
        """Who begins in the second half is judged by what comes first."""
        for data, kind in ((b"GET ", "http"), (b"GE", "raw")):
            self.setUp()
            self.desk.unknown = True
            self.begin()
            self.clock.advance(HALF)
            self.transport.receive(data)
            self.assert_given(kind, data)

    def test_while_asked(self) -> None:
        """The deadline runs on while the application is asked; the question is cancelled then."""
        for question in ("connect", "unknown"):
            self.setUp()
            awaited: Deferred[Any] = Deferred().addErrback(lambda _: True)
            setattr(self.desk, question, awaited)
            self.begin(*([b"hello"] if question == "unknown" else []))
            self.clock.pump([HALF, HALF])
            self.assertTrue(awaited.called)
            self.assert_closed(aborted=True)

    def test_admitted_late(self) -> None:
        """Who is admitted in the second half is looked at by what is there."""
        self.desk.connect = awaited = Deferred[Any]()
        self.desk.unknown = True
        self.begin(b"GE")
        self.clock.advance(HALF)
        awaited.callback(None)
        self.assert_given("raw", b"GE")

    def test_taken_over(self) -> None:
        """Who has taken the socket over has no deadline of ours."""
        self.begin(b"GET ")
        self.clock.pump([HALF, HALF, 60])
        self.assert_given("http", b"GET ")


class TLSTests(FirstBytesTestCase):
    """Under TLS the handshake comes first, and is a part of the time that a peer has."""

    def setUp(self) -> None:
        """Have a socket that tells of its end in a later turn, as TCP does."""
        super().setUp()
        self.transport = FakeTransport(sudden=False)
        self.client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        self.client.set_connect_state()

    def begin(self, *data: bytes) -> None:
        """Connect through TLS, and send some bytes outside of it."""
        self.first = FirstBytes(self.desk, self.clock, TIMEOUT)
        layer = over_tls(tls_files(self.mktemp()), self.clock)(factory_of(self.first))
        self.transport.connect(layer.buildProtocol(None))  # type: ignore[arg-type]
        for packet in data:
            self.transport.receive(packet)

    def shake(self) -> None:
        """Exchange what the two sides of a handshake have to say."""
        for _ in range(3):
            with contextlib.suppress(SSL.WantReadError):
                self.client.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                self.transport.receive(self.client.bio_read(1 << 16))
            if self.transport.value():
                self.client.bio_write(self.transport.value())
                self.transport.clear()

    def say(self, data: bytes) -> None:
        """Send some bytes inside of it."""
        self.client.send(data)
        self.transport.receive(self.client.bio_read(1 << 16))

    def assert_cut(self) -> None:
        """Check that it is closed by force at the deadline, and not before."""
        self.clock.advance(HALF)
        self.clock.advance(HALF - 0.1)
        self.assertFalse(self.transport.aborted)
        self.clock.advance(0.1)
        self.assertTrue(self.transport.aborted)
        self.transport.end()
        self.assertEqual((self.given(), self.desk.told.count("lost")), (None, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_http(self) -> None:
        """What is inside is looked at, once the handshake is over."""
        self.begin()
        self.shake()
        self.assertIsNone(self.given())
        self.say(b"GET /")
        self.assertEqual(self.given(), ("http", b"GET /"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_silent(self) -> None:
        """A peer that does not even begin is cut, whatever the application has said to it."""
        for answer in (None, RawTCP()):
            self.setUp()
            self.desk.connect = answer
            self.begin()
            self.assert_cut()

    def test_half_a_handshake(self) -> None:
        """So is one that begins a handshake, in one piece or drop by drop, and never completes it."""
        for answer in (None, RawTCP()):
            self.setUp()
            self.desk.connect = answer
            self.begin()
            self.assertRaises(SSL.WantReadError, self.client.do_handshake)
            hello = self.client.bio_read(1 << 16)
            for place in range(0, len(hello), 50):
                self.transport.receive(hello[place : place + 50])
            self.assertTrue(self.transport.value())
            self.assert_cut()

    def test_silent_after_the_handshake(self) -> None:
        """So is one that completes it and says nothing."""
        self.begin()
        self.shake()
        self.assert_cut()

    def test_garbage(self) -> None:
        """What is no handshake is closed at once, with an alert at most, and that is no failure of ours."""
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01"):
            self.setUp()
            self.begin(data.ljust(16, b"."))
            self.assertTrue(self.transport.disconnecting)
            self.assertLessEqual(len(self.transport.value()), 7)
            self.transport.end()
            self.assertEqual((self.given(), self.desk.told.count("lost")), (None, 1))
            self.assertEqual((self.clock.getDelayedCalls(), self.flushLoggedErrors()), ([], []))

    def test_raw(self) -> None:
        """A raw TCP peer is given away when the handshake is over, whenever it was accepted."""
        for later in (False, True):
            self.setUp()
            answer = Deferred[Any]()
            self.desk.connect = answer if later else RawTCP()
            self.begin()
            if not later:
                self.assertIsNone(self.given())
            self.shake()
            if later:
                self.assertIsNone(self.given())
                answer.callback(RawTCP())
            self.assertEqual(self.given(), ("raw", b""))
            self.say(b"hello")
            self.assertEqual(self.given(), ("raw", b"hello"))
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """A peer that is refused is closed before it has begun."""
        self.desk.connect = Reject()
        self.begin()
        self.assertTrue(self.transport.aborted)
        self.transport.end()
        self.assertEqual((self.clock.getDelayedCalls(), self.flushLoggedErrors()), ([], []))
