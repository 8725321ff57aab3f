"""Promises of `sgcws.realtime.outbox`: whole frames, in order, bounded; and it says so when something goes nowhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from gc import collect
from typing import Any
from weakref import ref

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from sgcws.codec import CLOSE, FINAL, PING, PONG, build_frame
from sgcws.options import SlowClientPolicy
from sgcws.realtime.framing import ROOM, Message
from sgcws.realtime.outbox import MOST_PINGS, PIECE, Outbox
from sgcws.values import Part, WhenFull
from tests.cases.frames import BINARY, CONTINUATION, TEXT, Frame, FrameError, read_frames
from tests.slow import BELOW, KIB, Breakable, Sender, Socket, whole_frames
from tests.support import raiser

NAMES = {PING: "ping ", PONG: "pong ", CLOSE: "close "}

GOODBYE = build_frame(FINAL | CLOSE, (1000).to_bytes(2))


def message(text: str, key: str | None = None, fragment_size: int | None = None) -> Message:
    """Make a text message."""
    return Message(text.encode(), True, key, fragment_size)


class OutboxTestCase(SynchronousTestCase):
    """An outbox between a sender and a socket."""

    def setUp(self) -> None:
        """Begin with the policy that is the default."""
        self.begin()

    def begin(self, **policy: Any) -> None:
        """Begin anew."""
        self.socket = Socket()
        self.sender = Sender()
        self.framing = Breakable(None)
        self.outbox = Outbox(self.framing, self.socket, SlowClientPolicy(**policy), self.sender)  # type: ignore[arg-type]

    def block(self) -> None:
        """Let the socket be full."""
        self.socket.stuck = True
        self.assertTrue(self.outbox.send(message("b" * (64 * KIB - 1))))
        self.assertEqual((self.sender.held, self.outbox.buffered), (0, len(self.socket.kept)))

    def texts(self) -> list[str]:
        """Return what the peer has taken, without what blocks; of what is long, the first letter."""
        shown: list[str] = []
        for one in read_frames(self.socket.taken):
            text = NAMES.get(one.opcode, "") + one.payload.decode("latin-1")
            shown[-1:] = [shown[-1] + text] if one.opcode == CONTINUATION else [*shown[-1:], text]
        return [text if len(text) < 100 else text[0] for text in shown if not text.startswith("b")]

    def part(self, text: str, part: Part) -> bool:
        """Give a part of a text."""
        return self.outbox.send_part(text.encode(), True, part)


class StraightTests(OutboxTestCase):
    """While the peer takes what it is sent."""

    def test_producer(self) -> None:
        """It is the producer of its sink from the beginning on."""
        self.assertTrue(verifyObject(IPushProducer, self.outbox))
        self.assertIs(self.socket.producer, self.outbox)

    def test_at_once(self) -> None:
        """A message is handed down before `send` returns; nothing is kept, and it is counted."""
        self.assertIs(self.outbox.send(message("a")), True)
        self.assertIs(self.outbox.send(Message(b"\xff" * 3, False)), True)
        self.assertIs(self.outbox.send(message("")), True)
        self.assertEqual(
            read_frames(self.socket.taken), [Frame(TEXT, b"a"), Frame(BINARY, b"\xff" * 3), Frame(TEXT, b"")]
        )
        self.assertEqual((self.outbox.messages_sent, self.outbox.bytes_sent), (3, 4))
        self.assertEqual((self.sender.held, self.sender.told, self.outbox.buffered), (0, [], 0))

    def test_fragments(self) -> None:
        """One in fragments goes down in as many frames, and is counted once."""
        self.outbox.send(message("abcde", fragment_size=2))
        self.assertEqual(
            read_frames(self.socket.taken),
            [Frame(TEXT, b"ab", False), Frame(CONTINUATION, b"cd", False), Frame(CONTINUATION, b"e")],
        )
        self.assertEqual((self.outbox.messages_sent, self.outbox.bytes_sent, self.sender.held), (1, 5, 0))

    def test_control_frames(self) -> None:
        """So do pings and pongs."""
        self.outbox.ping(build_frame(FINAL | PING, b"1"))
        self.assertEqual(self.texts(), ["ping 1"])
        self.outbox.pong(build_frame(FINAL | PONG, b"2"))
        self.assertEqual(self.texts(), ["ping 1", "pong 2"])
        self.assertEqual(self.sender.held, 0)

    def test_pieces(self) -> None:
        """What is large goes down in pieces of 64 KiB, and is not kept longer."""
        self.outbox.send(message("x" * 1000 * KIB))
        self.assertEqual((self.texts(), self.socket.largest, self.sender.held), (["x"], PIECE, 0))


class SlowTests(OutboxTestCase):
    """While the peer takes less than it is sent."""

    def test_waits(self) -> None:
        """Nothing is handed down while the socket is full; then all of it, in order."""
        self.block()
        kept = self.socket.kept
        for text in "1234":
            self.assertTrue(self.outbox.send(message(text)))
        self.assertEqual(self.socket.kept, kept)
        self.assertEqual((self.sender.held, self.outbox.messages_sent), (4 * (1 + ROOM), 1))
        self.assertEqual(self.outbox.buffered, self.sender.held + len(kept))
        self.socket.unblock()
        self.assertEqual((self.texts(), self.sender.held, self.outbox.buffered), (["1", "2", "3", "4"], 0, 0))
        self.assertEqual(self.sender.told, [])

    def test_below(self) -> None:
        """Never is there more below than 128 KiB, and at most a piece of it came after the socket was full."""
        self.socket.stuck = True
        for size in (10, 300 * KIB, 64 * KIB, 10, 200 * KIB):
            self.outbox.send(message("x" * size))
        for _ in range(10):
            self.assertLessEqual(len(self.socket.kept), BELOW)
            self.socket.read()
        self.assertEqual((self.socket.most <= BELOW, self.socket.largest), (True, PIECE))
        self.socket.unblock()
        self.assertEqual([len(one.payload) for one in read_frames(self.socket.taken)], [10, 307200, 65536, 10, 204800])

    def test_half_sent(self) -> None:
        """One that is half sent is kept as a whole, but counts as waiting only by its rest."""
        self.socket.stuck = True
        self.outbox.send(message("x" * 300 * KIB))
        size = 300 * KIB + 10
        self.assertEqual((self.sender.held, len(self.socket.kept), self.outbox.buffered), (size, 2 * PIECE, size))
        self.socket.read(2 * PIECE)
        self.assertEqual((self.sender.held, self.outbox.buffered), (size, size - 2 * PIECE))
        self.socket.unblock()
        self.assertEqual((self.sender.held, self.texts()), (0, ["x"]))

    def test_to_the_byte(self) -> None:
        """One that ends with a piece is kept no longer than that piece."""
        self.socket.stuck = True
        self.outbox.send(message("x" * (2 * PIECE - 10)))
        self.assertEqual((len(self.socket.kept), self.sender.held), (2 * PIECE, 0))

    def test_never_half(self) -> None:
        """One that is half sent stays where it is, whatever is dropped behind it."""
        self.begin(limit=100 * KIB, when_full=WhenFull.DROP_OLDEST)
        self.socket.stuck = True
        self.outbox.send(message("x" * 300 * KIB))
        self.assertFalse(self.outbox.send(message("y")))
        self.assertEqual(self.sender.told, [("dropped", 1)])
        self.socket.unblock()
        self.assertEqual(self.texts(), ["x"])

    def test_tiny(self) -> None:
        """However small messages are, those that wait take no more than the limit: each takes some room of its own."""
        self.begin(limit=10 * KIB)
        self.block()
        count = 0
        while self.outbox.send(message("")):
            count += 1
        self.assertEqual(count, 10 * KIB // ROOM)

    def test_alone(self) -> None:
        """One that is larger than the limit is taken if nothing waits, and is counted."""
        self.begin(limit=KIB)
        self.block()
        self.assertTrue(self.outbox.send(message("x" * 100 * KIB)))
        self.assertEqual(self.sender.held, 100 * KIB + ROOM)
        self.assertFalse(self.outbox.send(message("y")))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["x"])

    def test_life(self) -> None:
        """Its sender hears that the peer lives when it has taken something."""
        self.block()
        self.socket.read(10)
        self.assertEqual(self.sender.lives, 0)
        self.socket.unblock()
        self.assertEqual(self.sender.lives, 1)


class ControlTests(OutboxTestCase):
    """Control frames overtake what waits, but cut no frame."""

    def ping(self, text: str) -> None:
        """Send a ping."""
        self.outbox.ping(build_frame(FINAL | PING, text.encode()))

    def pong(self, text: str) -> None:
        """Send a pong."""
        self.outbox.pong(build_frame(FINAL | PONG, text.encode()))

    def test_overtake(self) -> None:
        """They overtake messages; pings in order, and of several pongs only the newest goes out."""
        self.block()
        self.outbox.send(message("x"))
        for text in "12":
            self.ping(text)
            self.pong(text)
        self.socket.unblock()
        self.assertEqual(self.texts(), ["ping 1", "ping 2", "pong 2", "x"])
        self.assertEqual(self.sender.held, 0)

    def test_within_a_frame(self) -> None:
        """They wait until the frame is through that has begun."""
        self.socket.stuck = True
        self.outbox.send(message("x" * 300 * KIB))
        self.outbox.send(message("y"))
        self.ping("1")
        self.pong("2")
        self.socket.unblock()
        self.assertEqual(self.texts(), ["x", "ping 1", "pong 2", "y"])

    def test_between_fragments(self) -> None:
        """They go between the fragments of a message."""
        self.socket.stuck = True
        self.outbox.send(message("x" * 300 * KIB, fragment_size=100 * KIB))
        self.ping("1")
        self.socket.unblock()
        kinds = [one.opcode for one in read_frames(self.socket.taken)]
        self.assertEqual(kinds, [TEXT, PING, CONTINUATION, CONTINUATION])

    def test_between_parts(self) -> None:
        """They go between the parts of a message."""
        self.part("1", Part.FIRST)
        self.ping("")
        self.part("2", Part.LAST)
        kinds = [one.opcode for one in read_frames(self.socket.taken)]
        self.assertEqual(kinds, [TEXT, PING, CONTINUATION])

    def test_full(self) -> None:
        """A full outbox closes nobody for a ping, nor does the ping drop a message, whatever the policy."""
        for when_full in WhenFull:
            self.begin(limit=10 * KIB, when_full=when_full)
            self.block()
            for _ in range(10):
                self.outbox.send(message("f" * (KIB - ROOM)))
            self.ping("1")
            self.assertEqual((self.sender.told, len(self.texts())), ([], 0))
            self.socket.unblock()
            self.assertEqual(self.texts(), ["ping 1", *["f"] * 10])

    def test_too_many(self) -> None:
        """Of more than 256 pings that wait the oldest are dropped; the answer to a later one answers them."""
        self.block()
        for number in range(MOST_PINGS + 10):
            self.ping(str(number))
        self.assertLess(self.sender.held, MOST_PINGS * 10)
        self.socket.unblock()
        self.assertEqual(self.texts(), [f"ping {number}" for number in range(10, MOST_PINGS + 10)])
        self.assertEqual((self.sender.held, self.sender.told), (0, []))

    def test_one_by_one(self) -> None:
        """They do not go down while the socket is full again."""
        self.block()
        for number in range(10):
            self.ping(str(number))
            self.pong(str(number))
        self.socket.room = 2
        for number in range(10):
            self.socket.read()
            self.assertEqual(self.socket.kept, build_frame(FINAL | PING, str(number).encode()))
        self.socket.read()
        self.assertEqual(self.socket.kept, build_frame(FINAL | PONG, b"9"))


class PolicyTests(OutboxTestCase):
    """When more is to wait than may."""

    def test_close(self) -> None:
        """CLOSE tells that the peer is to be closed, and that the message was dropped."""
        self.begin(limit=KIB)
        self.block()
        self.assertTrue(self.outbox.send(message("x" * 800)))
        self.assertFalse(self.outbox.send(message("y" * 800)))
        self.assertEqual(self.sender.told, [("dropped", 1), "overflowed"])

    def test_close_at_once(self) -> None:
        """The sender may close it before that is through."""
        self.begin(limit=KIB)
        self.block()
        gone: list[int] = []
        self.sender.on_overflow = lambda: (gone.append(self.outbox.discard()), self.outbox.finish(GOODBYE, list))
        self.outbox.send(message("x" * 800))
        self.assertFalse(self.outbox.send(message("y" * 800)))
        self.assertEqual((gone, self.sender.held), ([1], 0))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["close \x03è"])

    def test_drop_newest(self) -> None:
        """DROP_NEWEST drops what is too much, and tells so."""
        self.begin(limit=KIB, when_full=WhenFull.DROP_NEWEST)
        self.block()
        taken = [self.outbox.send(message(text * 400)) for text in "123"]
        self.assertEqual((taken, self.sender.told), ([True, False, False], [("dropped", 1)] * 2))
        self.assertTrue(self.outbox.send(message("4")))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["1", "4"])

    def test_drop_oldest(self) -> None:
        """DROP_OLDEST drops what has waited longest, and tells so."""
        self.begin(limit=KIB, when_full=WhenFull.DROP_OLDEST)
        self.block()
        taken = [self.outbox.send(message(text * 400)) for text in "123"]
        self.assertEqual((taken, self.sender.told), ([True] * 3, [("dropped", 1)] * 2))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["3"])

    def test_conflate(self) -> None:
        """CONFLATE puts a message in the place of the one with its key, and tells nobody."""
        self.begin(when_full=WhenFull.CONFLATE)
        self.block()
        for text, key in (("a1", "a"), ("1", None), ("b1", "B"), ("a2", "a"), ("2", None), ("a3", "a")):
            self.assertTrue(self.outbox.send(message(text.replace("b", "c"), key)))
        self.socket.unblock()
        self.assertEqual((self.texts(), self.sender.told, self.sender.held), (["a3", "1", "c1", "2"], [], 0))


class PartTests(OutboxTestCase):
    """A message in parts."""

    def test_as_given(self) -> None:
        """Parts go out as they are given, and are one message, which is counted with the last."""
        for text, part in (("a", Part.FIRST), ("", Part.CONTINUE), ("b", Part.CONTINUE)):
            self.assertTrue(self.part(text, part))
        self.assertEqual((self.outbox.messages_sent, self.outbox.bytes_sent), (0, 0))
        self.assertTrue(self.part("c", Part.LAST))
        self.assertEqual(
            read_frames(self.socket.taken),
            [
                Frame(TEXT, b"a", False),
                Frame(CONTINUATION, b"", False),
                Frame(CONTINUATION, b"b", False),
                Frame(CONTINUATION, b"c"),
            ],
        )
        self.assertEqual((self.outbox.messages_sent, self.outbox.bytes_sent, self.sender.held), (1, 3, 0))

    def test_others_wait(self) -> None:
        """Other messages wait for the last part."""
        self.part("1", Part.FIRST)
        self.assertTrue(self.outbox.send(message("x")))
        self.assertEqual(self.sender.held, 1 + ROOM)
        self.part("2", Part.LAST)
        self.assertEqual((self.texts(), self.sender.held), (["12", "x"], 0))
        self.part("3", Part.FIRST)
        self.part("4", Part.LAST)
        self.assertEqual(self.texts(), ["12", "x", "34"])

    def test_behind_others(self) -> None:
        """It waits for the messages before it."""
        self.block()
        self.outbox.send(message("x"))
        self.part("1", Part.FIRST)
        self.outbox.send(message("y"))
        self.part("2", Part.LAST)
        self.socket.unblock()
        self.assertEqual(self.texts(), ["x", "12", "y"])

    def test_wrong(self) -> None:
        """Parts in the wrong order, or of another type, are errors of the caller, and change nothing."""
        for part in (Part.CONTINUE, Part.LAST):
            self.assertRaises(ValueError, self.part, "x", part)
        self.part("1", Part.FIRST)
        self.assertRaises(ValueError, self.part, "x", Part.FIRST)
        self.assertRaises(TypeError, self.outbox.send_part, b"x", False, Part.CONTINUE)
        self.part("2", Part.LAST)
        self.assertRaises(ValueError, self.part, "x", Part.LAST)
        self.assertEqual((self.texts(), self.sender.told), (["12"], []))

    def test_large(self) -> None:
        """A part that is larger than the limit goes alone, too."""
        self.begin(limit=KIB)
        self.part("1", Part.FIRST)
        self.assertTrue(self.part("x" * 300 * KIB, Part.CONTINUE))
        self.assertTrue(self.part("2", Part.LAST))
        self.assertEqual(len(self.socket.taken), 300 * KIB + 10 + 3 + 3)

    def test_lost(self) -> None:
        """One that finds no room is lost as a whole: nothing of it is sent, it is told once, nobody waits for it."""
        self.begin(limit=KIB, when_full=WhenFull.DROP_NEWEST)
        self.block()
        self.assertTrue(self.outbox.send(message("x" * 400)))
        self.assertTrue(self.part("1", Part.FIRST))
        self.assertFalse(self.part("2" * 400, Part.CONTINUE))
        self.assertFalse(self.part("3", Part.CONTINUE))
        self.assertTrue(self.outbox.send(message("y")))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["x", "y"])
        self.assertTrue(self.outbox.send(message("z")))
        self.assertFalse(self.part("4", Part.LAST))
        self.assertEqual((self.texts(), self.sender.told, self.sender.held), (["x", "y", "z"], [("dropped", 1)], 0))
        self.assertRaises(ValueError, self.part, "5", Part.LAST)

    def test_given_up(self) -> None:
        """Who was told that it is lost need not give the rest of it, and may begin another one."""
        self.begin(limit=KIB, when_full=WhenFull.DROP_NEWEST)
        self.block()
        self.outbox.send(message("x" * 800))
        self.assertFalse(self.part("1" * 400, Part.FIRST))
        self.socket.unblock()
        self.outbox.send(message("y"))
        self.assertTrue(self.part("2", Part.FIRST))
        self.assertTrue(self.part("3", Part.LAST))
        self.assertEqual((self.texts(), self.sender.told), (["x", "y", "23"], [("dropped", 1)]))

    def test_room_is_made(self) -> None:
        """Where the oldest are dropped, they are dropped for a part, too, but never a part of another message."""
        self.begin(limit=KIB, when_full=WhenFull.DROP_OLDEST)
        self.block()
        self.outbox.send(message("x" * 400))
        self.assertTrue(self.part("1" * 300, Part.FIRST))
        self.assertTrue(self.part("2" * 300, Part.LAST))
        self.assertEqual(self.sender.told, [("dropped", 1)])
        self.assertFalse(self.outbox.send(message("y" * 800)))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["1"])

    def test_begun(self) -> None:
        """One that has begun can be lost only together with the peer; others that may be dropped are, before that."""
        for when_full in WhenFull:
            self.begin(limit=KIB, when_full=when_full)
            self.part("1", Part.FIRST)
            self.socket.stuck = True
            self.part("2" * 65 * KIB, Part.CONTINUE)
            self.outbox.send(message("x" * 400))
            dropping = when_full in (WhenFull.DROP_OLDEST, WhenFull.CONFLATE)
            self.assertEqual(self.part("3" * 400, Part.CONTINUE), dropping)
            if dropping:
                self.assertEqual(self.sender.told, [("dropped", 1)])
                self.assertFalse(self.part("4" * 400, Part.CONTINUE))
            self.assertEqual(self.sender.told[-2:], [("dropped", 1), "overflowed"])


class EndTests(OutboxTestCase):
    """However it ends, what it kept is given back, and nothing comes after it."""

    def states(self) -> list[Callable[[], object]]:
        """Return what brings a new outbox into each state that it can end in."""

        def half() -> None:
            self.socket.stuck = True
            self.outbox.send(message("x" * 300 * KIB))

        def half_in_fragments() -> None:
            self.socket.stuck = True
            self.outbox.send(message("x" * 300 * KIB, fragment_size=100 * KIB))

        def queued() -> None:
            self.block()
            self.outbox.send(message("y"))
            self.outbox.ping(build_frame(FINAL | PING, b""))
            self.outbox.pong(build_frame(FINAL | PONG, b""))

        def half_and_queued() -> None:
            half()
            self.outbox.send(message("y"))

        def part_begun() -> None:
            self.part("1", Part.FIRST)
            self.outbox.send(message("y"))

        def part_waiting() -> None:
            self.block()
            self.part("1", Part.FIRST)

        def finishing() -> None:
            half_and_queued()
            self.outbox.finish(b"", list)

        return [list, self.block, half, half_in_fragments, queued, half_and_queued, part_begun, part_waiting, finishing]

    def test_lost(self) -> None:
        """When the connection is lost, nothing is kept, taken, written, or waited for any more."""
        for state in self.states():
            self.begin(high_water=1)
            state()
            drained = self.outbox.drained()
            self.outbox.lost()
            self.socket.gone = True
            self.successResultOf(drained)
            self.assertEqual((self.sender.held, self.outbox.buffered), (0, 0), state)
            self.assertFalse(self.outbox.send(message("z")) or self.part("z", Part.FIRST))
            self.outbox.ping(b"z")
            self.outbox.pong(b"z")
            self.outbox.finish(b"z", raiser(AssertionError()))
            self.outbox.pauseProducing()
            self.outbox.resumeProducing()
            self.outbox.stopProducing()
            self.assertEqual((self.outbox.discard(), self.sender.held, self.sender.told), (0, 0, []))
            self.successResultOf(self.outbox.drained())
            self.outbox.lost()

    def test_discard(self) -> None:
        """What is discarded goes nowhere, but the frame that has begun is whole; messages that had not begun count."""
        for state, count in zip(self.states(), (0, 0, 0, 0, 1, 1, 1, 1, 1), strict=True):
            self.begin()
            state()
            self.assertEqual(self.outbox.discard(), count, state)
            self.socket.unblock()
            self.assertEqual((self.sender.held, self.outbox.buffered), (0, 0), state)
            self.assertNotIn("y", self.socket.taken.decode("latin-1"))
            try:
                read_frames(self.socket.taken)
            except FrameError as error:
                self.assertEqual(str(error), "the last message is not complete")

    def test_goes_on_after_discard(self) -> None:
        """After that it takes messages as before."""
        self.block()
        self.outbox.send(message("x"))
        self.part("1", Part.FIRST)
        self.outbox.discard()
        self.assertTrue(self.outbox.send(message("y")))
        self.assertTrue(self.part("2", Part.FIRST) and self.part("3", Part.LAST))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["y", "23"])

    def test_finish(self) -> None:
        """All that waits is sent, then the last bytes; then the sink is let go of, and the rest is done, once."""
        for state in self.states()[:-1]:
            self.begin()
            state()
            done: list[object] = []
            self.outbox.finish(GOODBYE, partial(self.note_producer, done))
            self.assertFalse(self.outbox.send(message("z")) or self.part("z", Part.CONTINUE))
            self.outbox.ping(build_frame(FINAL | PING, b"z"))
            self.outbox.pong(build_frame(FINAL | PONG, b"z"))
            self.socket.unblock()
            self.assertEqual((done, self.sender.held), ([None], 0), state)
            self.assertTrue(self.socket.taken.endswith(GOODBYE))
            self.assertNotIn(b"z", self.socket.taken)
            self.outbox.resumeProducing()
            self.outbox.lost()
            behind = [("dropped", 1)] if state.__name__ == "part_begun" else []
            self.assertEqual((len(done), self.sender.held, self.sender.told), (1, 0, behind))

    def note_producer(self, done: list[object]) -> None:
        """Note whom the sink asks to pause."""
        done.append(self.socket.producer)

    def test_behind_an_open_part(self) -> None:
        """What waits behind a message that has begun, and whose last part will not come, is dropped, and told."""
        self.part("1", Part.FIRST)
        self.outbox.send(message("x"))
        self.outbox.finish(GOODBYE, list)
        self.assertEqual(self.socket.taken, build_frame(TEXT, b"1") + GOODBYE)
        self.assertEqual((self.sender.told, self.sender.held), ([("dropped", 1)], 0))

    def test_part_at_the_end(self) -> None:
        """A message whose last part has not come by then is left as it is; one that is complete is sent."""
        self.block()
        self.part("1", Part.FIRST)
        self.part("2", Part.LAST)
        self.part("3", Part.FIRST)
        self.outbox.finish(GOODBYE, list)
        self.socket.unblock()
        self.assertEqual(self.texts(), ["12", "close \x03è"])

    def test_finish_again(self) -> None:
        """Last bytes come in the order of the calls; of what is to be done after them, only the last that is needed."""
        for blocked, expected in ((False, ["a", "b", "c"]), (True, ["c"])):
            self.begin()
            done: list[str] = []
            if blocked:
                self.block()
                self.outbox.send(message("x"))
            self.outbox.finish(build_frame(FINAL | PING, b"a"), partial(done.append, "a"))
            self.outbox.finish(build_frame(FINAL | PING, b"b"), partial(done.append, "b"))
            self.outbox.finish(b"", partial(done.append, "c"))
            self.socket.unblock()
            self.assertEqual((self.texts()[-2:], done), (["ping a", "ping b"], expected))

    def test_finish_after_discard(self) -> None:
        """The last bytes of a peer that is thrown out come after the frame that has begun, and before nothing."""
        self.socket.stuck = True
        self.outbox.send(message("x" * 300 * KIB, fragment_size=200 * KIB))
        self.outbox.send(message("y"))
        self.outbox.discard()
        self.outbox.finish(GOODBYE, list)
        self.socket.unblock()
        self.assertRaises(FrameError, read_frames, self.socket.taken)
        self.assertEqual(len(self.socket.taken), 200 * KIB + 10 + len(GOODBYE))

    def test_nothing_last(self) -> None:
        """Where there are no last bytes, nothing is written."""
        self.socket.gone = True
        done: list[str] = []
        for name in "ab":
            self.outbox.finish(b"", partial(done.append, name))
        self.assertEqual((done, self.sender.told), (["a", "b"], []))

    def test_never_sent(self) -> None:
        """What is finished while the peer takes nothing, and then lost, is not done."""
        self.block()
        self.outbox.finish(GOODBYE, raiser(AssertionError()))
        self.outbox.lost()
        self.socket.unblock()
        self.assertEqual(self.texts(), [])


class DrainedTests(OutboxTestCase):
    """Waiting for room."""

    def test_at_once(self) -> None:
        """While no more waits than high_water, nobody has to wait, whatever the socket keeps."""
        self.successResultOf(self.outbox.drained())
        self.begin(high_water=1000 + ROOM)
        self.block()
        self.successResultOf(self.outbox.drained())
        self.outbox.send(message("x" * 1000))
        self.successResultOf(self.outbox.drained())

    def test_small_limit(self) -> None:
        """Whoever waits before each message is never too much for a limit, however large high_water is beside it."""
        self.begin(limit=64 * KIB)
        self.socket.stuck = True
        sent = 0
        while self.outbox.drained().called and sent < 100:
            self.assertTrue(self.outbox.send(message("x" * 30 * KIB)))
            sent += 1
        self.assertEqual((sent, self.sender.told), (5, []))

    def test_half(self) -> None:
        """When more waits, it is waited for until half of high_water is left."""
        self.begin(high_water=300 * KIB)
        self.socket.stuck = True
        self.outbox.send(message("x" * 600 * KIB))
        waiting = [self.outbox.drained(), self.outbox.drained()]
        while self.outbox.buffered - len(self.socket.kept) > 150 * KIB:
            self.assertNoResult(waiting[0])
            self.socket.read()
        for each in waiting:
            self.successResultOf(each)
        self.assertGreater(self.outbox.buffered, 100 * KIB)

    def test_any_way_down(self) -> None:
        """It counts as well when it is dropped, discarded, or lost."""
        for way in (self.outbox_discard, self.outbox_lost):
            self.begin(high_water=1)
            self.block()
            self.outbox.send(message("x"))
            waiting = self.outbox.drained()
            self.assertNoResult(waiting)
            way()
            self.successResultOf(waiting)

    def outbox_discard(self) -> None:
        """Discard what waits."""
        self.outbox.discard()

    def outbox_lost(self) -> None:
        """Lose the connection."""
        self.outbox.lost()

    def test_cancelled(self) -> None:
        """Who waits no more is forgotten, also when another one's turn is what ended the waiting."""
        self.begin(high_water=1)
        self.block()
        self.outbox.send(message("x"))
        first, second, third = (self.outbox.drained() for _ in range(3))
        third.cancel()
        self.failureResultOf(third, CancelledError)
        first.addCallback(lambda _: second.cancel())
        self.socket.unblock()
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)

    def test_forgotten(self) -> None:
        """Who waits no more is not kept: the peer may take nothing for long."""
        self.begin(high_water=1)
        self.block()
        self.outbox.send(message("x"))
        waiter = self.outbox.drained()
        waiter.addErrback(lambda _: None)
        waiter.cancel()
        kept = ref(waiter)
        del waiter
        collect()
        self.assertIsNone(kept())

    def test_writes_on(self) -> None:
        """Who has waited may send, and wait again, at once."""
        self.begin(high_water=PIECE)
        self.socket.stuck = True
        sent: list[str] = []

        def send_on(_: object) -> Deferred[None] | None:
            if len(sent) == 5:
                return None
            sent.append(str(len(sent)))
            self.outbox.send(message(sent[-1] * 200 * KIB))
            return self.outbox.drained().addCallback(send_on)

        send_on(None)
        while self.socket.kept:
            self.assertLessEqual(self.sender.held, 500 * KIB)
            self.socket.read()
        self.assertEqual((self.texts(), self.sender.held), (["0", "1", "2", "3", "4"], 0))


class FailureTests(OutboxTestCase):
    """What cannot be sent is told, and harms nothing else."""

    def test_at_once(self) -> None:
        """A message that cannot be put into frames is not taken; the next goes on."""
        self.framing.broken = True
        self.assertFalse(self.outbox.send(message("x")))
        self.framing.broken = False
        self.assertTrue(self.outbox.send(message("y")))
        self.assertEqual((self.texts(), self.sender.told), (["y"], [("failed", OSError)]))
        self.assertEqual((self.outbox.messages_sent, self.sender.held), (1, 0))

    def test_later(self) -> None:
        """So it is with one that has waited."""
        self.block()
        self.outbox.send(message("x"))
        self.framing.broken = True
        self.sender.on_failure = lambda: setattr(self.framing, "broken", False)
        self.outbox.send(message("y"))
        self.socket.unblock()
        self.assertEqual((self.texts(), self.sender.told, self.sender.held), (["y"], [("failed", OSError)], 0))

    def test_part(self) -> None:
        """One in parts that has not begun is lost as a whole, and nobody waits for the rest of it."""
        for last in (False, True):
            self.begin()
            self.framing.broken = True
            self.block_broken()
            self.part("1", Part.FIRST)
            if last:
                self.part("2", Part.LAST)
            self.outbox.send(message("x"))
            self.sender.on_failure = lambda: setattr(self.framing, "broken", False)
            self.socket.unblock()
            self.assertEqual(self.sender.told, [("failed", OSError)])
            if not last:
                self.assertFalse(self.part("3", Part.CONTINUE) or self.part("4", Part.LAST))
            self.assertTrue(self.part("5", Part.FIRST) and self.part("6", Part.LAST))
            self.assertEqual((self.texts(), self.sender.held), (["x", "56"], 0))

    def block_broken(self) -> None:
        """Fill the socket while nothing can be put into frames."""
        self.socket.stuck = True
        self.socket.write(build_frame(FINAL | TEXT, b"b" * 65 * KIB))

    def test_begun_part(self) -> None:
        """One in parts that has begun cannot go on with a hole in it: nothing can follow, and that is told."""
        for part in (Part.CONTINUE, Part.LAST):
            self.begin()
            self.part("1", Part.FIRST)
            self.framing.broken = True
            self.part("2", part)
            self.assertEqual(self.sender.told, [("fatal", OSError)])
            self.assertEqual(self.sender.held, 0)

    def test_by_the_one_who_hears(self) -> None:
        """Who hears of it may send something else, which is sent after what waits."""
        self.block()
        self.outbox.send(message("x"))
        self.outbox.send(message("y"))
        self.framing.broken = True
        self.sender.on_failure = self.mend_and_send
        self.socket.unblock()
        self.assertEqual((self.texts(), self.sender.held), (["y", "sorry"], 0))

    def mend_and_send(self) -> None:
        """Send again."""
        self.framing.broken = False
        self.outbox.send(message("sorry"))

    def test_broken_sink(self) -> None:
        """A sink that fails is told of wherever it fails; nothing can follow."""
        for small in (True, False):
            self.begin()
            self.socket.write = raiser(ZeroDivisionError())  # type: ignore[method-assign]
            taken = self.outbox.send(message("x" if small else "x" * 100 * KIB))
            self.assertEqual((taken, self.sender.told), (not small, [("fatal", ZeroDivisionError)]))
            self.outbox.ping(b"x")
            self.outbox.pong(b"x")
            self.outbox.finish(GOODBYE, list)
            self.assertEqual({what for what, _ in self.sender.told}, {"fatal"})
            self.outbox.lost()
            self.assertEqual(self.sender.held, 0)


class ReentrancyTests(OutboxTestCase):
    """Whoever is told something may do something."""

    def test_evicted_while_counting(self) -> None:
        """A peer may be thrown out while what waits for it is being counted; the message was not taken then."""
        self.block()
        self.sender.on_hold = lambda change: change > 0 and (self.outbox.discard(), self.outbox.finish(GOODBYE, list))
        self.assertFalse(self.outbox.send(message("x")))
        self.assertEqual((self.sender.held, self.sender.told), (0, []))
        self.socket.unblock()
        self.assertEqual(self.texts(), ["close \x03è"])

    def test_lost_while_counting(self) -> None:
        """So may the connection be lost."""
        for send in (lambda: self.outbox.send(message("x")), lambda: self.part("x", Part.FIRST)):
            self.begin()
            self.block()
            self.sender.on_hold = lambda change: change > 0 and self.outbox.lost()
            self.assertFalse(send())
            self.assertEqual(self.sender.held, 0)

    def test_lost_while_drained(self) -> None:
        """So it may by who waited for room."""
        self.begin(high_water=1)
        self.block()
        self.outbox.send(message("x"))
        self.outbox.drained().addCallback(lambda _: self.outbox.lost())
        self.socket.unblock()
        self.assertEqual((self.texts(), self.sender.held), (["x"], 0))


SIZES = st.one_of(st.integers(0, 200), st.integers(0, 150 * KIB))
STEPS = st.one_of(
    st.tuples(st.just("send"), SIZES, st.sampled_from([None, None, 1000, 70 * KIB])),
    st.tuples(st.just("send"), SIZES, st.sampled_from([None, None, 1000, 70 * KIB])),
    st.tuples(st.just("part"), SIZES, st.sampled_from(list(Part))),
    st.tuples(st.just("read"), st.integers(1, 200 * KIB), st.none()),
    st.tuples(st.just("read"), st.none(), st.none()),
    st.tuples(st.sampled_from(["ping", "pong", "stick", "stick", "unstick"]), st.none(), st.none()),
    st.tuples(st.sampled_from(["finish", "close", "lose"]), st.none(), st.none()),
)
LIMIT = 200 * KIB


class AnyScheduleTests(OutboxTestCase):
    """Whatever happens in whatever order, the promises hold."""

    @given(st.lists(STEPS, max_size=40), st.sampled_from(list(WhenFull)))
    @settings(deadline=None, max_examples=200)
    def test_any_schedule(self, steps: list[Any], when_full: WhenFull) -> None:
        """
        Frames are whole and messages in order. Each one arrives, or is told of as dropped, unless the connection ends
        in a hurry. Never is more kept than the limit and 256 KiB, and nothing in the end.
        """
        self.begin(limit=LIMIT, high_water=KIB, when_full=when_full)
        self.sender.on_overflow = self.close
        self.taken: list[bytes] = []
        self.open_part: bytes | None = None
        self.offered = self.place = 0
        self.ended = self.hurried = self.over = False
        for name, size, how in steps:
            self.step(name, size, how)
            self.assertLessEqual(self.sender.held + len(self.socket.kept), LIMIT + 256 * KIB)
            self.assertLessEqual(self.socket.most, BELOW)
            self.assertLessEqual(self.outbox.buffered, self.sender.held + len(self.socket.kept))
        self.check_end()

    def step(self, name: str, size: int | None, how: Any) -> None:
        """Let something happen."""
        if name == "send":
            payload = (b"%d " % self.offered).ljust(size or 0, b"x")
            self.offered += not self.ended
            if self.outbox.send(Message(payload, True, fragment_size=how)):
                self.taken.append(payload)
        elif name == "part":
            self.give_part(size or 0, how)
        elif name == "read":
            self.socket.read(size)
        elif name in ("stick", "unstick"):
            self.socket.stuck = name == "stick"
        else:
            frame = build_frame(FINAL | (PING if name == "ping" else PONG), b"123")
            calls: dict[str, Callable[[], object]] = {
                "ping": lambda: self.outbox.ping(frame),
                "pong": lambda: self.outbox.pong(frame),
                "finish": self.finish,
                "close": self.close,
                "lose": self.lose,
            }
            calls[name]()

    def give_part(self, size: int, part: Part) -> None:
        """Give a part, and note the message when it is complete."""
        payload = (b"%d " % self.offered if part is Part.FIRST else b"").ljust(size, b"y")
        try:
            ended, taken = self.ended, self.outbox.send_part(payload, True, part)
        except ValueError:
            return
        if part is Part.FIRST:
            self.offered += not ended
            self.open_part, self.place = b"", len(self.taken)
        self.open_part = self.open_part + payload if taken and self.open_part is not None else None
        if part is Part.LAST and self.open_part is not None:
            self.taken.insert(self.place, self.open_part)
            self.open_part = None

    def finish(self) -> None:
        """Send what waits, and end."""
        self.offered -= self.open_part is not None
        self.open_part = None
        self.ended = True
        self.outbox.finish(b"", lambda: setattr(self, "over", True))

    def close(self) -> None:
        """Throw the peer out."""
        self.hurried = True
        self.outbox.discard()
        self.finish()

    def lose(self) -> None:
        """Lose the connection."""
        self.ended = self.hurried = self.socket.gone = True
        self.outbox.lost()

    def check_end(self) -> None:
        """Let the peer take everything, and look at what it got."""
        if self.open_part is not None:
            self.give_part(0, Part.LAST)
        if not self.socket.gone:
            self.socket.unblock()
            self.assertEqual(self.over, self.ended)
        arrived = self.arrived()
        left = iter(self.taken)
        self.assertTrue(all(one in left for one in arrived), "not in order")
        if not self.hurried:
            dropped = sum(count for _, count in self.sender.told)
            self.assertEqual(len(arrived) + dropped, self.offered)
        self.outbox.lost()
        self.assertEqual(self.sender.held, 0)
        self.assertEqual({what for what, *_ in self.sender.told} - {"dropped", "o"}, set())

    def arrived(self) -> list[bytes]:
        """Return the messages that have arrived as a whole; a frame may be cut only where the connection is lost."""
        frames, rest = whole_frames(self.socket.taken)
        self.assertTrue(not rest or self.socket.gone)
        found: list[bytes] = []
        message: bytes | None = None
        for one in frames:
            if one.opcode in (TEXT, CONTINUATION):
                self.assertEqual(one.opcode == CONTINUATION, message is not None)
                message = (message or b"") + one.payload
                if one.fin:
                    found.append(message)
                    message = None
        return found
