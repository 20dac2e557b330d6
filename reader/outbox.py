"""Bytes on their way to a host that may not read them: never waits, drops whole messages."""


class Outbox:
    """A queue of bytes in one buffer, for a stream whose `write` takes what it can."""

    def __init__(self, size: int) -> None:
        self._buf = bytearray(size)
        self._view = memoryview(self._buf)
        self._start = 0
        self._end = 0

    def put(self, data) -> bool:
        """Queue one message whole; False when there is no room."""
        n = len(data)
        waiting = self._end - self._start
        if waiting + n > len(self._buf):
            return False
        if self._end + n > len(self._buf):
            self._buf[:waiting] = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, waiting
        self._buf[self._end : self._end + n] = data
        self._end += n
        return True

    def flush(self, stream) -> None:
        """Give the stream what it takes now."""
        while self._start < self._end:
            n = stream.write(self._view[self._start : self._end])
            if not n:
                return
            self._start += n
        self._start = self._end = 0

    def clear(self) -> None:
        self._start = self._end = 0

    def empty(self) -> bool:
        return self._start == self._end
