"""Virtual directories of Exchange show the folders that setup gave them."""

from collections.abc import Iterator

from patchstand.assess.iis_paths import install_folder, plain_path
from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.directories import ExchangeDirectory
from patchstand.model.inside import Reading

_ELSEWHERE = "%"


def _run(inside: Inside) -> Iterator[Said]:
    config, folder = inside.state.iis, install_folder(inside.state)
    if config is None or folder is None:
        return
    read = []
    for each in inside.knowledge.directories.directories:
        place = inside.state.place(f"{each.site}/{each.path}".rstrip("/"))
        if place is None or not each.folder or not place.physical_path:
            continue
        if plain_path(place.physical_path) != _wanted(each, folder):
            where = f'virtualDirectory of "{place.full_path}"@physicalPath'
            read.append(Reading(config.file, where, place.physical_path))
    if read:
        yield Finding(
            "virtual_directory_path",
            HARDENING,
            (("directories", ", ".join(each.path.split('"')[1] for each in read)),),
            (Remedy("repair_virtual_directory_path"),),
            read=tuple(read),
        )


def _wanted(each: ExchangeDirectory, folder: str) -> str:
    outside = each.folder.startswith(_ELSEWHERE)
    return plain_path(each.folder if outside else f"{folder}\\{each.folder}")


CHECK = InsideCheck("virtual_directory_paths", _run)
