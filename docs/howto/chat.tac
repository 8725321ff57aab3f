"""Run with ``twistd --nodaemon --python chat.tac``."""

from twisted.application.service import Application

from sgcws import Connection, WebSocketHTTPServer

server = WebSocketHTTPServer(port=8080)


@server.on_message
def say(connection: Connection, text: str) -> None:
    server.broadcast(text)


application = Application("chat")
server.setServiceParent(application)
