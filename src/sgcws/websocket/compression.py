"""permessage-deflate, as Autobahn wants to be told of it."""

from __future__ import annotations

from typing import Any

from autobahn.websocket.compress import PerMessageDeflateOfferAccept

from sgcws.rules.deflate import NAME, Deflate

__all__ = ["accepted", "as_offer"]


def as_offer(deflate: Deflate) -> str:
    """Write the offer that Autobahn answers with what was agreed on: it repeats these parameters as they are."""
    parts = [NAME]
    parts += [] if deflate.client_bits is None else ["client_max_window_bits"]
    parts += [f"server_max_window_bits={deflate.server_bits}"] if deflate.server_bits_asked else []
    parts += [] if deflate.server_takeover else ["server_no_context_takeover"]
    return "; ".join(parts)


def accepted(offer: Any, deflate: Deflate) -> Any:
    """Return Autobahn's acceptance of *offer*, which it has read from `as_offer`; it only writes the answer."""
    return PerMessageDeflateOfferAccept(
        offer,
        request_no_context_takeover=not deflate.client_takeover,
        request_max_window_bits=deflate.client_bits or 0,
        no_context_takeover=not deflate.server_takeover,
        window_bits=deflate.server_bits,
    )
