"""
From text to options: a TOML file, the environment and the command line, each one layer of plain values.

Nothing is opened here and no environment is looked at: all functions take what they read.

::

    configuration(
        read_toml(text, "chat.toml"),
        read_environment(os.environ),
        read_command_line({"port": "8080"}),
    )
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from sgcws.errors import OptionError
from sgcws.options.description import Description, describe
from sgcws.options.field import check_name, declared, did_you_mean, load_value, option
from sgcws.options.kinds import Refused, optional, port_number, text, tuple_of
from sgcws.options.server import ServerOptions

__all__ = [
    "Configuration",
    "command_line_parameters",
    "configuration",
    "merge",
    "read_command_line",
    "read_environment",
    "read_toml",
]

_PREFIX = "SGCWS_"
_endpoint = text("a Twisted endpoint description such as tcp:8080", lambda words: ":" in words)


@attrs.frozen(kw_only=True)
class Configuration:
    """
    What the layers say together.

    Args:
        options: The options of the server.

    Raises:
        OptionError: If a value is not allowed.
    """

    port: int | None = option(
        None,
        optional(port_number),
        doc="The port to listen on; 0 lets the system choose, None leaves it to the server.",
    )
    bindings: tuple[str, ...] = option(
        (),
        tuple_of(_endpoint),
        doc="Twisted endpoint descriptions to listen on, instead of a port.",
    )
    options: ServerOptions


def configuration(*layers: Mapping[str, object], base: ServerOptions | None = None) -> Configuration:
    """
    Make the configuration of several layers, of which a later one overrules those before it.

    Args:
        layers: Nested mappings of plain values; ``port`` and ``bindings`` stand beside the groups.
        base: The options below all layers; None for the defaults.

    Raises:
        OptionError: If a name is not known or a value is not allowed.
    """
    merged = merge(*layers)
    known = (*declared(Configuration), *declared(ServerOptions))
    for name in merged:
        check_name("", name, known)
    place: dict[str, Any] = {
        name: load_value(name, merged.pop(name), metadata)
        for name, (_, metadata) in declared(Configuration).items()
        if name in merged
    }
    return Configuration(options=ServerOptions.from_mapping(merged, base), **place)


def merge(*layers: Mapping[str, object]) -> dict[str, object]:
    """
    Lay nested mappings over each other; where two say something about the same name, the later one wins.

    ``port`` and ``bindings`` are two ways to say one thing: a layer that has one of them silences both in the
    layers before it. No layer is changed.
    """
    merged: dict[str, object] = {}
    for layer in layers:
        if "port" in layer or "bindings" in layer:
            merged = {name: value for name, value in merged.items() if name not in ("port", "bindings")}
        merged = _overlaid(merged, layer)
    return merged


def _overlaid(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[name] = _overlaid(under, value)
        else:
            merged[name] = value
    return merged


def read_toml(text: str, source_name: str) -> dict[str, object]:
    """
    Read the text of a TOML file.

    Args:
        text: The whole file.
        source_name: What an error calls it.

    Raises:
        OptionError: If *text* is not TOML; the value of the error says where.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(source_name, str(error), "TOML 1.0") from error


def read_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """
    Read the variables whose names begin with ``SGCWS_``, as ``SGCWS_PORT`` or ``SGCWS_HTTP__DOCUMENT_ROOT``.

    Args:
        environ: Variable names to text.

    Raises:
        OptionError: If a variable belongs to no option, or its text is not allowed.
    """
    given = {name: words for name, words in environ.items() if name.startswith(_PREFIX)}
    known = {description.variable: description for description in (*describe(Configuration), *describe())}
    for name in given:
        if name not in known:
            allowed = "SGCWS_PORT, SGCWS_BINDINGS, SGCWS_GROUP__OPTION" + did_you_mean(name, known)
            raise OptionError("environment", name, allowed)
    return _nested((name, known[name], given[name]) for name in known if name in given)


def command_line_parameters() -> list[tuple[str, str, str]]:
    """
    Return a flag for each option of the groups, for a command line.

    ``--port`` and ``--binding`` are the command's own; `read_command_line` takes the texts of both.

    Returns:
        For each flag its name without dashes before it, its doc, and a note with the words of a switch and the text
        that means the default.
    """
    return [(description.flag, description.doc, _note(description)) for description in describe()]


def _note(description: Description) -> str:
    default = f"default: {description.default or '(empty)'}"
    return f"{description.words}; {default}" if description.words else default


def read_command_line(given: Mapping[str, str | None]) -> dict[str, object]:
    """
    Read the texts given for flags; what is ``None`` was not given.

    Args:
        given: Flag names without dashes before them, to text: those of `command_line_parameters`, ``port``,
            and ``bindings`` with commas. Other names are passed over: a command has flags of its own.

    Raises:
        OptionError: If a text is not allowed.
    """
    known = (*describe(Configuration), *describe())
    texts = ((f"--{description.flag}", description, given.get(description.flag)) for description in known)
    return _nested((name, description, words) for name, description, words in texts if words is not None)


def _nested(given: Iterable[tuple[str, Description, str]]) -> dict[str, object]:
    """Make what a file would give of (name for errors, option, text); a group comes before its options."""
    tree: dict[str, object] = {}
    for name, description, words in given:
        plain = _plain(name, description, words)
        *groups, last = description.path
        table = _opened(tree, groups)
        if table is None:
            raise OptionError(
                name, words, "nothing, for its group is off", secret=description.metadata.secret
            )
        table[last] = plain
    return tree


def _plain(name: str, description: Description, words: str) -> object:
    """Return what a file would have instead of *words*, once it is known to be allowed."""
    kind = description.metadata.kind
    try:
        plain = kind.read(words)
        kind.load(name, plain)
    except Refused:
        raise description.metadata.refusal_of_text(name, words) from None
    return plain


def _opened(tree: dict[str, object], groups: Iterable[str]) -> dict[str, object] | None:
    """Return the table under *groups*: "on" for a group opens it, "off" leaves no place for its options."""
    for group in groups:
        table = {} if tree.get(group, True) is True else tree[group]
        if not isinstance(table, dict):
            return None
        tree[group] = tree = table
    return tree
