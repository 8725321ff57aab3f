"""
Everything that sgcws raises, one class for each thing a caller would do differently.

::

    ServerError
    ├── OptionError (ValueError)      you: an option has a value that is not allowed
    ├── LifecycleError (RuntimeError) you: the call does not fit the server's state or thread
    ├── ListenError (OSError)         the machine: a binding cannot be had
    ├── TLSConfigError                the machine: a file for TLS cannot be used
    ├── InvalidOrigin (ValueError)    the peer: an Origin header that is none
    ├── PeerProtocolError             the peer: it broke the protocol it speaks
    └── ConnectionClosed (ConnectionError)  the peer: it is gone, and nothing more comes from it

A foreign exception is kept as ``__cause__``. Its text never goes to a peer.
"""

from __future__ import annotations

__all__ = [
    "ConnectionClosed",
    "InvalidOrigin",
    "LifecycleError",
    "ListenError",
    "OptionError",
    "PeerProtocolError",
    "ServerError",
    "TLSConfigError",
]


class ServerError(Exception):
    """The root of all errors that sgcws raises."""


class OptionError(ServerError, ValueError):
    """
    An option has a value that is not allowed.

    Args:
        field: The option by its full name, as in ``websocket.max_message_size``.
        value: The value that was given.
        allowed: What is allowed, as the end of the sentence "allowed: ...".
        secret: Whether the value must not be shown.

    Attributes:
        field: As given.
        value: As given; ``None`` for a secret.
        allowed: As given.
    """

    def __init__(self, field: str, value: object, allowed: str, *, secret: bool = False) -> None:
        self.field = field
        self.value = None if secret else value
        self.allowed = allowed
        self._secret = secret
        super().__init__(field, self.value, allowed)

    def __str__(self) -> str:
        shown = "(not shown)" if self._secret else repr(self.value)
        return f"{self.field}: {shown} is not allowed; allowed: {self.allowed}"

    def within(self, group: str) -> OptionError:
        """Return the same error with the field's name under *group*."""
        return OptionError(f"{group}.{self.field}", self.value, self.allowed, secret=self._secret)


class LifecycleError(ServerError, RuntimeError):
    """The call does not fit the state that the server is in, or the thread it is made from."""


class ListenError(ServerError, OSError):
    """
    A binding cannot be had.

    Args:
        binding: The binding as the user wrote it, as in ``tcp:8080:interface=127.0.0.1``.
        reason: Why, in words.
        number: The system's number for it, as in ``errno.EADDRINUSE``, if it is the system that refuses.

    Attributes:
        binding: As given.
        reason: As given; ``strerror`` too.
        errno: The number as given, or None.
    """

    def __init__(self, binding: str, reason: str, number: int | None = None) -> None:
        super().__init__()
        self.args = (binding, reason, number)
        self.binding = binding
        self.reason = self.strerror = reason
        self.errno = number

    def __str__(self) -> str:
        return f"cannot listen on {self.binding}: {self.reason}"


class TLSConfigError(ServerError):
    """
    A file that TLS needs cannot be used.

    Args:
        path: The file.
        reason: Why, in words; never text of the file's.

    Attributes:
        path: As given.
        reason: As given.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(path, reason)

    def __str__(self) -> str:
        return f"cannot use {self.path} for TLS: {self.reason}"


class InvalidOrigin(ServerError, ValueError):
    """An ``Origin`` header is not what RFC 6454 section 7 allows."""


class PeerProtocolError(ServerError):
    """
    A peer broke the protocol it speaks.

    Args:
        code: The WebSocket close code (RFC 6455 section 7.4) or HTTP status that the peer was answered with.
        reason: Why, in words of ours; never text of the peer's.

    Attributes:
        code: As given.
        reason: As given.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(code, reason)

    def __str__(self) -> str:
        return f"{self.reason} ({self.code})"


class ConnectionClosed(ServerError, ConnectionError):
    """
    A connection ended before what was awaited of it.

    Args:
        code: The close code: the peer's, else ours, else 1006 (RFC 6455 section 7.4.1).
        reason: The reason that came with it, which may be the peer's words.

    Attributes:
        code: As given.
        reason: As given; not in the error's text.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__()
        self.args = (code, reason)  # set here: an OSError would take the code for a number of the system's
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"the connection is closed ({self.code})"
