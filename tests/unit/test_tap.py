"""Tests of `sgcws.tap`: from the command line, the environment and a file to a server."""

from __future__ import annotations

import io
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from sgcws import (
    Binding,
    HTTPOptions,
    ListenOptions,
    ServerOptions,
    TLSOptions,
    TLSVersion,
    WebSocketHTTPServer,
)
from sgcws.options import command_line_parameters
from sgcws.tap import CannotServe, Options, makeService, own_frame
from tests.tls import issue, pem, tls_files

unhurried = settings(deadline=None, database=None, max_examples=50)


class TapCase(SynchronousTestCase):
    """A clean environment, in a directory of its own, with modules that are forgotten afterwards."""

    def setUp(self) -> None:
        """Go into an empty directory."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        self.patch(sys, "path", list(sys.path))
        self.patch(sys, "dont_write_bytecode", True)
        self.environ({})
        known = set(sys.modules)
        self.addCleanup(lambda: [sys.modules.pop(name) for name in set(sys.modules) - known])

    def environ(self, ours: dict[str, str]) -> None:
        """Have only these variables of ours in the environment."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("SGCWS_")}
        self.patch(os, "environ", {**others, **ours})

    def write(self, name: str, text: str | bytes) -> str:
        """Write a file and return its path."""
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def module(self, name: str, **values: object) -> None:
        """Have a module that can be imported."""
        module = ModuleType(name)
        vars(module).update(values)
        sys.modules[name] = module

    def parsed(self, *arguments: str) -> Options:
        """Return the options that a command line gives."""
        options = Options()
        options.parseOptions(arguments)
        return options

    def service(self, *arguments: str) -> Any:
        """Return the service that a command line gives."""
        return makeService(self.parsed(*arguments))

    def server(self, *arguments: str) -> WebSocketHTTPServer:
        """Return the server that a command line gives."""
        (server,) = self.service(*arguments)
        assert isinstance(server, WebSocketHTTPServer)
        return server

    def refusal(self, *arguments: str) -> str:
        """Return the one line that a wrong command line ends with."""
        ended = self.assertRaises(SystemExit, self.service, *arguments)
        line = ended.code
        assert isinstance(line, str)
        self.assertTrue(line.startswith("sgcws: "), line)
        self.assertEqual(line.splitlines(), [line])
        return line


class HelpTests(TapCase):
    """``twistd sgcws --help``."""

    def test_every_option(self) -> None:
        """The help shows every flag with its doc, its default, and the words of a switch."""
        self.patch(os, "environ", {"COLUMNS": "500"})
        lines = str(Options()).splitlines()
        for flag, doc, note in command_line_parameters():
            (line,) = (line for line in lines if f" --{flag}= " in line)
            self.assertIn(f"{doc} [{note}", line)
        for flag in ("port", "binding", "root", "certificate", "private-key", "app", "config"):
            self.assertTrue(any(f" --{flag}= " in line for line in lines), flag)

    def test_test_pages(self) -> None:
        """The help says that the chat has its pages on."""
        self.patch(os, "environ", {"COLUMNS": "500"})
        self.assertIn("[true or false; default: false, but true without --app]", str(Options()))

    def test_version(self) -> None:
        """The version is that of sgcws."""
        out = io.StringIO()
        self.patch(sys, "stdout", out)
        self.assertEqual(self.assertRaises(SystemExit, self.parsed, "--version").code, 0)
        self.assertRegex(out.getvalue(), r"^sgcws \d")


class WhereTests(TapCase):
    """Where to listen."""

    def test_nothing(self) -> None:
        """Without an option the chat is served, on port 8080, with its pages."""
        server = self.server()
        self.assertEqual((server.port, server.bindings), (8080, ()))
        self.assertTrue(server.options.http.test_pages)

    def test_port(self) -> None:
        """The port can be given in both spellings."""
        self.assertEqual(self.server("--port", "0").port, 0)
        self.assertEqual(self.server("-p", "9000").port, 9000)

    def test_bindings(self) -> None:
        """Bindings can be given several times; a comma belongs to the description."""
        descriptions = ("tcp:0:interface=127.0.0.1", "unix:/tmp/a,b")
        server = self.server("--binding", descriptions[0], "--binding", descriptions[1])
        self.assertIsNone(server.port)
        self.assertEqual(server.bindings, tuple(Binding(endpoint=each) for each in descriptions))

    def test_from_file_and_environment(self) -> None:
        """A port or bindings may stand in the file or the environment; the stronger layer silences both."""
        path = self.write("a.toml", 'bindings = ["tcp:1", "tcp:2"]')
        self.assertEqual(len(self.server("--config", path).bindings), 2)
        self.environ({"SGCWS_PORT": "3"})
        server = self.server("--config", path)
        self.assertEqual((server.port, server.bindings), (3, ()))
        self.assertEqual(self.server("--config", path, "--binding", "tcp:4").bindings, (Binding(endpoint="tcp:4"),))

    def test_contradictions(self) -> None:
        """A port and bindings in one layer are refused in the words of that layer."""
        line = self.refusal("--port", "1", "--binding", "tcp:1")
        self.assertIn("--port: 1 is not allowed; allowed: either --port or --binding, not both", line)
        line = self.refusal("--config", self.write("both.toml", 'port = 1\nbindings = ["tcp:1"]'))
        self.assertIn("both.toml: port: 1 is not allowed", line)
        self.environ({"SGCWS_PORT": "1", "SGCWS_BINDINGS": "tcp:1"})
        self.assertIn("either SGCWS_PORT or SGCWS_BINDINGS", self.refusal())

    def test_refused(self) -> None:
        """A wrong place names the option, the value and what is allowed."""
        for arguments, wanted in (
            (("--port", "http"), "--port: 'http' is not allowed; allowed: a whole number from 0 to 65535"),
            (("--port", "65536"), "--port: '65536' is not allowed"),
            (("--binding", "8080"), "--binding: '8080' is not allowed"),
            (("--binding", "haproxy:tcp:1"), "--binding: 'haproxy:tcp:1' is not allowed"),
            (("--binding", "nonsense:1"), "--binding: 'nonsense:1' is not allowed"),
            (("--binding", "tcp:http"), "--binding: 'tcp:http' is not allowed"),
            (("--binding", "tcp:1", "--binding", "tcp:1"), "--binding: ['tcp:1', 'tcp:1'] is not allowed"),
        ):
            self.assertIn(wanted, self.refusal(*arguments))

    def test_sources(self) -> None:
        """A wrong binding is named by where it was given, also if it takes files or systemd to find that out."""
        for wrong in ("tpc:1", "systemd:domain=INET:name=nosuch"):
            self.environ({})
            self.assertIn(f"sgcws: --binding: {wrong!r} is not", self.refusal("--binding", wrong))
            path = self.write("a.toml", f'bindings = ["{wrong}"]')
            self.assertIn(f"sgcws: {path}: bindings: {wrong!r} is not", self.refusal("--config", path))
            self.environ({"SGCWS_BINDINGS": f"tcp:1,{wrong}"})
            self.assertIn(f"sgcws: SGCWS_BINDINGS: {wrong!r} is not", self.refusal())
        self.environ({})
        self.module("apps", make=lambda: WebSocketHTTPServer(bindings=["systemd:domain=INET:name=nosuch"]))
        self.assertIn("sgcws: --app apps:make: bindings: 'systemd:", self.refusal("--app", "apps:make"))

    def test_missing_certificate(self) -> None:
        """A certificate that is not there is named."""
        line = self.refusal("--binding", "ssl:8443")
        self.assertIn(f"cannot listen on ssl:8443: No such file or directory: {self.directory / 'server.pem'}", line)


class LayerTests(TapCase):
    """What counts more than what."""

    def test_order(self) -> None:
        """The application is overruled by the file, that by the environment, that by the command line."""
        own = ServerOptions(listen=ListenOptions(backlog=1, tcp_no_delay=False, tcp_keep_alive=9.0))
        self.module("an_app", make=lambda: WebSocketHTTPServer(5, options=own, reactor=MemoryReactorClock()))
        app = ("--app", "an_app:make")
        self.assertEqual((self.server(*app).options, self.server(*app).port), (own, 5))

        config = ("--config", self.write("a.toml", "port = 6\n[listen]\nbacklog = 2\ntcp_no_delay = true"))
        self.assertEqual(self.server(*app, *config).options.listen.backlog, 2)
        self.environ({"SGCWS_LISTEN__BACKLOG": "3", "SGCWS_PORT": "7"})
        self.assertEqual(self.server(*app, *config).options.listen.backlog, 3)
        server = self.server(*app, *config, "--listen-backlog", "4", "--port", "8")
        self.assertEqual(server.options.listen, ListenOptions(backlog=4, tcp_no_delay=True, tcp_keep_alive=9.0))
        self.assertEqual(server.port, 8)

    def test_root(self) -> None:
        """``--root`` is the document root, kept absolute, and overrules the file."""
        for name in ("a", "b"):
            (self.directory / name).mkdir()
        config = self.write("a.toml", '[http]\ndocument_root = "a"')
        self.assertEqual(self.server("--config", config).options.http.document_root, str(self.directory / "a"))
        server = self.server("--config", config, "--root", "b")
        self.assertEqual(server.options.http.document_root, str(self.directory / "b"))

    def test_root_refused(self) -> None:
        """A root that is no directory, or is given in two ways, is named as it was given."""
        path = self.write("file", "")
        for root in ("nowhere", path, "nul\0"):
            self.assertIn(f"--root: {root!r} is not allowed; allowed: the path", self.refusal("--root", root))
        self.assertIn("either --root or", self.refusal("--root", ".", "--http-document-root", "."))

    def test_chat_options(self) -> None:
        """The options of the built-in chat can be overruled, too."""
        self.assertFalse(self.server("--http-test-pages", "off").options.http.test_pages)

    def test_config_without_end(self) -> None:
        """What is no regular file is not read: a device may go on for ever."""
        line = self.refusal("--config", os.devnull)
        self.assertIn("'/dev/null' is not allowed; allowed: a file that can be read; this one: not a reg", line)

    def test_config_beside(self) -> None:
        """The file is looked for in the current directory."""
        self.write("here.toml", "port = 4")
        self.assertEqual(self.server("--config", "here.toml").port, 4)


class TLSTests(TapCase):
    """TLS from the command line."""

    def files(self) -> tuple[str, str]:
        """Write a certificate and its key."""
        made = issue()
        return self.write("own.pem", pem(made.certificate)), self.write("key.pem", pem(made.key))

    def test_short(self) -> None:
        """``--certificate`` and ``--private-key`` are short for the options of the group, and switch it on."""
        certificate, key = self.files()
        expected = TLSOptions(certificate=certificate, private_key=key)
        for flags in (("--certificate", "--private-key"), ("--tls-certificate", "--tls-private-key")):
            server = self.server(flags[0], "own.pem", flags[1], "key.pem")
            self.assertEqual(server.options.tls, expected)
        self.assertEqual(self.server("--certificate", certificate, "--tls-private-key", key).options.tls, expected)

    def test_layers(self) -> None:
        """Certificate and key may come from different layers."""
        certificate, key = self.files()
        config = self.write("a.toml", f'[tls]\nminimum_version = "1.3"\ncertificate = "{certificate}"')
        self.environ({"SGCWS_TLS__PRIVATE_KEY": key})
        tls = self.server("--config", config).options.tls
        expected = TLSOptions(certificate=certificate, private_key=key, minimum_version=TLSVersion.TLS_1_3)
        self.assertEqual(tls, expected)
        self.assertIsNone(self.server("--config", config, "--tls", "off").options.tls)

    def test_twice(self) -> None:
        """A flag is given in one of its two forms."""
        certificate, key = self.files()
        line = self.refusal("--certificate", certificate, "--tls-certificate", certificate)
        self.assertIn("either --certificate or --tls-certificate", line)
        line = self.refusal("--private-key", key, "--tls-private-key", key)
        self.assertIn("either --private-key or --tls-private-key", line)
        self.assertIn("--certificate: '' is not allowed", self.refusal("--certificate", ""))

    def test_missing_option(self) -> None:
        """TLS without a certificate is named."""
        for arguments in (("--tls", "on"), ("--private-key", "key.pem")):
            self.assertIn("sgcws: tls.certificate: None is not allowed", self.refusal(*arguments))

    def test_wrong_files(self) -> None:
        """A file that cannot be used ends it in one line, before twistd goes into the background."""
        certificate, key = self.files()
        missing = str(self.directory / "missing.pem")
        line = self.refusal("--certificate", "missing.pem", "--private-key", key)
        self.assertEqual(line, f"sgcws: cannot use {missing} for TLS: No such file or directory")
        line = self.refusal("--certificate", certificate)
        self.assertIn(f"cannot use {certificate} for TLS: there is no private key", line)
        self.module("apps", make=lambda: WebSocketHTTPServer(1, options=ServerOptions(tls=TLSOptions(certificate="x"))))
        self.assertIn("No such file", self.refusal("--app", "apps:make"))


class WrongOptionTests(TapCase):
    """Whatever is wrong is one line."""

    def test_unknown(self) -> None:
        """What is no option is named, with where to look."""
        for arguments in (("--prot", "1"), ("--port",), ("8080",), ("--http",)):
            line = self.refusal(*arguments)
            self.assertIn(arguments[0].lstrip("-"), line)
            self.assertIn("see twistd sgcws --help", line)

    def test_values(self) -> None:
        """A wrong value names the flag or the variable, the value and what is allowed."""
        line = self.refusal("--websocket-max-message-size", "big")
        self.assertIn("--websocket-max-message-size: 'big' is not allowed; allowed: a whole number", line)
        self.environ({"SGCWS_LISTEN__BACKLOG": "0"})
        self.assertIn("SGCWS_LISTEN__BACKLOG: '0' is not allowed", self.refusal())
        self.environ({"SGCWS_LISTEN__BACKLOGS": "1"})
        self.assertIn("did you mean SGCWS_LISTEN__BACKLOG?", self.refusal())

    def test_files(self) -> None:
        """A wrong file is named, with what is wrong and where."""
        for text, wanted in (
            ("port =\na = 1", "(at line 1"),
            ("[listen]\nbacklogs = 1", "'backlogs' is not allowed; allowed: "),
            ("[listener]", "'listener' is not allowed"),
            ("[listen]\nbacklog = 0", "listen.backlog: 0 is not allowed"),
            ("port = 70000", "port: 70000 is not allowed"),
            (b"a = '\xff'", "a file in UTF-8"),
        ):
            line = self.refusal("--config", self.write("wrong.toml", text))
            self.assertIn("wrong.toml", line)
            self.assertIn(wanted, line)

    def test_unreadable_files(self) -> None:
        """A file that cannot be read is named, with why."""
        for path in ("nowhere.toml", str(self.directory), "nul\0"):
            line = self.refusal("--config", path)
            self.assertIn(f"--config: {path!r} is not allowed; allowed: a file that can be read", line)

    @unhurried
    @given(st.lists(st.text() | st.sampled_from(["--port", "--binding", "--root", "--config", "-p"]), max_size=4))
    def test_any_command_line(self, arguments: list[str]) -> None:
        """Any command line is read or refused."""
        with_help = ("--he", "--v")
        if any(argument.startswith(with_help) for argument in arguments):
            return
        try:
            self.parsed(*arguments)
        except SystemExit as ended:
            line = str(ended.code)
            self.assertTrue(line.startswith("sgcws: "), line)
            self.assertEqual(line.splitlines(), [line])


class ApplicationTests(TapCase):
    """``--app``."""

    def test_file_beside(self) -> None:
        """A module in the current directory is found, before one of the same name elsewhere."""
        self.write("json_app.py", "from sgcws import WebSocketHTTPServer\nserver = WebSocketHTTPServer(1)\n")
        self.assertEqual(self.server("--app", "json_app:server").port, 1)
        self.assertEqual(sys.path[0], str(self.directory))

    def test_instance_or_function(self) -> None:
        """A server, a function that returns one, and a class of ours are all accepted."""
        server = WebSocketHTTPServer(1, reactor=MemoryReactorClock())
        self.module("apps", server=server, make=lambda port=2: WebSocketHTTPServer(port), cls=WebSocketHTTPServer)
        self.assertIs(self.server("--app", "apps:server"), server)
        self.assertEqual(self.server("--app", "apps:make").port, 2)
        self.assertEqual(self.server("--app", "apps:cls").port, 8080)

    def test_place(self) -> None:
        """What is given on the command line takes the place of the application's own port or bindings."""
        self.module("apps", make=lambda: WebSocketHTTPServer(bindings=["tcp:1"]))
        self.assertEqual(self.server("--app", "apps:make").bindings, (Binding(endpoint="tcp:1"),))
        server = self.server("--app", "apps:make", "--port", "2")
        self.assertEqual((server.port, server.bindings), (2, ()))

    def test_refused(self) -> None:
        """What is no application is named, with what is allowed."""

        async def later() -> WebSocketHTTPServer:
            return WebSocketHTTPServer()

        server = WebSocketHTTPServer(reactor=MemoryReactorClock())
        server.setServiceParent(self.service())
        values = {"number": 1, "later": later, "nothing": lambda: None, "taken": server}
        self.module("apps", arguments=lambda port: None, **values)
        for reference, wanted in (
            ("chat", "MODULE:ATTRIBUTE"),
            ("chat:", "MODULE:ATTRIBUTE"),
            (":server", "MODULE:ATTRIBUTE"),
            ("..a:server", "MODULE:ATTRIBUTE"),
            ("chat/app.py:server", "without .py"),
            ("step_5.py:server", "without .py"),
            ("not_there:server", "there is no not_there"),
            ("not_there.either:server", "there is no not_there"),
            ("json.not_there:server", "there is no json.not_there"),
            ("apps:numbers", "did you mean number?"),
            ("apps:number", "found: int"),
            ("apps:later", "found: function"),
            ("apps:nothing", "found: NoneType"),
            ("apps:arguments", "found: one with arguments"),
            ("apps:taken", "a server that no other service has"),
        ):
            line = self.refusal("--app", reference)
            self.assertIn(f"--app: {reference!r} is not allowed", line)
            self.assertIn(wanted, line)

    def test_own_errors(self) -> None:
        """An application that fails by itself: the developer is told the file, the line and the exception."""
        for number, (text, wanted) in enumerate(
            (
                ("import json\n\njson.loads('{')\n", ":3: JSONDecodeError: Expecting property"),
                ("a =\n", ":1: SyntaxError: invalid syntax"),
                ("import not_there\n", ":1: ModuleNotFoundError: No module named 'not_there'"),
                ("from json import nothing\n", ":1: ImportError: cannot import name"),
                ("def server():\n    raise RuntimeError('one\\ntwo')\n", ":2: RuntimeError: one"),
                ("from sgcws import ListenOptions\nListenOptions(backlog=0)\n", ":2: OptionError: backlog: 0"),
            )
        ):
            path = self.write(f"failing{number}.py", text)
            line = self.refusal("--app", f"failing{number}:server")
            self.assertIn(f"--app failing{number}:server: {path}{wanted}", line)

    def test_own_error_deeper(self) -> None:
        """An error in another file of the application is shown where it is."""
        path = self.write("deeper.py", "\n1 / 0\n")
        self.write("shallow.py", "import deeper\n")
        self.assertIn(f"{path}:2: ZeroDivisionError", self.refusal("--app", "shallow:server"))

    def test_started(self) -> None:
        """A server that the application has started already is refused."""
        server = WebSocketHTTPServer(reactor=MemoryReactorClock())
        server.start()
        self.module("apps", server=server)
        self.assertIn("only while the server is stopped", self.refusal("--app", "apps:server"))


class FolderTests(TapCase):
    """Where twistd is to write."""

    def refused(self, **twistd: object) -> str:
        """Return the line that a twistd with these options ends with."""
        options = self.parsed()
        options.parent = usage.Options()
        options.parent.update(twistd)
        return str(self.assertRaises(SystemExit, makeService, options).code)

    def test_missing(self) -> None:
        """A log or pid file in a directory that does not exist is named before twistd goes into the background."""
        for name in ("logfile", "pidfile"):
            path = os.path.join("nowhere", "a")
            self.assertIn(f"sgcws: --{name}: {path!r} is not allowed", self.refused(**{name: path}))

    def test_there(self) -> None:
        """What twistd can write, or would write elsewhere, is left to it."""
        (self.directory / "run").mkdir()
        for twistd in (
            {"logfile": "-", "pidfile": ""},
            {"logfile": None, "pidfile": "a.pid"},
            {"logfile": os.path.join("run", "a.log"), "pidfile": str(self.directory / "run" / "a.pid")},
            {"logfile": os.path.join("nowhere", "a"), "syslog": 1},
            {"pidfile": os.path.join("nowhere", "a"), "chroot": "/"},
        ):
            options = self.parsed()
            options.parent = usage.Options()
            options.parent.update(twistd)
            makeService(options)


class OwnFrameTests(SynchronousTestCase):
    """Which place in a traceback is the application's."""

    def test_choice(self) -> None:
        """The innermost frame outside of the libraries is chosen, else the innermost."""
        for files, wanted in (
            (["/lib/a.py", "/app/b.py", "/app/c.py", "/lib/d.py"], "/app/c.py"),
            (["/app/b.py", "<frozen importlib>"], "/app/b.py"),
            (["/library/b.py", "/lib/c.py"], "/library/b.py"),
            (["/lib/a.py", "/lib/b.py"], "/lib/b.py"),
            ([], None),
        ):
            frames = [traceback.FrameSummary(name, 1, "f") for name in files]
            frame = own_frame(frames, ["/lib"])
            self.assertEqual(frame and frame.filename, wanted)


class BusyReactor(MemoryReactorClock):
    """A reactor on a machine where every port is taken."""

    def listenTCP(self, port: int, *args: Any, **kwargs: Any) -> Any:
        """Refuse."""
        raise CannotListenError("", port, OSError(98, "Address already in use"))


class ServingTests(TapCase):
    """The service that twistd runs."""

    def setUp(self) -> None:
        """Have an application on a busy machine, and catch what is said."""
        super().setUp()
        self.module("busy", make=lambda: WebSocketHTTPServer(9, reactor=BusyReactor()))
        self.said = io.StringIO()
        self.patch(sys, "__stderr__", self.said)

    def ended(self, **twistd: object) -> CannotServe:
        """Start under a twistd with these options, and return what ends it."""
        parent = usage.Options()
        parent.update(twistd)
        options = self.parsed("--app", "busy:make")
        options.parent = parent
        error: CannotServe = self.assertRaises(CannotServe, makeService(options).privilegedStartService)
        return error

    def test_binding_not_had(self) -> None:
        """A binding that cannot be had is said in one line, and ends the interpreter with status 1."""
        error = self.ended(nodaemon=1)
        self.assertIsInstance(error, Exception)
        self.assertIsInstance(error, SystemExit)
        self.assertEqual((error.code, str(error)), (1, "cannot listen on *:9: Address already in use"))
        self.assertEqual(self.said.getvalue(), "sgcws: cannot listen on *:9: Address already in use\n")

    def test_not_twice(self) -> None:
        """A log on the terminal does not repeat the line; any other has it, too."""
        for twistd, times in (
            ({"nodaemon": 1}, 0),
            ({"nodaemon": 1, "logfile": "-"}, 0),
            ({"nodaemon": 1, "logfile": "a.log"}, 1),
            ({"nodaemon": 1, "syslog": 1}, 1),
            ({"nodaemon": 0}, 1),
            ({}, 1),
        ):
            with capturedLogs() as events:
                self.ended(**twistd)
            lines = [event["line"] for event in events if event["log_namespace"] == "sgcws.tap"]
            self.assertEqual(lines, ["cannot listen on *:9: Address already in use"] * times)

    def test_wrong_certificate(self) -> None:
        """So is a file of TLS that has become wrong meanwhile."""
        tls = tls_files(self.mktemp())
        own = ServerOptions(tls=tls)
        self.module("secure", make=lambda: WebSocketHTTPServer(9, reactor=BusyReactor(), options=own))
        options = self.parsed("--app", "secure:make")
        service = makeService(options)
        assert tls.certificate is not None
        os.unlink(tls.certificate)
        error = self.assertRaises(CannotServe, service.privilegedStartService)
        line = f"cannot use {tls.certificate} for TLS: No such file or directory"
        self.assertEqual((error.code, str(error), self.said.getvalue()), (1, line, f"sgcws: {line}\n"))

    def test_binds_early(self) -> None:
        """Bindings are open before privileges are given up, and the server starts with the service."""
        reactor = MemoryReactorClock()
        self.module("free", make=lambda: WebSocketHTTPServer(9, reactor=reactor, http=HTTPOptions()))
        service = self.service("--app", "free:make")
        service.privilegedStartService()
        self.assertEqual(reactor.tcpServers[0][0], 9)
        (server,) = service
        self.assertFalse(server.active)
        reactor.run()
        service.startService()
        self.assertTrue(server.active)
        self.successResultOf(service.stopService())
        self.assertFalse(server.active)
