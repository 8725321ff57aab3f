"""
The public API from a user's side, for mypy; nobody runs it.

What a type checker must refuse carries a ``type: ignore`` with the error it must give: an ignore that is not needed
is an error itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

from multidict import CIMultiDict
from twisted.application.service import IService
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure
from twisted.web.static import Data

from sgcws import (
    Binding,
    Connection,
    FallbackOptions,
    Fragment,
    HeartbeatOptions,
    ListenError,
    Opcode,
    OptionError,
    Part,
    PeerProtocolError,
    RawTCP,
    Reject,
    Request,
    Response,
    ServerError,
    ServerSentEvents,
    SlowClientPolicy,
    TLSConfigError,
    TLSDetails,
    TLSOptions,
    TLSVersion,
    TransportKind,
    WebSocketHTTPServer,
    WebSocketOptions,
    WhenFull,
)

server = WebSocketHTTPServer(port=8080)


# Facts: plain, async and Deferred handlers, by decorator or call.


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(text)


@server.on_message
async def slow(connection: Connection, text: str) -> None:
    await connection.close()


@server.on_message
async def slow_with_answer(connection: Connection, text: str) -> bool:
    return connection.write_data(text)


@server.on_message
def later(connection: Connection, text: str) -> Deferred[None]:
    return connection.close(1000, "enough")


@server.on_message
@inlineCallbacks
def in_the_old_way(connection: Connection, text: str) -> Any:
    yield connection.close()


@server.on_message()
def with_empty_brackets(connection: Connection, text: str) -> None: ...


@server.on_message(threaded=False)
async def not_threaded(connection: Connection, text: str) -> None: ...


@server.on_message(threaded=True)
def blocking(connection: Connection, text: str) -> None: ...


@server.on_startup
def started() -> None: ...


@server.on_shutdown
async def stopped() -> None: ...


@server.on_connect
def connected(connection: Connection) -> bool:
    return connection.write_data(b"hello")


@server.on_disconnect
def disconnected(connection: Connection, code: int, reason: str) -> None: ...


@server.on_binary
def binary(connection: Connection, data: bytes) -> None: ...


@server.on_fragmented
def fragment(connection: Connection, fragment: Fragment) -> None:
    assert_type(fragment.data, bytes)
    assert_type(fragment.opcode, Opcode)


@server.on_slow_client
async def slow_client(connection: Connection, dropped: int) -> None:
    await connection.drained()


@server.on_error
def broken(connection: Connection, error: PeerProtocolError) -> None:
    assert_type(error.code, int)


@server.on_exception
def failed(connection: Connection | None, failure: Failure) -> None: ...


class Application:
    """Methods are handlers as well."""

    def on_message(self, connection: Connection, text: str) -> None: ...

    async def on_connect(self, connection: Connection) -> None: ...


application = Application()
server.on_message(application.on_message)
server.on_message(application.on_message, threaded=True)
server.on_connect(application.on_connect)
server.on_message(lambda connection, text: connection.write_data(text))
server.on_message.remove(echo)


@server.on_message
def wider(connection: object, *rest: object, **more: object) -> None:
    """A handler may take more than it is given."""


# A function that is registered stays what it was.



def call_them(connection: Connection) -> None:
    """Call handlers as functions."""
    assert_type(connected(connection), bool)
    assert_type(later(connection, "x"), Deferred[None])
    connected(5)  # type: ignore[arg-type]


# What is no handler of a fact.


@server.on_message  # type: ignore[arg-type]
def too_few(connection: Connection) -> None: ...


@server.on_message  # type: ignore[arg-type]
def too_many(connection: Connection, text: str, more: int) -> None: ...


@server.on_message  # type: ignore[arg-type]
def wrong_type(connection: Connection, text: bytes) -> None: ...


@server.on_message  # type: ignore[arg-type]
async def wrong_type_async(connection: Connection, text: bytes) -> None: ...


@server.on_message  # type: ignore[type-var]
def answers_text(connection: Connection, text: str) -> str:
    return text


@server.on_message(threaded=True)  # type: ignore[arg-type]
def wrong_type_threaded(connection: Connection, text: bytes) -> None: ...


@server.on_message(threaded=True)  # type: ignore[type-var]
async def async_threaded(connection: Connection, text: str) -> None: ...


@server.on_message(threaded=True)  # type: ignore[type-var]
def deferred_threaded(connection: Connection, text: str) -> Deferred[None]:
    return Deferred()


@server.on_slow_client  # type: ignore[arg-type]
def slow_without_count(connection: Connection) -> None: ...


@server.on_fragmented  # type: ignore[arg-type]
def fragment_of_bytes(connection: Connection, fragment: bytes) -> None: ...


@server.on_startup  # type: ignore[arg-type]
def started_with(connection: Connection) -> None: ...


server.on_message("echo")  # type: ignore[call-overload]
server.on_mesage(echo)  # type: ignore[attr-defined]
server.on_message(blocking, threaded="yes")  # type: ignore[call-overload]
server.on_message.remove(binary)  # type: ignore[arg-type]


# Questions: they return their answers.


@server.on_tcp_connect
def may_connect(connection: Connection) -> bool | Reject | RawTCP | None:
    return None if connection.ip else Reject()


@server.on_unknown_protocol
async def may_be_unknown(connection: Connection, first_bytes: bytes) -> RawTCP | None:
    return RawTCP() if first_bytes.startswith(b"hello") else None


@server.on_before_heartbeat
def heartbeat(connection: Connection) -> bool:
    return connection.write_data("still there?")


@server.on_handshake
def handshake(connection: Connection, request: Request, headers: CIMultiDict[str]) -> Reject | None:
    headers["X-Seen"] = request.path
    return None


@server.on_before_command
async def before(connection: Connection, request: Request, response: Response) -> Response | Reject | None:
    response.status = 204
    return response


@server.on_command_get
def get(request: Request, response: Response) -> None:
    response.text = f"<h1>{request.query.get('name', 'you')}</h1>"


@server.on_command_other(threaded=True)
def other(request: Request, response: Response) -> Reject | None:
    return Reject(405) if request.method == "TRACE" else None


async def async_get(request: Request, response: Response) -> None: ...


async def async_reject(request: Request, response: Response) -> Reject:
    return Reject(404)


def deferred_get(request: Request, response: Response) -> Deferred[Reject | None]:
    return Deferred()


server.on_command_get.remove(get)
server.on_command_get(async_get)
server.on_command_get(async_reject)
server.on_command_get(deferred_get)
server.on_command_get(get, threaded=True)
server.on_tcp_connect(lambda connection: False)
server.on_tcp_connect(lambda connection: None)


# What answers no question.


@server.on_tcp_connect  # type: ignore[arg-type]
def answers_a_word(connection: Connection) -> str:
    return "no"


@server.on_tcp_connect  # type: ignore[arg-type]
async def answers_a_word_later(connection: Connection) -> str:
    return "no"


@server.on_tcp_connect  # type: ignore[arg-type]
def deferred_word(connection: Connection) -> Deferred[str]:
    return Deferred()


@server.on_unknown_protocol  # type: ignore[arg-type]
def rejects(connection: Connection, first_bytes: bytes) -> Reject:
    return Reject()


@server.on_unknown_protocol  # type: ignore[arg-type]
def takes_text(connection: Connection, first_bytes: str) -> bool:
    return True


@server.on_before_heartbeat  # type: ignore[arg-type]
def rejects_a_heartbeat(connection: Connection) -> Reject:
    return Reject()


@server.on_handshake  # type: ignore[arg-type]
def too_few_again(connection: Connection, request: Request) -> None: ...


@server.on_command_get  # type: ignore[arg-type]
def answers_text_again(request: Request, response: Response) -> str:
    return "hello"


@server.on_command_get(threaded=True)  # type: ignore[arg-type]
async def async_threaded_again(request: Request, response: Response) -> None: ...


@server.on_command_get(threaded=True)  # type: ignore[arg-type]
def wrong_order(response: Response, request: Request) -> None: ...


server.on_command_get(async_get, threaded=True)  # type: ignore[arg-type]


# What a handler is given.


def look(connection: Connection, request: Request, response: Response) -> None:
    """Look at it, and change what may be changed."""
    assert_type(connection.guid, str)
    assert_type(connection.transport, TransportKind)
    assert_type(connection.close_code, int | None)
    assert_type(connection.headers.get("Host"), str | None)
    assert_type(connection.write_data("x"), bool)
    assert_type(connection.write_data(b"x", fragment_size=100, key="EURUSD"), bool)
    assert_type(connection.write_data("x", part=Part.FIRST), bool)
    assert_type(connection.write_and_wait("x", timeout=1), Deferred[str | bytes])
    assert_type(connection.drained(), Deferred[None])
    assert_type(connection.ping(b"x"), Deferred[float])
    assert_type(connection.subscribe("news"), bool)
    assert_type(connection.subscriptions, frozenset[str])
    assert_type(connection.buffered, int)
    assert_type(connection.latency, float | None)
    assert_type(connection.last_message_at, float | None)
    assert_type(connection.tls, TLSDetails | None)
    assert_type(connection.close(), Deferred[None])
    connection.pause_reading()
    connection.resume_reading()
    connection.write_data("x", part="first")  # type: ignore[arg-type]
    connection.write_data("x", 100)  # type: ignore[call-arg]
    connection.ping("x")  # type: ignore[arg-type]
    connection.subscriptions = frozenset()  # type: ignore[misc]
    connection.data = {"anything": 1}
    connection.guid = "mine"  # type: ignore[misc]
    connection.write_data(5)  # type: ignore[arg-type]
    connection.headers["X"] = "y"  # type: ignore[index]
    assert_type(request.body, bytes)
    assert_type(request.cookies, Mapping[str, str])
    assert_type(request.connection, Connection)
    request.path = "/"  # type: ignore[misc]
    response.headers["X"] = "y"
    response.set_cookie("name", "value", max_age=60)
    response.body = "text"  # type: ignore[assignment]


# The server.


async def life() -> None:
    """Go through a server's life."""
    try:
        await server.start()
    except ListenError as error:
        assert_type(error.binding, str)
    assert_type(server.active, bool)
    assert_type(server.broadcast("x", include=["a"], exclude="b,c"), int)
    assert_type(server.write_data("guid", b"x"), bool)
    assert_type(server.broadcast("x", channel=["a", "b"], protocol="chat", key="k", fragment_size=5), int)
    assert_type(server.write_data("guid", b"x", part=Part.LAST), bool)
    assert_type(server.ping(b"x"), int)
    assert_type(server.channels["news"], tuple[Connection, ...])
    assert_type(server.groups.broadcast("Room*", "x"), int)
    assert_type(server.disconnect_all(), int)
    assert_type(server.listening_ports, tuple[int, ...])
    for guid, connection in server.connections.items():
        assert_type(guid, str)
        assert_type(connection, Connection)
    server.connections["guid"] = None  # type: ignore[index]
    server.resources.putChild(b"data", Data(b"x", "text/plain"))
    await server.stop(timeout=5)
    await server.restart()


service: IService = server

WebSocketHTTPServer(bindings=["tcp:80", Binding("127.0.0.1", 81), Binding(endpoint="unix:/run/chat.sock")])
WebSocketHTTPServer(websocket=WebSocketOptions(max_message_size=1024), watchdog=None)
WebSocketHTTPServer(websocket=WebSocketOptions(outgoing=SlowClientPolicy(when_full=WhenFull.CONFLATE)))
WebSocketHTTPServer(heartbeat=HeartbeatOptions(interval=30, timeout=None))
WebSocketHTTPServer(websocket=HeartbeatOptions())  # type: ignore[arg-type]
SlowClientPolicy(when_full="close")  # type: ignore[arg-type]
WebSocketHTTPServer(fallback=FallbackOptions(server_sent_events=ServerSentEvents(retry=1.0, path="/events")))
WebSocketHTTPServer(443, tls=TLSOptions(certificate="own.pem", minimum_version=TLSVersion.TLS_1_3))
WebSocketHTTPServer(bindings=[Binding(port=443, tls=True), Binding(endpoint="tcp:80", tls=False)], tls=TLSOptions())
WebSocketHTTPServer(8080, ["tcp:80"])  # type: ignore[call-arg]
WebSocketHTTPServer(port="8080")  # type: ignore[arg-type]
WebSocketHTTPServer(heartbeats=None)  # type: ignore[call-arg]
TLSOptions(minimum_version="1.3")  # type: ignore[arg-type]
Binding(port=443, tls="auto")  # type: ignore[arg-type]
WebSocketOptions(1024)  # type: ignore[call-arg, arg-type]
Binding("127.0.0.1", 80, "tcp:80")  # type: ignore[call-arg]


def errors(error: ServerError) -> None:
    """Tell errors apart."""
    if isinstance(error, OptionError):
        assert_type(error.field, str)
    if isinstance(error, TLSConfigError):
        assert_type(error.path, str)
