"""The certificates that IIS shows at its https bindings: is there one, and does it exist?

Expiry of the certificates there are is another check's question (`certificate_validity`).
"""

from collections.abc import Iterator

from patchstand.assess.certificates import STORE, are_all_read, stored, thumbprint
from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_BINDINGS = "GetWebBinding"
_SITES = ("default web site", "exchange back end")


def _run(inside: Inside) -> Iterator[Said]:
    state = inside.state
    if is_edge(state):
        return
    if not state.has(_BINDINGS):
        yield Unread(_BINDINGS)
        return
    bindings = [each for each in state.objects(_BINDINGS) if _is_exchanges(each)]
    without = [each for each in bindings if not _hash(each)]
    if without:
        yield _finding("binding_without_certificate", state, without)
    known = {each.thumbprint for each in stored(state)}
    if not known or not are_all_read(state) or len(stored(state)) < len(state.objects(STORE)):
        yield Unread(STORE)
        return
    missing = [each for each in bindings if thumbprint(_hash(each)) not in {"", *known}]
    if missing:
        yield _finding("bound_certificate_missing", state, missing)


def _is_exchanges(binding: PsObject) -> bool:
    """An https binding of one of Exchange's two sites."""
    owner = shown(binding.get("ItemXPath")).lower()
    return shown(binding.get("protocol")).lower() == "https" and any(
        f"@name='{site}'" in owner for site in _SITES
    )


def _hash(binding: PsObject) -> str:
    return shown(binding.get("certificateHash"))


def _finding(name: str, state: ServerState, bindings: list[PsObject]) -> Finding:
    shown_bindings = [shown(each.get("bindingInformation")) for each in bindings]
    thumbprints = filter(None, (thumbprint(_hash(each)) for each in bindings))
    file = state.exports[_BINDINGS.lower()].file
    return Finding(
        name,
        HARDENING,
        (
            ("bindings", ", ".join(shown_bindings)),
            ("thumbprint", ", ".join(dict.fromkeys(thumbprints))),
        ),
        (Remedy("bind_certificate"),),
        read=tuple(
            Reading(file, f"https {information} certificateHash", _hash(each))
            for information, each in zip(shown_bindings, bindings, strict=True)
        ),
    )


CHECK = InsideCheck("iis_certificates", _run)
