"""CVE-2021-34470 by the schema class."""

from collections.abc import Callable

import pytest
from tests.assess.inside_checks.servers import E2013, E2016_CU22, Server, listed, obj, run, table

from patchstand.assess.inside_checks.ad_storage_group import CHECK
from patchstand.model import Status
from patchstand.model.inside import PsObject

CVE = "CVE-2021-34470"
EXPORT = "GetExchangeAdSchemaClass_ms-Exch-Storage-Group"
BEFORE_CU21 = "15.1.2242.12"


def search_result(*superiors: str) -> PsObject:
    found = {"possSuperiors": listed(*superiors)} if superiors else {}
    return obj(Properties=table(name=listed("ms-Exch-Storage-Group"), **found))


def ad_object(*superiors: str) -> PsObject:
    return obj(Name="ms-Exch-Storage-Group", possSuperiors=listed(*superiors))


@pytest.mark.parametrize("made", [search_result, ad_object])
@pytest.mark.parametrize("build", [BEFORE_CU21, E2013, E2016_CU22])
def test_a_computer_above_leaves_it_open(made: Callable[..., PsObject], build: str) -> None:
    """Whoever exports it, and whatever the build: the schema decides."""
    open_one = run(CHECK, Server(build, {EXPORT: [made("msExchInformationStore", "Computer")]}))
    closed = run(CHECK, Server(build, {EXPORT: [made()]}))

    assert open_one.status(CVE) is Status.AFFECTED
    assert "ad_storage_group" in open_one.findings
    assert closed.status(CVE) is Status.FIXED


@pytest.mark.parametrize("found", [None, obj(Properties=table(name=listed("user")))])
def test_another_object_is_no_cleared_class(found: PsObject | None) -> None:
    """An attribute that is missing counts only in the class itself."""
    ran = run(CHECK, Server(BEFORE_CU21, {EXPORT: [found]} if found else {}))

    assert ran.status(CVE) is Status.UNDETERMINED
    assert ran.unread == {EXPORT: {CVE}}
