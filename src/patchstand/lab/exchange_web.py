"""The web side of Exchange 2003 to SE, as recorded: paths, statuses, headers, their order."""

from collections.abc import Callable
from urllib.parse import quote
from uuid import uuid4

from patchstand.lab.answers import Headers, Request, Response
from patchstand.lab.pages import classic_sign_in, manifest, modern_sign_in, page
from patchstand.lab.servers import Node, Server
from patchstand.model import ProductLine

_HTML = "text/html; charset=utf-8"
_ASP_NET = ("X-Powered-By", "ASP.NET")
_MANIFEST = "/exporttool/microsoft.exchange.ediscovery.exporttool.application"
_TITLES = {ProductLine.V2007: "Outlook Web Access", ProductLine.V2010: "Outlook Web App"}
_TITLES[ProductLine.V2013] = "Outlook Web App"


def not_found(*headers: tuple[str, str]) -> Response:
    """What IIS says of a path that is not there."""
    body = page("404 - File or directory not found.", "<h2>404 - File or directory not found.</h2>")
    return Response(404, "Not Found", (("Content-Type", "text/html"), *headers), body)


def redirect(location: str, before: Headers, after: Headers, status: int = 302) -> Response:
    """A redirect; `before` and `after` stand around Location and Content-Type as on IIS."""
    body = (
        "<html><head><title>Object moved</title></head><body>\r\n"
        f'<h2>Object moved to <a href="{location.replace("&", "&amp;")}">here</a>.</h2>\r\n'
        "</body></html>\r\n"
    ).encode()
    headers = (*before, ("Content-Type", _HTML), ("Location", location), *after)
    return Response(status, "Found" if status == 302 else "Temporary Redirect", headers, body)


def _sign_in_location(request: Request) -> str:
    origin = request.origin
    asked = quote(f"{origin}{request.path}", safe="")
    return f"{origin}/owa/auth/logon.aspx?url={asked.lower()}&reason=0"


# --- 2013 and later ---------------------------------------------------------------------


def _marks(node: Node) -> Headers:
    """Server, request-id and, on updates from mid-2021 on, the version."""
    version = (("X-OWA-Version", node.shown),) if node.says_version else ()
    return (("Server", f"Microsoft-IIS/{node.iis}"), ("request-id", str(uuid4())), *version)


def _front_end(node: Node) -> Headers:
    return (_ASP_NET, ("X-FEServer", node.name))


def _proxied(node: Node) -> Headers:
    return (
        ("X-CalculatedBETarget", node.host),
        ("X-DiagInfo", node.name),
        ("X-BEServer", node.name),
    )


def _to_sign_in(node: Node, request: Request) -> Response:
    before = (("Cache-Control", "private"),)
    after = (*_marks(node), ("X-AspNet-Version", "4.0.30319"), *_front_end(node))
    return redirect(_sign_in_location(request), before, after)


def _sign_in_page(node: Node, _request: Request) -> Response:
    headers = (
        ("Cache-Control", "no-cache, no-store"),
        ("Pragma", "no-cache"),
        ("Content-Type", _HTML),
        ("Expires", "-1"),
        *_marks(node),
        ("X-Frame-Options", "SAMEORIGIN"),
        ("X-AspNet-Version", "4.0.30319"),
        *_front_end(node),
    )
    body = modern_sign_in(node.cu_path, _TITLES.get(node.line, "Outlook"))
    return Response(200, "OK", headers, body)


def _asks_for(*methods: str) -> Callable[[Node, Request], Response]:
    """A directory that wants credentials: 401 with these methods, in this order."""

    def answer(node: Node, request: Request) -> Response:
        basic = f'Basic realm="{request.host or node.host}"'
        offers = tuple(("WWW-Authenticate", basic if m == "Basic" else m) for m in methods)
        return Response(401, "Unauthorized", (*_marks(node), *offers, *_front_end(node)))

    return answer


def _powershell(node: Node, request: Request) -> Response:
    if node.powershell == 401:
        return _asks_for("Kerberos")(node, request)
    if node.powershell == 404:
        return _missing(node, request)
    body = page("403 - Forbidden", "<h2>403 - Forbidden: Access is denied.</h2>")
    return Response(403, "Forbidden", (("Content-Type", "text/html"), *_marks(node)), body)


def _login_timeout(node: Node, _request: Request) -> Response:
    return Response(440, "Login Timeout", (*_marks(node), *_front_end(node)))


def _health(node: Node, _request: Request) -> Response:
    body = f"200 OK<br/>{node.host.upper()}".encode()
    return Response(200, "OK", (("Content-Type", "text/html"), *_marks(node)), body)


def _ecp(node: Node, request: Request) -> Response:
    """The control panel: sign-in, and on some servers the manifest of the export tool."""
    folder, found, _ = request.path.partition(_MANIFEST)
    build = folder.removeprefix("/ecp/")
    if not (found and node.has_manifest):
        return _to_sign_in(node, request)
    if build not in ("current", str(node.build)):
        return _missing(node, request)
    kind = ("Content-Type", "application/x-ms-application")
    headers = (kind, *_marks(node), *_proxied(node), *_front_end(node))
    return Response(200, "OK", headers, manifest(str(node.build)))


def _theme(node: Node, request: Request) -> Response:
    """Files of the version folders: there for the own CU only."""
    if request.path.startswith(f"/owa/auth/{node.cu_path}/themes/resources/"):
        kind = ("Content-Type", "image/x-icon")
        return Response(200, "OK", (kind, *_marks(node), *_front_end(node)), b"\0\0\1\0")
    if request.path.startswith(f"/owa/auth/{node.build}/"):
        return Response(403, "Forbidden", (*_marks(node), *_front_end(node)))
    return _missing(node, request)


def _missing(node: Node, _request: Request) -> Response:
    return not_found(("Server", f"Microsoft-IIS/{node.iis}"), _ASP_NET)


def _root(node: Node, request: Request) -> Response:
    before = (("Cache-Control", "private"),)
    after = (("Server", f"Microsoft-IIS/{node.iis}"), _ASP_NET)
    return redirect(f"{request.origin}/owa/", before, after)


Route = tuple[str, Callable[[Node, Request], Response]]
_MODERN_ROUTES: tuple[Route, ...] = (
    ("/owa/auth/logon.aspx", _sign_in_page),
    ("/owa/auth/1", _theme),
    ("/owa/healthcheck.htm", _health),
    ("/owa/service", _login_timeout),
    ("/owa", _to_sign_in),
    ("/ecp", _ecp),
    ("/ews/healthcheck.htm", _health),
    ("/ews", _asks_for("Negotiate", "NTLM")),
    ("/autodiscover", _asks_for("Negotiate", "NTLM", "Basic")),
    ("/microsoft-server-activesync", _asks_for("Basic")),
    ("/mapi/healthcheck.htm", _health),
    ("/mapi", _asks_for("Negotiate", "NTLM")),
    ("/oab", _asks_for("Negotiate", "NTLM")),
    ("/rpc", _asks_for("Negotiate", "NTLM", "Basic")),
    ("/powershell", _powershell),
)


def modern(_server: Server, node: Node, request: Request) -> Response:
    """Exchange 2013, 2016, 2019 and SE."""
    return _routed(_MODERN_ROUTES, _root, node, request)


def _routed(
    routes: tuple[Route, ...],
    root: Callable[[Node, Request], Response],
    node: Node,
    request: Request,
) -> Response:
    if request.path == "/":
        return root(node, request)
    for prefix, answer in routes:
        if request.path.startswith(prefix):
            return answer(node, request)
    return _missing(node, request)


# --- 2007 and 2010 ----------------------------------------------------------------------


def _classic_marks(node: Node) -> Headers:
    return (("Server", f"Microsoft-IIS/{node.iis}"), ("X-AspNet-Version", "2.0.50727"))


def _classic_to_sign_in(node: Node, request: Request) -> Response:
    before = (("Cache-Control", "private"),)
    after = (*_classic_marks(node), ("X-OWA-Version", node.shown), _ASP_NET)
    return redirect(_sign_in_location(request), before, after)


def _classic_sign_in_page(node: Node, _request: Request) -> Response:
    headers = (
        ("Cache-Control", "no-cache"),
        ("Pragma", "no-cache"),
        ("Content-Type", _HTML),
        ("Expires", "-1"),
        *_classic_marks(node),
        ("X-OWA-Version", node.shown),
        _ASP_NET,
    )
    return Response(200, "OK", headers, classic_sign_in(node.shown, _TITLES[node.line]))


def _classic_asks_for(*methods: str) -> Callable[[Node, Request], Response]:
    def answer(node: Node, request: Request) -> Response:
        basic = f'Basic realm="{request.host or node.host}"'
        offers = tuple(("WWW-Authenticate", basic if m == "Basic" else m) for m in methods)
        server = ("Server", f"Microsoft-IIS/{node.iis}")
        return Response(401, "Unauthorized", (server, *offers, _ASP_NET))

    return answer


_CLASSIC_ROUTES: tuple[Route, ...] = (
    ("/owa/auth/logon.aspx", _classic_sign_in_page),
    ("/owa", _classic_to_sign_in),
    ("/ews", _classic_asks_for("Negotiate", "NTLM")),
    ("/autodiscover", _classic_asks_for("Negotiate", "NTLM", "Basic")),
    ("/microsoft-server-activesync", _classic_asks_for("Basic")),
    ("/oab", _classic_asks_for("Negotiate", "NTLM")),
    ("/rpc", _classic_asks_for("Negotiate", "NTLM", "Basic")),
)
_ROUTES_OF_2010 = (("/ecp", _classic_to_sign_in), *_CLASSIC_ROUTES)


def classic(_server: Server, node: Node, request: Request) -> Response:
    """Exchange 2007 and 2010 (which has a control panel as well)."""
    routes = _ROUTES_OF_2010 if node.line is ProductLine.V2010 else _CLASSIC_ROUTES
    return _routed(routes, _root, node, request)


# --- 2003 -------------------------------------------------------------------------------

_IIS_6 = (("Server", "Microsoft-IIS/6.0"), _ASP_NET, ("MicrosoftOfficeWebServer", "5.0_Pub"))


def _old_to_sign_in(_node: Node, request: Request) -> Response:
    location = f"{request.origin}/exchweb/bin/auth/owalogon.asp?url={request.origin}/exchange/"
    return redirect(f"{location}&reason=0", (), _IIS_6)


def _old_sign_in_page(_node: Node, _request: Request) -> Response:
    body = page(
        "Microsoft Outlook Web Access",
        '<form action="/exchweb/bin/auth/owaauth.dll" method="POST" name="logonForm">'
        '<img src="/exchweb/img/logon_Microsoft.gif"></form>',
    )
    return Response(200, "OK", (("Content-Type", "text/html"), *_IIS_6), body)


def _old_asks_for_basic(node: Node, _request: Request) -> Response:
    basic = ("WWW-Authenticate", f'Basic realm="{node.host}"')
    return Response(401, "Unauthorized", (*_IIS_6[:1], basic, *_IIS_6[1:]))


_OLD_ROUTES: tuple[Route, ...] = (
    ("/exchweb/bin/auth/owalogon.asp", _old_sign_in_page),
    ("/exchange", _old_to_sign_in),
    ("/microsoft-server-activesync", _old_asks_for_basic),
    ("/rpc", _old_asks_for_basic),
)


def _under_construction(_node: Node, _request: Request) -> Response:
    body = page("Under Construction", "The site you were trying to reach has no default page.")
    return Response(200, "OK", (("Content-Type", "text/html"), *_IIS_6), body)


def of_2003(_server: Server, node: Node, request: Request) -> Response:
    """Exchange 2003: the web side shows the generation, never the build."""
    return _routed(_OLD_ROUTES, _under_construction, node, request)
