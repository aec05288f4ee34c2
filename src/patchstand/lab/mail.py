"""SMTP, IMAP and POP on the server side, up to the point where a client would sign in."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from email.utils import format_datetime, localtime

from patchstand.lab.answers import MailboxFace, SmtpFace
from patchstand.lab.connection import Connection, Reached
from patchstand.lab.servers import Service, Trouble

_LONGEST_LINE = 8192
_RUBBISH = b"\x15\x03\x01\x00\x02rubbish instead of a handshake\r\n"


class LineConnection(Connection, ABC):
    """A service that reads lines; subclasses answer them and may start TLS."""

    def __init__(self, reached: Reached) -> None:
        super().__init__(reached)
        self._buffer = b""
        self._upgrade: asyncio.Task[None] | None = None
        self._spoiled = False

    def data_received(self, data: bytes) -> None:
        """Answer each whole line; a line without end closes the connection."""
        if self._spoiled:
            self.write(_RUBBISH)
            self.close()
            return
        self._buffer += data
        while b"\n" in self._buffer and self._upgrade is None:
            line, self._buffer = self._buffer.split(b"\n", 1)
            self.answer(line.rstrip(b"\r").decode("latin-1"))
        if len(self._buffer) > _LONGEST_LINE:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up a TLS start that is under way."""
        if self._upgrade is not None:
            self._upgrade.cancel()
        super().connection_lost(exc)

    @abstractmethod
    def answer(self, line: str) -> None:
        """Answer one command line."""

    def start_tls(self, ready: bytes) -> None:
        """Say `ready`, then go on with TLS; what came before is forgotten (RFC 3207)."""
        if self.transport is None:
            return
        self._buffer = b""
        if self.reached.server.kind.trouble is Trouble.BROKEN_TLS:
            self._spoiled = True
            self.write(ready)
            return
        # Nothing may be read between the two: uvloop loses it (uvloop#708).
        self.transport.pause_reading()
        self.write(ready)
        self._upgrade = asyncio.get_running_loop().create_task(self._with_tls(self.transport))

    async def _with_tls(self, transport: asyncio.Transport) -> None:
        server = self.reached.server
        context = self.reached.certificates.context(server.certificate, server.tls)
        try:
            loop = asyncio.get_running_loop()
            encrypted = await loop.start_tls(transport, self, context, server_side=True)
        except OSError:
            transport.abort()
            return
        self._upgrade = None
        if encrypted is not None:
            self.replaced(encrypted)
            self.data_received(b"")  # lines that came before this task went on


class SmtpConnection(LineConnection):
    """SMTP up to EHLO and STARTTLS; mail is refused."""

    def __init__(self, reached: Reached, face: SmtpFace) -> None:
        super().__init__(reached)
        self._face = face
        self._answers: dict[str, Callable[[], None]] = {
            "EHLO": self._ehlo,
            "HELO": lambda: self._say(f"250 {face.ehlo[0].format(client=reached.caller)}"),
            "NOOP": lambda: self._say("250 2.0.0 OK"),
            "RSET": lambda: self._say("250 2.0.0 Resetting"),
            "STARTTLS": self._starttls,
            "MAIL": lambda: self._say("530 5.7.57 Client was not authenticated to send mail"),
            "AUTH": lambda: self._say("504 5.7.4 Unrecognized authentication type"),
            "QUIT": self._quit,
        }

    def begin(self) -> None:
        """Greet."""
        date = format_datetime(localtime())
        self._say(f"220 {self._face.banner.format(date=date)}")

    def answer(self, line: str) -> None:
        """Answer one command; unknown ones as Exchange does."""
        verb = line.split(" ", 1)[0].upper()
        self.reached.asked(verb)
        unknown = "500 5.3.3 Unrecognized command"
        self._answers.get(verb, lambda: self._say(unknown))()

    def _say(self, line: str) -> None:
        self.write(f"{line}\r\n".encode("latin-1"))

    def _ehlo(self) -> None:
        lines = [line.format(client=self.reached.caller) for line in self._face.ehlo]
        rows = [f"250-{line}\r\n" for line in lines[:-1]]
        self.write("".join([*rows, f"250 {lines[-1]}\r\n"]).encode("latin-1"))

    def _starttls(self) -> None:
        if self._face.offers_tls:
            self.start_tls(f"220 {self._face.ready}\r\n".encode())
        else:
            self._say("500 5.3.3 Unrecognized command")

    def _quit(self) -> None:
        self._say(f"221 {self._face.goodbye}")
        self.close()


class ImapConnection(LineConnection):
    """IMAP up to CAPABILITY, ID and STARTTLS; signing in fails."""

    def __init__(self, reached: Reached, face: MailboxFace) -> None:
        super().__init__(reached)
        self._face = face

    def begin(self) -> None:
        """Greet."""
        self.write(b"* OK " + self._face.greeting + b"\r\n")

    def answer(self, line: str) -> None:
        """Answer one tagged command."""
        tag, _, rest = line.partition(" ")
        verb = rest.split(" ", 1)[0].upper()
        self.reached.asked(verb)
        face = self._face
        if verb == "CAPABILITY":
            self._say(f"* CAPABILITY {' '.join(face.capabilities)}")
        elif verb == "ID" and face.identity:
            self._say(f"* ID {face.identity}")
        elif verb == "LOGOUT":
            self._say(f"* BYE {face.goodbye}", f"{tag} OK LOGOUT completed.")
            self.close()
            return
        elif verb == "STARTTLS" and face.offers_tls:
            self.start_tls(f"{tag} OK Begin TLS negotiation now.\r\n".encode())
            return
        elif verb in ("LOGIN", "AUTHENTICATE"):
            self._say(f"{tag} NO {verb} failed.")
            return
        elif verb != "NOOP":
            self._say(f"{tag} BAD Command Error. 12")
            return
        self._say(f"{tag} OK {verb} completed.")

    def _say(self, *lines: str) -> None:
        self.write("".join(f"{line}\r\n" for line in lines).encode("latin-1"))


class PopConnection(LineConnection):
    """POP3 up to CAPA and STLS; signing in fails."""

    def __init__(self, reached: Reached, face: MailboxFace) -> None:
        super().__init__(reached)
        self._face = face

    def begin(self) -> None:
        """Greet."""
        self.write(b"+OK " + self._face.greeting + b"\r\n")

    def answer(self, line: str) -> None:
        """Answer one command."""
        verb = line.split(" ", 1)[0].upper()
        self.reached.asked(verb)
        if verb == "CAPA":
            lines = ("+OK", *self._face.capabilities, ".")
            self.write("".join(f"{text}\r\n" for text in lines).encode("latin-1"))
        elif verb == "QUIT":
            self.write(f"+OK {self._face.goodbye}\r\n".encode("latin-1"))
            self.close()
        elif verb == "STLS" and self._face.offers_tls:
            self.start_tls(b"+OK Begin TLS negotiation now.\r\n")
        elif verb == "NOOP":
            self.write(b"+OK\r\n")
        else:
            self.write(b"-ERR Protocol error. 14\r\n")


def mail_connection(reached: Reached) -> LineConnection:
    """The connection for the mail service that was reached."""
    server, node, kind = reached.server, reached.node, reached.server.kind
    if reached.service is Service.SMTP:
        assert kind.smtp is not None
        return SmtpConnection(reached, kind.smtp(server, node))
    if reached.service is Service.IMAP:
        assert kind.imap is not None
        return ImapConnection(reached, kind.imap(server, node))
    assert kind.pop is not None
    return PopConnection(reached, kind.pop(server, node))
