from datetime import UTC, datetime

import pytest

from patchstand.assess import exposures
from patchstand.model import Exposure, Observation, Outcome, Target, TlsFacts, Transcript

TLS = TlsFacts("TLSv1.3", "x", None)
STARTTLS = (
    b"220 mx ESMTP\r\n250-mx Hello\r\n250 STARTTLS\r\n220 Ready to start TLS\r\n"
    b"250-mx Hello\r\n250 AUTH LOGIN NTLM\r\n221 bye\r\n"
)


def seen(service: str, answer: bytes, tls: TlsFacts | None, question: str = "session") -> Exposure:
    transcript = Transcript(service, question, Outcome.ANSWERED, answer, tls=tls)
    observation = Observation(
        Target("mail.example"), "192.0.2.7", datetime(2026, 10, 13, tzinfo=UTC), "here",
        Outcome.ANSWERED, 1, (transcript,),
    )  # fmt: skip
    return exposures(observation)[0]


@pytest.mark.parametrize(
    ("service", "answer", "tls", "encrypted"),
    [
        ("smtp", STARTTLS, TLS, True),
        ("smtp", b"220 mx\r\n250-mx\r\n250 AUTH LOGIN\r\n", None, False),
        ("smtp", b"220 mx\r\n250-mx\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n220 go\r\n", TLS, False),
        ("imap", b"* OK\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", TLS, True),
        ("imap", b"* OK\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", None, False),
        ("imap", b"* OK\r\n* CAPABILITY IMAP4rev1 AUTH=NTLM\r\n", None, True),
        ("pop", b"+OK\r\n+OK\r\nSASL PLAIN\r\n.\r\n", None, False),
    ],
)
def test_a_password_in_clear_is_one_that_is_asked_before_tls(
    service: str, answer: bytes, tls: TlsFacts | None, encrypted: bool
) -> None:
    """Only password log-ins that are offered outside TLS count as unencrypted."""
    assert seen(service, answer, tls).encrypted is encrypted


def test_web_services_say_how_one_logs_in() -> None:
    """Challenges and the redirect to the form are the log-in methods; 404 is not reachable."""
    ews = seen(
        "https",
        b"HTTP/1.1 401 Unauthorized\r\n"
        b"WWW-Authenticate: Negotiate\r\nwww-authenticate: NTLM\r\n\r\n",
        TLS,
        "GET /EWS/Exchange.asmx",
    )
    owa = seen(
        "https",
        b"HTTP/1.1 302 Found\r\nLocation: /owa/auth/logon.aspx?url=x\r\n\r\n",
        TLS,
        "GET /owa/",
    )
    gone = seen("https", b"HTTP/1.1 404 Not Found\r\n\r\n", TLS, "GET /PowerShell/")

    assert ews.login_methods == ("Negotiate", "NTLM")
    assert owa.login_methods == ("form",)
    assert (gone.service, gone.reachable) == ("powershell", False)
