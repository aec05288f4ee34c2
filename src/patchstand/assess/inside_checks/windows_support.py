"""Whether Windows below Exchange still gets security updates (`windows.json`)."""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import NOTE, OTHER_MISSING_UPDATE, UNSUPPORTED_LINE
from patchstand.assess.windows import WMI, Windows, windows
from patchstand.model import Finding, Remedy, Severity, WindowsRelease

_SOON_DAYS = 365


def _run(inside: Inside) -> Iterator[Said]:
    system = windows(inside.state)
    if system is None:
        yield Unread(WMI)
        return
    release = next((each for each in inside.knowledge.windows if each.build == system.build), None)
    if release is None:
        return  # a release nobody has told us of is not judged
    left = (release.until - inside.as_of).days
    if left >= 0:
        if left < _SOON_DAYS:
            yield _finding("windows_support_ends", NOTE, system, release)
    elif release.paid_until is not None and inside.as_of <= release.paid_until:
        yield _finding("windows_paid_updates", OTHER_MISSING_UPDATE, system, release)
    else:
        yield _finding("windows_unsupported", UNSUPPORTED_LINE, system, release)


def _finding(name: str, severity: Severity, system: Windows, release: WindowsRelease) -> Finding:
    values = (
        ("windows", release.name),
        ("until", str(release.until)),
        ("paid_until", str(release.paid_until or "")),
    )
    page = (f"Microsoft Lifecycle: {release.name}",)
    return Finding(
        name, severity, values, (Remedy("replace_windows"),), page, read=(system.reading,)
    )


CHECK = InsideCheck("windows_support", _run)
