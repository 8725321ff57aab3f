"""Tests of `sgcws.options.websocket`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.server import ServerOptions
from sgcws.options.websocket import Compression, SlowClientPolicy, WebSocketOptions
from sgcws.values import FragmentMode, WhenFull


class WebSocketOptionsTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """The defaults are those of the contract."""
        options = WebSocketOptions()
        self.assertEqual((options.validate_utf8, options.enforce_version, options.validate_key), (True,) * 3)
        self.assertEqual((options.max_message_size, options.max_frame_size), (64 * 1024 * 1024, None))
        self.assertEqual((options.close_timeout, options.open_timeout), (5.0, 10.0))
        self.assertEqual((options.compression, options.subprotocols), (Compression(), ()))
        self.assertEqual(Compression(), Compression(window_bits=12, context_takeover=True))
        self.assertEqual(options.fragmented_messages, FragmentMode.BUFFER)
        self.assertEqual((options.max_control_frames, options.max_tiny_fragments), (100, 1000))
        self.assertEqual(options.outgoing, SlowClientPolicy())
        self.assertEqual((Compression().threshold, Compression().max_ratio), (256, 100))

    def test_refused(self) -> None:
        """Sizes and times are positive, sub-protocols are tokens, each once."""
        wrong: tuple[dict[str, Any], ...] = (
            {"max_message_size": 0},
            {"max_message_size": None},
            {"max_frame_size": -1},
            {"max_control_frames": 0},
            {"max_tiny_fragments": 1.5},
            {"fragmented_messages": "buffer"},
            {"outgoing": None},
            {"close_timeout": 0},
            {"open_timeout": float("inf")},
            {"compression": True},
            {"subprotocols": "chat"},
            {"subprotocols": ("a b",)},
            {"subprotocols": ("a,b",)},
            {"subprotocols": ("",)},
            {"subprotocols": ("é",)},
            {"subprotocols": ("chat", "chat")},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, WebSocketOptions, **given)
            self.assertEqual({error.field: error.value}, given)

    def test_subprotocols(self) -> None:
        """Every character of a token is allowed, and the order is kept."""
        names = ("sgcws.v1", "!#$%&'*+-.^_`|~", "A0")
        self.assertEqual(WebSocketOptions(subprotocols=names).subprotocols, names)


class SlowClientPolicyTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """The defaults are those of the contract."""
        policy = SlowClientPolicy()
        self.assertEqual((policy.high_water, policy.limit, policy.when_full), (1024**2, 16 * 1024**2, WhenFull.CLOSE))

    def test_refused(self) -> None:
        """Both sizes are at least a byte, and what becomes of more is one of four things."""
        wrong: tuple[dict[str, Any], ...] = (
            {"high_water": 0},
            {"limit": 0},
            {"limit": None},
            {"when_full": "close"},
            {"when_full": None},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, SlowClientPolicy, **given)
            self.assertEqual({error.field: error.value}, given)

    def test_from_a_file(self) -> None:
        """In a file sizes have units, and what becomes of more is a word."""
        outgoing = {"limit": "1 MiB", "when_full": "drop_oldest"}
        options = ServerOptions.from_mapping({"websocket": {"outgoing": outgoing, "fragmented_messages": "all"}})
        self.assertEqual(options.websocket.outgoing, SlowClientPolicy(limit=1024**2, when_full=WhenFull.DROP_OLDEST))
        self.assertEqual(options.websocket.fragmented_messages, FragmentMode.ALL)
        wrong = {"websocket": {"outgoing": {"when_full": "wait"}}}
        error = self.assertRaises(OptionError, ServerOptions.from_mapping, wrong)
        self.assertEqual((error.field, error.value), ("websocket.outgoing.when_full", "wait"))
        self.assertIn('"drop_newest"', error.allowed)


class CompressionTests(SynchronousTestCase):
    def test_bounds(self) -> None:
        """Windows of 9 to 15 bits and memory levels of 1 to 9 are what zlib can do for a server."""
        self.assertEqual(Compression(window_bits=9, memory_level=1).window_bits, 9)
        self.assertEqual(Compression(window_bits=15, memory_level=9).memory_level, 9)
        wrong: tuple[dict[str, Any], ...] = (
            {"window_bits": 8},
            {"window_bits": 16},
            {"memory_level": 0},
            {"memory_level": 10},
            {"context_takeover": 0},
            {"threshold": 0},
            {"threshold": None},
            {"max_ratio": 0},
            {"max_ratio": 99.5},
        )
        for given in wrong:
            error = self.assertRaises(OptionError, Compression, **given)
            self.assertEqual({error.field: error.value}, given)
