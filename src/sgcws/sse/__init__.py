"""Server-Sent Events: a `Connection` by way of HTTP, as a stream of events one way and by POST the other way."""

from sgcws.sse.resource import EventStreams

__all__ = ["EventStreams"]
