"""Checked servers for the tests of the reports, concluded from made-up observations."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from patchstand.model import (
    CertificateFacts,
    CheckedServer,
    Knowledge,
    Observation,
    Outcome,
    Permit,
    ProductLine,
    Target,
    Transcript,
)
from patchstand.workflow.check import conclude

AS_OF = date(2026, 10, 20)
HOSTILE = (
    '<script>alert(1)</script>\x1b[31mred\x1b[0m[red]markup[/red]\u202eolleh{x}\x07"onload="x\r\n'
)
"""What a server may say: HTML, terminal escapes, rich markup, a direction override."""

_PERMIT = Permit("192.0.2.10", "scope", "contract", "", ("inform",))
_CERTIFICATE = CertificateFacts(
    sha256="5f" * 32,
    subject="CN=mail.example.de",
    names=("mail.example.de", "autodiscover.example.de"),
    issuer="CN=Example CA, O=Example",
    not_before=date(2025, 11, 1),
    not_after=date(2026, 11, 1),
    key="RSA 2048",
    signature="sha256",
)


def web(path: str, head: str, body: str = "", status: str = "200 OK") -> Transcript:
    """The answer to one request."""
    lines = "\r\n".join(head.splitlines())
    answer = f"HTTP/1.1 {status}\r\n{lines}\r\n\r\n{body}".encode()
    return Transcript("https", f"GET {path}", Outcome.ANSWERED, answer)


def observation(
    name: str, *transcripts: Transcript, outcome: Outcome = Outcome.ANSWERED
) -> Observation:
    """A look at one server from a fixed place at a fixed time."""
    return Observation(
        target=Target(name),
        address="192.0.2.10",
        observed_at=datetime(2026, 10, 20, 9, 30, tzinfo=UTC),
        vantage_point="probe-1.example.net",
        outcome=outcome,
        requests=len(transcripts),
        transcripts=transcripts,
        permit=_PERMIT,
    )


def vulnerable(known: Knowledge) -> CheckedServer:
    """Exchange 2016 of May 2022, the admin centre open, Basic offered."""
    seen = observation(
        "mail.example.de",
        web("/owa/", "X-OWA-Version: 15.1.2507.9\nServer: Microsoft-IIS/10.0"),
        web("/ecp/", "Location: /owa/auth/logon.aspx", status="302 Found"),
        web(
            "/ews/exchange.asmx",
            "WWW-Authenticate: Basic\nWWW-Authenticate: NTLM",
            status="401 Unauthorized",
        ),
        web("/powershell/", "Server: Microsoft-IIS/10.0", status="404 Not Found"),
        Transcript("imap", "dialogue", Outcome.TIMED_OUT),
    )
    server = conclude(seen, known, AS_OF)
    return replace(server, certificate=_CERTIFICATE, tls_versions=("TLSv1.1", "TLSv1.2"))


def whole_cu(known: Knowledge) -> CheckedServer:
    """Exchange 2019 CU12 behind a proxy: thirteen builds are possible."""
    page = '<html><link href="/owa/auth/15.2.1118/themes/resources/favicon.ico"></html>'
    seen = observation("owa.example.com", web("/owa/", "Server: Apache", page))
    return conclude(seen, known, AS_OF)


def up_to_date(known: Knowledge, as_of: date = AS_OF) -> CheckedServer:
    """The newest build of Exchange SE."""
    rows = known.of_line(ProductLine.SE)
    newest = max(row.build for row in rows if row.released <= as_of)
    head = f"X-OWA-Version: {newest}\nServer: Microsoft-IIS/10.0"
    return conclude(observation("se.example.org", web("/owa/", head)), known, as_of)


def stale_day(known: Knowledge) -> date:
    """A day for which the knowledge is too old."""
    return known.covered_until + timedelta(days=45)


def banner_only(known: Knowledge) -> CheckedServer:
    """A mail greeting that names the product and no build."""
    banner = (
        b"220 mx.example.org Microsoft ESMTP MAIL Service ready at "
        b"Tue, 20 Oct 2026 09:30:00 +0000\r\n"
    )
    greeting = Transcript("smtp", "dialogue", Outcome.ANSWERED, banner)
    return conclude(observation("mx.example.org", greeting), known, AS_OF)


def postfix(known: Knowledge) -> CheckedServer:
    """Another product."""
    banner = b"220 mx.example.net ESMTP Postfix (Debian/GNU)\r\n"
    greeting = Transcript("smtp", "dialogue", Outcome.ANSWERED, banner)
    return conclude(observation("mx.example.net", greeting), known, AS_OF)


def silent(known: Knowledge) -> CheckedServer:
    """A server that does not answer."""
    seen = observation(
        "gone.example.org",
        Transcript("https", "GET /owa/", Outcome.TIMED_OUT),
        outcome=Outcome.TIMED_OUT,
    )
    return conclude(seen, known, AS_OF)


def hostile(known: Knowledge) -> CheckedServer:
    """A server that puts hostile text wherever it can."""
    server = vulnerable(known)
    node = server.nodes[0]
    evidence = tuple(replace(clue, value=HOSTILE * 200) for clue in node.identity.evidence)
    identity = replace(
        node.identity, evidence=evidence, fronts=(HOSTILE,), node=HOSTILE, look_alike=HOSTILE
    )
    findings = tuple(
        replace(
            finding,
            values=tuple(
                (name, value if value.isdecimal() else HOSTILE) for name, value in finding.values
            ),
        )
        for finding in server.findings
    )
    certificate = replace(
        _CERTIFICATE, subject=HOSTILE, names=(HOSTILE,) * 50, issuer=HOSTILE, router=HOSTILE
    )
    exposure = tuple(
        replace(exposure, status=HOSTILE, login_methods=(HOSTILE,), service=HOSTILE)
        for exposure in server.exposure
    )
    seen = replace(
        server.observation, target=Target(HOSTILE), address=HOSTILE, vantage_point=HOSTILE
    )
    return replace(
        server,
        observation=seen,
        nodes=(replace(node, identity=identity),),
        findings=findings,
        certificate=certificate,
        exposure=exposure,
        tls_versions=(HOSTILE,),
    )


def every(known: Knowledge) -> list[CheckedServer]:
    """One server of each kind."""
    makers = (vulnerable, whole_cu, up_to_date, banner_only, postfix, silent)
    return [make(known) for make in makers]
