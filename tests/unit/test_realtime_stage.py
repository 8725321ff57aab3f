"""Promises of `sgcws.realtime.stage`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.stage import CLOSED, CLOSING, DROPPED, OPEN, PLAIN, Stage


class StageTests(SynchronousTestCase):
    """How far a peer has come."""

    def test_order(self) -> None:
        """Stages are in the order in which they are come to, and each short name is the stage of that name."""
        self.assertEqual([PLAIN, OPEN, CLOSING, DROPPED, CLOSED], sorted(Stage))
        for name, stage in Stage.__members__.items():
            self.assertIs(globals()[name], stage)
