"""Exchange servers without anything in front, of every line from 2003 to SE."""

from patchstand.lab import exchange_mail as mail
from patchstand.lab import exchange_web as web
from patchstand.lab.answers import Request, Response
from patchstand.lab.servers import Kind, Node, Server, Service, Tls
from patchstand.model import IdentityPrecision, ProductLine

MODERN = (ProductLine.V2013, ProductLine.V2016, ProductLine.V2019, ProductLine.SE)


def _broken(_server: Server, node: Node, request: Request) -> Response:
    """A 2013 or later whose back end fails: everything leads to the error page."""
    after = (("Server", f"Microsoft-IIS/{node.iis}"), ("X-Powered-By", "ASP.NET"))
    if request.path.startswith("/owa/auth/errorfe.aspx"):
        return Response(500, "Internal Server Error", after)
    return web.redirect("/owa/auth/errorFE.aspx?httpCode=500", (), after)


def _of(line: ProductLine) -> Kind:
    return Kind(
        name=line.value,
        says=f"Exchange {line.value}, nothing in front",
        is_exchange=True,
        lines=(line,),
        web=web.modern if line in MODERN else web.classic,
        smtp=mail.smtp,
        imap=mail.imap,
        pop=mail.pop,
        tls=Tls.ONLY_1_0 if line is ProductLine.V2007 else None,
    )


_OF_2003 = Kind(
    name="2003",
    says="Exchange 2003: the build only in the IMAP and POP greetings",
    is_exchange=True,
    lines=(ProductLine.V2003,),
    web=web.of_2003,
    smtp=mail.smtp_of_2003,
    imap=mail.imap_of_2003,
    pop=mail.pop_of_2003,
    tls=Tls.ONLY_1_0,
    always=frozenset(Service),
)
_MIXED = Kind(
    name="mixed",
    says="two to four back ends with different builds behind one address",
    is_exchange=True,
    lines=MODERN,
    nodes=(2, 4),
    web=web.modern,
    smtp=mail.smtp,
    imap=mail.imap,
    pop=mail.pop,
)
_BROKEN = Kind(
    name="error_fe",
    says="Exchange 2013 or later whose web side only shows its error page",
    is_exchange=True,
    lines=MODERN,
    web=_broken,
    smtp=mail.smtp,
    visible=IdentityPrecision.LINE,
)

_LINES = (ProductLine.V2007, ProductLine.V2010, *MODERN)
KINDS = (_OF_2003, *(_of(line) for line in _LINES), _MIXED, _BROKEN)
