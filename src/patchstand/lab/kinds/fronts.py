"""Exchange behind something: headers stripped or rewritten, load balancers, gateways."""

from patchstand.lab import exchange_mail as mail
from patchstand.lab import exchange_web as web
from patchstand.lab.answers import Headers, Request, Response, SmtpFace
from patchstand.lab.kinds.exchange import MODERN
from patchstand.lab.pages import page, plain_sign_in
from patchstand.lab.servers import Kind, Node, Server, Service, Web
from patchstand.model import IdentityPrecision, ProductLine

_HIDDEN = ("x-owa-version", "x-feserver", "x-beserver", "x-calculatedbetarget", "x-diaginfo")
_STRIPPED = (*_HIDDEN, "x-powered-by", "x-aspnet-version", "request-id", "x-frame-options")
_HTML = ("Content-Type", "text/html; charset=utf-8")
_LINE = IdentityPrecision.LINE
_WEB = frozenset({Service.HTTPS})
_WITH_MAIL = frozenset({Service.HTTPS, Service.SMTP})


def _with_server(headers: Headers, name: str) -> Headers:
    return tuple((key, name if key == "Server" else value) for key, value in headers)


def _stripped(server: Server, node: Node, request: Request) -> Response:
    answer = web.modern(server, node, request).without(*_STRIPPED)
    if request.path.startswith("/ecp/") and answer.status == 200:
        answer = web.not_found()
    return answer.replacing(_with_server(answer.headers, "Apache"))


def _only_mail(_server: Server, _node: Node, request: Request) -> Response:
    """Version folders cut out of the page, no header of Exchange left."""
    headers = (("Server", "web"), _HTML)
    if request.path.startswith("/owa/auth/logon.aspx"):
        return Response(200, "OK", headers, plain_sign_in())
    if request.path.startswith("/owa"):
        return Response(302, "Found", (*headers, ("Location", "/owa/auth/logon.aspx")))
    return Response(403, "Forbidden", headers, page("Forbidden", "Forbidden"))


def _rewritten(server: Server, node: Node, request: Request) -> Response:
    answer = web.modern(server, node, request)
    major, minor, build, revision = node.build.parts
    padded = ("x-owa-version", f"{major:02}.{minor:02}.{build:04}.{revision:03}")
    return answer.replacing(
        tuple(
            padded if name == "X-OWA-Version" else (name, value) for name, value in answer.headers
        )
    )


def _kemp(_server: Server, _node: Node, request: Request) -> Response:
    if request.path.startswith("/lm_auth_proxy"):
        text = "To use LoadMaster ESP Login, javascript must be enabled"
        image = '<img src="/lm_auth_proxy?LMimage=logo.png">'
        return Response(
            200, "OK", (_HTML,), page("LoadMaster", f"<noscript>{text}</noscript>{image}")
        )
    location = ("Location", f"{request.origin}/lm_auth_proxy?LMLogon")
    return Response(302, "Found", (location, ("Cache-Control", "no-cache"), _HTML))


def _f5(server: Server, node: Node, request: Request) -> Response:
    member = sum(node.name.encode()) * 65536 + 20480
    return web.modern(server, node, request).adding(
        (
            "Set-Cookie",
            f"BIGipServerpool_exchange_owa={member}.47873.0000; path=/; Httponly; Secure",
        ),
        ("Set-Cookie", f"TS01{member:08x}=01a2b3c4d5; Path=/; Secure; HTTPOnly"),
    )


def _netscaler(server: Server, node: Node, request: Request) -> Response:
    if request.path.startswith(("/vpn", "/logon/logonpoint")):
        location = ("Location", "/logon/LogonPoint/tmindex.html")
        return Response(302, "Object Moved", (location, _HTML))
    return web.modern(server, node, request).adding(
        ("Via", "NS-CACHE-10.0:  50"),
        ("Cneonction", "close"),
        (
            "Set-Cookie",
            "NSC_pxb_wtfswfs=ffffffff0952381845525d5f4f58455e445a4a42378b;path=/;secure",
        ),
    )


def _nginx(server: Server, node: Node, request: Request) -> Response:
    """A proxy of the HTTP/2 age: its own Server first, names in lower case."""
    rest = web.modern(server, node, request).without("server")
    lowered = tuple((name.lower(), value) for name, value in rest.headers)
    return rest.replacing((("Server", "nginx"), ("Date", ""), *lowered))


def _waf(server: Server, node: Node, request: Request) -> Response:
    if not request.path.startswith("/owa"):
        body = page(
            "Request blocked", "<h1>Request blocked</h1>Blocked by the web application firewall"
        )
        return Response(403, "Forbidden", (("Date", ""), ("Server", "Apache"), _HTML), body)
    answer = web.modern(server, node, request).without(*_HIDDEN)
    return answer.replacing(_with_server(answer.headers, "Apache")).adding(
        ("Set-Cookie", "HASH_ReverseProxyId=9A1C0F; path=/; secure; HttpOnly")
    )


def _adfs(_server: Server, _node: Node, request: Request) -> Response:
    query = f"version=1.0&action=signin&realm=urn%3aAppProxy%3acom&appRealm=owa&pfi={request.path}"
    location = ("Location", f"https://adfs.lab.invalid/adfs/ls?{query}")
    return Response(307, "Temporary Redirect", (location, ("Server", "Microsoft-HTTPAPI/2.0")))


def _gateway(server: Server, _node: Node) -> SmtpFace:
    """A mail gateway stands before the web side's Exchange: nothing of it says Exchange."""
    name = f"mx.{server.name}"
    keywords = ("PIPELINING", "SIZE 52428800", "STARTTLS", "8BITMIME", "DSN")
    return SmtpFace(f"{name} ESMTP ready.", (name, *keywords), "2.0.0 Bye", "2.0.0 Ready")


def _front(name: str, says: str, answer: Web, visible: IdentityPrecision | None = None) -> Kind:
    return Kind(
        name=name,
        says=says,
        is_exchange=True,
        lines=MODERN,
        web=answer,
        smtp=mail.smtp,
        visible=visible,
        # Where the web side says nothing, the mail side is what tells the generation.
        always=_WITH_MAIL if visible is _LINE else _WEB,
    )


_MAIL_ONLY = Kind(
    name="ehlo_only",
    says="every trace cut from the web side; the EHLO keywords alone tell the generation",
    is_exchange=True,
    lines=(ProductLine.V2019, ProductLine.SE),
    web=_only_mail,
    smtp=mail.smtp,
    visible=IdentityPrecision.LINE,
    always=_WITH_MAIL,
)
_BEHIND_GATEWAY = Kind(
    name="mail_gateway",
    says="Exchange on the web side, another product's gateway on the mail side",
    is_exchange=True,
    lines=MODERN,
    web=web.modern,
    smtp=_gateway,
    always=_WITH_MAIL,
)
KINDS = (
    _front("stripped", "no X-* headers, Server replaced, the path is left", _stripped,
           IdentityPrecision.CU),
    _MAIL_ONLY,
    # What an administrator writes himself proves nothing; the path is left.
    _front("rewritten", "the version zero-padded by a rewrite rule", _rewritten,
           IdentityPrecision.CU),
    _front("kemp", "Kemp LoadMaster asks for a sign-in first", _kemp, _LINE),
    _front("f5", "F5 BIG-IP adds its cookies", _f5),
    _front("netscaler", "Citrix NetScaler adds cookie, Via and Cneonction", _netscaler),
    _front("nginx_front", "nginx in front: headers in lower case", _nginx),
    _front("waf", "Sophos firewall: no version, other paths blocked", _waf, IdentityPrecision.CU),
    _front("adfs", "Web Application Proxy sends everyone to AD FS", _adfs, _LINE),
    _BEHIND_GATEWAY,
)  # fmt: skip
