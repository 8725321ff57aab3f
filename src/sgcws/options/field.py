"""
`option` declares one option of a group, with everything there is to know about it.

From its metadata come the check at birth, the TOML loader, the environment, the command line and the
documentation. A group is a frozen attrs class of such fields; `table` makes a group the kind of a field.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeVar

import attrs

from sgcws.errors import OptionError
from sgcws.options.kinds import Kind, Refused, read_switch

__all__ = [
    "Metadata",
    "Table",
    "check_name",
    "declared",
    "did_you_mean",
    "from_table",
    "load_value",
    "option",
    "table",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_KEY: Final = "sgcws.option"


@attrs.frozen(kw_only=True)
class Metadata:
    """
    What is known about one option, beside its name and default.

    Args:
        kind: What its value may be.
        doc: One sentence for a user.
        live: Whether a change can take effect without a restart.
        since: The first version that has it.
        secret: Whether its value may not be shown.
    """

    kind: Kind[Any]
    doc: str
    live: bool
    since: str
    secret: bool

    def refusal(self, name: str, value: object) -> OptionError:
        """Return the error for a *value* that is not allowed for the option *name*."""
        return OptionError(name, value, self.kind.allowed, secret=self.secret)

    def refusal_of_text(self, name: str, words: str) -> OptionError:
        """Return the error for *words* on a command line or in the environment."""
        return OptionError(name, words, self.kind.in_text, secret=self.secret)


def option(
    default: T, kind: Kind[T], *, doc: str, live: bool = False, since: str = "26.11", secret: bool = False
) -> T:
    """
    Declare an option in the body of a group.

    Args:
        default: Its value when none is given.
        kind: What its value may be; checked whenever the group is made.
        doc: One sentence for a user, with the unit.
        live: Whether a change can take effect without a restart.
        since: The first version that has it.
        secret: Whether its value is left out of ``repr`` and of errors.

    Returns:
        An attrs field, typed as its value: a type checker holds annotation, default and kind together.
    """
    metadata = Metadata(kind=kind, doc=doc, live=live, since=since, secret=secret)
    field: T = attrs.field(
        default=default,
        converter=attrs.Converter(_checked, takes_field=True),
        repr=not secret,
        metadata={_KEY: metadata},
    )
    return field


def _checked(value: object, field: attrs.Attribute[Any]) -> object:
    metadata: Metadata = field.metadata[_KEY]
    try:
        return metadata.kind.check(value)
    except Refused:
        raise metadata.refusal(field.name, value) from None


def declared(group: type[Any]) -> dict[str, tuple[object, Metadata]]:
    """Return the options of *group* in order: name to default and metadata."""
    fields = (field for field in attrs.fields(group) if _KEY in field.metadata)
    return {field.name: (field.default, field.metadata[_KEY]) for field in fields}


def load_value(name: str, plain: object, metadata: Metadata) -> object:
    """
    Make an option's value of a plain one.

    Args:
        name: What an error calls it.
        plain: The value as a TOML file gives it.
        metadata: Of the option.

    Raises:
        OptionError: If *plain* is not allowed.
    """
    try:
        return metadata.kind.load(name, plain)
    except Refused:
        raise metadata.refusal(name, plain) from None


def from_table(group: type[T], name: str, plain: Mapping[str, object], base: T | None = None) -> T:
    """
    Make a *group* of a plain mapping.

    Args:
        group: A class whose fields are declared with `option`.
        name: The group's full name; empty for the root.
        plain: Option names to plain values.
        base: What holds for everything that *plain* does not mention, also in the groups inside; None for the
            defaults.

    Raises:
        OptionError: If a name is not known or a value is not allowed.
    """
    known = declared(group)
    values = {}
    for key, value in plain.items():
        check_name(name, key, known)
        full_name = f"{name}.{key}" if name else key
        values[key] = _laid_over(getattr(base, key, None), full_name, value, known[key][1])
    return group(**values) if base is None else attrs.evolve(base, **values)  # type: ignore[misc]


def check_name(group: str, name: object, known: Collection[str]) -> None:
    """
    Refuse a name that is not known.

    Args:
        group: The full name of the group that it is in; empty for the root.
        name: Of an option.
        known: The names of all options there.

    Raises:
        OptionError: With *name* as its value, and the nearest name that is known.
    """
    if name not in known:
        raise OptionError(group or "options", name, ", ".join(known) + did_you_mean(name, known))


def _laid_over(base: object, name: str, plain: object, metadata: Metadata) -> object:
    """Load *plain*, over *base* where both are one group's."""
    group = metadata.kind.group
    if group is not None and isinstance(base, group) and isinstance(plain, Mapping):
        return from_table(group, name, plain, base)
    return load_value(name, plain, metadata)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return the question to add to an error about *word*; empty if nothing known is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


class Table(Kind[T_co]):
    """
    The instances of a group; in a file a table of its options.

    Args:
        group: A class whose fields are declared with `option`.
    """

    none_word = "off"

    def __init__(self, group: type[T_co]) -> None:
        super().__init__("on", f"{group.__name__}; in a file a table, or true for its defaults", "on")
        self._group: type[T_co] = group
        self.group = group

    def check(self, value: object) -> T_co:
        if not isinstance(value, self._group):
            raise Refused
        return value

    def load(self, name: str, plain: object) -> T_co:
        if isinstance(plain, Mapping):
            return from_table(self._group, name, plain)
        return self._group() if plain is True else self.check(plain)

    def read(self, words: str) -> bool:
        return read_switch(words)

    def write(self, value: object) -> str:
        return "on"


def table(group: type[T]) -> Kind[T]:
    """Return the instances of *group* as a kind, for a group inside a group."""
    return Table(group)
