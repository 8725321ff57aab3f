"""Promises of `sgcws.errors`: one class for each thing to do, with the facts as attributes."""

from __future__ import annotations

import copy
import errno
import inspect
import pickle

from twisted.trial.unittest import SynchronousTestCase

from sgcws import errors
from sgcws.errors import (
    ConnectionClosed,
    InvalidOrigin,
    LifecycleError,
    ListenError,
    OptionError,
    PeerProtocolError,
    ServerError,
    TLSConfigError,
)

EXAMPLES = (
    OptionError("websocket.max_message_size", -1, "0 or more"),
    OptionError("tls.password", "secret", "a text", secret=True),
    LifecycleError("stopped"),
    ListenError("*:80", "Permission denied", errno.EACCES),
    TLSConfigError("/key.pem", "its key is encrypted"),
    InvalidOrigin("x"),
    PeerProtocolError(1002, "bad frame"),
    ConnectionClosed(4000, "bye"),
)


class TreeTests(SynchronousTestCase):
    """The tree is as it is drawn."""

    def test_root(self) -> None:
        """All errors have one root, and those that Python has a word for are that, too."""
        for cls, also in (
            (OptionError, ValueError),
            (LifecycleError, RuntimeError),
            (ListenError, OSError),
            (TLSConfigError, Exception),
            (InvalidOrigin, ValueError),
            (PeerProtocolError, Exception),
            (ConnectionClosed, ConnectionError),
        ):
            self.assertTrue(issubclass(cls, ServerError) and issubclass(cls, also))

    def test_drawn(self) -> None:
        """Every error is in the picture, and the picture shows no other."""
        drawn = inspect.getdoc(errors) or ""
        for name in errors.__all__:
            self.assertIn(name, drawn)
        self.assertEqual({type(error).__name__ for error in EXAMPLES} | {"ServerError"}, set(errors.__all__))

    def test_copies(self) -> None:
        """Each survives pickling and copying with its text and its facts."""
        for error in EXAMPLES:
            for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
                self.assertEqual((str(twin), vars(twin)), (str(error), vars(error)))
                self.assertEqual((type(twin), twin.args), (type(error), error.args))


class TextTests(SynchronousTestCase):
    """Each says what is wrong."""

    def test_option(self) -> None:
        """An option's error names the field, the value and what is allowed; in a group by its full name."""
        error = OptionError("max_message_size", -1, "0 or more").within("websocket")
        self.assertEqual(str(error), "websocket.max_message_size: -1 is not allowed; allowed: 0 or more")
        self.assertEqual((error.field, error.value, error.allowed), ("websocket.max_message_size", -1, "0 or more"))

    def test_secret(self) -> None:
        """A secret is shown nowhere, not even as an attribute."""
        error = OptionError("password", "hunter2", "a text", secret=True).within("tls")
        self.assertEqual(str(error), "tls.password: (not shown) is not allowed; allowed: a text")
        self.assertNotIn("hunter2", repr(error) + repr(vars(error)) + repr(pickle.dumps(error)))

    def test_listen(self) -> None:
        """A listener's error names the binding and says why; with the system's number, if it has one."""
        error = ListenError("*:8080", "Address already in use", errno.EADDRINUSE)
        self.assertEqual(str(error), "cannot listen on *:8080: Address already in use")
        self.assertEqual((error.binding, error.reason), ("*:8080", "Address already in use"))
        self.assertEqual((error.errno, error.strerror), (errno.EADDRINUSE, "Address already in use"))
        self.assertIsNone(ListenError("*:8080", "no reason").errno)

    def test_peer(self) -> None:
        """A peer's error has the code that it was answered with."""
        error = PeerProtocolError(1007, "invalid payload")
        self.assertEqual((str(error), error.code, error.reason), ("invalid payload (1007)", 1007, "invalid payload"))

    def test_tls(self) -> None:
        """A file that TLS cannot use is named with the reason."""
        error = TLSConfigError("/key.pem", "its key is encrypted")
        self.assertEqual((error.path, error.reason), ("/key.pem", "its key is encrypted"))
        self.assertEqual(str(error), "cannot use /key.pem for TLS: its key is encrypted")

    def test_closed(self) -> None:
        """The end of a connection has its code; the reason, which may be the peer's words, is not in the text."""
        error = ConnectionClosed(4000, "bye")
        self.assertEqual((error.code, error.reason), (4000, "bye"))
        self.assertEqual((str(error), error.errno), ("the connection is closed (4000)", None))
        self.assertEqual(ConnectionClosed(1006).reason, "")
