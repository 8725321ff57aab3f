"""The floors of the house: imports point down, and each framework has its room."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import sgcws

HOUSE = Path(sgcws.__file__).parent

FLOORS = {
    1: ("version", "errors", "values", "interfaces"),
    2: ("rules", "codec", "carrier", "options", "events"),
    3: ("lifecycle", "net", "realtime"),
    4: ("http", "tcp", "watchdog"),
    5: ("websocket", "sse"),
    6: ("wiring", "mainloop", "server"),
    7: ("chat", "tap"),
}
"""Each room with its floor. On the first, second, sixth and seventh, a file may use those named before it."""

FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

STAIRS = (1, 2, 6, 7)
"""The floors where the order counts."""

ASK_FOR_THE_REACTOR = ("mainloop.py", "tap.py")
"""The only files that may import the global reactor, and only inside a function."""


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Yield every file of the house with its tree."""
    for path in sorted(HOUSE.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


def room_of(path: Path) -> str:
    """Name the room that a file is in."""
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the name of every module that a file imports, under TYPE_CHECKING too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_used(tree: ast.Module) -> set[str]:
    """Return the rooms that a file imports from."""
    return {name.split(".")[1] for name in imported(tree) if name.startswith("sgcws.")} & FLOOR_OF.keys()


def frameworks(tree: ast.Module) -> set[str]:
    """Return the packages that a file imports from."""
    return {name.split(".")[0] for name in imported(tree)}


def module_of(path: Path) -> str:
    """Name the module that a file is; an ``__init__`` is its package."""
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_used(tree: ast.Module, modules: Collection[str]) -> set[str]:
    """
    Return those of *modules* that a file imports, under TYPE_CHECKING too.

    A name that a package re-exports stands for its ``__init__``, so a file that takes one from its own room makes a
    circle. Python runs the ``__init__`` above every imported module as well; nobody wrote that arrow, and with it each
    room that re-exports anything would be a circle, so it does not count.
    """
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            used |= {name if name in modules else node.module for name in full}
    return used & set(modules)


def circle_in(uses: Mapping[str, set[str]]) -> list[str]:
    """Return one circle, each module used by the next; empty if there is none."""
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def may_use(room: str, other: str) -> bool:
    """Whether a file of *room* may import from *other*."""
    mine, its = FLOOR_OF[room], FLOOR_OF[other]
    if room == other or its < mine:
        return True
    order = FLOORS[mine]
    return mine == its and mine in STAIRS and order.index(other) < order.index(room)


class LayerTests(SynchronousTestCase):
    """Imports point down."""

    def test_every_room_has_a_floor(self) -> None:
        """No file stands outside the picture, and the picture shows no room that is not there."""
        found = {room_of(path) for path, _ in sources()} - {"__init__"}
        self.assertEqual(found, set(FLOOR_OF))

    def test_imports_point_down(self) -> None:
        """A file imports from its own room or from a lower floor."""
        wrong = [
            f"{path.relative_to(HOUSE)} imports {other}"
            for path, tree in sources()
            if room_of(path) != "__init__"
            for other in sorted(rooms_used(tree))
            if not may_use(room_of(path), other)
        ]
        self.assertEqual(wrong, [])

    def test_a_wrong_arrow_would_be_seen(self) -> None:
        """The check finds an arrow that points up, to the side, or is hidden under TYPE_CHECKING."""
        tree = ast.parse("if TYPE_CHECKING:\n    from sgcws.server import X\nimport sgcws.net.listeners")
        self.assertEqual(rooms_used(tree), {"server", "net"})
        self.assertFalse(may_use("events", "server"))
        self.assertFalse(may_use("realtime", "net"))
        self.assertTrue(may_use("server", "wiring"))
        self.assertFalse(may_use("wiring", "server"))

    def test_no_circle(self) -> None:
        """No file imports itself by way of others."""
        trees = {module_of(path): tree for path, tree in sources()}
        self.assertEqual(circle_in({module: modules_used(tree, trees) for module, tree in trees.items()}), [])

    def test_a_circle_would_be_seen(self) -> None:
        """The check tells a module from a name, looks under TYPE_CHECKING, and finds a circle of several files."""
        tree = ast.parse("if TYPE_CHECKING:\n    from a import b, Name\nfrom c import d\nimport e.f, g")
        self.assertEqual(modules_used(tree, {"a", "a.b", "c", "c.d", "e", "e.f"}), {"a", "a.b", "c.d", "e.f"})
        self.assertEqual(circle_in({"a": {"b"}, "b": {"c"}, "c": set()}), [])
        self.assertEqual(set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}})), {"b", "c"})
        self.assertEqual(set(circle_in({"a": {"a"}})), {"a"})

    def test_autobahn_stays_in_its_room(self) -> None:
        """Only the room websocket knows Autobahn."""
        wrong = [
            str(path.relative_to(HOUSE))
            for path, tree in sources()
            if room_of(path) != "websocket" and frameworks(tree) & {"autobahn", "txaio"}
        ]
        self.assertEqual(wrong, [])

    def test_nobody_takes_the_global_reactor(self) -> None:
        """The global reactor is imported inside functions only, and only where programs are run."""
        wrong = [str(path.relative_to(HOUSE)) for path, tree in sources() if not asks_properly(path, tree)]
        self.assertEqual(wrong, [])

    def test_no_file_is_too_long_for_one_sitting(self) -> None:
        """No file has more than 400 lines."""
        long = [
            str(path.relative_to(HOUSE))
            for path in sorted(HOUSE.rglob("*.py"))
            if path.read_text("utf-8").count("\n") > 400
        ]
        self.assertEqual(long, [])


def asks_properly(path: Path, tree: ast.Module) -> bool:
    """Whether a file leaves the global reactor alone, or takes it inside a function where it may."""
    for node in tree.body:
        allowed = isinstance(node, ast.FunctionDef | ast.ClassDef) and path.name in ASK_FOR_THE_REACTOR
        found = "twisted.internet.reactor" in imported(ast.Module([node], []))
        if found and not allowed:
            return False
    return True
