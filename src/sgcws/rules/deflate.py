"""What to answer to a client that offers permessage-deflate (RFC 7692)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from sgcws.rules.tokens import TOKEN, split_list

__all__ = ["NAME", "Deflate", "Extension", "agree", "parse_extensions"]

NAME = "permessage-deflate"

LARGEST_WINDOW = 15
SMALLEST_WINDOW = 9
"""What zlib can deflate with; RFC 7692 knows 8, too."""

_PARAMETER = rf"[ \t]*;[ \t]*({TOKEN})(?:[ \t]*=[ \t]*(?:({TOKEN})|\"({TOKEN})\"))?"
_EXTENSION = re.compile(rf"({TOKEN})((?:{_PARAMETER})*)")
_PARAMETERS = re.compile(_PARAMETER)
_BITS = re.compile("[89]|1[0-5]")


@attrs.frozen
class Extension:
    """
    One entry of ``Sec-WebSocket-Extensions`` (RFC 6455 section 9.1).

    Args:
        name: Its name, in lower case.
        parameters: Names and values in the order they came in; None for one without a value.
    """

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()


@attrs.frozen(kw_only=True)
class Deflate:
    """
    What both sides have agreed on (RFC 7692 section 7.1).

    Args:
        server_bits: The window of what the server sends.
        server_bits_asked: Whether the client asked for a window.
        server_takeover: Whether the server keeps its window from message to message.
        client_bits: The window of what the client sends, or None if it may be any.
        client_takeover: Whether the client keeps its window from message to message.
    """

    server_bits: int
    server_bits_asked: bool
    server_takeover: bool
    client_bits: int | None
    client_takeover: bool


def parse_extensions(values: Iterable[str]) -> list[Extension] | None:
    """Read ``Sec-WebSocket-Extensions`` headers; None if they are not what RFC 6455 section 9.1 allows."""
    found = [_EXTENSION.fullmatch(entry) for entry in split_list(values)]
    if not all(found):
        return None
    return [Extension(match[1].lower(), _parameters(match[2])) for match in found if match]


def _parameters(text: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((match[1].lower(), match[2] or match[3]) for match in _PARAMETERS.finditer(text))


def agree(offers: Iterable[Extension], window_bits: int, context_takeover: bool) -> Deflate | None:
    """
    Return what to answer to the first offer that can be accepted, or None if there is none.

    One that is not what RFC 7692 allows is passed over, as its section 7 wants.

    Args:
        offers: The client's extensions, in the order it prefers them.
        window_bits: The largest window to use, 9 to 15.
        context_takeover: Whether windows may be kept from message to message.
    """
    answers = (_answer(dict(offer.parameters), window_bits, context_takeover) for offer in offers if _is_sound(offer))
    return next((answer for answer in answers if answer is not None), None)


def _is_sound(offer: Extension) -> bool:
    """Whether an extension is permessage-deflate, offered in the right way."""
    names = [name for name, _ in offer.parameters]
    return offer.name == NAME and len(set(names)) == len(names) and all(_is_known(*pair) for pair in offer.parameters)


def _is_known(name: str, value: str | None) -> bool:
    if name in ("server_no_context_takeover", "client_no_context_takeover"):
        return value is None
    if name == "client_max_window_bits" and value is None:
        return True
    return name in ("server_max_window_bits", "client_max_window_bits") and bool(_BITS.fullmatch(value or ""))


def _answer(asked: dict[str, str | None], window_bits: int, context_takeover: bool) -> Deflate | None:
    server_bits = min(window_bits, int(asked.get("server_max_window_bits") or LARGEST_WINDOW))
    if server_bits < SMALLEST_WINDOW:
        return None
    return Deflate(
        server_bits=server_bits,
        server_bits_asked="server_max_window_bits" in asked,
        server_takeover=context_takeover and "server_no_context_takeover" not in asked,
        client_bits=_client_bits(asked, window_bits),
        client_takeover=context_takeover and "client_no_context_takeover" not in asked,
    )


def _client_bits(asked: dict[str, str | None], window_bits: int) -> int | None:
    """Limit the client's window if it lets us, and never to more than it says it will use."""
    if "client_max_window_bits" not in asked:
        return None
    bits = min(window_bits, int(asked["client_max_window_bits"] or LARGEST_WINDOW))
    return bits if SMALLEST_WINDOW <= bits < LARGEST_WINDOW else None
