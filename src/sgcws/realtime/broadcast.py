"""The same message to many peers."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from itertools import filterfalse

from sgcws.realtime.framing import Message
from sgcws.realtime.registry import Registry
from sgcws.rules.guids import guid_set
from sgcws.rules.masks import check_name, matching
from sgcws.rules.payload import check_form, check_ping, payload_of

__all__ = ["broadcast", "broadcast_to_groups", "ping_all"]


def broadcast(
    registry: Registry,
    data: str | bytes,
    *,
    channel: str | Iterable[str] | None = None,
    protocol: str | None = None,
    include: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] = (),
    key: str | None = None,
    fragment_size: int | None = None,
) -> int:
    """
    Send *data*, encoded once, to every peer that passes all filters; return how many took it.

    Only those are looked at that pass the filter with the fewest.

    Args:
        registry: Who is there.
        data: ``str`` goes out as a text message, ``bytes`` as binary.
        channel: Only those in this channel, or in one of these.
        protocol: Only those that speak this sub-protocol.
        include: Only these guids; an empty one is nobody.
        exclude: Never these guids.
        key: Under ``WhenFull.CONFLATE`` a message takes the place of the one that waits with the same key.
        fragment_size: Bytes in each fragment.

    Raises:
        TypeError: If *data* is neither ``str`` nor ``bytes``; if a guid, *key* or the name of a channel is not ``str``;
            if *fragment_size* is no whole number.
        ValueError: If the name of a channel is empty, or *fragment_size* is less than 1.
        UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.
    """
    message = _message(data, key, fragment_size)
    filters: list[Collection[str]] = []
    still: Container[str] = registry.guids()
    if channel is not None:
        still = subscribers = registry.channels.in_any((channel,) if isinstance(channel, str) else channel)
        filters.append(subscribers)
    if protocol is not None:
        filters.append(registry.speaking(protocol))
    if include is not None:
        filters.append(guid_set(include))
    return _deliver(registry, message, _passing(filters or [registry.guids()], guid_set(exclude)), still)


def broadcast_to_groups(
    registry: Registry, mask: str, data: str | bytes, *, key: str | None = None, exclude: str | Iterable[str] = ()
) -> int:
    """
    Send *data*, encoded once, to every peer that is in a group whose name matches; return how many took it.

    Args:
        registry: Who is there.
        mask: The name of a group, or a mask with ``*`` and ``?``.
        data: As for `broadcast`; so are *key* and *exclude*.

    Raises:
        TypeError: If *data* is neither ``str`` nor ``bytes``, or *mask*, *key* or a guid is not ``str``.
        ValueError: If *mask* is empty.
        UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.
    """
    message = _message(data, key)
    check_name(mask, "group")
    members = registry.groups.in_any(matching(mask, registry.groups.names()))
    return _deliver(registry, message, _passing([members], guid_set(exclude)), members)


def ping_all(registry: Registry, payload: bytes) -> int:
    """
    Ping every peer whose protocol has pings; return how many.

    Raises:
        TypeError: If *payload* is not bytes.
        ValueError: If *payload* is longer than a control frame carries.
    """
    check_ping(payload)
    return sum(peer.send_ping(payload) for peer in registry.messaging())


def _message(data: str | bytes, key: str | None, fragment_size: int | None = None) -> Message:
    check_form(fragment_size, key)
    return Message(*payload_of(data), key=key, fragment_size=fragment_size, forms={})


def _passing(filters: Iterable[Collection[str]], kept_from: Container[str]) -> tuple[str, ...]:
    """Return the guids that are in all of *filters*: those of the smallest that the others have, too."""
    smallest, *others = sorted(filters, key=len)
    guids: Iterable[str] = filterfalse(kept_from.__contains__, smallest)
    for other in others:
        guids = filter(other.__contains__, guids)
    return tuple(guids)


def _deliver(registry: Registry, message: Message, guids: Iterable[str], still: Container[str]) -> int:
    """
    Send to those of *guids* that are there, and in *still*, when it is their turn; return how many took it.

    A peer that fails is told of before the next one has its turn, and whoever hears it may make others come and go.
    """
    taken = 0
    for guid in guids:
        peer = registry.get(guid) if guid in still else None
        if peer is not None and peer.send(message):
            taken += 1
    return taken
