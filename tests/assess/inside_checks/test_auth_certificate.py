"""The certificate for OAuth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.assess.certified import FIRST, SECOND, certificate
from tests.assess.inside_checks.servers import DAY, Server, obj, run

from patchstand.assess.inside_checks.auth_certificate import CHECK
from patchstand.model.inside import StoredCertificate, Value

STORE, AUTH = "GetExchangeCertificate", "GetAuthConfig"


def a_server(
    *found: StoredCertificate, current: Value = FIRST, following: Value = "", starts: Value = None
) -> Server:
    settings = obj(
        CurrentCertificateThumbprint=current,
        NextCertificateThumbprint=following,
        NextCertificateEffectiveDate=starts,
    )
    return Server(exports={STORE: [], AUTH: [settings]}, certificates={STORE: found})


@pytest.mark.parametrize(
    ("left", "finding"),
    [
        (-1, "auth_certificate_expired"),
        (0, "auth_certificate_expires"),
        (60, "auth_certificate_expires"),
        (61, None),
    ],
)
def test_sixty_days_are_the_warning(left: int, finding: str | None) -> None:
    """Its renewal takes longer than that of others, across all servers."""
    ran = run(CHECK, a_server(certificate(left=left)))

    assert list(ran.findings) == ([finding] if finding else [])


def test_a_successor_that_takes_over_in_time_is_enough() -> None:
    """It must be here, live longer, and start before the current one ends."""
    old, new = certificate(left=20), certificate(left=900, thumbprint=SECOND)
    noon = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
    in_time, too_late = noon + timedelta(days=10), noon + timedelta(days=40)

    followed = a_server(old, new, following=SECOND, starts=in_time)
    late = a_server(old, new, following=SECOND, starts=too_late)
    absent = a_server(old, following=SECOND, starts=in_time)

    assert run(CHECK, followed).findings == {}
    assert list(run(CHECK, late).findings) == ["auth_certificate_expires"]
    assert list(run(CHECK, absent).findings) == ["auth_certificate_expires"]


@pytest.mark.parametrize(("current", "found"), [("", [certificate()]), (SECOND, [certificate()])])
def test_a_certificate_that_is_named_must_be_here(
    current: str, found: list[StoredCertificate]
) -> None:
    """None named, and another than those here, are both missing."""
    ran = run(CHECK, a_server(*found, current=current))

    assert list(ran.findings) == ["auth_certificate_missing"]


def test_spaces_and_case_do_not_make_another_thumbprint() -> None:
    """As people paste it."""
    spaced = " ".join(FIRST.lower()[at : at + 2] for at in range(0, 40, 2))

    assert run(CHECK, a_server(certificate(), current=spaced)).findings == {}


def test_what_is_not_exported_is_wanted() -> None:
    """Neither the setting nor the store is assumed."""
    without_store = Server(exports={AUTH: [obj(CurrentCertificateThumbprint=FIRST)]})

    assert run(CHECK, Server()).unread == {AUTH: set()}
    assert run(CHECK, without_store).unread == {STORE: set()}


def test_an_edge_server_has_none() -> None:
    """Edge servers are outside the organisation."""
    edge = replace(a_server(), exports={"GetExchangeServer": [obj(IsEdgeServer=True)]})

    assert run(CHECK, edge).said == ()
