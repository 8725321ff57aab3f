"""
``twistd sgcws``: from the command line, the environment and a file to a server that twistd runs.

What is wrong with any of them ends twistd with one line on standard error and status 1.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from twisted.application.service import MultiService
from twisted.logger import Logger
from twisted.python import usage

from sgcws.chat import chat_server
from sgcws.errors import OptionError, ServerError
from sgcws.mainloop import default_reactor
from sgcws.net.bindings import as_bindings
from sgcws.options import (
    command_line_parameters,
    configuration,
    merge,
    read_command_line,
    read_environment,
    read_toml,
)
from sgcws.options.field import did_you_mean
from sgcws.server import WebSocketHTTPServer
from sgcws.version import VERSION
from sgcws.wiring.plan import Plan

__all__ = ["CannotServe", "Options", "makeService"]

log = Logger()

Layer = Mapping[str, object]

_SHORT = {"root": "http-document-root", "certificate": "tls-certificate", "private-key": "tls-private-key"}
"""Flags that are short for others."""

_WITHOUT_APP = {"http-test-pages": ", but true without --app"}
"""What the help adds to a default."""


class CannotServe(SystemExit, Exception):
    """
    Ends twistd with status 1.

    twistd tidies up (pid file, the parent that waits for a daemon) after an `Exception` only, and only a
    `SystemExit` ends the interpreter without a traceback: this is both.

    Args:
        line: Why, for the parent of a daemon.
    """

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.code = 1


@contextmanager
def ended_by_one_line() -> Iterator[None]:
    """Turn what is wrong with options into the end of the program, with one line on standard error."""
    # twistd itself would print its whole help for a UsageError, and a traceback for all else.
    try:
        yield
    except ServerError as error:
        raise SystemExit(_one_line(f"sgcws: {error}")) from error
    except usage.UsageError as error:
        raise SystemExit(_one_line(f"sgcws: {error}; see twistd sgcws --help")) from error


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


class Options(usage.Options):
    """
    The command line of ``twistd sgcws``.

    Attributes:
        bindings: The endpoint descriptions given with ``--binding``.
        layers: What file, environment and command line say, the weakest first.
    """

    synopsis = "[options]"
    longdesc = (
        "Serves HTTP, WebSocket and raw TCP on one port: the built-in chat, or an application of yours. "
        "Every option can also be set in a TOML file and by an environment variable, as SGCWS_HTTP__CHARSET. "
        "The command line counts most, then the environment, the file, and the application's own options."
    )
    optParameters = [  # noqa: RUF012 - this is how Twisted declares them
        ["port", "p", None, "The port on all interfaces; 0 lets the system choose. [default: 8080]"],
        ["root", None, None, "The directory whose files are served; short for --http-document-root. [default: none]"],
        ["certificate", None, None, "The certificate, to speak TLS; short for --tls-certificate. [default: none]"],
        ["private-key", None, None, "The certificate's key; short for --tls-private-key. [default: none]"],
        ["app", None, None, "MODULE:ATTRIBUTE, a server or a function that returns one. [default: the chat]"],
        ["config", None, None, "A TOML file with port or bindings, and a table for each group. [default: none]"],
        *(
            [flag, None, None, f"{doc} [{note}{_WITHOUT_APP.get(flag, '')}]"]
            for flag, doc, note in command_line_parameters()
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.bindings: list[str] = []
        self.layers: tuple[Layer, ...] = ()

    def opt_binding(self, description: str) -> None:
        """A Twisted endpoint description to listen on, instead of a port; can be given several times."""
        self.bindings.append(description)

    def opt_version(self) -> None:
        """Display the version and exit."""
        print(f"sgcws {VERSION}")
        raise SystemExit(0)

    def parseArgs(self, *rest: str) -> None:
        """Refuse what is no option."""
        if rest:
            raise usage.UsageError(f"{rest[0]!r} is no option")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Read the command line, the file and the environment.

        Raises:
            SystemExit: If something is wrong, with one line that says what.
        """
        with ended_by_one_line():
            super().parseOptions(options)

    def postOptions(self) -> None:
        """Read the other layers, and check each by itself."""
        path = self["config"]
        self.layers = ({} if path is None else _file(path), _environment(os.environ), self._command_line())

    def _command_line(self) -> Layer:
        given = {**self, **self._short_ones()}
        layer = {**read_command_line(given), **({"bindings": self.bindings} if self.bindings else {})}
        _check_place(layer, "--port", "--binding")
        return layer

    def _short_ones(self) -> dict[str, str]:
        """Return what short flags are short for."""
        meant = {}
        for short, flag in _SHORT.items():
            if self[short] is None:
                continue
            if self[flag] is not None:
                raise OptionError(f"--{short}", self[short], f"either --{short} or --{flag}")
            with _called(f"--{short}"):
                read_command_line({flag: self[short]})
            meant[flag] = self[short]
        return meant


@contextmanager
def _called(name: str) -> Iterator[None]:
    """Name an option in errors as the user did."""
    try:
        yield
    except OptionError as error:
        raise OptionError(name, error.value, error.allowed) from error


def _check_place(layer: Layer, port: str, bindings: str) -> None:
    """Check where a layer says to listen, under the names that it has for port and bindings."""
    given: Any = layer.get("bindings", [])
    if given and layer.get("port") is not None:
        raise OptionError(port, layer["port"], f"either {port} or {bindings}, not both")
    with _called(bindings):
        as_bindings(given)
        configuration({"bindings": given})


def _environment(environ: Mapping[str, str]) -> Layer:
    layer = read_environment(environ)
    _check_place(layer, "SGCWS_PORT", "SGCWS_BINDINGS")
    return layer


def _file(path: str) -> Layer:
    """Return what a TOML file says, once it is known to be allowed."""
    layer = read_toml(_text(path), path)
    try:
        configuration(layer)
        _check_place(layer, "port", "bindings")
    except OptionError as error:
        raise ServerError(f"{path}: {error}") from error
    return layer


def _text(path: str) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        # A device may go on for ever.
        raise OptionError("--config", path, "a file that can be read; this one: not a regular file")
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise OptionError("--config", path, "a file in UTF-8") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise OptionError("--config", path, f"a file that can be read; this one: {reason}") from error


def makeService(options: Options) -> MultiService:
    """
    Make the service that twistd runs.

    Args:
        options: What ``parseOptions`` has read.

    Returns:
        A service with the server in it. Its ``privilegedStartService`` raises `CannotServe`, once the reason has
        been said, if a binding cannot be had.

    Raises:
        SystemExit: If something is wrong, with one line that says what.
    """
    twistd: Mapping[str, Any] = options.parent or {}
    with ended_by_one_line():
        _check_folders(twistd)
        reference = options["app"]
        server = chat_server() if reference is None else _application(reference)
        _configure(server, options)
    service = _Serving(_log_is_beside(twistd))
    server.setServiceParent(service)
    return service


def _check_folders(twistd: Mapping[str, Any]) -> None:
    """Refuse a log or pid file in no directory: twistd itself shows a traceback, or nothing once it is a daemon."""
    log_file = None if twistd.get("syslog") or twistd.get("logger") else twistd.get("logfile")
    pid_file = None if twistd.get("chroot") else twistd.get("pidfile")
    for name, path in (("--logfile", log_file), ("--pidfile", pid_file)):
        if path and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            raise OptionError(name, path, "a file in a directory that exists")


def _configure(server: WebSocketHTTPServer, options: Options) -> None:
    """Lay the layers over a server's own options."""
    given = merge(*options.layers)
    whole = configuration(given, base=server.options)
    server.options = whole.options
    if whole.port is not None:
        server.port = whole.port
    elif whole.bindings:
        server.bindings = whole.bindings
    plan = Plan.of(server.port, server.bindings, server.options, {})
    # A description or a file that cannot be read shall be heard of before twistd goes into the background.
    with _called(_source(options) if whole.bindings else f"--app {options['app']}: bindings"):
        plan.endpoints(default_reactor())
    plan.over_tls(default_reactor())


def _source(options: Options) -> str:
    """Name what the bindings come from, the strongest layer that has any."""
    names = (f"{options['config']}: bindings", "SGCWS_BINDINGS", "--binding")
    return [name for name, layer in zip(names, options.layers, strict=True) if layer.get("bindings")][-1]


class _Serving(MultiService):
    """Has twistd end with one line if a binding cannot be had."""

    def __init__(self, log_is_beside: bool) -> None:
        super().__init__()
        self._log_is_beside = log_is_beside

    def privilegedStartService(self) -> None:
        """Open the bindings, or end."""
        try:
            super().privilegedStartService()
        except ServerError as error:
            self._say(str(error))
            raise CannotServe(str(error)) from error

    def _say(self, line: str) -> None:
        if not self._log_is_beside:
            log.critical("{line}", line=line)
        # By now twistd has made sys.stderr a part of the log; in a daemon the real one leads nowhere.
        print(f"sgcws: {line}", file=sys.__stderr__, flush=True)


def _log_is_beside(twistd: Mapping[str, Any]) -> bool:
    """Tell whether the log goes where a person sees standard error too, from the options of twistd."""
    elsewhere = twistd.get("syslog") or twistd.get("logger") or twistd.get("logfile") not in (None, "", "-")
    return bool(twistd.get("nodaemon")) and not elsewhere


# The application.


_REFERENCE = "MODULE:ATTRIBUTE, as in chat:server for server in chat.py"


def _application(reference: str) -> WebSocketHTTPServer:
    """Return the server that MODULE:ATTRIBUTE names."""
    module, _, attribute = reference.partition(":")
    if module.endswith(".py"):
        raise OptionError("--app", reference, f"{_REFERENCE}; the module is named without .py")
    if not attribute or not all(part.isidentifier() for part in module.split(".")):
        raise OptionError("--app", reference, _REFERENCE)
    if os.getcwd() not in sys.path[:1]:
        sys.path.insert(0, os.getcwd())
    server = _made(reference, _attribute(reference, _module(reference, module), attribute))
    if not isinstance(server, WebSocketHTTPServer):
        raise _no_server(reference, type(server).__name__)
    if server.parent is not None:
        raise OptionError("--app", reference, "a server that no other service has as a child")
    return server


def _module(reference: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            allowed = f"a module in {os.getcwd()} or installed; there is no {error.name}"
            raise OptionError("--app", reference, allowed) from None
        raise _own_error(reference, error) from error
    except Exception as error:
        raise _own_error(reference, error) from error


def _attribute(reference: str, module: ModuleType, name: str) -> object:
    if not hasattr(module, name):
        public = (word for word in vars(module) if not word.startswith("_"))
        allowed = f"a name in {getattr(module, '__file__', None) or module.__name__}{did_you_mean(name, public)}"
        raise OptionError("--app", reference, allowed)
    found: object = getattr(module, name)
    return found


def _made(reference: str, found: object) -> object:
    """Return what a function without arguments makes; all else as it is."""
    if isinstance(found, WebSocketHTTPServer) or not callable(found) or inspect.iscoroutinefunction(found):
        return found
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        raise _no_server(reference, "one with arguments") from None
    try:
        made: object = found()
    except Exception as error:
        raise _own_error(reference, error) from error
    return made


def _no_server(reference: str, found: str) -> OptionError:
    allowed = f"a WebSocketHTTPServer, or a function without arguments that returns one; found: {found}"
    return OptionError("--app", reference, allowed)


def _own_error(reference: str, error: Exception) -> ServerError:
    """Return the error for an application that fails by itself: its developer is told where."""
    words = str(error).partition("\n")[0]
    return ServerError(f"--app {reference}: {_place(error)}: {type(error).__name__}: {words}")


def _place(error: Exception) -> str:
    """Return file and line of the application's own code that *error* came from."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    paths = sysconfig.get_paths()
    libraries = [os.path.dirname(__file__), *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    frame = own_frame(traceback.extract_tb(error.__traceback__), libraries)
    return "nowhere" if frame is None else f"{frame.filename}:{frame.lineno}"


def own_frame(
    frames: Iterable[traceback.FrameSummary], libraries: Sequence[str]
) -> traceback.FrameSummary | None:
    """
    Choose the place in a traceback that an application's developer wants to see.

    Args:
        frames: From the outermost to the innermost.
        libraries: The folders of code that is not the application's.

    Returns:
        The innermost frame outside of *libraries*, else the innermost; None for no frames.
    """
    everything = list(frames)
    inside = tuple(os.path.join(folder, "") for folder in libraries)
    own = [frame for frame in everything if not frame.filename.startswith(("<", *inside))]
    return next(reversed(own or everything), None)
