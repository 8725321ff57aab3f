"""A message, or a fragment, that comes in piece by piece."""

from __future__ import annotations

from io import BytesIO

__all__ = ["Assembly"]


class Assembly:
    """
    Puts pieces together.

    A list of them would take sixty times the memory of what tiny ones hold.

    Attributes:
        size: Bytes so far.
    """

    __slots__ = ("_first", "_more", "size")

    def __init__(self) -> None:
        self._first = b""
        self._more: BytesIO | None = None
        self.size = 0

    def add(self, piece: bytes) -> None:
        """Add a piece."""
        if not self.size:
            self._first = piece
        else:
            if self._more is None:
                self._more = BytesIO()
                self._more.write(self._first)
                self._first = b""
            self._more.write(piece)
        self.size += len(piece)

    def take(self) -> bytes:
        """Return the whole, and begin anew."""
        whole = self._first if self._more is None else self._more.getvalue()
        self._first, self._more, self.size = b"", None, 0
        return whole
