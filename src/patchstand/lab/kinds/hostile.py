"""Servers that harm a careless client; a population must ask for them by name."""

from patchstand.lab import exchange_mail as mail
from patchstand.lab import exchange_web as web
from patchstand.lab.servers import Kind, Service, Trouble
from patchstand.model import IdentityPrecision, ProductLine

_SAYS = {
    Trouble.SILENT: "accepts connections and never answers",
    Trouble.SLOW: "answers one byte a second",
    Trouble.ENDLESS_HEADER: "sends header lines without end",
    Trouble.HUGE_BODY: "announces a body of 1 GB and sends it",
    Trouble.GZIP_BOMB: "sends a small gzip body that inflates to 1 GB",
    Trouble.BROKEN_TLS: "answers the TLS handshake with rubbish",
    Trouble.RANDOM_BYTES: "sends random bytes",
    Trouble.RESET: "resets the connection after the first bytes",
    Trouble.PLAIN_HTTP: "speaks HTTP without TLS on the HTTPS port",
    Trouble.REFUSED: "nobody listens",
}
_BOTH = frozenset({Service.HTTPS, Service.SMTP})
# Their mail side answers as an Exchange server does, so the generation can be told.
_HONEST_MAIL = {Trouble.BROKEN_TLS, Trouble.PLAIN_HTTP}


def _of(trouble: Trouble, says: str) -> Kind:
    honest = trouble in _HONEST_MAIL
    return Kind(
        name="plain_http_on_443" if trouble is Trouble.PLAIN_HTTP else trouble.value,
        says=says,
        is_exchange=True if honest else None,
        lines=(ProductLine.V2019,) if honest else (),
        web=web.modern,
        smtp=mail.smtp,
        visible=IdentityPrecision.LINE if honest else IdentityPrecision.NONE,
        always=_BOTH,
        trouble=trouble,
    )


KINDS = tuple(_of(trouble, says) for trouble, says in _SAYS.items())
