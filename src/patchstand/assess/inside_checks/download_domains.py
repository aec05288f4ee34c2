"""Download domains separate attachments of the log-in page's domain (CVE-2021-1730).

They are on when the organisation says so and each virtual directory of OWA has names for
them that are not the names of OWA itself (Microsoft Learn, "Configure download domains in
Exchange Server").
"""

import re
from collections.abc import Iterator

from patchstand.assess.exchange import is_edge, of_this_server
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.values import truth
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_CVES = ("CVE-2021-1730",)
_ORGANIZATION, _OWA = "GetOrganizationConfig", "GetOwaVirtualDirectory"
_NAMES = ("InternalDownloadHostName", "ExternalDownloadHostName")
_URLS = ("InternalUrl", "ExternalUrl")
_OF_URL = re.compile(r"(?i)^\s*https?://([^/:\s]+)")


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves or is_edge(inside.state):
        return
    enabled = inside.state.reading(_ORGANIZATION, "EnableDownloadDomains")
    if enabled is None:
        yield Unread(_ORGANIZATION, cves)
        return
    if truth(enabled.value) is not True:
        yield from _open(inside, cves, "off", (enabled,))
        return
    directories = _of_front_end(inside.state)
    if not directories:
        yield Unread(_OWA, cves)
        return
    read = (enabled, *(each for owa in directories for each in _names(inside.state, owa)))
    faults = {fault for owa in directories for fault in _faults(owa)}
    if faults:
        yield from _open(inside, cves, "no_name" if "no_name" in faults else "same_name", read)
    else:
        yield Decision(cves, False, read)


def _open(
    inside: Inside, cves: tuple[str, ...], how: str, read: tuple[Reading, ...]
) -> Iterator[Said]:
    yield Decision(cves, True, read)
    yield Finding(
        "download_domains",
        inside.severity(cves),
        (("how", how),),
        (Remedy("enable_download_domains"),),
        references=("Microsoft Learn: Configure download domains in Exchange Server",),
        cves=cves,
        read=read,
    )


def _faults(owa: PsObject) -> Iterator[str]:
    own = {_server_name(shown(owa.get(url))) for url in _URLS} - {""}
    for name in _NAMES:
        said = shown(owa.get(name)).strip().lower()
        if not said:
            yield "no_name"
        elif said in own:
            yield "same_name"


def _server_name(url: str) -> str:
    found = _OF_URL.match(url)
    return found[1].lower() if found else ""


def _of_front_end(state: ServerState) -> tuple[PsObject, ...]:
    """Users reach the front end only; the back end has no names of its own."""
    found = of_this_server(state, state.objects(_OWA))
    return tuple(each for each in found if "back end" not in shown(each.get("Name")).lower())


def _names(state: ServerState, owa: PsObject) -> Iterator[Reading]:
    for name in (*_NAMES, *_URLS):
        reading = state.reading(_OWA, name, owa)
        if reading is not None:
            yield reading


CHECK = InsideCheck("download_domains", _run)
