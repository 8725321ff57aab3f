"""Promises of `sgcws.realtime.framing`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.framing import ROOM, Message


class MessageTests(SynchronousTestCase):
    """A message on its way out."""

    def test_size(self) -> None:
        """It counts by its payload and by the room that it takes itself, which is no less than it takes in memory."""
        for payload in (b"", b"abc"):
            message = Message(payload, True)
            self.assertEqual(message.size, len(payload) + ROOM)
            self.assertLessEqual(message.__sizeof__() + b"".__sizeof__(), ROOM)

    def test_identity(self) -> None:
        """Two with the same content are two."""
        self.assertNotEqual(Message(b"", True), Message(b"", True))
