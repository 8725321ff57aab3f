"""Tests of `docs`: what is made of the code is whole, and what is written by hand agrees with the code."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

import sgcws
from sgcws import chat, errors
from sgcws.events import Events, Fact, Question
from sgcws.lifecycle import MOVES, Phase, Step
from sgcws.options import Configuration, OptionGroups, configuration, describe, read_toml
from sgcws.tap import Options

from ..test_layers import FLOORS

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = Path(sgcws.__file__).parent / "pages"


def load(path: Path) -> ModuleType:
    """Load a module by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


text = load(DOCS / "extensions" / "reference_text.py")


def page(name: str) -> str:
    """Return the source of a page."""
    return (DOCS / f"{name}.rst").read_text("utf-8")


def words(source: str) -> set[str]:
    """Return what a page marks as something to type."""
    return set(re.findall(r"``([^`]+)``", source))


def no_pool(*args: object) -> None:
    raise NotImplementedError


def all_events() -> dict[str, Fact[...] | Question[..., object]]:
    """Return every event that a server has, by name."""
    made = vars(Events(no_pool, Logger(observer=LogPublisher())))  # type: ignore[arg-type]
    return {name: each for name, each in made.items() if not name.startswith("_") and isinstance(each, Fact | Question)}


class EventPageTests(SynchronousTestCase):
    """The reference of events."""

    def test_every_event(self) -> None:
        """Each event is there with its kind, and no other one is."""
        found = {event.name: event.kind for event in text.events()}
        self.assertEqual(
            found, {name: "Fact" if isinstance(each, Fact) else "Question" for name, each in all_events().items()}
        )
        lines = text.event_lines()
        for name in found:
            self.assertIn(f".. py:attribute:: sgcws.WebSocketHTTPServer.{name}", lines)

    def test_every_event_says_when(self) -> None:
        """Each event has a text."""
        self.assertEqual([event.name for event in text.events() if not event.doc], [])

    def test_parameters_are_named_once(self) -> None:
        """The names of parameters are kept for the events that are there, and no others."""
        self.assertEqual(list(text.PARAMETERS), [event.name for event in text.events()])

    def test_signatures_are_handlers(self) -> None:
        """What is shown is Python, and registers as it stands."""
        for event in text.events():
            made: dict[str, object] = {}
            exec(f"from __future__ import annotations\n{event.signature}", made)
            handler = made[event.name.removeprefix("on_")]
            self.assertIs(all_events()[event.name](handler), handler)  # type: ignore[operator]

    def test_long_signatures_are_broken(self) -> None:
        """A signature fits on the page."""
        longest = max(len(line) for event in text.events() for line in event.signature.splitlines())
        self.assertLessEqual(longest, text.LONGEST_LINE)

    def test_answers(self) -> None:
        """A question shows what holds when its handler fails, and a fact has no answers."""
        lines = "\n".join(text.event_lines())
        for event in text.events():
            _, _, rest = lines.partition(f"WebSocketHTTPServer.{event.name}\n\n")
            own = rest.partition(".. py:attribute::")[0]
            self.assertEqual("On failure" in own, event.kind == "Question", event.name)
        self.assertIn(":On failure: ``Reject(500)``", lines)
        self.assertIn(":On failure: ``False``", lines)


class OptionPageTests(SynchronousTestCase):
    """The reference of options."""

    def test_every_option(self) -> None:
        """Each option is there, with its text, type, default, and its names in a file, the environment and a shell."""
        source = "\n".join(text.option_lines())
        for option in (*describe(Configuration), *describe()):
            self.assertIn(f"   * - :py:attr:`{option.name} <", source)
            self.assertIn(option.doc, source)
            self.assertIn(f":Environment: ``{option.variable}``", source)
            self.assertIn(f":Value: {option.type_name}", source)
        for option in describe():
            self.assertIn(f":Command line: ``--{option.flag}``", source)
            self.assertIn(f".. py:attribute:: {option.path[-1]}\n", source)

    def test_every_group(self) -> None:
        """Each public group of options is there."""
        source = "\n".join(text.option_lines())
        groups = [name for name in sgcws.__all__ if name.endswith(("Options", "Policy"))]
        groups += ["Compression", "Monitor", "ServerSentEvents"]
        self.assertEqual([name for name in groups if f".. py:class:: sgcws.{name}\n" not in source], [])

    def test_the_version_is_not_a_default(self) -> None:
        """The page is the same for each version."""
        self.assertIn("``sgcws/VERSION``", "\n".join(text.option_lines()))
        self.assertNotIn(f"sgcws/{sgcws.__version__}", "\n".join(text.option_lines()))

    def test_the_port_that_holds(self) -> None:
        """The default of ``port`` is the one that the help shows and the server takes."""
        facts = "\n".join(text.option_lines()).partition("\n``port``\n")[2].partition("\n``bindings``\n")[0]
        self.assertIn(":Default: ``8080``", facts)
        self.assertIn("[default: 8080]", text.flags()["port"])
        self.assertEqual(sgcws.WebSocketHTTPServer(reactor=MemoryReactorClock()).port, 8080)

    def test_example_file(self) -> None:
        """The file on the page can be read, and each line of it changes something."""
        plain = read_toml((DOCS / "howto" / "sgcws.toml").read_text("utf-8"), "sgcws.toml")
        found = configuration(plain)
        self.assertEqual(found.port, 8080)
        self.assertEqual(found.options.websocket.max_message_size, 1024**2)
        self.assertIsNone(found.options.websocket.compression)
        self.assertEqual(found.options.http.keep_alive_timeout, 20.0)
        self.assertEqual(len(found.options.security.origin_patterns), 2)
        assert found.options.watchdog is not None and found.options.watchdog.monitor is not None
        self.assertEqual(found.options.watchdog.monitor.interval, 15.0)


class CommandLinePageTests(SynchronousTestCase):
    """The reference of flags."""

    def test_every_flag(self) -> None:
        """Each flag that ``twistd sgcws`` takes is there."""
        source = "\n".join(text.command_line_lines())
        flags = {name.rstrip("=") for name in Options().longOpt}
        self.assertIn("app", flags)
        self.assertEqual([name for name in sorted(flags) if f"``--{name}" not in source], [])

    def test_what_is_typed_is_marked(self) -> None:
        """A flag inside a sentence is shown with its two dashes."""
        self.assertNotRegex("\n".join(text.command_line_lines()), r"(?<!`)--[a-z]")


class LifecyclePageTests(SynchronousTestCase):
    """The page on the states of a server."""

    def test_every_move(self) -> None:
        """Each move of the table in the code is a row, and there are no others."""
        rows = re.findall(r"\* - (.+)\n +- (.+)\n +- (.+)", "\n".join(text.move_lines()))
        expected = [(phase.value, step.value, target.value) for (phase, step), target in MOVES.items()]
        self.assertEqual(sorted(rows[1:]), sorted(expected))

    def test_every_state_and_step_is_explained(self) -> None:
        """Each state has a text, and each step is told of on the page."""
        lines = "\n".join(text.move_lines())
        self.assertEqual([phase.value for phase in Phase if f"* - **{phase.value}**\n     - " not in lines], [])
        source = page("explanation/lifecycle")
        self.assertEqual([step.value for step in Step if f"\n{step.value}\n   " not in source], [])


class ErrorPageTests(SynchronousTestCase):
    """The reference of errors."""

    def test_every_error(self) -> None:
        """Each error is on the page and in the tree."""
        source, tree = page("reference/errors"), "\n".join(text.error_lines())
        for name in errors.__all__:
            self.assertIn(f".. autoexception:: sgcws.{name}()", source)
            self.assertIn(name, tree)


class PublicNamesTests(SynchronousTestCase):
    """The reference as a whole."""

    def test_every_public_name(self) -> None:
        """Each public name is described on some page."""
        pages = "\n".join(path.read_text("utf-8") for path in (DOCS / "reference").glob("*.rst"))
        pages += "\n".join(text.option_lines())
        pattern = re.compile(r"\.\. (?:autoclass|autoexception|py:class):: sgcws\.(\w+)\b(?!\.)")
        self.assertEqual(set(pattern.findall(pages)), {name for name in sgcws.__all__ if name != "__version__"})

    def test_the_server_takes_every_group(self) -> None:
        """The signature of the server shows each group of options, as it may be given."""
        (shown,) = re.findall(r"autoclass:: sgcws\.WebSocketHTTPServer\((.*)\)", page("reference/server"))
        groups = {name: kind.__forward_arg__ for name, kind in OptionGroups.__annotations__.items()}
        given = dict(re.findall(r"(\w+): ([\w |]+) = \.\.\.", shown))
        self.assertEqual({name: given.get(name) for name in groups}, groups)

    def test_every_page_is_listed(self) -> None:
        """Each page is in the table of contents."""
        index = page("index")
        paths = (path.relative_to(DOCS) for path in DOCS.rglob("*.rst"))
        found = {str(path.with_suffix("")) for path in paths if path.parts[0] != "_build"}
        self.assertEqual([name for name in found - {"index"} if f"   {name}\n" not in index], [])


class ChatPageTests(SynchronousTestCase):
    """The reference of the chat's messages."""

    source = page("reference/chat_protocol")

    def test_examples(self) -> None:
        """Each message on the page is JSON, and what a client sends can be read."""
        found = [json.loads(line) for line in re.findall(r"^ +(\{.*\})$", self.source, re.MULTILINE)]
        self.assertEqual([each["type"] for each in found], ["join", "say", "welcome", "line", "joined", "error"])
        self.assertIsInstance(chat.read(json.dumps(found[0])), chat.Join)
        self.assertIsInstance(chat.read(json.dumps(found[1])), chat.Say)

    def test_codes(self) -> None:
        """Each code that a client is refused with is there."""
        tree = ast.parse(Path(chat.__file__).read_text("utf-8"))
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        codes = {ast.literal_eval(call.args[0]) for call in calls if getattr(call.func, "id", "") == "Refused"}
        self.assertEqual(codes, set(re.findall(r"\* - ``([a-z-]+)``", self.source)))

    def test_limits(self) -> None:
        """The limits are those of the chat."""
        for said in (
            f"1 to {chat.LONGEST_NAME} printable characters",
            f"1 to {chat.LONGEST_TEXT} characters",
            f"The last {chat.HISTORY} lines",
            f"more than {chat.BURST} lines in {chat.PERIOD:.0f} seconds",
            f"more than {chat.ADDRESS_BURST} lines",
            f"join more than {chat.ADDRESS_BURST} times",
            f"{chat.MOST_PEOPLE} people are here",
            f"closed with code {chat.REPLACED} ",
        ):
            self.assertIn(said, self.source)


class BrowserPageTests(SynchronousTestCase):
    """The reference of the client for web pages."""

    source = page("reference/browser")
    types = (PAGES / "sgcws.d.ts").read_text("utf-8")

    def interface(self, name: str) -> str:
        """Return what stands in an interface or a class."""
        found = re.search(rf"(?:interface|class) {name}(?: extends \w+)? \{{\n(.*?)\n\}}", self.types, re.DOTALL)
        assert found is not None, name
        return found[1]

    def test_options(self) -> None:
        """Each option is there with its default."""
        script = (PAGES / "sgcws.js").read_text("utf-8")
        options = re.findall(r"^  (\w+)\?:", self.interface("ClientOptions"), re.MULTILINE)
        for name in options:
            self.assertIn(f"* - ``{name}``\n", self.source)
            number = re.search(rf"^    {name}: ([0-9_]+),$", script, re.MULTILINE)
            if number:
                self.assertIn(f"* - ``{name}``\n     - {int(number[1]):,}\n", self.source)

    def test_members(self) -> None:
        """Each property, method, event and function is there."""
        properties = re.findall(r"^  readonly (\w+):", self.interface("Client"), re.MULTILINE)
        methods = re.findall(r"^  (\w+)[<(]", self.interface("Client"), re.MULTILINE)
        events = re.findall(r"^  (\w+):", self.interface("Events"), re.MULTILINE)
        functions = re.findall(r"^export function (\w+)", self.types, re.MULTILINE)
        self.assertIn("state", properties)
        for name in (*properties, *events):
            self.assertIn(f"``{name}``\n", self.source)
        for name in (*methods, *functions):
            self.assertIn(f"``{name}(" if name != "constructor" else "``new Client(", self.source)

    def test_details(self) -> None:
        """Each detail that a listener is given is there."""
        for name in ("StateChange", "Opened", "Ended", "Closed"):
            details = re.findall(r"^  readonly (\w+):", self.interface(name), re.MULTILINE)
            self.assertEqual([detail for detail in details if f"``{detail}``" not in self.source], [])


class HousePageTests(SynchronousTestCase):
    """The page on the floors."""

    def test_every_room_on_its_floor(self) -> None:
        """The table has the floors that the layer test holds, each with its rooms in their order."""
        rows = re.findall(r"\* - (\d)\n     - (.+)\n", page("explanation/house"))
        found = {int(floor): tuple(re.findall(r"``(\w+)``", rooms)) for floor, rooms in rows}
        self.assertEqual(found, FLOORS)

    def test_every_file_of_the_largest_room(self) -> None:
        """The table of what all peers have in common has each file of its room once."""
        section = page("explanation/house").partition("What all peers have in common\n---")[2].partition("\n---")[0]
        found = re.findall(r"``(\w+)``", "".join(re.findall(r"\* - (``.+)\n", section)))
        files = {path.stem for path in (ROOT / "src" / "sgcws" / "realtime").glob("*.py")} - {"__init__"}
        self.assertEqual(sorted(found), sorted(files))


class DependencyPageTests(SynchronousTestCase):
    """The page on dependencies."""

    def test_every_dependency(self) -> None:
        """Each dependency is there with its floor, and each extra with its packages and floors."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        source = page("explanation/dependencies")
        self.assertEqual(self.rows(source, "What a server needs"), self.named(setup["options"]["install_requires"]))
        extras: set[tuple[str, str]] = set()
        for lines in setup["options.extras_require"].values():
            extras |= self.named(lines)
        self.assertEqual(self.rows(source, "What the extras are for"), extras)

    def named(self, lines: str) -> set[tuple[str, str]]:
        """Read ``name>=floor`` lines."""
        pairs = (line.partition(">=") for line in lines.split())
        return {(name, floor) for name, _, floor in pairs}

    def rows(self, source: str, heading: str) -> set[tuple[str, str]]:
        """Read package and floor off the table below a heading."""
        section = source.partition(f"{heading}\n---")[2].partition("\n---")[0]
        return set(re.findall(r"- ``([\w.\[\]-]+)``\n     - ([\d.]+)\n", section))


SUMMARY = {
    "suite": "1.2.3",
    "seconds": 7,
    "cases": 3,
    "verdicts": {"OK": 2, "FAILED": 1},
    "groups": {"1": {"OK": 2, "FAILED": 0}, "77": {"OK": 0, "FAILED": 1}},
    "not_ok": {"77.1": {"case": "77.1", "verdict": "FAILED", "behavior": "OK", "close": "WRONG", "code": None}},
}


class AutobahnPageTests(SynchronousTestCase):
    """The page on the Autobahn Testsuite."""

    def test_table(self) -> None:
        """A run is shown by groups, with all of them at the end, and with the cases that are not OK."""
        lines = "\n".join(text.autobahn_lines(SUMMARY))
        self.assertIn("Suite 1.2.3, 3 cases", lines)
        self.assertIn("   * - 1 Framing\n     - 2\n     - —\n", lines)
        self.assertIn("   * - 77\n     - —\n     - 1\n", lines)
        self.assertIn("   * - All\n     - 2\n     - 1\n", lines)
        self.assertIn("   * - 77.1\n     - FAILED\n     - OK\n     - WRONG\n     - None\n", lines)

    def test_all_ok(self) -> None:
        """Without a case to tell of there is no second table."""
        lines = text.autobahn_lines({**SUMMARY, "not_ok": {}})
        self.assertEqual(lines.count(".. list-table::"), 1)

    def test_recorded_run(self) -> None:
        """The recorded run has no failure."""
        path = DOCS / "explanation" / "autobahn.json"
        summary = json.loads(path.read_text("utf-8"))
        self.assertEqual(summary["verdicts"]["FAILED"], 0)
        self.assertGreater(summary["cases"], 200)


class Row(NamedTuple):
    """One line of the tables of names."""

    place: str
    original: str
    here: str
    states: tuple[str, ...]


STATES = ("Now", "Messages", "Web", "TLS", "Access", "Cluster", "Browser", "Operations", "Left out")


def rows_of_names() -> Iterator[Row]:
    """Read the tables of names."""
    headings = ["", ""]
    lines = page("reference/names").splitlines()
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"-+|~+", after) and line:
            headings = [line, ""] if after.startswith("-") else [headings[0], line]
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("   ``") and len(cells) == 4:
            yield Row(" / ".join(headings), cells[0], cells[1], tuple(cells[2].split(", ")))


class NamesPageTests(SynchronousTestCase):
    """The page of names tells the truth about what is here."""

    rows = tuple(rows_of_names())

    def names(self, row: Row) -> list[str]:
        """Return what a row names in our words, without parameters."""
        marked = re.findall(r"``([^`]+)``", row.here)
        return [name.partition("(")[0] for name in marked if not name.startswith("len(")]

    def below(self, place: str) -> Iterator[tuple[Row, str]]:
        """Yield the rows below a heading with each name that they have."""
        for row in self.rows:
            if row.place.startswith(place):
                yield from ((row, name) for name in self.names(row))

    def check(self, row: Row, name: str, there: bool) -> None:
        """Check a row's word about a name; a row about several parts may name what is there and what is not."""
        if there:
            self.assertIn("Now", row.states, (row.original, name))
        elif "Now" in row.states and len(row.states) == 1:
            self.fail(f"{row.original}: {name} is said to be here")

    def test_states(self) -> None:
        """Each row has a state that the page explains."""
        self.assertGreater(len(self.rows), 300)
        for row in self.rows:
            self.assertTrue(set(row.states) <= set(STATES), row)
            self.assertEqual(row.here == "—", row.states == ("Left out",), row)

    def test_events(self) -> None:
        """All 36 events of the original are there once, and those that are here now say so; ours are told of."""
        rows = [row for row in self.rows if row.place.startswith("The server: events")]
        self.assertEqual(len({row.original for row in rows}), 36)
        found = {name: row for row in rows for name in self.names(row)}
        self.assertEqual(len(found), 36)
        for name, row in found.items():
            self.check(row, name, name in all_events())
        ours = set(all_events()) - set(found)
        self.assertEqual(ours, {"on_slow_client"})
        self.assertEqual(ours & words(page("reference/names")), ours)

    def test_options(self) -> None:
        """A field of an option group is said to be here if it is."""
        options = {option.name for option in describe()}
        groups = {name.partition(".")[0] for name in options}
        for row in self.rows:
            for name in self.names(row):
                if re.fullmatch(r"[a-z0-9]+\.[a-z_]+", name) and name.partition(".")[0] in groups:
                    self.check(row, name, name in options)

    def test_every_option_is_named(self) -> None:
        """Each option has a row, if the original has something like it."""
        named = {name.partition("=")[0] for row in self.rows for name in self.names(row)}
        inside = {
            "Compression": "websocket.compression",
            "Monitor": "watchdog.monitor",
            "ServerSentEvents": "fallback.server_sent_events",
            "SlowClientPolicy": "websocket.outgoing",
        }
        parts = [name.partition(".") for name in named]
        named |= {f"{inside[above]}.{field}" for above, _, field in parts if above in inside}
        missing = {option.name for option in describe()} - named
        self.assertEqual(
            missing,
            {
                "http.index_files",
                "listen.memory_limit",
                "security.allow_missing_origin",
                "watchdog.monitor.interval",
                "websocket.close_timeout",
                "websocket.compression.threshold",
                "websocket.outgoing.high_water",
            },
        )

    def test_members(self) -> None:
        """A member of server, connection, request or response is said to be here if it is."""
        places = {
            "The server: properties / Starting": sgcws.WebSocketHTTPServer,
            "The server: methods": sgcws.WebSocketHTTPServer,
            "The connection / Properties": sgcws.Connection,
            "The connection / Methods": sgcws.Connection,
        }
        for place, kind in places.items():
            for row, name in self.below(place):
                if re.fullmatch(r"(?!on_)[a-z_]+", name):
                    self.check(row, name, hasattr(kind, name) or name in kind.__annotations__)

    def test_request_and_response(self) -> None:
        """A member of request or response is said to be here if it is."""
        kinds = {"request": sgcws.Request, "response": sgcws.Response}
        seen = 0
        for row, name in self.below("Request and response"):
            owner, dot, member = name.partition(".")
            if dot and owner in kinds:
                self.check(row, name, hasattr(kinds[owner], member) or member in kinds[owner].__annotations__)
                seen += 1
        self.assertGreater(seen, 20)

    def test_values(self) -> None:
        """A value of an enumeration, or a field of a value, is said to be here if it is."""
        for row in self.rows:
            for name in self.names(row):
                if re.fullmatch(r"[A-Z][A-Za-z]+\.[A-Za-z0-9_]+", name):
                    owner, _, member = name.partition(".")
                    found = getattr(sgcws, owner, None)
                    self.check(row, name, hasattr(found, member))


class ReadmeTests(SynchronousTestCase):
    """The page that people see first."""

    source = (ROOT / "README.rst").read_text("utf-8")

    def test_commands(self) -> None:
        """There are two commands, each on a line of its own."""
        commands = re.findall(r"^    python3 -m venv .*$", self.source, re.MULTILINE)
        self.assertEqual(len(commands), 2)

    def test_images_and_links(self) -> None:
        """What it points to is there."""
        for name in re.findall(r"``((?:docs|examples)/[\w./-]+)``|image:: (\S+)", self.source):
            self.assertTrue((ROOT / (name[0] or name[1])).exists(), name)
