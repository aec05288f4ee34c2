"""One HTTP/1.1 question and its answer, the head kept as it came.

An answer is the exact head of the final reply followed by the body without its chunk
framing; a content coding such as gzip is left as it is and never unpacked.
"""

import re

import httptools

from patchstand.observe.limits import Limits

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})\b")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?i)\ncontent-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r?\n")
_CHUNKED = re.compile(rb"(?i)\ntransfer-encoding[ \t]*:[^\r\n]*chunked")
_CODING = re.compile(rb"(?i)\ncontent-encoding[ \t]*:[ \t]*([\w-]{1,20})")


def request_bytes(path: str, host: str, user_agent: str) -> bytes:
    """A GET as a browser sends it, without cookies; `host` with its port where it needs one."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {user_agent}\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        "Accept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n"
    ).encode("ascii", "replace")


class HttpReader:
    """Reads one reply, parsed by httptools, or leniently where that finds it malformed."""

    def __init__(self, limits: Limits) -> None:
        """Read at most `limits.head` and `limits.body` bytes."""
        self._limits = limits
        self._head = bytearray()  # all bytes until the head is complete, then the head
        self._body = bytearray()
        self._head_done = False
        self._done = False
        self._truncated = False
        self._malformed = False
        self._body_left: int | None = None  # lenient reading: bytes to come, None: to the end
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._keep_alive = False
        self._spoilt = False  # the connection, for further questions

    @property
    def answer(self) -> bytes:
        """Head and body as far as they came."""
        return bytes(self._head + self._body)

    @property
    def is_usable(self) -> bool:
        """True when the whole head came and it is one of HTTP."""
        return self._head_done and _STATUS.match(self._head) is not None

    @property
    def is_too_large(self) -> bool:
        """True when the head of an HTTP reply did not end within its limit."""
        full = len(self._head) >= self._limits.head
        return full and not self._head_done and self._head.startswith(b"HTTP/")

    @property
    def truncated(self) -> bool:
        """True when there was, or may have been, more than was kept."""
        return self._truncated or not self._done

    @property
    def keep_alive(self) -> bool:
        """True when the next question can go over the same connection."""
        return self._keep_alive and not self._spoilt and not self._truncated

    @property
    def detail(self) -> str:
        """What is odd about the answer; empty when nothing is."""
        coding = _CODING.search(self._head) if self._head_done else None
        oddities = ["malformed"] if self._malformed else []
        if coding and coding[1].lower() != b"identity":
            oddities.append(f"content-encoding {coding[1].decode('ascii', 'replace')}")
        return ", ".join(oddities)

    def feed(self, received: bytes) -> bool:
        """Take what came; True when the reply is complete or at its limit."""
        if not self._head_done:
            self._head += received
        if self._parser is None:
            self._feed_leniently(received)
        else:
            try:
                self._parser.feed_data(received)
            except httptools.HttpParserUpgrade:
                self._done = True
            except httptools.HttpParserError:
                self._go_lenient()
        if not self._head_done and len(self._head) >= self._limits.head:
            del self._head[self._limits.head :]
            self._truncated = True
        if self._done or self._truncated:
            self._parser = None  # parser and reader hold each other: 100 MB at 1,000 at once
        return self._done or self._truncated

    def end(self) -> bool:
        """Take the end of the stream: it completes a reply of no stated length."""
        self._parser = None
        if not self._head_done:
            return False
        self._truncated |= _LENGTH.search(self._head) is not None or self._is_chunked()
        self._done = True
        return True

    def on_message_begin(self) -> None:
        """Refuse to go on over a connection that answers more than it was asked."""
        if self._done:
            self._spoilt = True

    def on_headers_complete(self) -> None:
        """Split the head off at its exact end (called by httptools)."""
        end = _END_OF_HEAD.search(self._head)
        if end is None or self._parser is None:  # cannot be: the parser saw the empty line
            return
        if 100 <= self._parser.get_status_code() < 200:
            del self._head[: end.end()]  # an interim reply; the final one follows
            return
        del self._head[end.end() :]
        self._head_done = True

    def on_body(self, body: bytes) -> None:
        """Keep the body up to its limit (called by httptools)."""
        if self._done:
            return
        room = self._limits.body - len(self._body)
        self._body += body[:room]
        self._truncated |= len(body) > room

    def on_message_complete(self) -> None:
        """Note the end of the final reply (called by httptools)."""
        if self._head_done and not self._done and self._parser is not None:
            self._keep_alive = self._parser.should_keep_alive()
            self._done = True

    def _go_lenient(self) -> None:
        """Read on without httptools, from where the head ends or within the body."""
        self._parser = None
        if self._done:
            self._spoilt = True  # rubbish after the reply
            return
        self._malformed = True
        if self._head_done:
            self._truncated = True  # the framing of the body is broken
            return
        self._feed_leniently(b"")

    def _feed_leniently(self, received: bytes) -> None:
        if not self._head_done:
            if not b"HTTP/".startswith(self._head[:5]):
                self._truncated = True  # another protocol: why wait for more
                return
            end = _END_OF_HEAD.search(self._head)
            if end is None:
                return
            received = bytes(self._head[end.end() :])
            del self._head[end.end() :]
            self._head_done = True
            length = _LENGTH.search(self._head)
            self._body_left = int(length[1]) if length else None
        if self._body_left is not None:
            received = received[: self._body_left]
            self._body_left -= len(received)
        self.on_body(received)
        self._done |= self._body_left == 0

    def _is_chunked(self) -> bool:
        return _CHUNKED.search(self._head) is not None
