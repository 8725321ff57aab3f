"""The messages that wait for one peer, and what becomes of one more."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from sgcws.options import SlowClientPolicy
from sgcws.realtime.framing import Message
from sgcws.realtime.parts import PartialMessage, size_of
from sgcws.values import Part, WhenFull

__all__ = ["Backlog", "Outcome"]


class Outcome(NamedTuple):
    """
    What became of a message.

    Attributes:
        taken: Whether it waits now.
        dropped: How many messages were dropped, itself counted.
        overflowed: Whether the peer is to be closed.
    """

    taken: bool
    dropped: int = 0
    overflowed: bool = False


TAKEN = Outcome(True)
GOES_NOWHERE = Outcome(False)
OVERFLOWED = Outcome(False, 1, True)


class Backlog:
    """
    Messages in the order they will be sent.

    Args:
        policy: How much may wait, and what becomes of more.

    Attributes:
        size: Bytes that wait.
    """

    __slots__ = ("_latest", "_open_part", "_policy", "_queue", "size")

    def __init__(self, policy: SlowClientPolicy) -> None:
        self._policy = policy
        self._queue: deque[Message | PartialMessage | str] | None = None
        """A key keeps the place of the latest message that has it."""
        self._latest: dict[str, Message] | None = None
        self._open_part: PartialMessage | None = None
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._queue)

    def add(self, message: Message, besides: int) -> Outcome:
        """
        Take a message, or do what the policy says.

        Args:
            message: The message.
            besides: Bytes that wait elsewhere for the same peer.
        """
        if self._replace(message, besides):
            return TAKEN
        outcome = self._room_for(message.size, besides)
        if outcome.taken:
            self._append(message)
        return outcome

    def add_part(self, payload: bytes, text: bool, part: Part, besides: int) -> Outcome:
        """
        Take a part of a message, or lose the whole message, and all of it that is still given.

        Args:
            payload: What the part carries.
            text: Whether it is text.
            part: Which it is.
            besides: Bytes that wait elsewhere for the same peer.

        Raises:
            ValueError: If a message in parts has not begun, or has begun already.
            TypeError: If a message in parts goes on as text that began as bytes, or the other way round.
        """
        message = self._message_of(part, text)
        outcome = GOES_NOWHERE if message.lost else self._room_for(size_of(payload), besides)
        if outcome.taken:
            if part is Part.FIRST:
                self._enqueue(message)
            message.add(payload, part is Part.LAST)
            self.size += size_of(payload)
        elif message.begun:
            # It can only be lost together with the peer.
            return outcome._replace(overflowed=True)
        elif not message.lost:
            self.lose(message)
        return outcome

    def next(self) -> Message | PartialMessage | None:
        """
        Return the message to go on with, or None.

        One in parts is returned again and again until its last part is given; what is behind it waits.
        """
        if not self._queue:
            return None
        message = self._queue[0]
        if isinstance(message, PartialMessage) and not message.complete:
            self.size -= message.size
            return message if message.size else None
        found = self._found(self._queue.popleft())
        self.size -= found.size
        return found

    def lose(self, message: PartialMessage) -> None:
        """Lose a message in parts, and all of it that is still given."""
        self.size -= message.lose()
        if self._queue and message in self._queue:
            self._queue.remove(message)

    def abandon_part(self) -> int:
        """
        Drop the message whose last part has not been given: it never will be.

        If it has begun to be sent, nothing can follow it: all others are dropped, too.

        Returns:
            How many others there were.
        """
        message, self._open_part = self._open_part, None
        if message is not None and message.begun:
            return self.clear()
        if message is not None:
            self.lose(message)
        return 0

    def clear(self) -> int:
        """Drop everything; return how many messages that were which had not begun."""
        queue = self._queue or deque()
        begun = bool(queue) and isinstance(queue[0], PartialMessage) and queue[0].begun
        self._queue = self._latest = self._open_part = None
        self.size = 0
        return len(queue) - begun

    def _append(self, message: Message) -> None:
        self.size += message.size
        if message.key is None or self._policy.when_full is not WhenFull.CONFLATE:
            self._enqueue(message)
            return
        if self._latest is None:
            self._latest = {}
        self._latest[message.key] = message
        self._enqueue(message.key)

    def _enqueue(self, entry: Message | PartialMessage | str) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(entry)

    def _found(self, entry: Message | PartialMessage | str) -> Message | PartialMessage:
        """Return what an entry that has left the queue stands for."""
        return (self._latest or {}).pop(entry) if isinstance(entry, str) else entry

    def _has_room(self, size: int, besides: int) -> bool:
        """Whether so many bytes more may wait; anything may where nothing waits."""
        waiting = self.size + besides
        return not waiting or waiting + size <= self._policy.limit

    def _room_for(self, size: int, besides: int) -> Outcome:
        """Make room for so many bytes, if the policy allows it and it helps."""
        if self._has_room(size, besides):
            return TAKEN
        if self._policy.when_full is WhenFull.CLOSE:
            return OVERFLOWED
        dropped = 0
        if self._policy.when_full is not WhenFull.DROP_NEWEST and (not besides or besides + size <= self._policy.limit):
            while not self._has_room(size, besides) and self._drop_oldest():
                dropped += 1
        fits = self._has_room(size, besides)
        return Outcome(fits, dropped if fits else dropped + 1)

    def _drop_oldest(self) -> bool:
        """Drop the message that has waited longest, but none in parts: one may be half sent, or half given."""
        queue = self._queue or deque()
        for place, entry in enumerate(queue):
            if not isinstance(entry, PartialMessage):
                del queue[place]
                self.size -= self._found(entry).size
                return True
        return False

    def _replace(self, message: Message, besides: int) -> bool:
        """Let a message take the place of one with the same key; a larger one only where what is more has room."""
        queue, latest, key = self._queue or deque(), self._latest or {}, message.key
        if key is None or key not in latest:
            return False
        more = message.size - latest[key].size
        if more > 0 and not self._has_room(more, besides):
            # The older one goes, and this one is taken as if it had never been there.
            queue.remove(key)
            self.size -= latest.pop(key).size
            return False
        latest[key] = message
        self.size += more
        return True

    def _message_of(self, part: Part, text: bool) -> PartialMessage:
        """Return the message that a part belongs to; after one that was lost, another may begin at any time."""
        message = self._open_part
        if part is Part.FIRST:
            if message is not None and not message.lost:
                raise ValueError("a message in parts has not come to its Part.LAST")
            message = PartialMessage(text)
        elif message is None:
            raise ValueError("a message in parts begins with Part.FIRST")
        elif message.text is not text:
            raise TypeError("all parts of a message are str, or all are bytes")
        self._open_part = None if part is Part.LAST else message
        return message
