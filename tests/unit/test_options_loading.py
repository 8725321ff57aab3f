"""Tests of `sgcws.options.loading`: file, environment and command line, laid over each other."""

from __future__ import annotations

import enum

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.options.description import Description, describe
from sgcws.options.loading import (
    Configuration,
    command_line_parameters,
    configuration,
    merge,
    read_command_line,
    read_environment,
    read_toml,
)
from sgcws.options.server import ServerOptions
from sgcws.options.watchdog import Monitor, WatchdogOptions
from sgcws.options.websocket import Compression

unhurried = settings(deadline=None, database=None)
words = st.text() | st.sampled_from(["on", "off", "none", "0", "1", "64 MiB", "-1", "nan", "a,b", "9" * 5000])


def given_defaults() -> list[Description]:
    """All options whose default can be said without contradiction: not those of a group that is off."""
    off = [each.path for each in describe() if each.default == "off"]
    return [
        each for each in describe() if not any(each.path[: len(path)] == path != each.path for path in off)
    ]


def variable(flag: str) -> str:
    """Return the environment variable that says the same as a flag."""
    (found,) = (each.variable for each in (*describe(Configuration), *describe()) if each.flag == flag)
    return found


def as_toml(value: object) -> str:
    """Write a default as TOML."""
    if value is None:
        return '"off"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, enum.Enum):
        return as_toml(value.value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def toml_of(group: object, name: str) -> str:
    """Write a group and the groups inside it as TOML tables."""
    lines, tables = [f"[{name}]"], []
    for field in attrs.fields(type(group)):  # type: ignore[arg-type]
        value = getattr(group, field.name)
        if attrs.has(type(value)):
            tables.append(toml_of(value, f"{name}.{field.name}"))
        else:
            lines.append(f"{field.name} = {as_toml(value)}")
    return "\n".join(lines + tables)


class TOMLTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """A file that spells out every default says nothing new."""
        options = ServerOptions()
        groups = {field.name: getattr(options, field.name) for field in attrs.fields(ServerOptions)}
        off = [f"{name} = {as_toml(None)}" for name, group in groups.items() if group is None]
        text = "\n".join(off + [toml_of(group, name) for name, group in groups.items() if group is not None])
        self.assertEqual(ServerOptions.from_mapping(read_toml(text, "all.toml")), options)

    def test_malformed(self) -> None:
        """What is not TOML is named by file and place."""
        error = self.assertRaises(OptionError, read_toml, "[http]\nport =", "chat.toml")
        self.assertEqual(error.field, "chat.toml")
        self.assertIn("end of document", str(error.value))

    def test_too_deep_or_too_long(self) -> None:
        """Nesting and numbers beyond the limits of Python are malformed, too."""
        for text in ("a = " + "[" * 100_000, "a = " + "9" * 5000):
            self.assertRaises(OptionError, read_toml, text, "x")

    @unhurried
    @given(
        st.text() | st.from_regex(r"\A(\[?\[?[a-z.\"]{0,5}\]?\]?( ?= ?[0-9\"'{\[\]},:T-]{0,9})?\n){0,5}\Z")
    )
    def test_any_text(self, text: str) -> None:
        """Any text is a mapping or an `OptionError`."""
        try:
            read = read_toml(text, "x")
        except OptionError:
            return
        self.assertIsInstance(read, dict)


class EnvironmentTests(SynchronousTestCase):
    def test_nested(self) -> None:
        """Two underscores lead into a group; text becomes what a file would have."""
        environ = {
            "SGCWS_PORT": "8080",
            "SGCWS_LISTEN__TCP_NO_DELAY": "no",
            "SGCWS_WEBSOCKET__COMPRESSION__WINDOW_BITS": "9",
            "SGCWS_WEBSOCKET__MAX_MESSAGE_SIZE": "1MiB",
            "SGCWS_WEBSOCKET__SUBPROTOCOLS": "a, b",
            "SGCWS_HTTP__SERVER_HEADER": "none",
            "HOME": "/",
            "sgcws_port": "1",
        }
        self.assertEqual(
            read_environment(environ),
            {
                "port": 8080,
                "listen": {"tcp_no_delay": False},
                "websocket": {
                    "max_message_size": 1024**2,
                    "compression": {"window_bits": 9},
                    "subprotocols": ["a", "b"],
                },
                "http": {"server_header": "none"},
            },
        )

    def test_defaults(self) -> None:
        """An environment that spells out every default says nothing new."""
        environ = {each.variable: each.default for each in given_defaults()}
        self.assertEqual(configuration(read_environment(environ)).options, ServerOptions())

    def test_wrong_text(self) -> None:
        """A wrong text names the variable, the text and what is allowed."""
        error = self.assertRaises(OptionError, read_environment, {"SGCWS_WATCHDOG__ATTEMPTS": "0"})
        self.assertEqual((error.field, error.value), ("SGCWS_WATCHDOG__ATTEMPTS", "0"))
        self.assertIn("1 or more", error.allowed)

    def test_unknown(self) -> None:
        """A variable of ours that belongs to no option is refused with the nearest one, not passed over."""
        error = self.assertRaises(OptionError, read_environment, {"SGCWS_LISTEN__BACKLOGS": "hunter2"})
        self.assertEqual(error.value, "SGCWS_LISTEN__BACKLOGS")
        self.assertIn("did you mean SGCWS_LISTEN__BACKLOG?", error.allowed)
        self.assertNotIn("hunter2", str(error))
        for name in ("SGCWS_", "SGCWS_LISTEN", "SGCWS_OPTIONS", "SGCWS_PORT__X", "SGCWS_port"):
            self.assertRaises(OptionError, read_environment, {name: "on"})

    def test_switch(self) -> None:
        """A group can be switched on, and its options given beside the switch, whatever the order."""
        on = {"SGCWS_WATCHDOG__MONITOR": "on"}
        beside = {"SGCWS_WATCHDOG__MONITOR__TIMEOUT": "1", **on}
        monitor = Monitor(timeout=1.0)
        for environ, wanted in (
            (on, Monitor()),
            (beside, monitor),
            (dict(reversed(beside.items())), monitor),
        ):
            options = configuration(read_environment(environ)).options
            self.assertEqual(options.watchdog, WatchdogOptions(monitor=wanted))

    def test_off_and_set(self) -> None:
        """An option of a group that is switched off beside it is a contradiction, and refused."""
        environ = {"SGCWS_WATCHDOG__MONITOR__TIMEOUT": "1", "SGCWS_WATCHDOG": "off"}
        error = self.assertRaises(OptionError, read_environment, environ)
        self.assertEqual((error.field, error.value), ("SGCWS_WATCHDOG__MONITOR__TIMEOUT", "1"))

    @unhurried
    @given(
        st.dictionaries(
            st.sampled_from([each.variable for each in describe()]) | st.text().map("SGCWS_{}".format),
            words,
            max_size=3,
        )
    )
    def test_any_environment(self, environ: dict[str, str]) -> None:
        """Any environment gives options or an `OptionError`."""
        try:
            found = configuration(read_environment(environ))
        except OptionError as error:
            self.assertIn("allowed", str(error))
            return
        self.assertIsInstance(found, Configuration)


class CommandLineTests(SynchronousTestCase):
    def test_parameters(self) -> None:
        """Each option has a flag, with its doc and its default; a switch has its words, an empty list is said so."""
        parameters = command_line_parameters()
        self.assertIn(("http-charset", "The encoding of text that the server sends.", "default: utf-8"), parameters)
        notes = {flag: note for flag, _, note in parameters}
        self.assertEqual(notes["http-scripts"], "true or false; default: true")
        self.assertEqual(notes["watchdog-monitor"], "on or off; default: off")
        self.assertEqual(notes["security-allowed-origins"], "default: (empty)")
        self.assertEqual(len(parameters), len(describe()))

    def test_defaults(self) -> None:
        """A command line that spells out every default says nothing new."""
        given = {each.flag: each.default for each in given_defaults()}
        self.assertEqual(configuration(read_command_line(given)).options, ServerOptions())

    def test_given(self) -> None:
        """Only what was given counts, and a command may have flags of its own."""
        given = {
            "websocket-compression": "off",
            "port": "0",
            "bindings": None,
            "http-charset": None,
            "app": "chat",
        }
        self.assertEqual(read_command_line(given), {"port": 0, "websocket": {"compression": "off"}})

    def test_wrong_text(self) -> None:
        """A wrong text names the flag, the text and what is allowed."""
        error = self.assertRaises(OptionError, read_command_line, {"port": "http"})
        self.assertEqual((error.field, error.value), ("--port", "http"))
        self.assertIn("0 to 65535", error.allowed)

    def test_allowed_in_text(self) -> None:
        """What is allowed is said as it is written in text."""
        for flag, allowed in (
            ("port", "a whole number from 0 to 65535, or none"),
            ("watchdog", "on or off"),
            ("http-scripts", "true or false"),
            ("websocket-max-frame-size", "a whole number of bytes above 0, or with KiB, MiB or GiB"),
            ("websocket-subprotocols", "items without repetition, with commas between, each a token of"),
        ):
            for read, name in ((read_command_line, flag), (read_environment, variable(flag))):
                error = self.assertRaises(OptionError, read, {name: "a b"})
                self.assertTrue(error.allowed.startswith(allowed), error.allowed)

    @unhurried
    @given(st.dictionaries(st.sampled_from([each.flag for each in describe()]), words, max_size=3))
    def test_any_text(self, given: dict[str, str]) -> None:
        """Any texts give options or an `OptionError`."""
        try:
            found = configuration(read_command_line(given))
        except OptionError:
            return
        self.assertIsInstance(found, Configuration)


class MergeTests(SynchronousTestCase):
    def test_later_wins(self) -> None:
        """The later layer wins, name by name, and no layer is changed."""
        file = {"listen": {"backlog": 5, "tcp_no_delay": False}, "watchdog": False}
        command = {"listen": {"backlog": 7}}
        self.assertEqual(
            merge(file, {}, command), {"listen": {"backlog": 7, "tcp_no_delay": False}, "watchdog": False}
        )
        self.assertEqual(file["listen"], {"backlog": 5, "tcp_no_delay": False})
        self.assertEqual(merge(), {})

    def test_switches(self) -> None:
        """A later layer can switch off what is set below, and set what is off below."""
        settings, off = {"watchdog": {"interval": 5}}, {"watchdog": "off"}
        self.assertEqual(merge(settings, off), off)
        self.assertEqual(merge(off, settings), settings)

    def test_place(self) -> None:
        """Port and bindings are one thing: the later layer silences both of the earlier ones."""
        port, bindings = {"port": 1}, {"bindings": ["tcp:2"]}
        self.assertEqual(merge(port, bindings), bindings)
        self.assertEqual(merge(bindings, port), port)
        self.assertEqual(merge({**port, **bindings}), {**port, **bindings})


class ConfigurationTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        """Without a layer there are the defaults, and no place to listen on."""
        found = configuration()
        self.assertEqual((found.port, found.bindings, found.options), (None, (), ServerOptions()))

    def test_layers(self) -> None:
        """Port and bindings come out beside the options; the last of the layers counts most."""
        found = configuration(
            read_toml("port = 1\n[websocket.compression]\nwindow_bits = 9\n[listen]\nbacklog = 1", "x"),
            read_environment({"SGCWS_LISTEN__BACKLOG": "2", "SGCWS_PORT": "2"}),
            read_command_line({"port": "3", "websocket-compression-memory-level": "1"}),
        )
        self.assertEqual((found.port, found.bindings, found.options.listen.backlog), (3, (), 2))
        self.assertEqual(found.options.websocket.compression, Compression(window_bits=9, memory_level=1))

    def test_base(self) -> None:
        """The base is below all layers."""
        base = configuration({"listen": {"backlog": 1, "tcp_no_delay": False}}).options
        found = configuration({"listen": {"backlog": 2}}, {}, base=base).options
        self.assertEqual((found.listen.backlog, found.listen.tcp_no_delay), (2, False))

    def test_bindings(self) -> None:
        """Bindings are endpoint descriptions, in a file a list, in text with commas."""
        wanted = ("tcp:8080", "unix:/run/chat.sock")
        self.assertEqual(configuration({"bindings": list(wanted)}).bindings, wanted)
        self.assertEqual(
            configuration(read_environment({"SGCWS_BINDINGS": ", ".join(wanted)})).bindings, wanted
        )

    def test_unknown(self) -> None:
        """An unknown name is shown with all that may stand at the top, port and bindings too, and the nearest."""
        error = self.assertRaises(OptionError, configuration, {"prot": 8080})
        self.assertEqual((error.field, error.value), ("options", "prot"))
        self.assertTrue(error.allowed.startswith("port, bindings, listen, websocket, "), error.allowed)
        self.assertTrue(error.allowed.endswith("; did you mean port?"), error.allowed)

    def test_refused(self) -> None:
        """A wrong place and an unknown group are named."""
        for layer, field in (
            ({"port": 65536}, "port"),
            ({"port": True}, "port"),
            ({"port": "80"}, "port"),
            ({"bindings": "tcp:80"}, "bindings"),
            ({"bindings": ["80"]}, "bindings"),
            ({"options": {}}, "options"),
        ):
            error = self.assertRaises(OptionError, configuration, layer)
            self.assertEqual(error.field, field)
