"""Paths of Windows and Exchange as the configuration of IIS writes them."""

import re

from patchstand.model.inside import ServerState

_SETUP = r"\bin\exsetup.exe"
_BACK_END = ("Exchange Back End", r"\clientaccess")
_WINDOWS = re.compile(r"^(?:%windir%|%systemroot%|[a-z]:\\windows)(?=\\|$)")


def plain_path(path: str) -> str:
    r"""A path in lower case, Windows' own folder as `%windir%`, no slash at its end."""
    found = path.strip().lower().replace("/", "\\").rstrip("\\")
    return _WINDOWS.sub("%windir%", found)


def install_folder(state: ServerState) -> str | None:
    r"""Where Exchange is installed (`c:\...\v15`): by its setup file, else by its web site."""
    setup = state.reading("ExSetup", "FileName")
    if setup is not None and plain_path(setup.value).endswith(_SETUP):
        return plain_path(setup.value).removesuffix(_SETUP)
    site, tail = _BACK_END
    place = state.place(site)
    if place is not None and plain_path(place.physical_path).endswith(tail):
        return plain_path(place.physical_path).removesuffix(tail)
    return None


def is_in(path: str, folder: str | None) -> bool:
    """True for a file somewhere below a folder."""
    return folder is not None and plain_path(path).startswith(f"{plain_path(folder)}\\")
