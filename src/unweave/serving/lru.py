"""The newest entries up to a number of bytes, in this process."""

from __future__ import annotations

from collections import OrderedDict

_ENTRY = 200
"""Bytes that an entry takes beside its value: key, links, object heads."""


class LeastRecentlyUsed:
    """Bytes by key; what was not used for the longest time goes first. For one thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """That all entries take."""
        return self._bytes

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value, and let others go for it; one that is larger than all the room is not kept."""
        size = len(value) + _ENTRY
        if size > self._most:
            return
        old = self._entries.pop(key, None)
        if old is not None:
            self._bytes -= len(old) + _ENTRY
        self._entries[key] = value
        self._bytes += size
        while self._bytes > self._most:
            _, gone = self._entries.popitem(last=False)
            self._bytes -= len(gone) + _ENTRY
