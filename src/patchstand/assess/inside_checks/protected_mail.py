"""Whether protected mail (IRM) with AES256-CBC can be read, for journals and searches.

Exchange reads it from the August 2023 updates on; with an RMS of one's own the network service
also needs full access to one registry key (KB5029388; Microsoft, "Encryption algorithm changes
in Microsoft Purview Information Protection"). Nothing is said where IRM is not used.
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import reaches
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.assess.values import truth
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading

_RIGHTS, _DETAILS = "GetIrmConfiguration", "GetExchangeAES256CBCDetails"
_USES = ("InternalLicensingEnabled", "ExternalLicensingEnabled", "AzureRMSLicensingEnabled")
_PAGES = ("aka.ms/ExchangeCBCKB",)


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state):
        return
    readings = [inside.state.reading(_RIGHTS, name) for name in _USES]
    told = [each for each in readings if each is not None]
    if not told:
        yield Unread(_RIGHTS)
        return
    used = [each for each in told if truth(each.value)]
    if not used:
        return
    able = reaches(inside, "Aug23SU")
    if able is False:
        yield _finding("protected_mail_unreadable", used, "install_updates_first")
    elif able is True and any(each.path == _USES[0] for each in used):
        yield from _by_key(inside, used)


def _by_key(inside: Inside, used: list[Reading]) -> Iterator[Said]:
    """With an RMS of one's own: whether the key has the rights it needs."""
    found = inside.state.reading(_DETAILS, "ValidAESConfiguration")
    if found is None or truth(found.value) is None:
        yield Unread(_DETAILS)
    elif not truth(found.value):
        yield _finding("protected_mail_incomplete", [*used, found], "complete_aes_configuration")


def _finding(name: str, read: list[Reading], remedy: str) -> Finding:
    own = any(each.path == _USES[0] for each in read)
    severity = HARDENING if own else NOTE
    return Finding(name, severity, (), (Remedy(remedy),), _PAGES, (), tuple(read))


CHECK = InsideCheck("protected_mail", _run)
