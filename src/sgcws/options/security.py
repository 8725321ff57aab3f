"""Whose pages may connect."""

from __future__ import annotations

from functools import cached_property

import attrs

from sgcws.errors import InvalidOrigin
from sgcws.options.field import option
from sgcws.options.kinds import flag, text, tuple_of
from sgcws.rules.origin import OriginPattern, parse_pattern

__all__ = ["SecurityOptions"]


def _is_pattern(words: str) -> bool:
    try:
        parse_pattern(words)
    except InvalidOrigin:
        return False
    return True


_pattern = text(
    '"*", "null", or scheme://host:port in ASCII and nothing behind it, not even a slash; '
    "a * may stand for the port or the first label of the host",
    _is_pattern,
)


@attrs.frozen(kw_only=True)
class SecurityOptions:
    """
    Whose pages may connect (RFC 6455 section 10.2).

    Raises:
        OptionError: If a value is not allowed.
    """

    allowed_origins: tuple[str, ...] = option(
        (),
        tuple_of(_pattern),
        doc="The origins whose pages may connect, instead of only those that this server itself serves; "
        '"*" for every one.',
        live=True,
    )
    allow_missing_origin: bool = option(
        True,
        flag,
        doc="Whether a request without an Origin may connect: programs send none, browsers always do.",
        live=True,
    )

    @cached_property
    def origin_patterns(self) -> tuple[OriginPattern, ...]:
        """Return `allowed_origins`, parsed."""
        return tuple(parse_pattern(words) for words in self.allowed_origins)
