"""Native modules of IIS see every request before Exchange does: who signed them?

Attackers keep their way in as a module or filter of IIS; unsigned ones, and files that
were changed after they were signed, need an explanation (HealthChecker, "IIS module
anomalies").
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.iis_paths import install_folder, is_in
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING, UNSIGNED_CODE
from patchstand.assess.values import inner, members, truth
from patchstand.model import Finding, Remedy
from patchstand.model.iis import IisConfig
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_MODULES = "GetIISModules"
_WINDOWS = "%windir%"
_GOOD = "valid"
_ALTERED = "hashmismatch"


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state):
        return
    export = inside.state.one(_MODULES)
    listed = members(export.get("ModuleList")) if export else ()
    if export is None or _not_listed(inside.state.iis, listed):
        yield Unread(_MODULES)
    unsigned = [each for each in listed if _is_unsigned(each)]
    foreign = [each for each in listed if each not in unsigned and not _is_microsofts(each)]
    if unsigned:
        yield _finding(inside.state, "iis_module_unsigned", unsigned)
    if foreign:
        yield _finding(inside.state, "iis_module_foreign", foreign)
    yield from _elsewhere(inside.state)


def _not_listed(config: IisConfig | None, listed: tuple[PsObject, ...]) -> bool:
    """True when IIS loads a module whose signature was not exported."""
    names = {shown(each.get("Name")).lower() for each in listed}
    return config is not None and any(module.name.lower() not in names for module in config.modules)


def _status(module: PsObject) -> str:
    return shown(inner(module.get("SignatureDetails"), "SignatureStatus")).lower()


def _is_unsigned(module: PsObject) -> bool:
    """A file that is not there has no signature either."""
    return truth(module.get("Signed")) is not True or _status(module) == _ALTERED


def _is_microsofts(module: PsObject) -> bool:
    by_microsoft = truth(inner(module.get("SignatureDetails"), "IsMicrosoftSigned"))
    return by_microsoft is True and _status(module) == _GOOD


def _finding(state: ServerState, name: str, modules: list[PsObject]) -> Finding:
    file = state.exports[_MODULES.lower()].file
    return Finding(
        name,
        UNSIGNED_CODE if name == "iis_module_unsigned" else HARDENING,
        (
            ("count", str(len(modules))),
            ("modules", ", ".join(shown(each.get("Path")) for each in modules)),
        ),
        (Remedy("examine_iis_modules"),),
        read=tuple(
            Reading(file, f"ModuleList[{shown(each.get('Name'))}]", _said(each)) for each in modules
        ),
    )


def _said(module: PsObject) -> str:
    signer = shown(inner(module.get("SignatureDetails"), "Signer"))
    return "; ".join(filter(None, (shown(module.get("Path")), _status(module), signer)))


def _elsewhere(state: ServerState) -> Iterator[Said]:
    """Code that IIS loads from outside the folders of Windows and Exchange."""
    config, folder = state.iis, install_folder(state)
    if config is None or folder is None:
        return
    read = [
        Reading(config.file, where, image)
        for where, image in _images(config)
        if image and not is_in(image, _WINDOWS) and not is_in(image, folder)
    ]
    if read:
        yield Finding(
            "iis_module_elsewhere",
            HARDENING,
            (
                ("count", str(len(read))),
                ("modules", ", ".join(dict.fromkeys(each.value for each in read))),
            ),
            (Remedy("examine_iis_modules"),),
            read=tuple(read),
        )


def _images(config: IisConfig) -> Iterator[tuple[str, str]]:
    for module in config.modules:
        yield f'globalModules/add[@name="{module.name}"]', module.image
    parts = [config.root, *(each.element for each in config.locations)]
    for part in parts:
        for found in part.under("system.webServer/isapiFilters/filter"):
            name = found.attributes.get("name", "")
            yield f'isapiFilters/filter[@name="{name}"]', found.attributes.get("path", "")


CHECK = InsideCheck("iis_modules", _run)
