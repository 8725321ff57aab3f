"""permessage-deflate, as Autobahn wants to be told of it."""

from __future__ import annotations

from typing import Any

from autobahn.exception import PayloadCorruptError
from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOfferAccept

from sgcws.rules.deflate import NAME, Deflate

__all__ = ["Stream", "accepted", "as_offer"]


class Stream(PerMessageDeflate):
    """
    What is inflated and deflated for one peer.

    A message may end the stream of the peer's deflater (RFC 7692 section 7.2.3.4). Autobahn's own class would inflate
    nothing more then, and keep all that comes behind the end without counting it.
    """

    _decompressor: Any

    def start_decompress_message(self) -> None:
        """Begin a message, with a new stream if the last one has ended."""
        if self._decompressor is not None and self._decompressor.eof:
            self._decompressor = None
        super().start_decompress_message()

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """
        Inflate a part of a message.

        Raises:
            PayloadExceededError: If it grows beyond *max_output_len*.
            PayloadCorruptError: If it cannot be inflated, or goes on behind the end of the stream.
        """
        inflated: bytes = super().decompress_message_data(data, max_output_len)
        # The one octet is what is left of the empty block that a sender puts behind a final one.
        if len(self._decompressor.unused_data) > 1:
            raise PayloadCorruptError("data behind the end of the stream")
        return inflated


def as_offer(deflate: Deflate) -> str:
    """Write the offer that Autobahn answers with what was agreed on: it repeats these parameters as they are."""
    parts = [NAME]
    parts += [] if deflate.client_bits is None else ["client_max_window_bits"]
    parts += [f"server_max_window_bits={deflate.server_bits}"] if deflate.server_bits_asked else []
    parts += [] if deflate.server_takeover else ["server_no_context_takeover"]
    return "; ".join(parts)


def accepted(offer: Any, deflate: Deflate, memory_level: int) -> Any:
    """Return Autobahn's acceptance of *offer*, which it has read from `as_offer`."""
    return PerMessageDeflateOfferAccept(
        offer,
        request_no_context_takeover=not deflate.client_takeover,
        request_max_window_bits=deflate.client_bits or 0,
        no_context_takeover=not deflate.server_takeover,
        window_bits=deflate.server_bits,
        mem_level=memory_level,
    )
