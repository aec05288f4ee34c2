"""CVE-2020-1147 by the file versions of two libraries."""

from datetime import UTC, datetime

import pytest
from tests.assess.inside_checks.servers import E2016, Server, obj, run, table

from patchstand.assess.inside_checks.dotnet_data_set import CHECK
from patchstand.model import Severity, Status
from patchstand.model.inside import PsObject, Value

CVE = "CVE-2020-1147"
EXPORT = "GetDotNetDllFileVersions"
OLD, NEW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 6, 12, tzinfo=UTC)


def library(numbers: str, written: Value = NEW, **more: Value) -> PsObject:
    names = ("FileMajorPart", "FileMinorPart", "FileBuildPart", "FilePrivatePart")
    parts = dict(zip(names, map(int, numbers.split(".")), strict=True))
    return obj(VersionInfo=obj(**parts), LastWriteTimeUtc=written, **more)


def both(first: PsObject, second: PsObject) -> PsObject:
    return table(**{"System.Data.dll": first, "System.Configuration.dll": second})


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("4.8.4190.0", "4.8.4190.0", Status.FIXED),
        ("4.8.4189.9", "4.8.4190.0", Status.AFFECTED),
        ("4.8.4190.0", "4.8.3761.0", Status.AFFECTED),
        ("4.7.3630.0", "4.7.3630.0", Status.FIXED),
        ("4.7.3629.0", "4.7.3630.0", Status.AFFECTED),
        ("4.8.9032.0", "4.8.9032.0", Status.FIXED),
    ],
)
def test_both_libraries_must_be_new(first: str, second: str, status: Status) -> None:
    """One old library leaves the flaw open; .NET 4.8 has a threshold of its own."""
    ran = run(CHECK, Server(exports={EXPORT: [both(library(first), library(second))]}))

    assert ran.status(CVE) is status
    assert ("dotnet_data_set" in ran.findings) is (status is Status.AFFECTED)


def test_it_was_used_in_attacks() -> None:
    """An open flaw that is known to be exploited is critical."""
    old = library("4.8.3761.0")

    assert (
        run(CHECK, Server(exports={EXPORT: [both(old, old)]})).severity("dotnet_data_set")
        is Severity.CRITICAL
    )


@pytest.mark.parametrize(
    "found",
    [
        [],
        [both(library("4.8.4190.0"), library("4.8.4190.0", OLD))],
        [both(library("4.8.4190.0"), library("4.8.4190.0", None))],
        [table(**{"System.Data.dll": library("4.8.4190.0")})],
        [both(library("4.8.4190.0"), obj(VersionInfo=obj(), LastWriteTimeUtc=NEW))],
    ],
    ids=["no export", "old file", "no time", "one library", "no numbers"],
)
def test_what_does_not_fit_together_stays_undetermined(found: list[PsObject]) -> None:
    """A new number in an old file, or a part that is missing, is neither fine nor open."""
    ran = run(CHECK, Server(exports={EXPORT: found} if found else {}))

    assert ran.status(CVE) is Status.UNDETERMINED
    assert ran.unread == {EXPORT: {CVE}}


def test_files_as_get_item_lists_them_are_read_too() -> None:
    """A list of files with names says the same as HealthChecker's hashtable."""
    new = [
        library("4.8.4190.0", Name="System.Data.dll"),
        library("4.8.4190.0", Name="system.configuration.DLL"),
    ]

    ran = run(CHECK, Server(E2016, exports={EXPORT: new}))

    assert ran.status(CVE) is Status.FIXED
