"""The same message to many peers."""

from __future__ import annotations

from collections.abc import Iterable

from sgcws.realtime.registry import Member, Registry
from sgcws.rules.guids import guid_set
from sgcws.rules.payload import payload_of

__all__ = ["broadcast", "ping_all"]

LONGEST_PING = 125
"""Bytes that fit a control frame (RFC 6455 section 5.5)."""


def broadcast(
    registry: Registry,
    data: str | bytes,
    protocol: str | None,
    include: str | Iterable[str] | None,
    exclude: str | Iterable[str],
) -> int:
    """
    Send *data*, encoded once, to every peer that passes all filters; return how many took it.

    Raises:
        TypeError: If *data* is neither ``str`` nor ``bytes``.
        UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.
    """
    payload, text = payload_of(data)
    kept_from = guid_set(exclude)
    return sum(
        peer.send(payload, text)
        for peer in _candidates(registry, include)
        if peer.guid not in kept_from and protocol in (None, peer.protocol)
    )


def ping_all(registry: Registry, payload: bytes) -> int:
    """
    Ping every peer whose protocol has pings; return how many.

    Raises:
        TypeError: If *payload* is not bytes.
        ValueError: If *payload* is longer than a control frame carries.
    """
    if not isinstance(payload, bytes):
        raise TypeError(f"a ping carries bytes, not {type(payload).__qualname__}")
    if len(payload) > LONGEST_PING:
        raise ValueError(f"a ping carries at most {LONGEST_PING} bytes, not {len(payload)}")
    return sum(peer.ping(payload) for peer in registry.messaging())


def _candidates(registry: Registry, include: str | Iterable[str] | None) -> tuple[Member, ...]:
    return registry.messaging() if include is None else registry.among(guid_set(include))
