"""Tests of `sgcws.options.server`: all groups in one value, also from plain mappings."""

from __future__ import annotations

from typing import Any, get_type_hints

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.description import describe
from sgcws.options.field import declared
from sgcws.options.listen import ListenOptions
from sgcws.options.server import OptionGroups, ServerOptions
from sgcws.options.watchdog import Monitor, WatchdogOptions
from sgcws.options.websocket import Compression, WebSocketOptions

group_names = st.sampled_from(list(declared(ServerOptions)))
option_names = st.sampled_from([description.path[-1] for description in describe()]) | st.text()


class ServerOptionsTests(SynchronousTestCase):
    def test_groups(self) -> None:
        """Each group has its defaults unless it is given."""
        options = ServerOptions(listen=ListenOptions(backlog=5))
        self.assertEqual(options.listen.backlog, 5)
        self.assertEqual(options.websocket, WebSocketOptions())
        self.assertEqual(options.watchdog, WatchdogOptions())

    def test_off(self) -> None:
        """Only what can be off may be None."""
        self.assertIsNone(ServerOptions(watchdog=None).watchdog)
        for name in ("listen", "websocket", "http", "security"):
            none: dict[str, Any] = {name: None}
            error = self.assertRaises(OptionError, ServerOptions, **none)
            self.assertEqual(error.field, name)

    def test_value(self) -> None:
        """Options are values: equal, hashable, changed by copy."""
        changed = attrs.evolve(ServerOptions(), watchdog=None)
        self.assertEqual(len({ServerOptions(), ServerOptions(), changed}), 2)


class OptionGroupsTests(SynchronousTestCase):
    def test_same(self) -> None:
        """The groups that can be given by keyword are those of `ServerOptions`, each of the same type."""
        self.assertEqual(get_type_hints(OptionGroups), get_type_hints(ServerOptions))
        self.assertEqual(list(OptionGroups.__annotations__), list(declared(ServerOptions)))
        self.assertEqual(OptionGroups.__required_keys__, frozenset())


class FromMappingTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        """An empty mapping gives the defaults."""
        self.assertEqual(ServerOptions.from_mapping({}), ServerOptions())

    def test_base(self) -> None:
        """What is not mentioned keeps the value of the base, in the groups inside a group too."""
        base = ServerOptions(
            listen=ListenOptions(backlog=5),
            websocket=WebSocketOptions(subprotocols=("a",), compression=Compression(window_bits=15)),
        )
        self.assertEqual(ServerOptions.from_mapping({}, base), base)
        options = ServerOptions.from_mapping({"websocket": {"compression": {"memory_level": 1}}}, base)
        self.assertEqual(options.listen, base.listen)
        self.assertEqual(options.websocket.subprotocols, ("a",))
        self.assertEqual(options.websocket.compression, Compression(window_bits=15, memory_level=1))

    def test_base_switched(self) -> None:
        """A group of the base can be switched off, and one that is off there starts from its defaults."""
        base = ServerOptions(watchdog=None, websocket=WebSocketOptions(compression=Compression(window_bits=15)))
        options = ServerOptions.from_mapping({"watchdog": {"attempts": 3}, "websocket": {"compression": "off"}}, base)
        self.assertEqual(options.watchdog, WatchdogOptions(attempts=3))
        self.assertIsNone(options.websocket.compression)

    def test_base_refused(self) -> None:
        """A wrong value over a base is named in full."""
        wrong = {"websocket": {"compression": {"window_bits": 1}}}
        error = self.assertRaises(OptionError, ServerOptions.from_mapping, wrong, ServerOptions())
        self.assertEqual(error.field, "websocket.compression.window_bits")

    def test_tables(self) -> None:
        """Tables become groups, lists tuples, and sizes may have a unit."""
        options = ServerOptions.from_mapping(
            {
                "websocket": {
                    "max_message_size": "1 MiB",
                    "subprotocols": ["a", "b"],
                    "compression": {"window_bits": 15},
                },
                "watchdog": {"interval": 5, "monitor": {"timeout": 1}},
            }
        )
        websocket = WebSocketOptions(
            max_message_size=1024**2, subprotocols=("a", "b"), compression=Compression(window_bits=15)
        )
        watchdog = WatchdogOptions(interval=5.0, monitor=Monitor(timeout=1.0))
        self.assertEqual(options, ServerOptions(websocket=websocket, watchdog=watchdog))

    def test_off(self) -> None:
        """A group that can be off is switched off by "off" or false, and on by true."""
        for off in ("off", False, None):
            self.assertIsNone(ServerOptions.from_mapping({"watchdog": off}).watchdog)
            self.assertIsNone(
                ServerOptions.from_mapping({"websocket": {"compression": off}}).websocket.compression
            )
        options = ServerOptions.from_mapping({"watchdog": {"monitor": True}})
        self.assertEqual(options.watchdog, WatchdogOptions(monitor=Monitor()))

    def test_refused(self) -> None:
        """A wrong value is named by group and option."""
        for mapping, field, value in (
            ({"listen": False}, "listen", False),
            ({"listen": "off"}, "listen", "off"),
            ({"listen": []}, "listen", []),
            ({"watchdog": {"attempts": 0}}, "watchdog.attempts", 0),
            ({"watchdog": {"monitor": {"timeout": -1}}}, "watchdog.monitor.timeout", -1),
            ({"listen": {"backlog": "1024"}}, "listen.backlog", "1024"),
            ({"websocket": {"subprotocols": "chat"}}, "websocket.subprotocols", "chat"),
        ):
            error = self.assertRaises(OptionError, ServerOptions.from_mapping, mapping)
            self.assertEqual((error.field, error.value), (field, value))

    def test_unknown(self) -> None:
        """A name that is not known comes with the nearest one that is."""
        for mapping, field, value, near in (
            ({"websockets": {}}, "options", "websockets", "websocket"),
            ({"http": {"document-root": "."}}, "http", "document-root", "document_root"),
            ({"websocket": {"compression": {"bits": 9}}}, "websocket.compression", "bits", "window_bits"),
        ):
            error = self.assertRaises(OptionError, ServerOptions.from_mapping, mapping)
            self.assertEqual((error.field, error.value), (field, value))
            self.assertIn(near, error.allowed)

    @settings(deadline=None, database=None)
    @given(
        st.dictionaries(
            group_names | st.text(),
            st.dictionaries(option_names, st.integers() | st.text() | st.lists(st.text()) | st.floats())
            | st.booleans()
            | st.text(),
        )
    )
    def test_any_mapping(self, mapping: dict[str, object]) -> None:
        """Any mapping gives options or an `OptionError`."""
        try:
            options = ServerOptions.from_mapping(mapping)
        except OptionError as error:
            self.assertIn("allowed", str(error))
            return
        self.assertIsInstance(options, ServerOptions)
