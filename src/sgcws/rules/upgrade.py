"""Whether a request is a WebSocket upgrade, and a valid one (RFC 6455 section 4.2.1)."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import attrs
from multidict import CIMultiDictProxy

from sgcws.errors import InvalidOrigin
from sgcws.rules.deflate import parse_extensions
from sgcws.rules.origin import parse_authority
from sgcws.rules.tokens import is_token, split_list

__all__ = ["Refusal", "asks_for_websocket", "choose_subprotocol", "judge_upgrade"]


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


UPGRADE_REQUIRED = {"Upgrade": "websocket", "Connection": "Upgrade, close", "Sec-WebSocket-Version": "13"}


def asks_for_websocket(version: str, upgrade_values: Iterable[str]) -> bool:
    """
    Tell whether a request asks for a WebSocket.

    Args:
        version: The HTTP version, as in ``1.1``; in any other there is no such upgrade (RFC 9110 section 7.8).
        upgrade_values: The values of ``Upgrade``.
    """
    return version == "1.1" and any(token.lower() == "websocket" for token in split_list(upgrade_values))


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
    if not asks_for_websocket(version, headers.getall("upgrade", ())):
        return Refusal(426, "the request asks for no WebSocket", UPGRADE_REQUIRED)
    if "upgrade" not in map(str.lower, split_list(headers.getall("connection", ()))):
        return Refusal(400, "the Connection header does not name Upgrade")
    if enforce_version and headers.getall("sec-websocket-version", ()) != ["13"]:
        return Refusal(426, "the WebSocket version is not 13", UPGRADE_REQUIRED)
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        return Refusal(400, "an upgrade has no body")
    return _judge_who(headers) or _judge_key(headers, validate_key) or _judge_offers(headers)


def _judge_who(headers: CIMultiDictProxy[str]) -> Refusal | None:
    hosts = headers.getall("host", ())
    if len(hosts) != 1 or not _is_authority(hosts[0]):
        return Refusal(400, "there must be one Host header with a host and an optional port")
    if len(headers.getall("origin", ())) > 1:
        return Refusal(400, "there is more than one Origin header")
    return None


def _judge_key(headers: CIMultiDictProxy[str], validate: bool) -> Refusal | None:
    keys = headers.getall("sec-websocket-key", ())
    if len(keys) != 1:
        return Refusal(400, "there must be one Sec-WebSocket-Key header")
    if validate and not _is_key(keys[0]):
        return Refusal(400, "the Sec-WebSocket-Key is not 16 bytes in base64")
    return None


def _judge_offers(headers: CIMultiDictProxy[str]) -> Refusal | None:
    if not all(map(is_token, split_list(headers.getall("sec-websocket-protocol", ())))):
        return Refusal(400, "a Sec-WebSocket-Protocol is not a token")
    if parse_extensions(headers.getall("sec-websocket-extensions", ())) is None:
        return Refusal(400, "the Sec-WebSocket-Extensions header cannot be read")
    return None


def _is_authority(text: str) -> bool:
    try:
        parse_authority(text)
    except InvalidOrigin:
        return False
    return True


def _is_key(text: str) -> bool:
    try:
        return len(text) == 24 and len(base64.b64decode(text, validate=True)) == 16
    except ValueError:
        return False


def choose_subprotocol(offered: Iterable[str], spoken: Iterable[str]) -> str | None:
    """Return the first sub-protocol that the client offers and the server speaks (RFC 6455 section 4.2.2)."""
    known = frozenset(spoken)
    return next((name for name in offered if name in known), None)
