"""What looks like an Exchange server and is none, and plain other mail servers."""

from base64 import b64encode

from patchstand.lab.answers import Headers, MailboxFace, Request, Response, SmtpFace
from patchstand.lab.exchange_web import redirect
from patchstand.lab.pages import page, phishing_copy
from patchstand.lab.servers import Kind, Node, Server, Service, Web
from patchstand.model import IdentityPrecision

_HTML = ("Content-Type", "text/html; charset=utf-8")
_VICTIM = "mail.victim.invalid"


def _always(headers: Headers, body: bytes = b"") -> Web:
    """The same reply on every path."""

    def answer(_server: Server, _node: Node, _request: Request) -> Response:
        return Response(200, "OK", headers, body)

    return answer


# Recorded: the stock profile of a command-and-control server.
_C2 = (
    ("Cache-Control", "no-cache"),
    ("Pragma", "no-cache"),
    _HTML,
    ("Server", "Microsoft-IIS/10.0"),
    ("request-id", "6cfcf35d-0680-4853-98c4-b16723708fc9"),
    ("X-CalculatedBETarget", "BY2PR06MB549.namprd06.prod.outlook.com"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-OWA-Version", "15.1.1240.20"),
    ("X-OWA-OWSVersion", "V2017_06_15"),
    ("X-OWA-MinimumSupportedOWSVersion", "V2_6"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-DiagInfo", "BY2PR06MB549"),
    ("X-UA-Compatible", "IE=EmulateIE7"),
    ("X-Powered-By", "ASP.NET"),
    ("X-FEServer", "CY4PR02CA0010"),
)
# A dressed nginx: a version of Exchange Online next to the name of a 2019 server.
_DRESSED = (
    ("Server", "Microsoft-IIS/10.0"),
    ("Date", ""),
    _HTML,
    ("Content-Length", ""),
    ("Connection", "keep-alive"),
    ("X-OWA-Version", "15.20.7595.016"),
    ("X-FEServer", "EX2019-MBX-01"),
)


def _online(_server: Server, _node: Node, request: Request) -> Response:
    after = (
        ("Server", "Microsoft-IIS/10.0"),
        ("request-id", "7d86d893-adc8-4200-b285-bf2bb35644a8"),
        ("X-CalculatedFETarget", "FR0P281CU009.internal.outlook.com"),
        ("X-FEProxyInfo", "FR0P281CA0110.DEUP281.PROD.OUTLOOK.COM"),
        ("X-CalculatedBETarget", "FR2P281MB1566.DEUP281.PROD.OUTLOOK.COM"),
        ("X-OWA-Version", "15.20.9115.16"),
        ("X-DiagInfo", "FR2P281MB1566"),
        ("X-BEServer", "FR2P281MB1566"),
        ("X-FEServer", "FR0P281CA0110"),
    )
    return redirect(f"https://login.microsoftonline.com/common?u={request.path}", (), after)


def _online_smtp(_server: Server, _node: Node) -> SmtpFace:
    name = "FR1PEPF00000001.mail.protection.outlook.com"
    keywords = ("SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS")
    return SmtpFace(
        f"{name} Microsoft ESMTP MAIL Service ready at {{date}}",
        (f"{name} Hello [{{client}}]", *keywords, "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"),
    )


def _online_imap(_server: Server, _node: Node) -> MailboxFace:
    host = "FR0P281CA0110.DEUP281.PROD.OUTLOOK.COM".encode("utf-16-le")
    return MailboxFace(
        b"The Microsoft Exchange IMAP4 service is ready. [" + b64encode(host) + b"]",
        ("IMAP4", "IMAP4rev1", "AUTH=PLAIN", "AUTH=XOAUTH2", "SASL-IR", "UIDPLUS", "ID", "IDLE"),
        "Microsoft Exchange Server IMAP4 server signing off.",
        '("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")',
    )


def _active_sync(server_header: str, *extra: tuple[str, str]) -> Web:
    """Another product that speaks ActiveSync; its own page elsewhere."""

    def answer(_server: Server, _node: Node, request: Request) -> Response:
        server = ("Server", server_header)
        if request.path.startswith("/microsoft-server-activesync"):
            basic = ("WWW-Authenticate", 'Basic realm="ActiveSync"')
            return Response(401, "Unauthorized", (("Date", ""), server, *extra, basic))
        if request.path == "/":
            return Response(200, "OK", (("Date", ""), server, _HTML), page("Webmail", "Webmail"))
        return Response(404, "Not Found", (("Date", ""), server, _HTML), page("404", "Not Found"))

    return answer


def _gromox(_server: Server, _node: Node, request: Request) -> Response:
    server = ("Server", "nginx")
    if request.path.startswith(("/mapi", "/ews", "/autodiscover")):
        product = ("X-ServerApplication", "Exchange/15.00.0847.4040")
        basic = ("WWW-Authenticate", 'Basic realm="gromox"')
        return Response(401, "Unauthorized", (server, ("Date", ""), product, basic))
    body = page("grommunio Web", "grommunio Web")
    return Response(200, "OK", (server, ("Date", ""), _HTML), body)


def _plain_web(_server: Server, _node: Node, request: Request) -> Response:
    headers = (("Date", ""), ("Server", "Apache/2.4.57 (Debian)"), _HTML)
    if request.path == "/":
        return Response(200, "OK", headers, page("Roundcube Webmail", "Welcome to Roundcube"))
    return Response(404, "Not Found", headers, page("404 Not Found", "Not Found"))


def _postfix(server: Server, _node: Node) -> SmtpFace:
    keywords = ("PIPELINING", "SIZE 10240000", "ETRN", "STARTTLS", "ENHANCEDSTATUSCODES")
    return SmtpFace(
        f"{server.name} ESMTP Postfix (Debian/GNU)",
        (server.name, *keywords, "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"),
        "2.0.0 Bye",
        "2.0.0 Ready to start TLS",
    )


def _dovecot_imap(_server: Server, _node: Node) -> MailboxFace:
    words = ("IMAP4rev1", "SASL-IR", "LOGIN-REFERRALS", "ID", "ENABLE", "IDLE", "STARTTLS")
    greeting = f"[CAPABILITY {' '.join(words)} AUTH=PLAIN] Dovecot (Debian) ready."
    return MailboxFace(greeting.encode(), words, "Logging out", '("name" "Dovecot")')


def _dovecot_pop(_server: Server, _node: Node) -> MailboxFace:
    return MailboxFace(
        b"Dovecot (Debian) ready.", ("CAPA", "TOP", "UIDL", "STLS", "USER"), "Logging out"
    )


def _smtpsvc(server: Server, _node: Node) -> SmtpFace:
    """The SMTP service of Windows alone: no X-LINK2STATE and no XEXCH50."""
    version = "Version: 6.0.3790.4675"
    keywords = ("TURN", "SIZE 2097152", "ETRN", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES")
    return SmtpFace(
        f"{server.name} Microsoft ESMTP MAIL Service, {version} ready at  {{date}}",
        (f"{server.name} Hello [{{client}}]", *keywords, "8bitmime", "CHUNKING", "VRFY", "OK"),
    )


def _iis_page(_server: Server, _node: Node, _request: Request) -> Response:
    headers = (("Content-Type", "text/html"), ("Server", "Microsoft-IIS/6.0"))
    return Response(200, "OK", (*headers, ("X-Powered-By", "ASP.NET")), page("IIS", "Welcome"))


_SMTP = frozenset({Service.HTTPS, Service.SMTP})
_NONE = IdentityPrecision.NONE
_PHISHING = _always((("Server", "Apache"), _HTML), phishing_copy(_VICTIM, "15.1.2507"))
_Z_PUSH = _active_sync(
    "Apache", ("MS-Server-ActiveSync", "14.0"), ("X-Z-Push-Version", "2.7.1"),
    ("MS-ASProtocolVersions", "2.0,2.1,2.5,12.0,12.1,14.0"),
)  # fmt: skip
_SOGO = _active_sync("nginx", ("MS-Server-ActiveSync", "14.1"), ("X-SOGo", "5.11.2"))

KINDS = (
    Kind("exchange_online", "Exchange Online", False, web=_online, smtp=_online_smtp,
         imap=_online_imap, visible=_NONE, always=_SMTP),
    Kind("zpush", "Z-Push: ActiveSync without Exchange", False, web=_Z_PUSH, smtp=_postfix),
    Kind("sogo", "SOGo: ActiveSync without Exchange", False, web=_SOGO, smtp=_postfix),
    Kind("gromox", "grommunio, which names an Exchange version", False, web=_gromox, smtp=_postfix),
    Kind("decoy_c2", "a command-and-control server dressed as Exchange Online", False,
         web=_always(_C2)),
    Kind("decoy_nginx", "an nginx dressed as Exchange", False, web=_always(_DRESSED)),
    Kind("phishing", "a copied sign-in page on a foreign host", False, web=_PHISHING),
    Kind("postfix_dovecot", "Postfix, Dovecot and Roundcube", False, web=_plain_web,
         smtp=_postfix, imap=_dovecot_imap, pop=_dovecot_pop, always=_SMTP),
    Kind("iis_smtp", "the SMTP service of Windows without Exchange", False, web=_iis_page,
         smtp=_smtpsvc, always=_SMTP),
)  # fmt: skip
