"""What to answer to a client that offers permessage-deflate (RFC 7692 section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

from sgcws.options import Compression

__all__ = ["acceptor"]


def acceptor(compression: Compression | None) -> Callable[[Iterable[Any]], Any]:
    """Return the function that Autobahn asks about a client's offers: it answers one of them, or None."""

    def accept(offers: Iterable[Any]) -> Any:
        if compression is None:
            return None
        answers = (_answer(offer, compression) for offer in offers if isinstance(offer, PerMessageDeflateOffer))
        return next((answer for answer in answers if answer is not None), None)

    return accept


def _answer(offer: Any, compression: Compression) -> Any:
    asked = offer.request_max_window_bits
    limits_client = offer.accept_max_window_bits and compression.window_bits < 15
    forgets_client = offer.accept_no_context_takeover and not compression.context_takeover
    return PerMessageDeflateOfferAccept(
        offer,
        request_no_context_takeover=forgets_client,
        request_max_window_bits=compression.window_bits if limits_client else 0,
        no_context_takeover=not compression.context_takeover or None,
        window_bits=min(asked or 15, compression.window_bits),
        mem_level=compression.memory_level,
    )
