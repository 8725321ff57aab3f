"""The request by which a peer came to take messages."""

from __future__ import annotations

from typing import Final

import attrs
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

__all__ = ["NO_OPENING", "Opening"]

NO_VALUES: Final = MultiDictProxy(MultiDict[str]())
NO_HEADERS: Final = CIMultiDictProxy(CIMultiDict[str]())


@attrs.frozen(kw_only=True)
class Opening:
    """The request by which a peer came to take messages, and what was agreed on."""

    url: str = ""
    path: str = ""
    query: MultiDictProxy[str] = NO_VALUES
    headers: CIMultiDictProxy[str] = NO_HEADERS
    protocol: str | None = None
    response_headers: CIMultiDictProxy[str] = NO_HEADERS


NO_OPENING: Final = Opening()
"""A peer that asked for nothing: raw TCP."""
