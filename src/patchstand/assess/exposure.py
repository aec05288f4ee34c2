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
_PASSWORD_METHODS = frozenset({"PLAIN", "LOGIN", "BASIC"})
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
    clear = _before_tls(text) if transcript.tls is not None else text
    plain = {method.upper() for method in _login_methods(clear)} & _PASSWORD_METHODS
    return Exposure(
        service,
        port,
        reachable=True,
        status=transcript.outcome.value,
        login_methods=_login_methods(text),
        encrypted=not plain,
    )


def _login_methods(text: str) -> tuple[str, ...]:
    found = [match for pattern in (_AUTH, _IMAP_AUTH, _POP_SASL) for match in pattern.findall(text)]
    return tuple(dict.fromkeys(method for match in found for method in match.split()))


def _before_tls(text: str) -> str:
    """What was said before STARTTLS took effect: up to the 220 that follows the first 250.

    A session that was encrypted from the start has no such line: nothing was said in clear.
    """
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("250")), len(lines))
    ready = next((at for at, line in enumerate(lines) if at > first and line.startswith("220")), 0)
    return "\n".join(lines[:ready])
