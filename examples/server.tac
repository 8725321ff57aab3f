"""
An echo server as a Twisted application.

::

    twistd --nodaemon --python examples/server.tac
"""

import os

from twisted.application.service import Application

from sgcws import Connection, WebSocketHTTPServer

server = WebSocketHTTPServer(port=int(os.environ.get("PORT", "8080")))


@server.on_message
def echo(connection: Connection, text: str) -> None:
    connection.write_data(text)


application = Application("echo")
server.setServiceParent(application)
