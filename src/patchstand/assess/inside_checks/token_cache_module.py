"""The IIS module behind CVE-2023-21709, fixed in Windows as CVE-2023-36434.

Open while IIS loads TokenCacheModule and its library is older than the Windows update of
October 2023. Windows Server 2025 never had the flaw (MSRC; versions as in HealthChecker).
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import NOTE
from patchstand.assess.values import inner, members, number, version
from patchstand.assess.windows import SERVER_2025, windows
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_CVES = ("CVE-2023-21709", "CVE-2023-36434")
_MODULE = "TokenCacheModule"
_MODULES, _LIBRARY = "GetIISModules", "GetVersionInformationCachTokn"
_IIS = "applicationhost.config"
_FIXED = {9200: 24514, 9600: 21613, 14393: 6343, 17763: 4968, 20348: 2029}
"""First fixed revision by build of Windows: cachtokn.dll 10.0.14393.6343 and so on."""


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves or is_edge(inside.state):
        return
    system = windows(inside.state)
    if system is not None and system.build >= SERVER_2025:
        yield Decision(cves, False, (system.reading,))
        return
    loaded = _loaded(inside.state)
    if loaded is None:
        yield Unread(_MODULES, cves)
    elif loaded.value != _MODULE:
        yield Decision(cves, False, (loaded,))
        yield Finding("token_cache_removed", NOTE, read=(loaded,))
    else:
        yield from _by_library(inside, cves, loaded)


def _by_library(inside: Inside, cves: tuple[str, ...], loaded: Reading) -> Iterator[Said]:
    library = inside.state.one(_LIBRARY)
    numbers = _numbers(library) if library else None
    fixed = _FIXED.get(numbers[2]) if numbers else None
    if numbers is None or fixed is None:
        yield Unread(_LIBRARY, cves)
        return
    file = inside.state.exports[_LIBRARY.lower()].file
    read = (loaded, Reading(file, "cachtokn.dll", ".".join(map(str, numbers))))
    is_open = numbers[3] < fixed
    yield Decision(cves, is_open, read)
    if is_open:
        yield Finding(
            "token_cache_module",
            inside.severity(cves),
            remedy=(Remedy("install_windows_updates"), Remedy("remove_token_cache_module")),
            references=("MSRC CVE-2023-36434", "MSRC CVE-2023-21709"),
            cves=cves,
            read=read,
        )


def _loaded(state: ServerState) -> Reading | None:
    """What names the module, or the list that does not; None where there is no list."""
    export = state.one(_MODULES)
    listed = members(export.get("ModuleList")) if export else ()
    if export is not None and listed:
        names = [shown(each.get("Name")) for each in listed]
        found = _MODULE if _MODULE.lower() in map(str.lower, names) else f"{len(names)} others"
        return Reading(state.exports[_MODULES.lower()].file, "ModuleList", found)
    markup = state.markup.get(_IIS)
    if markup is None:
        return None
    path = "system.webServer/globalModules/add"
    names = [each.attributes.get("name", "") for each in markup.root.under(path)]
    found = _MODULE if _MODULE.lower() in map(str.lower, names) else f"{len(names)} others"
    return Reading(markup.file, path, found) if names else None


def _numbers(library: PsObject) -> tuple[int, ...] | None:
    parts = ("Major", "Minor", "Build", "Private")
    told = tuple(number(inner(library, f"File{part}Part")) for part in parts)
    found = tuple(part for part in told if part is not None)
    if len(found) == len(parts):
        return found
    numbers = version(library.get("ProductVersion"))
    return numbers if numbers is not None and len(numbers) == len(parts) else None


CHECK = InsideCheck("token_cache_module", _run)
