"""From one look at a server to the row that is kept of it."""

from hashlib import sha256

from patchstand.identify import essence
from patchstand.model import Knowledge, Observation, Record, Target
from patchstand.observe.names import canonical
from patchstand.workflow.evidence import evidence_of

_USUAL = Target("")
_SERVICES = ("https", "smtp", "imap", "pop")


def record_of(observation: Observation, known: Knowledge) -> Record:
    """The record of an observation: its evidence reduced to what says something."""
    target = observation.target
    name = target_name(target)
    own = tuple(dict.fromkeys(word for word in (name, observation.address) if word))
    found = essence(evidence_of(observation), own, known)
    return Record(
        target=name,
        ports=ports_of(target),
        address=observation.address,
        observed_at=observation.observed_at,
        outcome=observation.outcome,
        evidence=found.evidence,
        requests=observation.requests,
        detail=observation.detail,
        vantage_point=observation.vantage_point,
        permit=observation.permit,
        nodes=found.nodes,
        certificate=_certificate(observation),
        answers=observation.transcripts,
    )


def target_name(target: Target) -> str:
    """The name or address of a target in its canonical spelling."""
    return canonical(target.name) or target.name


def ports_of(target: Target) -> str:
    """The services to ask, as text: `https=8443 smtp=2525`; empty for the usual ones."""
    if all(getattr(target, each) == getattr(_USUAL, each) for each in _SERVICES):
        return ""
    named = ((each, getattr(target, each)) for each in _SERVICES)
    return " ".join(f"{service}={port}" for service, port in named if port is not None)


def _certificate(observation: Observation) -> str | None:
    """The certificate of the web side, else of the mail side."""
    found = [each for each in observation.transcripts if each.tls and each.tls.certificate]
    found.sort(key=lambda transcript: transcript.service != "https")
    tls = found[0].tls if found else None
    return sha256(tls.certificate).hexdigest() if tls and tls.certificate else None
