"""The folders in which ECP looks for its libraries; without them the admin center is dead."""

from collections.abc import Iterator

from patchstand.assess.iis_paths import install_folder, plain_path
from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.iis import WebConfig
from patchstand.model.inside import Reading, ServerState

_PLACE = "exchange back end/ecp"
_KEY = "BinSearchFolders"
_WANTED = (r"bin", r"bin\cmdletextensionagents", r"clientaccess\owa\bin")


def _run(inside: Inside) -> Iterator[Said]:
    for config in inside.state.web_configs:
        if _PLACE in map(str.lower, config.places):
            yield from _missing(inside.state, config)


def _missing(state: ServerState, config: WebConfig) -> Iterator[Said]:
    said = next(_settings(config), "")
    folders = [plain_path(each) for each in said.split(";")]
    folder = install_folder(state)
    missing = [each for each in _WANTED if not any(_is(own, each, folder) for own in folders)]
    if missing:
        yield Finding(
            "bin_search_folders",
            HARDENING,
            (("folders", ", ".join(missing)),),
            (Remedy("repair_bin_search_folders"),),
            read=(Reading(config.file, f"appSettings/{_KEY}", said),),
        )


def _settings(config: WebConfig) -> Iterator[str]:
    for element in config.root.under("appSettings/add"):
        if element.attributes.get("key", "").lower() == _KEY.lower():
            yield element.attributes.get("value", "")


def _is(own: str, wanted: str, folder: str | None) -> bool:
    """The folder itself; where the installation folder is not known, one that ends like it."""
    return own == f"{folder}\\{wanted}" if folder else own.endswith(f"\\{wanted}")


CHECK = InsideCheck("bin_search_folders", _run)
