"""What a simulated server says: HTTP requests and responses, and the faces of mail services.

A `Response` keeps the order and the case of its headers, because identification reads both.
"""

from dataclasses import dataclass, field
from email.utils import formatdate

Headers = tuple[tuple[str, str], ...]
FILLED_IN = ("Date", "Content-Length")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` is lower case and without `query`, `host` None if not sent."""

    method: str
    path: str
    query: str
    host: str | None
    address: str

    @property
    def origin(self) -> str:
        """What the server puts before its paths; without a Host header IIS shows its address.

        Recorded: `GET / HTTP/1.0` without Host answers with the internal address.
        """
        return f"https://{self.host or '192.168.5.237'}"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; `Date` and `Content-Length` are filled in where named, else last."""

    status: int
    reason: str
    headers: Headers = ()
    body: bytes = b""

    def encode(self, *, with_body: bool = True, close: bool = False) -> bytes:
        """Return the bytes for the wire; `with_body` False answers a HEAD request."""
        filled = {"Date": formatdate(usegmt=True), "Content-Length": str(len(self.body))}
        named = {name for name, _ in self.headers}
        rows = [*self.headers, *((name, "") for name in FILLED_IN if name not in named)]
        if close:
            rows.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {self.status} {self.reason}"]
        lines += [f"{name}: {value or filled.get(name, '')}" for name, value in rows]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return head + self.body if with_body else head

    def replacing(self, headers: Headers) -> "Response":
        """The same response with other headers."""
        return Response(self.status, self.reason, headers, self.body)

    def without(self, *names: str) -> "Response":
        """The same response without these headers (names in lower case)."""
        return self.replacing(
            tuple((name, value) for name, value in self.headers if name.lower() not in names)
        )

    def adding(self, *headers: tuple[str, str]) -> "Response":
        """The same response with further headers at the end."""
        return self.replacing((*self.headers, *headers))


@dataclass(frozen=True, slots=True)
class SmtpFace:
    """What an SMTP service says before sign-in.

    `banner` and `ehlo` are texts without codes; `{date}` in the banner is the time of the
    answer (RFC 5322). The first line of `ehlo` greets the client, `{client}` is its address.
    """

    banner: str
    ehlo: tuple[str, ...]
    goodbye: str = "2.0.0 Service closing transmission channel"
    ready: str = "2.0.0 SMTP server ready"

    @property
    def offers_tls(self) -> bool:
        """True when STARTTLS is among the keywords."""
        return "STARTTLS" in self.ehlo


@dataclass(frozen=True, slots=True)
class MailboxFace:
    """What an IMAP or POP service says before sign-in; `greeting` is bytes for its charset.

    `capabilities` are the words of CAPABILITY (IMAP) or the lines of CAPA (POP).
    `identity` is the answer to IMAP ID, without `* ID `; empty when ID is not offered.
    """

    greeting: bytes
    capabilities: tuple[str, ...]
    goodbye: str
    identity: str = field(default="")

    @property
    def offers_tls(self) -> bool:
        """True when STARTTLS (IMAP) or STLS (POP) is offered."""
        return "STARTTLS" in self.capabilities or "STLS" in self.capabilities
