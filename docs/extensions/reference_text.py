"""
The generated parts of the reference pages, as lines of reStructuredText made from the code.

Nothing here needs Sphinx; `sgcws_reference` makes directives of it.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
from twisted.logger import Logger, LogPublisher

from sgcws import errors, lifecycle
from sgcws.events import Events, Question, catalog
from sgcws.options import Configuration, Description, ServerOptions, describe
from sgcws.options.field import declared
from sgcws.tap import Options
from sgcws.values import Reject
from sgcws.version import VERSION
from sgcws.wiring.plan import DEFAULT_PORT

__all__ = [
    "PARAMETERS",
    "Event",
    "all_options",
    "autobahn_lines",
    "command_line_lines",
    "error_lines",
    "event_lines",
    "events",
    "flags",
    "move_lines",
    "option_lines",
]

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "on_startup": (),
    "on_shutdown": (),
    "on_tcp_connect": ("connection",),
    "on_unknown_protocol": ("connection", "first_bytes"),
    "on_handshake": ("connection", "request", "response_headers"),
    "on_connect": ("connection",),
    "on_disconnect": ("connection", "code", "reason"),
    "on_message": ("connection", "text"),
    "on_binary": ("connection", "data"),
    "on_fragmented": ("connection", "fragment"),
    "on_slow_client": ("connection", "dropped"),
    "on_before_heartbeat": ("connection",),
    "on_error": ("connection", "error"),
    "on_exception": ("connection", "failure"),
    "on_before_command": ("connection", "request", "response"),
    "on_command_get": ("request", "response"),
    "on_command_other": ("request", "response"),
}
"""What the pages call the parameters of a handler; the code has only their types."""

_HOW_TEXT_IS_READ = (
    "What follows a flag is text: ``none`` or ``off`` is ``None``, ``true`` or ``on`` and ``false`` or ``off`` switch, "
    "commas separate the items of a list, and a size may end in ``KiB``, ``MiB`` or ``GiB``. "
    ":doc:`/reference/options` says how a TOML file differs."
)

_TYPED = re.compile(r"(--[a-z][a-z-]*[a-z]|tcp:[a-z0-9:=.]*[a-z0-9])")


LONGEST_LINE = 80
"""Characters of a handler's first line that fit beside the list of pages."""


# Events.


@attrs.frozen(kw_only=True)
class Event:
    """
    One event, as the pages show it.

    Args:
        name: Its name.
        kind: ``Fact`` or ``Question``.
        parameters: Name and type of each parameter of a handler.
        answers: The type of the answer without ``None``; empty for a fact.
        doc: Its docstring.
    """

    name: str
    kind: str
    parameters: tuple[tuple[str, str], ...]
    answers: str
    doc: str

    @property
    def signature(self) -> str:
        """A handler of this event, ready to be filled in."""
        listed = [f"{name}: {kind}" for name, kind in self.parameters]
        returned = f"{self.answers} | None" if self.answers else "None"
        line = f"def {self.name.removeprefix('on_')}({', '.join(listed)}) -> {returned}: ..."
        if len(line) <= LONGEST_LINE:
            return line
        return line.replace(", ".join(listed), "".join(f"\n    {each}," for each in listed) + "\n")


def events() -> tuple[Event, ...]:
    """Read the list of events off their annotations and docstrings, in order."""
    body = _class_body(catalog, "Events")
    docs = _attribute_docs(body)
    return tuple(
        _event(node.target.id, node.annotation, docs.get(node.target.id, ""))
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    )


def _event(name: str, annotation: ast.expr, doc: str) -> Event:
    """Read ``Fact[[A, B]]`` or ``Question[[A, B], C]``."""
    assert isinstance(annotation, ast.Subscript), name
    inner = annotation.slice
    types, answers = inner.elts if isinstance(inner, ast.Tuple) else (inner, None)
    assert isinstance(types, ast.List), name
    named = zip(PARAMETERS[name], map(ast.unparse, types.elts), strict=True)
    return Event(
        name=name,
        kind=ast.unparse(annotation.value),
        parameters=tuple(named),
        answers="" if answers is None else ast.unparse(answers),
        doc=doc,
    )


def event_lines() -> list[str]:
    """Show all events: a table, then each by itself."""
    found = events()
    safe = _safe_answers()
    rows = (
        (_link("attr", f"WebSocketHTTPServer.{event.name}", event.name), event.kind, _first_line(event.doc))
        for event in found
    )
    lines = _table(("Event", "Kind", "When"), (30, 14, 56), rows)
    for event in found:
        lines += _one_event(event, safe.get(event.name))
    return lines


def _one_event(event: Event, safe: object) -> list[str]:
    body = [*event.doc.splitlines(), "", ".. code-block:: python", ""]
    body += _indented([f"@server.{event.name}", *event.signature.splitlines(), ""])
    facts = {"Kind": event.kind}
    if event.answers:
        facts |= {"Answers": f"``{event.answers}``, or ``None`` for the default", "On failure": f"``{_written(safe)}``"}
    body += _fields(facts)
    return ["", f".. py:attribute:: sgcws.WebSocketHTTPServer.{event.name}", "", *_indented(body), ""]


def _safe_answers() -> dict[str, object]:
    """Return what each question answers when its handler fails, by having it fail."""
    asked = Events(_no_pool, Logger(observer=LogPublisher()))
    questions = {name: each for name, each in vars(asked).items() if isinstance(each, Question)}
    for question in questions.values():
        question(_fails)
    return {name: question.ask() for name, question in questions.items()}


def _fails(*args: object) -> Any:
    raise RuntimeError


def _no_pool(*args: object) -> Any:
    raise NotImplementedError


def _written(answer: object) -> str:
    return f"Reject({answer.status})" if isinstance(answer, Reject) else repr(answer)


# Options.


def all_options() -> tuple[Description, ...]:
    """Return every option: where to listen, then those of the groups."""
    return (*describe(Configuration), *describe())


def option_lines() -> list[str]:
    """Show all options: a table, then each group with its options."""
    rows = ((_link("attr", _attribute(option), option.name), _default(option), option.doc) for option in all_options())
    lines = _table(("Option", "Default", "What it says"), (34, 16, 50), rows)
    lines += _heading("Where to listen", "These two stand beside the groups.")
    for option in describe(Configuration):
        lines += [f"``{option.name}``", f"   {option.doc}", "", *_indented(_facts(option)), ""]
    for path, group in _groups(ServerOptions, ()):
        lines += _heading(".".join(path) or "The groups", "")
        doc = inspect.cleandoc(group.__doc__ or "").partition("\n\n")[0]
        lines += [f".. py:class:: sgcws.{group.__name__}", "", *_indented([*doc.splitlines(), ""])]
        for option in describe():
            if option.path[:-1] == path:
                body = [option.doc, "", *_facts(option)]
                lines += _indented([f".. py:attribute:: {option.path[-1]}", "", *_indented(body), ""])
    return lines


def _groups(group: type[Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], type[Any]]]:
    """Yield *group* and the groups inside it, each with the names that lead to it."""
    yield path, group
    for name, (_, metadata) in declared(group).items():
        if metadata.kind.group is not None:
            yield from _groups(metadata.kind.group, (*path, name))


def _attribute(option: Description) -> str:
    """Name the attribute that an option is in the code."""
    if option in describe(Configuration):
        return f"WebSocketHTTPServer.{option.name}"
    return f"{dict(_groups(ServerOptions, ()))[option.path[:-1]].__name__}.{option.path[-1]}"


def _heading(title: str, text: str) -> list[str]:
    return ["", title, "-" * len(title), "", text, ""]


def _facts(option: Description) -> list[str]:
    facts = {
        "Value": option.type_name,
        "Default": _default(option),
        "Allowed": _marked(option.allowed),
        "Live": "yes" if option.live else "no",
        "TOML": _toml_place(option),
        "Environment": f"``{option.variable}``",
        "Command line": f"``--{_flag_of(option)}``",
    }
    return _fields(facts)


def _toml_place(option: Description) -> str:
    *groups, name = option.path
    return f"``{name}`` in ``[{'.'.join(groups)}]``" if groups else f"``{name}``, above all tables"


def _flag_of(option: Description) -> str:
    """Name the flag; the one for bindings is given once for each."""
    return "binding" if option.path == ("bindings",) else option.flag


def _default(option: Description) -> str:
    if option.default == f"sgcws/{VERSION}":
        return "``sgcws/VERSION``"
    if option.path == ("port",):
        return f"``{DEFAULT_PORT}``"  # where no layer says anything, it is the server's
    return f"``{option.default}``" if option.default else "(empty)"


# The command line.


def flags() -> dict[str, str]:
    """Return each flag of ``twistd sgcws`` with its text, those that belong to no option first."""
    docs = {name: inspect.cleandoc(doc).replace("\n", " ") for name, doc in Options().docs.items()}
    of_options = {option.flag for option in describe()}
    own = {name: doc for name, doc in docs.items() if name not in of_options}
    return {**own, **{name: docs[name] for name in docs if name in of_options}}


def command_line_lines() -> list[str]:
    """Show all flags: the command's own, then one for each option."""
    of_options = {option.flag: option for option in describe()}
    found = flags()
    own = [(f"``{_with_synonym(name)}``", _marked(doc)) for name, doc in found.items() if name not in of_options]
    lines = _heading("Its own flags", "")
    lines += _table(("Flag", "What it does"), (26, 74), own)
    lines += _heading("A flag for each option", _HOW_TEXT_IS_READ)
    rows = [(f"``--{name}``", option.doc, _default(option)) for name, option in of_options.items() if name in found]
    return lines + _table(("Flag", "What it says", "Default"), (34, 48, 18), rows)


def _with_synonym(name: str) -> str:
    short = {word: letter for letter, word in Options().synonyms.items() if len(letter) == 1}
    return f"--{name}, -{short[name]}" if name in short else f"--{name}"


# The states of a server.


def move_lines() -> list[str]:
    """Show the states, and every move between them."""
    docs = _attribute_docs(_class_body(lifecycle, "Phase"))
    states = ((f"**{phase.value}**", docs[phase.name]) for phase in lifecycle.Phase)
    moves = (
        (phase.value, step.value, target.value)
        for phase in lifecycle.Phase
        for (before, step), target in lifecycle.MOVES.items()
        if before is phase
    )
    return [
        *_table(("State", "What is true"), (20, 80), states),
        *_table(("From", "Step", "To"), (30, 40, 30), moves),
    ]


# Errors.


def error_lines() -> list[str]:
    """Show the tree of errors as the module draws it."""
    return inspect.cleandoc(errors.__doc__ or "").splitlines()


# The Autobahn Testsuite.

GROUPS = {
    "1": "Framing",
    "2": "Pings and pongs",
    "3": "Reserved bits",
    "4": "Opcodes",
    "5": "Fragmentation",
    "6": "UTF-8",
    "7": "Closing",
    "9": "Large messages and many of them",
    "10": "Fragments made by the sender",
    "12": "Compression: one setting, many messages",
    "13": "Compression: many settings",
}
"""What the suite's groups of cases are about."""


def autobahn_lines(summary: Mapping[str, Any]) -> list[str]:
    """
    Show the result of a run.

    Args:
        summary: What ``scripts/autobahn --json`` wrote.
    """
    verdicts = list(summary["verdicts"])
    rows = [
        (f"{name} {GROUPS.get(name, '')}".strip(), *(str(counts[word] or "—") for word in verdicts))
        for name, counts in {**summary["groups"], "All": summary["verdicts"]}.items()
    ]
    lines = [f"Suite {summary['suite']}, {summary['cases']} cases, {summary['seconds']} seconds.", ""]
    lines += _table(("Group", *verdicts), (40, *[12] * len(verdicts)), rows)
    if not summary["not_ok"]:
        return lines
    words = ("case", "verdict", "behavior", "close", "code")
    rows = [tuple(str(outcome[word]) for word in words) for outcome in summary["not_ok"].values()]
    header = [word.capitalize() for word in words]
    return [*lines, "The cases that are not plainly OK:", "", *_table(header, (20,) * len(words), rows)]


# How it is done.


def _class_body(module: ModuleType, name: str) -> Sequence[ast.stmt]:
    tree = ast.parse(Path(module.__file__ or "").read_text("utf-8"))
    return next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)


def _attribute_docs(body: Sequence[ast.stmt]) -> dict[str, str]:
    """Return the text that stands right after each attribute of a class."""
    docs = {}
    for node, after in pairwise(body):
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        if isinstance(target, ast.Name) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            docs[target.id] = inspect.cleandoc(str(after.value.value))
    return docs


def _table(header: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {' '.join(map(str, widths))}", ""]
    for row in (header, *rows):
        for position, cell in enumerate(row):
            lines.append(f"   {'* -' if position == 0 else '  -'} {cell}")
    return [*lines, ""]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"   {line}" if line else "" for line in lines]


def _link(role: str, target: str, text: str) -> str:
    return f":py:{role}:`{text} <sgcws.{target}>`"


def _first_line(doc: str) -> str:
    return doc.partition("\n\n")[0].replace("\n", " ")


def _fields(facts: Mapping[str, str]) -> list[str]:
    return [".. rst-class:: facts", "", *(f":{name}: {value}" for name, value in facts.items())]


def _marked(text: str) -> str:
    """Mark flags and descriptions of endpoints as what is typed, and keep asterisks."""
    return _TYPED.sub(r"``\1``", text.replace("*", "\\*"))
