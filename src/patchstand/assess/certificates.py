"""The certificates of a server, and what each is used for."""

import re
from collections.abc import Iterator

from patchstand.assess.exchange import of_this_server
from patchstand.model.inside import PsObject, Reading, ServerState, StoredCertificate, shown

STORE = "GetExchangeCertificate"
AUTH = "GetAuthConfig"
TRANSPORT = "GetTransportService"
TRANSPORT_ITSELF = "GetInternalTransportCertificateFromServer"
_BINDINGS = "GetWebBinding"
_THUMBPRINT = "InternalTransportCertificateThumbprint"


def stored(state: ServerState) -> tuple[StoredCertificate, ...]:
    """Every certificate that Exchange lists on this server."""
    return state.certificates.get(STORE.lower(), ())


def are_all_read(state: ServerState) -> bool:
    """True when the list was exported and each of its certificates could be read."""
    if not state.has(STORE):
        return False
    file = state.exports[STORE.lower()].file
    return not any(skipped.file.startswith(f"{file} [") for skipped in state.skipped)


def reading(certificate: StoredCertificate, what: str, value: str) -> Reading:
    """One fact of a certificate, and where it stands."""
    return Reading(certificate.file, f"{certificate.place} {what}", value)


def thumbprint(value: object) -> str:
    """A thumbprint as Windows writes it: 40 hex digits in upper case; empty where it is none."""
    text = re.sub(r"[^0-9A-Za-z]", "", value).upper() if isinstance(value, str) else ""
    return text if re.fullmatch(r"[0-9A-F]{40}", text) else ""


def auth_thumbprint(state: ServerState, which: str) -> Reading | None:
    """`Current` or `Next` certificate for OAuth, as the organisation names it."""
    return state.reading(AUTH, f"{which}CertificateThumbprint")


def transport_thumbprint(state: ServerState) -> Reading | None:
    """The certificate by which the organisation's servers know this one in SMTP."""
    for service in of_this_server(state, state.objects(TRANSPORT)):
        found = state.reading(TRANSPORT, _THUMBPRINT, service)
        if found is not None:
            return found
    own = state.certificates.get(TRANSPORT_ITSELF.lower(), ())
    return reading(own[0], "Thumbprint", own[0].thumbprint) if own else None


def uses(state: ServerState, certificate: StoredCertificate) -> tuple[str, ...] | None:
    """What a certificate is used for: services, web sites, OAuth, transport.

    None where nothing names it and the export does not tell its services: then it may be used.
    """
    found = [*(certificate.services or ())]
    if certificate.thumbprint in set(_bound(state)) and "IIS" not in found:
        found.append("IIS")
    named = {
        "OAuth": auth_thumbprint(state, "Current"),
        "SMTP": transport_thumbprint(state),
    }
    for use, named_by in named.items():
        is_named = named_by is not None and thumbprint(named_by.value) == certificate.thumbprint
        if is_named and use not in found:
            found.append(use)
    return None if not found and certificate.services is None else tuple(found)


def _bound(state: ServerState) -> Iterator[str]:
    for binding in state.objects(_BINDINGS):
        said = _hash(binding)
        if said:
            yield thumbprint(said)


def _hash(binding: PsObject) -> str:
    return shown(binding.get("certificateHash"))
