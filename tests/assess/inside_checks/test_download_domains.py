"""Download domains are on only when they have names of their own."""

import pytest
from tests.assess.inside_checks.servers import E2016_CU22, Server, obj, run

from patchstand.assess.inside_checks.download_domains import CHECK
from patchstand.model import Status
from patchstand.model.inside import PsObject, Value

CVE = "CVE-2021-1730"
ON = obj(EnableDownloadDomains=True)


def owa(internal: Value, external: Value, name: str = "owa (Default Web Site)") -> PsObject:
    return obj(
        Name=name,
        ServerName="EX1",
        InternalDownloadHostName=internal,
        ExternalDownloadHostName=external,
        InternalUrl="https://ex1.corp.example/owa",
        ExternalUrl="https://mail.example.com/owa",
    )


def a_server(organization: PsObject | None, *directories: PsObject) -> Server:
    exports = {"GetOwaVirtualDirectory": list(directories)} if directories else {}
    if organization is not None:
        exports["GetOrganizationConfig"] = [organization]
    return Server(E2016_CU22, exports)


GOOD = owa("download.example.com", "download.example.com")


@pytest.mark.parametrize(
    ("organization", "directory", "how"),
    [
        (obj(EnableDownloadDomains=False), GOOD, "off"),
        (obj(EnableDownloadDomains=None), GOOD, "off"),
        (ON, owa(None, "download.example.com"), "no_name"),
        (ON, owa("download.example.com", ""), "no_name"),
        (ON, owa("download.example.com", "MAIL.example.com"), "same_name"),
        (ON, owa("ex1.corp.example", "download.example.com"), "same_name"),
    ],
)
def test_it_is_open_until_all_is_set(organization: PsObject, directory: PsObject, how: str) -> None:
    """Off, without a name, or under the name of OWA itself: nothing is separated."""
    ran = run(CHECK, a_server(organization, directory))

    assert ran.status(CVE) is Status.AFFECTED
    assert ran.value("download_domains", "how") == how


def test_names_of_their_own_close_it() -> None:
    """On, and with other names than OWA: closed, and nothing is said."""
    ran = run(CHECK, a_server(ON, GOOD))

    assert ran.status(CVE) is Status.FIXED
    assert ran.findings == {}


def test_the_back_end_and_other_servers_do_not_count() -> None:
    """Users reach the front end of this server only."""
    back_end = owa(None, None, "owa (Exchange Back End)")
    other = obj(Name="owa (Default Web Site)", ServerName="EX2")
    exports = {
        "GetOrganizationConfig": [ON],
        "GetExchangeServer": [obj(Name="EX1")],
        "GetOwaVirtualDirectory": [back_end, other, GOOD],
    }

    assert run(CHECK, Server(E2016_CU22, exports)).status(CVE) is Status.FIXED


def test_what_is_missing_stays_open_as_a_question() -> None:
    """Without the organisation's setting, or without names to look at, nothing is decided."""
    assert run(CHECK, a_server(None, GOOD)).unread == {"GetOrganizationConfig": {CVE}}
    assert run(CHECK, a_server(ON)).unread == {"GetOwaVirtualDirectory": {CVE}}
    assert run(CHECK, a_server(ON)).status(CVE) is Status.UNDETERMINED


def test_an_edge_server_has_no_owa() -> None:
    """Nothing is said about a server without the service."""
    edge = Server(E2016_CU22, {"GetExchangeServer": [obj(IsEdgeServer=True)]})

    assert run(CHECK, edge).said == ()
