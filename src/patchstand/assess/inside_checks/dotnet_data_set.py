"""The .NET libraries that CVE-2020-1147 is fixed in.

Two libraries must be of the July 2020 update or later, told by the third number of their file
version; .NET 4.8 counts apart (thresholds as in Microsoft's HealthChecker).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.values import inner, number, version
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, Value, shown

_CVES = ("CVE-2020-1147",)
_EXPORT = "GetDotNetDllFileVersions"
_LIBRARIES = ("System.Data.dll", "System.Configuration.dll")
_FIXED_BUILD, _FIXED_BUILD_4_8 = 3630, 4190
_FIXED_ON = datetime(2020, 6, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Library:
    numbers: tuple[int, ...]
    written: datetime | None
    reading: Reading

    @property
    def is_old(self) -> bool:
        wanted = _FIXED_BUILD_4_8 if self.numbers[:2] == (4, 8) else _FIXED_BUILD
        return self.numbers[2] < wanted

    @property
    def is_new(self) -> bool:
        return not self.is_old and self.written is not None and self.written >= _FIXED_ON


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves:
        return
    found = [_library(inside.state, name) for name in _LIBRARIES]
    libraries = [library for library in found if library is not None]
    read = tuple(library.reading for library in libraries)
    if any(library.is_old for library in libraries):
        yield Decision(cves, True, read)
        yield Finding(
            "dotnet_data_set",
            inside.severity(cves),
            remedy=(Remedy("install_dotnet_update"),),
            references=("MSRC CVE-2020-1147",),
            cves=cves,
            read=read,
        )
    elif len(libraries) == len(_LIBRARIES) and all(library.is_new for library in libraries):
        yield Decision(cves, False, read)
    else:
        yield Unread(_EXPORT, cves)


def _library(state: ServerState, name: str) -> _Library | None:
    for each in state.objects(_EXPORT):
        library = inner(each, name) if each.entries else each
        if not isinstance(library, PsObject):
            continue
        if not each.entries and shown(library.get("Name")).lower() != name.lower():
            continue
        numbers = _numbers(library.get("VersionInfo"))
        if numbers is not None:
            written = library.get("LastWriteTimeUtc")
            reading = Reading(
                state.exports[_EXPORT.lower()].file,
                f"{name} VersionInfo",
                ".".join(map(str, numbers)),
            )
            return _Library(numbers, written if isinstance(written, datetime) else None, reading)
    return None


def _numbers(info: Value) -> tuple[int, ...] | None:
    parts = tuple(
        number(inner(info, f"File{part}Part")) for part in ("Major", "Minor", "Build", "Private")
    )
    told = tuple(part for part in parts if part is not None)
    if len(told) == len(parts):
        return told
    found = version(inner(info, "FileVersionRaw") or inner(info, "FileVersion"))
    return found if found is not None and len(found) > 2 else None


CHECK = InsideCheck("dotnet_data_set", _run)
