"""Protected mail with AES256-CBC."""

import pytest
from tests.assess.inside_checks.servers import E2016, E2016_CU22, Server, obj, run

from patchstand.assess.inside_checks.protected_mail import CHECK
from patchstand.model import Severity

RIGHTS, DETAILS = "GetIrmConfiguration", "GetExchangeAES256CBCDetails"


def a_server(build: str, *, valid: "bool | None" = None, **used: bool) -> Server:
    unused = dict.fromkeys(("InternalLicensingEnabled", "ExternalLicensingEnabled"), False)
    exports = {RIGHTS: [obj(**(unused | used))]}
    if valid is not None:
        exports[DETAILS] = [obj(ValidAESConfiguration=valid)]
    return Server(build, exports)


def test_who_does_not_protect_mail_is_not_asked() -> None:
    """Neither an old build nor a missing key matters then."""
    assert run(CHECK, a_server(E2016_CU22)).said == ()
    assert run(CHECK, a_server(E2016)).said == ()


@pytest.mark.parametrize(
    ("used", "severity"),
    [("InternalLicensingEnabled", Severity.LOW), ("ExternalLicensingEnabled", Severity.INFO)],
)
def test_an_old_build_cannot_read_it(used: str, severity: Severity) -> None:
    """It weighs more with an RMS of one's own."""
    ran = run(CHECK, a_server(E2016_CU22, **{used: True}))

    assert ran.severity("protected_mail_unreadable") is severity


def test_a_new_build_needs_a_key_for_an_own_rms() -> None:
    """The rights on the key are read where they matter, and wanted where they are missing."""
    incomplete = run(CHECK, a_server(E2016, valid=False, InternalLicensingEnabled=True))
    complete = run(CHECK, a_server(E2016, valid=True, InternalLicensingEnabled=True))
    unknown = run(CHECK, a_server(E2016, InternalLicensingEnabled=True))
    cloud = run(CHECK, a_server(E2016, ExternalLicensingEnabled=True))

    assert list(incomplete.findings) == ["protected_mail_incomplete"]
    assert complete.said == cloud.said == ()
    assert unknown.unread == {DETAILS: set()}
    assert run(CHECK, Server(E2016)).unread == {RIGHTS: set()}
