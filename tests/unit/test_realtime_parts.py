"""Promises of `sgcws.realtime.parts`: one message, given in several calls."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.framing import ROOM
from sgcws.realtime.parts import PartialMessage, size_of
from tests.cases.frames import BINARY, CONTINUATION, TEXT, Frame, read_frames
from tests.slow import Breakable


class PartialMessageTests(SynchronousTestCase):
    """Parts come, and leave as frames."""

    def setUp(self) -> None:
        """Have a message of which nothing has been given."""
        self.framing = Breakable(None)
        self.message = PartialMessage(True)

    def test_new(self) -> None:
        """It begins with nothing."""
        message = self.message
        self.assertEqual((message.size, message.total, message.text), (0, 0, True))
        self.assertFalse(message.begun or message.complete or message.lost)

    def test_frames(self) -> None:
        """The first frame says what it is, the last that it is the last, whenever they are taken."""
        for text, opcode in ((True, TEXT), (False, BINARY)):
            for pauses in (0b000, 0b001, 0b010, 0b011):
                message, sent = PartialMessage(text), b""
                for place, part in enumerate((b"a", b"", b"c")):
                    message.add(part, place == 2)
                    sent += b"" if pauses >> place & 1 else b"".join(message.take(self.framing))
                self.assertEqual(
                    read_frames(sent), [Frame(opcode, b"a", False), Frame(CONTINUATION, b"", False), Frame(0, b"c")]
                )
                self.assertTrue(message.complete and message.begun)

    def test_counted(self) -> None:
        """The parts that wait are counted with the room that each takes, and all of them by what they carry."""
        self.message.add(b"abc", False)
        self.message.add(b"", False)
        self.assertEqual((self.message.size, self.message.total), (3 + 2 * ROOM, 3))
        self.assertEqual(self.message.size, size_of(b"abc") + size_of(b""))
        self.message.take(self.framing)
        self.assertEqual((self.message.size, self.message.total), (0, 3))
        self.assertEqual(self.message.take(self.framing), [])

    def test_lost(self) -> None:
        """When it is lost, nothing waits any more."""
        self.message.add(b"abc", False)
        self.assertEqual((self.message.lose(), self.message.size), (3 + ROOM, 0))
        self.assertEqual((self.message.take(self.framing), self.message.lost), ([], True))
        self.assertEqual(self.message.lose(), 0)

    def test_failing(self) -> None:
        """Parts that cannot be put into frames wait no more, and it has begun only if a frame was made before."""
        for before in (0, 1):
            message = PartialMessage(True)
            for _ in range(before):
                message.add(b"a", False)
                message.take(self.framing)
            message.add(b"b", False)
            self.framing.broken = True
            self.assertRaises(OSError, message.take, self.framing)
            self.framing.broken = False
            self.assertEqual((message.begun, message.size), (bool(before), 0))
