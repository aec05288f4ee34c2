"""The schema class through which CVE-2021-34470 gains rights.

Exchange's schema lets a storage group lie below a computer, until /PrepareSchema of the July
2021 updates clears `possSuperiors` (Microsoft's Test-CVE-2021-34470.ps1).
"""

from collections.abc import Iterator

from patchstand.assess.directory import attribute
from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.values import texts
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, shown

_CVES = ("CVE-2021-34470",)
_EXPORT = "GetExchangeAdSchemaClass_ms-Exch-Storage-Group"
_NAMES = frozenset({"ms-exch-storage-group", "msexchstoragegroup"})
_ATTRIBUTE = "possSuperiors"


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves or is_edge(inside.state):
        return
    schema_class = inside.state.one(_EXPORT)
    if schema_class is None or not _is_the_class(schema_class):
        yield Unread(_EXPORT, cves)
        return
    superiors = texts(attribute(schema_class, _ATTRIBUTE))
    is_open = any(name.lower() == "computer" for name in superiors)
    file = inside.state.exports[_EXPORT.lower()].file
    read = (Reading(file, _ATTRIBUTE, ", ".join(superiors)),)
    yield Decision(cves, is_open, read)
    if is_open:
        yield Finding(
            "ad_storage_group",
            inside.severity(cves),
            remedy=(Remedy("prepare_schema"),),
            references=("MSRC CVE-2021-34470",),
            cves=cves,
            read=read,
        )


def _is_the_class(found: PsObject) -> bool:
    """An object that names itself: else a cleared attribute and a wrong object look alike."""
    names = (shown(attribute(found, name)).lower() for name in ("name", "cn", "lDAPDisplayName"))
    return any(name in _NAMES for name in names)


CHECK = InsideCheck("ad_storage_group", _run)
