"""SMB 1, the file service of 1990s Windows, through which WannaCry spread.

Exchange 2013 and later do not need it: it should be neither installed nor answered (Exchange
Team Blog, "Exchange Server and SMBv1").
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import truth
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading, ServerState, shown

_FEATURES, _SERVER = "GetWindowsFeature", "GetSmbServerConfiguration"
_FEATURE = "FS-SMB1"
_PAGES = ("Exchange Team Blog: Exchange Server and SMBv1", "aka.ms/HC-SMB1")


def _run(inside: Inside) -> Iterator[Said]:
    installed = _installed(inside.state)
    if installed is None:
        yield Unread(_FEATURES)
    elif truth(installed.value):
        yield _finding("smb1_installed", "remove_smb1", installed)
    answers = inside.state.reading(_SERVER, "EnableSMB1Protocol")
    if answers is None or truth(answers.value) is None:
        yield Unread(_SERVER)
    elif truth(answers.value):
        yield _finding("smb1_answers", "block_smb1", answers)


def _installed(state: ServerState) -> Reading | None:
    """Whether the feature is installed; None where the list does not tell.

    A list without the feature is of a Windows that has none to install.
    """
    features = state.objects(_FEATURES)
    if not features:
        return None
    file = state.exports[_FEATURES.lower()].file
    for feature in features:
        if shown(feature.get("Name")).lower() == _FEATURE.lower():
            told = truth(feature.get("Installed"))
            return None if told is None else Reading(file, f"{_FEATURE} Installed", str(told))
    return Reading(file, f"{_FEATURE} Installed", "False") if len(features) > 1 else None


def _finding(name: str, remedy: str, read: Reading) -> Finding:
    return Finding(name, HARDENING, (), (Remedy(remedy),), _PAGES, (), (read,))


CHECK = InsideCheck("smb1", _run)
