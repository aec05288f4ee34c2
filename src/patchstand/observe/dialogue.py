"""A mail dialogue over a wire: commands out, whole replies in, every byte kept."""

import asyncio
import re
from collections.abc import Callable

from patchstand.model import Outcome
from patchstand.observe.limits import Limits
from patchstand.observe.wire import Failed, Wire

_LAST_SMTP_LINE = re.compile(rb"(?m)^\d{3}(?: [^\n]*)?\r?\n\Z")

Complete = Callable[[bytes], bool]
"""Whether the bytes of one reply so far are all of it."""


def smtp_reply(reply: bytes) -> bool:
    """A reply ends with a line whose code is not followed by a hyphen (RFC 5321, 4.2.1)."""
    return _LAST_SMTP_LINE.search(reply) is not None


def one_line(reply: bytes) -> bool:
    """A greeting is one line."""
    return reply.endswith(b"\n")


def tagged(tag: bytes) -> Complete:
    """An IMAP reply ends with the line that begins with its tag (RFC 3501, 2.2.2)."""
    last = re.compile(rb"(?m)^" + re.escape(tag) + rb" [^\n]*\n\Z")
    return lambda reply: last.search(reply) is not None


def pop_list(reply: bytes) -> bool:
    """A POP list ends with a line of one dot, or is refused in one line (RFC 1939, 3)."""
    if reply[:4].upper() == b"-ERR":
        return one_line(reply)
    return reply.endswith((b"\n.\r\n", b"\n.\n"))


class _ReplyReader:
    def __init__(self, complete: Complete, size: int, lines: int) -> None:
        self.reply = bytearray()
        self.over = False
        self._complete = complete
        self._size = size
        self._lines = lines

    def feed(self, received: bytes) -> bool:
        self.reply += received
        if len(self.reply) > self._size or self.reply.count(b"\n") > self._lines:
            del self.reply[self._size :]
            self.over = True
            return True
        return self._complete(bytes(self.reply))

    def end(self) -> bool:
        return False


class Dialogue:
    """One mail session: `answer` is all the server said, `failed` how it ended early."""

    def __init__(self, wire: Wire, limits: Limits) -> None:
        """Speak over `wire`; the whole session within one answer's time and size."""
        self.wire = wire
        self.answer = b""
        self.truncated = False
        self.failed: Failed | None = None
        self._limits = limits
        self._until = asyncio.get_running_loop().time() + limits.answer

    async def ask(self, command: bytes, complete: Complete) -> bytes | None:
        """Send one command line, none if empty; the whole reply, None when it failed."""
        if self.failed is not None:
            return None
        size = self._limits.dialogue - len(self.answer)
        reader = _ReplyReader(complete, size, self._limits.lines - self.answer.count(b"\n"))
        line = command + b"\r\n" if command else b""
        self.failed = await self.wire.exchange(line, reader, self._seconds_left())
        self.answer += reader.reply
        if reader.over:
            self.truncated = True
            self.failed = Failed(Outcome.TOO_LARGE, "the reply does not end")
        return None if self.failed else bytes(reader.reply)

    async def start_tls(self) -> bool:
        """Go on in TLS; False when that failed."""
        if self.failed is None:
            self.failed = await self.wire.start_tls(self._seconds_left())
        return self.failed is None

    def _seconds_left(self) -> float:
        return max(0.0, self._until - asyncio.get_running_loop().time())
