"""How weak an NTLM answer may be (`LmCompatibilityLevel`).

Below 3 the server still sends LM and NTLMv1, which can be cracked and relayed; unset it is 3.
Extended Protection wants at least 3 (Microsoft, "Network security: LAN Manager authentication
level").
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Finding, Remedy
from patchstand.model.inside import ServerState

_LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"
_DEFAULT = 3
_LEAST = 3


def ntlm_level(state: ServerState) -> int | None:
    """The level in force, the default where none is set; None when it was not read."""
    found = state.registry_value(_LSA, "LmCompatibilityLevel")
    if found is None:
        return None
    return _DEFAULT if found.value is None else number(found.value)


def _run(inside: Inside) -> Iterator[Said]:
    found = inside.state.registry_value(_LSA, "LmCompatibilityLevel")
    level = ntlm_level(inside.state)
    if found is None or level is None:
        yield Unread("registry.json")
    elif level < _LEAST:
        yield Finding(
            "ntlm_level",
            HARDENING,
            (("level", str(level)),),
            (Remedy("raise_ntlm_level"),),
            references=("Microsoft Learn: Network security: LAN Manager authentication level",),
            read=(found.reading,),
        )


CHECK = InsideCheck("ntlm_level", _run)
