"""Download domains separate attachments of the log-in page's domain (CVE-2021-1730).

They are on when the organisation says so and the virtual directories of OWA have names for
them (Microsoft Learn, "Configure download domains in Exchange Server").
"""

from collections.abc import Iterator

from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import OTHER_MISSING_UPDATE
from patchstand.model import Finding, Remedy

_CVES = ("CVE-2021-1730",)
_NAMES = ("InternalDownloadHostName", "ExternalDownloadHostName")


def _run(inside: Inside) -> Iterator[Said]:
    enabled = inside.state.reading("GetOrganizationConfig", "EnableDownloadDomains")
    if enabled is None:
        yield Unread("GetOrganizationConfig", _CVES)
        return
    read = [enabled]
    is_on = enabled.value == "True"
    for directory in inside.state.objects("GetOwaVirtualDirectory"):
        for name in _NAMES:
            reading = inside.state.reading("GetOwaVirtualDirectory", name, directory)
            if reading is not None:
                read.append(reading)
                is_on = is_on and bool(reading.value)
    yield Decision(_CVES, not is_on, tuple(read))
    if not is_on:
        yield Finding(
            "download_domains",
            OTHER_MISSING_UPDATE,
            remedy=(Remedy("enable_download_domains"),),
            cves=_CVES,
            read=tuple(read),
        )


CHECK = InsideCheck("download_domains", _run)
