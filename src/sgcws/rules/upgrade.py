"""Whether a request is a WebSocket upgrade, and a valid one (RFC 6455 section 4.2.1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

import attrs
from multidict import CIMultiDictProxy

__all__ = ["Refusal", "asks_for_websocket", "choose_subprotocol", "judge_upgrade", "tokens"]


@attrs.frozen
class Refusal:
    """
    Why a request may not upgrade.

    Args:
        status: The HTTP status to answer with.
        reason: Why, in words of ours.
        headers: What the answer tells beside the status.
    """

    status: int
    reason: str
    headers: dict[str, str] = attrs.field(factory=dict)


UPGRADE_REQUIRED = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}


def tokens(values: Iterable[str]) -> list[str]:
    """Split the values of a list header at its commas (RFC 9110 section 5.6.1)."""
    return [token for value in values for piece in value.split(",") if (token := piece.strip(" \t"))]


def asks_for_websocket(upgrade_values: Iterable[str]) -> bool:
    """Tell from the ``Upgrade`` headers whether a request asks for a WebSocket."""
    return any(token.lower() == "websocket" for token in tokens(upgrade_values))


def judge_upgrade(
    method: str, version: str, headers: CIMultiDictProxy[str], *, enforce_version: bool, validate_key: bool
) -> Refusal | None:
    """
    Return why a request may not upgrade, or None if it may.

    Args:
        method: The request's method.
        version: The HTTP version, as in ``1.1``.
        headers: The request's headers.
        enforce_version: Whether only version 13 is accepted.
        validate_key: Whether the key must be 16 bytes in base64.
    """
    if method != "GET":
        return Refusal(405, "a WebSocket is asked for by GET", {"Allow": "GET"})
    if not asks_for_websocket(headers.getall("upgrade", ())):
        return Refusal(426, "the request asks for no WebSocket", UPGRADE_REQUIRED)
    if version != "1.1":
        return Refusal(400, "an upgrade needs HTTP/1.1")
    if "upgrade" not in map(str.lower, tokens(headers.getall("connection", ()))):
        return Refusal(400, "the Connection header does not name Upgrade")
    if enforce_version and headers.getall("sec-websocket-version", ()) != ["13"]:
        return Refusal(426, "the WebSocket version is not 13", UPGRADE_REQUIRED)
    return _judge_key(headers.getall("sec-websocket-key", ()), validate_key)


def _judge_key(keys: Iterable[str], validate: bool) -> Refusal | None:
    given = list(keys)
    if len(given) != 1:
        return Refusal(400, "there must be one Sec-WebSocket-Key header")
    if validate and not _is_key(given[0]):
        return Refusal(400, "the Sec-WebSocket-Key is not 16 bytes in base64")
    return None


def _is_key(text: str) -> bool:
    try:
        return len(text) == 24 and len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def choose_subprotocol(offered: Iterable[str], spoken: Iterable[str]) -> str | None:
    """Return the first sub-protocol that the client offers and the server speaks (RFC 6455 section 4.2.2)."""
    known = frozenset(spoken)
    return next((name for name in offered if name in known), None)
