"""Which services an address offers, and with which log-in methods."""

import re
from collections.abc import Iterator

from patchstand.model import Exposure, Observation, Outcome, Target, Transcript

_SERVICES = (
    ("/owa", "owa"),
    ("/ews", "ews"),
    ("/autodiscover", "autodiscover"),
    ("/ecp", "ecp"),
    ("/microsoft-server-activesync", "activesync"),
    ("/mapi", "mapi"),
    ("/oab", "oab"),
    ("/rpc", "rpc"),
    ("/powershell", "powershell"),
    ("/exchange", "exchange"),
)
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})")
_CHALLENGE = re.compile(rb"(?im)^www-authenticate:[ \t]*([A-Za-z]+)")
_LOCATION = re.compile(rb"(?im)^location:[ \t]*([^\r\n]{0,500})")
_AUTH = re.compile(r"(?im)^250[ -]AUTH[ =]([^\r\n]*)")
_IMAP_AUTH = re.compile(r"(?i)\bAUTH=([A-Z0-9-]+)")
_POP_SASL = re.compile(r"(?im)^SASL ([^\r\n]*)")
_MISSING = frozenset({"404", "410", "502", "503"})


def exposures(observation: Observation) -> tuple[Exposure, ...]:
    """What the address offers, one entry per service asked; the first answer counts."""
    found: dict[str, Exposure] = {}
    for transcript in observation.transcripts:
        for exposure in _of(transcript, observation.target):
            known = found.get(exposure.service)
            if known is None or (exposure.reachable and not known.reachable):
                found[exposure.service] = exposure
    return tuple(found.values())


def _of(transcript: Transcript, target: Target) -> Iterator[Exposure]:
    if transcript.outcome is Outcome.BUDGET_SPENT:
        return
    if transcript.service == "https":
        path = transcript.question.split(" ")[-1].lower()
        service = next((name for start, name in _SERVICES if path.startswith(start)), None)
        if service and "exporttool" not in path:
            yield _web(service, transcript, target.https or 443)
    elif transcript.service in {"smtp", "imap", "pop"}:
        yield _mail(transcript, target)


def _web(service: str, transcript: Transcript, port: int) -> Exposure:
    status = _STATUS.match(transcript.answer)
    if transcript.outcome is not Outcome.ANSWERED or status is None:
        return Exposure(service, port, reachable=False, status=transcript.outcome.value)
    code = status[1].decode()
    head = transcript.answer.split(b"\r\n\r\n", 1)[0]
    methods = [method.decode() for method in _CHALLENGE.findall(head)]
    location = _LOCATION.search(head)
    if location and b"logon" in location[1].lower():
        methods.append("form")
    return Exposure(
        service,
        port,
        reachable=code not in _MISSING,
        status=code,
        login_methods=tuple(dict.fromkeys(methods)),
    )


def _mail(transcript: Transcript, target: Target) -> Exposure:
    service = transcript.service
    port = {"smtp": target.smtp, "imap": target.imap, "pop": target.pop}[service] or 0
    if transcript.outcome is not Outcome.ANSWERED:
        return Exposure(service, port, reachable=False, status=transcript.outcome.value)
    text = transcript.answer.decode("latin-1")
    before_tls = text.split("220 2.0.0", 1)[0] if service == "smtp" else text
    methods: list[str] = []
    for pattern in (_AUTH, _IMAP_AUTH, _POP_SASL):
        for match in pattern.findall(before_tls):
            methods += match.split()
    plain = [method for method in methods if method.upper() in {"PLAIN", "LOGIN", "BASIC"}]
    return Exposure(
        service,
        port,
        reachable=True,
        status=transcript.outcome.value,
        login_methods=tuple(dict.fromkeys(methods)),
        encrypted=not plain,
    )
