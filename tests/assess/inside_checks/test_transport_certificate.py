"""The certificate for mail between servers."""

import pytest
from tests.assess.certified import FIRST, SECOND, certificate
from tests.assess.inside_checks.servers import Server, obj, run

from patchstand.assess.inside_checks.transport_certificate import CHECK
from patchstand.model.inside import PsObject, StoredCertificate

STORE, TRANSPORT = "GetExchangeCertificate", "GetTransportService"


def service(thumbprint: str, server: str = "EX1") -> PsObject:
    return obj(Server=server, InternalTransportCertificateThumbprint=thumbprint)


def a_server(*found: StoredCertificate, services: "list[PsObject] | None" = None) -> Server:
    exports = {
        STORE: [],
        TRANSPORT: services or [service(FIRST)],
        "GetExchangeServer": [obj(Name="EX1")],
    }
    return Server(exports=exports, certificates={STORE: found})


@pytest.mark.parametrize(
    ("left", "finding"),
    [
        (-1, "transport_certificate_expired"),
        (30, "transport_certificate_expires"),
        (31, None),
    ],
)
def test_thirty_days_are_the_warning(left: int, finding: str | None) -> None:
    """As for other certificates."""
    ran = run(CHECK, a_server(certificate(left=left)))

    assert list(ran.findings) == ([finding] if finding else [])


def test_one_that_is_named_must_be_here() -> None:
    """Another certificate does not replace it."""
    ran = run(CHECK, a_server(certificate(thumbprint=SECOND)))

    assert ran.value("transport_certificate_missing", "thumbprint") == FIRST


def test_the_services_of_other_servers_do_not_count() -> None:
    """An export of the whole organisation names one per server."""
    services = [service(SECOND, "EX2"), service(FIRST)]

    assert run(CHECK, a_server(certificate(), services=services)).findings == {}


def test_the_certificate_itself_may_be_exported() -> None:
    """HealthChecker's collector writes the certificate in place of its name."""
    itself = "GetInternalTransportCertificateFromServer"
    server = Server(
        exports={STORE: []},
        certificates={STORE: [certificate(left=-1)], itself: [certificate(left=-1)]},
    )

    assert list(run(CHECK, server).findings) == ["transport_certificate_expired"]


def test_what_is_not_exported_is_wanted() -> None:
    """Neither the name nor the store is assumed."""
    assert run(CHECK, Server()).unread == {TRANSPORT: set()}
    assert run(CHECK, Server(exports={TRANSPORT: [service(FIRST)]})).unread == {STORE: set()}
