"""Messages, and how they look on the wire of one peer."""

from __future__ import annotations

from typing import Protocol

import attrs

from sgcws.interfaces import Shuttable

__all__ = ["ROOM", "Framing", "Message"]

ROOM = 128
"""Bytes that a message takes while it waits, besides its payload, so that even of empty ones not too many wait."""


@attrs.define(eq=False)
class Message:
    """
    One message on its way out; for several peers it is the same object.

    Args:
        payload: What it carries; text as UTF-8.
        text: Whether it is text.
        key: Messages with the same key may take each other's place.
        fragment_size: Bytes in each fragment; None does not split it.
        forms: For several peers, how it looks on the wire, by what decides that; None for one peer.
    """

    payload: bytes
    text: bool
    key: str | None = None
    fragment_size: int | None = None
    forms: dict[object, list[bytes]] | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds while it waits."""
        return len(self.payload) + ROOM


class Framing(Shuttable, Protocol):
    """How a peer that takes messages is spoken to: what its messages look like, and how its conversation ends."""

    def encode(self, message: Message) -> list[bytes]:
        """
        Return a message as it goes over the wire, in frames: between two of them others may be sent.

        It is called when the message is about to be sent, and in the order of sending.
        """

    def encode_part(self, payload: bytes, text: bool, first: bool, last: bool) -> list[bytes]:
        """Return a part of a message as it goes over the wire; up to the last only parts of the same message follow."""

    def encode_ping(self, payload: bytes) -> bytes | None:
        """Return a ping of at most 125 bytes as it goes over the wire; None if this protocol has none."""

    answers_pings: bool
    """Whether a ping is answered."""

    def fail(self, code: int, reason: str) -> None:
        """Say that it is over, as far as the peer still listens, and hear no more from it."""

    def pause(self) -> None:
        """Stop reading from the peer, and deliver nothing more of what was read already."""

    def resume(self) -> None:
        """Deliver what was read already, and read on."""
