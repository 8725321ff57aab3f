"""
What the value of an option may be.

A `Kind` is a set of values and the three ways into it: ``check`` takes a Python value, ``load`` a plain value
as a TOML file gives it, and ``read`` turns text (environment, command line) into such a plain value.
``write`` is the way out: the text that ``read`` takes back. ``allowed`` says what the set is, for errors.
"""

from __future__ import annotations

import enum
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

__all__ = [
    "Kind",
    "OrNone",
    "Refused",
    "flag",
    "member_of",
    "optional",
    "port_number",
    "positive",
    "read_switch",
    "seconds",
    "size",
    "text",
    "tuple_of",
    "whole",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=enum.Enum)

_LARGEST_SIZE = 2**63 - 1
_UNITS: Final = {"GiB": 1024**3, "MiB": 1024**2, "KiB": 1024}
_SIZE = re.compile(r"([0-9]{1,19}) ?(KiB|MiB|GiB)?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_ON: Final = ("true", "yes", "on", "1")
_OFF: Final = ("false", "no", "off", "0")
_NONE: Final = ("none", "off")


class Refused(Exception):
    """A value that is not of the kind; it becomes an `OptionError` before it leaves this room."""


class Kind(ABC, Generic[T_co]):
    """
    What the value of an option may be.

    Args:
        type_name: What the documentation calls it, in a word or two.
        allowed: What is allowed, as the end of the sentence "allowed: ...".
        in_text: The same where text is given, in the environment or a command line; None for the same words.
    """

    none_word = "none"
    """What ``None`` is called in text where this kind is optional."""
    group: type[Any] | None = None
    """The group whose instances these are, if they are."""

    def __init__(self, type_name: str, allowed: str, in_text: str | None = None) -> None:
        self.type_name = type_name
        self.allowed = allowed
        self.in_text = allowed if in_text is None else in_text

    @abstractmethod
    def check(self, value: object) -> T_co:
        """Return *value* as the option keeps it, or raise `Refused`."""

    def load(self, name: str, plain: object) -> T_co:
        """Return *plain*, which a file has under *name*, as the option keeps it, or raise `Refused`."""
        return self.check(plain)

    @abstractmethod
    def read(self, words: str) -> object:
        """Return what a file would have instead of the text *words*, or raise `Refused`."""

    def write(self, value: object) -> str:
        """Return the text for a *value* of this kind."""
        return str(value)


class _Flag(Kind[bool]):
    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Refused
        return value

    def read(self, words: str) -> bool:
        return read_switch(words)

    def write(self, value: object) -> str:
        return "true" if value else "false"


class _Whole(Kind[int]):
    def __init__(
        self, type_name: str, allowed: str, lowest: int, highest: float, in_text: str | None = None
    ) -> None:
        super().__init__(type_name, allowed, in_text)
        self._lowest, self._highest = lowest, highest

    def check(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refused
        if not self._lowest <= value <= self._highest:
            raise Refused
        return value

    def read(self, words: str) -> int:
        match = _WHOLE.fullmatch(words.strip())
        if match is None:
            raise Refused
        return int(match[0])


class _Size(_Whole):
    def load(self, name: str, plain: object) -> int:
        return self.check(self.read(plain) if isinstance(plain, str) else plain)

    def read(self, words: str) -> int:
        match = _SIZE.fullmatch(words.strip())
        if match is None:
            raise Refused
        units = {unit.lower(): count for unit, count in _UNITS.items()}
        return int(match[1]) * units.get((match[2] or "").lower(), 1)

    def write(self, value: object) -> str:
        assert isinstance(value, int)
        for unit, count in _UNITS.items():
            if value % count == 0:
                return f"{value // count} {unit}"
        return str(value)


class _Seconds(Kind[float]):
    def __init__(self, allowed: str, accepts: Callable[[float], bool]) -> None:
        super().__init__("seconds", allowed)
        self._accepts = accepts

    def check(self, value: object) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Refused
        try:
            number = float(value)
        except OverflowError:
            raise Refused from None
        if not math.isfinite(number) or not self._accepts(number):
            raise Refused
        return number

    def read(self, words: str) -> float:
        try:
            return float(words)
        except ValueError:
            raise Refused from None

    def write(self, value: object) -> str:
        return repr(value).removesuffix(".0")


class _Text(Kind[str]):
    def __init__(self, allowed: str, accepts: Callable[[str], bool]) -> None:
        super().__init__("text", allowed)
        self._accepts = accepts

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not self._accepts(value):
            raise Refused
        return value

    def read(self, words: str) -> str:
        return words


class _Member(Kind[E]):
    def __init__(self, choices: type[E]) -> None:
        names = [f"{choices.__name__}.{member.name}" for member in choices]
        words = ", ".join(f'"{member.value}"' for member in choices)
        super().__init__(choices.__name__, f"{', '.join(names)}; in a file {words}", words)
        self._choices = choices

    def check(self, value: object) -> E:
        if not isinstance(value, self._choices):
            raise Refused
        return value

    def load(self, name: str, plain: object) -> E:
        return self.read(plain) if isinstance(plain, str) else self.check(plain)

    def read(self, words: str) -> E:
        try:
            return self._choices(words.strip().lower())
        except ValueError:
            raise Refused from None

    def write(self, value: object) -> str:
        assert isinstance(value, enum.Enum)
        return str(value.value)


class _Tuple(Kind[tuple[T_co, ...]]):
    def __init__(self, item: Kind[T_co]) -> None:
        super().__init__(
            f"list of {item.type_name}",
            f"a list without repetition, each item {item.allowed}",
            f"items without repetition, with commas between, each {item.in_text}",
        )
        self._item = item

    def check(self, value: object) -> tuple[T_co, ...]:
        if not isinstance(value, tuple):
            raise Refused
        items = tuple(self._item.check(item) for item in value)
        if len(set(items)) < len(items):
            raise Refused
        return items

    def load(self, name: str, plain: object) -> tuple[T_co, ...]:
        return self.check(tuple(plain) if isinstance(plain, list) else plain)

    def read(self, words: str) -> list[object]:
        return [self._item.read(item.strip()) for item in words.split(",")] if words.strip() else []

    def write(self, value: object) -> str:
        assert isinstance(value, tuple)
        return ",".join(self._item.write(item) for item in value)


class OrNone(Kind[T_co | None]):
    """
    A kind and ``None``, which text calls ``off`` or ``none``; for a group ``false`` in a file is the same.

    Args:
        kind: What else the value may be.
    """

    def __init__(self, kind: Kind[T_co]) -> None:
        word = kind.none_word
        in_text = f"{kind.in_text}, or {word}" if kind.group is None else f"{kind.in_text} or {word}"
        super().__init__(f"{kind.type_name} or {word}", f'{kind.allowed}, or None ("{word}" in text)', in_text)
        self._kind, self.group = kind, kind.group

    def check(self, value: object) -> T_co | None:
        return None if value is None else self._kind.check(value)

    def load(self, name: str, plain: object) -> T_co | None:
        switched_off = plain is False and self.group is not None
        if plain is None or switched_off or (isinstance(plain, str) and plain.lower() in _NONE):
            return None
        return self._kind.load(name, plain)

    def read(self, words: str) -> object:
        return self._kind.none_word if words.strip().lower() in _NONE else self._kind.read(words)

    def write(self, value: object) -> str:
        return self._kind.none_word if value is None else self._kind.write(value)


def read_switch(words: str) -> bool:
    """Return what *words* such as ``on``, ``no`` or ``1`` mean, or raise `Refused`."""
    word = words.strip().lower()
    if word not in _ON + _OFF:
        raise Refused
    return word in _ON


def whole(lowest: int, highest: int | None = None) -> Kind[int]:
    """Return the whole numbers from *lowest* to *highest*, or upwards; a bool is none."""
    if highest is None:
        return _Whole("whole number", f"a whole number of {lowest} or more", lowest, math.inf)
    return _Whole("whole number", f"a whole number from {lowest} to {highest}", lowest, highest)


def seconds(least: float, most: float) -> Kind[float]:
    """Return the times in seconds from *least* to *most*."""
    return _Seconds(f"a number of seconds from {least:g} to {most:g}", lambda number: least <= number <= most)


def text(allowed: str, accepts: Callable[[str], bool]) -> Kind[str]:
    """Return the text that *accepts* answers True for; *allowed* says which that is."""
    return _Text(allowed, accepts)


def member_of(choices: type[E]) -> Kind[E]:
    """Return the members of an enumeration whose values are words in lower case; text gives such a word."""
    return _Member(choices)


def tuple_of(item: Kind[T]) -> Kind[tuple[T, ...]]:
    """Return the tuples of any length whose items are of the kind *item*, none of them twice."""
    return _Tuple(item)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """Return *kind* and ``None``."""
    return OrNone(kind)


flag: Final[Kind[bool]] = _Flag("true or false", "true or false")
"""True or False; a number is neither."""

positive: Final[Kind[float]] = _Seconds("a number of seconds above 0", lambda number: number > 0)
"""Times in seconds, more than none; an int becomes a float."""

size: Final[Kind[int]] = _Size(
    "bytes",
    'a whole number of bytes above 0; in a file also with KiB, MiB or GiB, as in "64 MiB"',
    1,
    _LARGEST_SIZE,
    "a whole number of bytes above 0, or with KiB, MiB or GiB as in 64 MiB",
)
"""Sizes in bytes; text may end in KiB, MiB or GiB."""

port_number: Final[Kind[int]] = whole(0, 65535)
"""TCP port numbers; 0 lets the system choose."""
