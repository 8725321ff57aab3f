"""What the package offers, and where each name lives."""

from __future__ import annotations

import importlib

from twisted.trial.unittest import SynchronousTestCase

import sgcws

HOMES = {
    "Binding": "sgcws.values",
    "Compression": "sgcws.options.websocket",
    "Connection": "sgcws.interfaces",
    "ConnectionClosed": "sgcws.errors",
    "Fact": "sgcws.events.fact",
    "FallbackOptions": "sgcws.options.fallback",
    "Fragment": "sgcws.values",
    "FragmentMode": "sgcws.values",
    "HTTPOptions": "sgcws.options.http",
    "HeartbeatOptions": "sgcws.options.heartbeat",
    "InvalidOrigin": "sgcws.errors",
    "LifecycleError": "sgcws.errors",
    "ListenError": "sgcws.errors",
    "ListenOptions": "sgcws.options.listen",
    "Monitor": "sgcws.options.watchdog",
    "Opcode": "sgcws.values",
    "OptionError": "sgcws.errors",
    "Part": "sgcws.values",
    "PeerProtocolError": "sgcws.errors",
    "Question": "sgcws.events.question",
    "RawTCP": "sgcws.values",
    "Reject": "sgcws.values",
    "Request": "sgcws.interfaces",
    "Response": "sgcws.interfaces",
    "Scan": "sgcws.values",
    "SecurityOptions": "sgcws.options.security",
    "ServerError": "sgcws.errors",
    "ServerOptions": "sgcws.options.server",
    "ServerSentEvents": "sgcws.options.fallback",
    "SlowClientPolicy": "sgcws.options.websocket",
    "TLSConfigError": "sgcws.errors",
    "TLSDetails": "sgcws.values",
    "TLSOptions": "sgcws.options.tls",
    "TLSVersion": "sgcws.values",
    "TransportKind": "sgcws.values",
    "WatchdogOptions": "sgcws.options.watchdog",
    "WebSocketHTTPServer": "sgcws.server",
    "WebSocketOptions": "sgcws.options.websocket",
    "WebSocketResource": "sgcws.websocket.resource",
    "WhenFull": "sgcws.values",
}


class ExportTests(SynchronousTestCase):
    """The public names."""

    def test_all_lists_the_public_names(self) -> None:
        """``__all__`` is what the table says, and the version."""
        self.assertEqual(set(sgcws.__all__), {*HOMES, "__version__"})

    def test_every_name_lives_where_the_table_says(self) -> None:
        """Each public name is the object of its home module."""
        for name, home in HOMES.items():
            self.assertIs(getattr(sgcws, name), getattr(importlib.import_module(home), name), name)

    def test_every_public_name_says_what_it_is(self) -> None:
        """Each public name has a docstring."""
        self.assertEqual([name for name in HOMES if not getattr(sgcws, name).__doc__], [])
