"""Promises of `sgcws.realtime.opening`."""

from __future__ import annotations

import operator
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.opening import NO_OPENING


class OpeningTests(SynchronousTestCase):
    """The request by which a peer came."""

    def test_nothing(self) -> None:
        """Who asked for nothing has an opening in which everything is empty."""
        self.assertEqual((NO_OPENING.url, NO_OPENING.path, NO_OPENING.protocol), ("", "", None))
        self.assertEqual([len(NO_OPENING.query), len(NO_OPENING.headers), len(NO_OPENING.response_headers)], [0, 0, 0])

    def test_frozen(self) -> None:
        """Nobody can change it, nor what is in it: all that asked for nothing share it."""
        self.assertRaises(attrs.exceptions.FrozenInstanceError, setattr, NO_OPENING, "url", "/")
        shared: tuple[Any, ...] = (NO_OPENING.query, NO_OPENING.headers, NO_OPENING.response_headers)
        for empty in shared:
            self.assertRaises(TypeError, operator.setitem, empty, "a", "b")
