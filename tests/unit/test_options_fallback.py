"""Tests of `sgcws.options.fallback`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.fallback import FallbackOptions, ServerSentEvents
from sgcws.options.server import ServerOptions


class FallbackOptionsTests(SynchronousTestCase):
    def test_off_by_default(self) -> None:
        """A server offers no fallback unless told to; one that does offers Server-Sent Events."""
        self.assertIsNone(ServerOptions().fallback)
        events = FallbackOptions().server_sent_events
        assert events is not None
        self.assertEqual((events.retry, events.path), (3.0, "/sgcws/events"))
        self.assertIsNone(FallbackOptions(server_sent_events=None).server_sent_events)

    def test_refused(self) -> None:
        """A time that cannot be told in milliseconds, and a path that could be written in two ways, are none."""
        wrong: tuple[dict[str, Any], ...] = (
            {"retry": 0},
            {"retry": 0.0001},
            {"retry": 86401},
            {"retry": float("inf")},
            {"path": ""},
            {"path": "/"},
            {"path": "events"},
            {"path": "/events/"},
            {"path": "//events"},
            {"path": "/a/../events"},
            {"path": "/a/."},
            {"path": "/a?b"},
            {"path": "/a#b"},
            {"path": "/a%20b"},
            {"path": "/a b"},
            {"path": "/ä"},
            {"path": "/a\n"},
            {"path": b"/a"},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, ServerSentEvents, **given)
            self.assertEqual(error.field, next(iter(given)))
        self.assertRaises(OptionError, FallbackOptions, server_sent_events="/events")

    def test_paths(self) -> None:
        """Paths of one segment and of many are allowed, and dots within a segment."""
        for path in ("/e", "/a/b/c", "/.well-known/events", "/a..b", "/...", "/~me/a@b:c"):
            self.assertEqual(ServerSentEvents(path=path).path, path)

    def test_from_a_file(self) -> None:
        """A file switches it on by one word, and sets what it likes."""
        self.assertEqual(ServerOptions.from_mapping({"fallback": True}).fallback, FallbackOptions())
        self.assertEqual(
            ServerOptions.from_mapping({"fallback": {"server_sent_events": {"retry": 5}}}).fallback,
            FallbackOptions(server_sent_events=ServerSentEvents(retry=5.0)),
        )
        self.assertEqual(
            ServerOptions.from_mapping({"fallback": {"server_sent_events": "off"}}).fallback,
            FallbackOptions(server_sent_events=None),
        )
