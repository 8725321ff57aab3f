"""News for those who asked for it, and rooms for those who are in them."""

from __future__ import annotations

from sgcws import Connection, WebSocketHTTPServer

CHANNELS = ("news", "sport")
ROOMS = ("Room 1", "Room 2")

server = WebSocketHTTPServer(port=8080)


@server.on_message
def message(connection: Connection, text: str) -> None:
    verb, _, rest = text.partition(": ")
    if verb == "subscribe" and rest in CHANNELS:
        connection.subscribe(rest)
    elif verb == "unsubscribe" and rest in CHANNELS:
        connection.unsubscribe(rest)
    elif verb in CHANNELS:
        server.broadcast(rest, channel=verb)
    elif verb == "enter" and rest in ROOMS:
        server.groups.add(rest, connection)
    elif verb == "leave" and rest in ROOMS:
        server.groups.remove(rest, connection)
    elif verb == "all rooms":
        server.groups.broadcast("Room*", rest, exclude=connection.guid)
    elif verb == "who" and rest in ROOMS:
        connection.write_data(f"{len(server.groups[rest])} in {rest}")


if __name__ == "__main__":
    server.run()
