"""Vulnerable servers as events for IntelMQ, one JSON object each.

The classification is the one under which the program files Shadowserver's `scan_exchange`,
so that rules for that report fit. What may stand where says `harmonization`.
"""

from datetime import UTC
from functools import lru_cache
from typing import Any

from patchstand.model import Assessment, BuildAssessment
from patchstand.model.judged import JudgedServer, Verdict
from patchstand.report.harmonization import FIELDS

_TLP = {
    "red": "RED", "amber+strict": "RED", "amber": "AMBER", "green": "GREEN", "clear": "WHITE",
}  # fmt: skip
"""Labels of TLP 2.0 as the field `tlp` takes them; it has no AMBER+STRICT: the stricter one."""
_FIXED = {
    "feed.name": "patchstand",
    "classification.taxonomy": "vulnerable",
    "classification.type": "vulnerable-system",
    "classification.identifier": "vulnerable-exchange-server",
    "protocol.application": "exchange",
    "protocol.transport": "tcp",
    "product.vendor": "microsoft",
    "product.name": "exchange_server",
}


def event(server: JudgedServer, tlp: str = "") -> dict[str, Any]:
    """One server as an event; `tlp` is a label of TLP 2.0 in lower case, or empty.

    Under pseudonyms `source.ip` and `source.fqdn` are left out and `extra.pseudonym` says
    which server it is: such an event cannot be routed.
    """
    found: dict[str, Any] = {
        **_FIXED,
        "time.source": f"{server.observed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00",
        **_where(server),
        **_of_verdict(server.verdict),
        "extra.source": server.source,
    }
    return found | ({"tlp": _TLP[tlp], "extra.tlp": tlp} if tlp else {})


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


@lru_cache(maxsize=1024)
def _of_verdict(verdict: Verdict) -> dict[str, Any]:
    """The fields that servers with the same verdict share; not to be changed."""
    fields = {
        "severity": verdict.severity.value,
        **_product(verdict),
        "product.vulnerabilities": ";".join(verdict.open_cves),
        "event_description.text": _said(verdict.assessment),
        **{f"extra.{name}": value for name, value in _extra(verdict).items()},
    }
    return _filled(fields)


def _where(server: JudgedServer) -> dict[str, Any]:
    """Where it is, as far as that keeps to the rules: places come from files of others."""
    place = server.place
    shown = server.address or server.target
    fields = {
        "source.ip": shown,
        "source.port": server.service[1],
        "source.fqdn": server.target.rstrip(".").lower(),
        "source.asn": place.asn,
        "source.geolocation.cc": place.country,
        "source.geolocation.region": (place.state or "").strip(),
    }
    found = {name: value for name, value in fields.items() if FIELDS[name](value)}
    if shown.startswith("p:"):
        found["extra.pseudonym"] = shown
    elif "source.ip" not in found and "source.fqdn" not in found:
        found["extra.target"] = shown
    return found


def _product(verdict: Verdict) -> dict[str, Any]:
    """What is installed, as far as all possible builds agree."""
    members = verdict.assessment.members
    names = {_named(member) for member in members}
    lines = {member.line.value for member in members}
    builds = verdict.identity.builds
    agreed = names if len(names) == 1 else lines if len(lines) == 1 else set()
    return {
        "product.full_name": " ".join(("Microsoft Exchange Server", *agreed)),
        "product.version": str(builds[0]) if len(builds) == 1 else None,
    }


def _named(member: BuildAssessment) -> str:
    update = "" if member.update == member.cu else f" {member.update}"
    return f"{member.line.value} {member.cu}{update}"


def _said(assessment: Assessment) -> str:
    low = assessment.low
    if low is None or low.since is None:
        return "Exchange Server with a known hole that is open although no update is missing."
    return (
        f"Exchange Server without the security updates since {low.since}"
        f" ({low.days} days on {assessment.as_of})."
    )


def _extra(verdict: Verdict) -> dict[str, Any]:
    """Level, age and certainty; `*_high` is what may hold where several builds are possible."""
    assessment, identity = verdict.assessment, verdict.identity
    members, low, high = assessment.members, assessment.low, assessment.high
    released = sorted({str(member.released) for member in members})
    return {
        "line": identity.line.value if identity.line else None,
        "builds": [str(build) for build in identity.builds],
        "or_later": identity.or_later,
        "precision": identity.precision.value,
        "confidence": "high" if len(identity.builds) == 1 and not identity.or_later else "medium",
        "patch_date": released[-1] if released else None,
        "patch_date_low": released[0] if len(released) > 1 else None,
        "behind_since": str(low.since) if low and low.since else None,
        "days_behind": low.days if low else None,
        "days_behind_high": high.days if high and low and high.days != low.days else None,
        "missing_updates": [update.name for update in low.missing] if low else [],
        "support": assessment.support.phase.value if assessment.support else None,
        "cves": [each.id for each in assessment.cves if each.status == "affected"],
        "cves_undetermined": [
            each.id for each in assessment.cves
            if each.status == "undetermined" and each.counts_for_class
        ],
        "known_exploited": [
            each.id for each in assessment.cves if each.status == "affected" and each.kev
        ],
        "reasons": list(assessment.reasons),
        "as_of": str(assessment.as_of),
        "knowledge": assessment.knowledge_version,
    }  # fmt: skip
