"""CVE-2020-0796 (SMBGhost): compression in SMB 3.1.1 on Windows 1903 and 1909.

Exchange 2019 runs on those releases as Server Core. KB4551762 brings revision 720; turning
compression off protects the server side only (MSRC, HealthChecker).
"""

from collections.abc import Iterator

from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.values import number
from patchstand.assess.windows import CURRENT, WMI, windows
from patchstand.model import Finding, Remedy

_CVES = ("CVE-2020-0796",)
_RELEASES = frozenset({18362, 18363})
_FIXED_REVISION = 720
_SERVER = r"SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves:
        return
    found = windows(inside.state)
    if found is None:
        yield Unread(WMI, cves)
        return
    if found.build not in _RELEASES:
        yield Decision(cves, False, (found.reading,))
        return
    revision = inside.state.registry_value(CURRENT, "UBR")
    told = number(revision.value) if revision else None
    if revision is None or told is None:
        yield Unread("registry.json", cves)
        return
    read = (found.reading, revision.reading)
    yield Decision(cves, told < _FIXED_REVISION, read)
    if told < _FIXED_REVISION:
        compression = inside.state.registry_value(_SERVER, "DisableCompression")
        is_off = compression is not None and number(compression.value) == 1
        yield Finding(
            "smb_compression",
            inside.severity(cves),
            (("workaround", "yes" if is_off else ""),),
            (Remedy("install_windows_update", (("kb", "KB4551762"),)),),
            references=("MSRC CVE-2020-0796",),
            cves=cves,
            read=(*read, *((compression.reading,) if compression else ())),
        )


CHECK = InsideCheck("smb_compression", _run)
