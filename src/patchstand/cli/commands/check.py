"""`patchstand check TARGET...`: one or a few servers from outside, everything."""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand import __version__
from patchstand.cli.command import (
    FINDINGS,
    NOT_MEASURED,
    OK,
    USAGE,
    Command,
    as_of,
    now,
)
from patchstand.cli.output import console, write_json
from patchstand.errors import ScopeError, UsageError

if TYPE_CHECKING:
    from patchstand.model import CheckedServer, Knowledge, Target
    from patchstand.observe.look import Approach
    from patchstand.report.as_json import Verdicts

_MOST_TARGETS = 10_000
_SEVERITIES = ("critical", "high", "medium", "low", "info")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        nargs="*",
        metavar="TARGET",
        help='name or address, also with ports: "192.0.2.1 https=8443 smtp=2525"',
    )
    parser.add_argument("--targets", type=Path, metavar="FILE", help="one target a line; - stdin")
    _configure_permission(parser)
    asking = parser.add_argument_group("what is asked")
    asking.add_argument("--probes", default="all", help="web, mail, all, or names, with commas")
    asking.add_argument(
        "--nodes", type=int, default=6, metavar="N", help="connections to find several back ends"
    )
    asking.add_argument(
        "--requests", type=int, metavar="N", help="at most so many per server (24, or the scope's)"
    )
    asking.add_argument("--concurrency", type=int, default=50, metavar="N", help="servers at once")
    asking.add_argument(
        "--timeout", type=float, default=90.0, metavar="SECONDS", help="for one server altogether"
    )
    asking.add_argument("--vantage-point", default=None, metavar="NAME", help="where we look from")
    asking.add_argument("--resolver", metavar="ADDRESS:PORT", help="DNS server to ask for names")
    result = parser.add_argument_group("the result")
    result.add_argument("--html", type=Path, metavar="FILE", help="also write a page for people")
    result.add_argument("--details", action="store_true", help="every CVE and all evidence")
    result.add_argument(
        "--fail-on", choices=_SEVERITIES, default="high", help="severity for exit code 1"
    )


def _configure_permission(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("permission (loopback needs none)")
    group.add_argument("--scope", type=Path, metavar="FILE", help="scope file: who allows what")
    group.add_argument(
        "--responsible", metavar='"WHO, WHY"', help="answer for up to five targets a day"
    )
    group.add_argument(
        "--domain-proof",
        action="store_true",
        help="look for TXT _patchstand.DOMAIN with contact=CONTACT",
    )
    group.add_argument("--contact", metavar="ADDRESS", help="who asks; told to every server")


def _run(options: argparse.Namespace) -> int:
    from patchstand import knowledge
    from patchstand.observe.look import run

    day = as_of(options)
    if options.html is not None and not options.html.parent.is_dir():
        raise UsageError(f"--html {options.html}: there is no such folder")
    targets = list(_targets(options))
    approach = _approach(options)
    known = knowledge.load(options.knowledge)
    return run(_check(options, targets, approach, known, day))


def _targets(options: argparse.Namespace) -> Iterator["Target"]:
    from patchstand.workflow.targets import parse_target, read_targets

    found = [parse_target(text) for text in _joined(options.target)]
    if options.targets is not None:
        found += read_targets(_lines(options.targets))
    if not found:
        raise UsageError("name a TARGET, or give a file with --targets")
    found = list(dict.fromkeys(found))
    if len(found) > _MOST_TARGETS:
        raise UsageError(f"{len(found)} targets are too many for check (at most {_MOST_TARGETS})")
    yield from found


def _joined(words: Iterable[str]) -> list[str]:
    """Targets from the command line; `https=8443` belongs to the target before it."""
    joined: list[str] = []
    for word in words:
        if joined and re.fullmatch(r"[a-z]+=\d+", word):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def _lines(path: Path) -> Iterable[str]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"--targets {path}: not UTF-8 text") from error
    except OSError as error:
        raise UsageError(f"--targets {path}: {error.strerror}") from error
    return text.splitlines()


def _approach(options: argparse.Namespace) -> "Approach":
    from patchstand.model import HERE
    from patchstand.observe.attribution import told
    from patchstand.observe.declare import Declarations
    from patchstand.observe.limits import Limits
    from patchstand.observe.look import Approach
    from patchstand.observe.pace import Pace
    from patchstand.observe.probe import select
    from patchstand.observe.resolve import Resolver
    from patchstand.observe.scope import DomainProof, Gate, pace_rules, read_scope
    from patchstand.observe.session import Prober

    for name, most in (("nodes", 64), ("requests", 200), ("concurrency", 2000), ("timeout", 3600)):
        value = getattr(options, name)
        if value is not None and not 0 < value <= most:
            raise UsageError(f"--{name} must lie above 0 and be at most {most}")
    scope = read_scope(options.scope, now().date()) if options.scope else None
    declared = options.responsible
    contact = options.contact or (scope.contact if scope else "")
    if options.domain_proof and not contact:
        raise UsageError("--domain-proof needs --contact, the address the record names")
    if options.domain_proof and options.resolver:
        raise UsageError("--domain-proof asks the system's resolver; leave out --resolver")
    resolver = Resolver(options.resolver)
    gate = Gate(
        now,
        scope=scope,
        proof=DomainProof(resolver, contact) if options.domain_proof else None,
        declarations=Declarations(declared, _journal(), now) if declared else None,
    )
    return Approach(
        gate=gate,
        resolver=resolver,
        prober=Prober(
            __version__,
            told(contact or (declared or "").partition(",")[0] or "this-machine"),
            vantage_point=options.vantage_point or HERE,
        ),
        now=now,
        probes=select(options.probes.split(",")),
        pace=Pace(pace_rules([scope] if scope else [], options.requests)),
        nodes=options.nodes,
        limits=Limits(target=options.timeout),
    )


def _journal() -> Path:
    """Where declarations of responsibility are kept: the user's state folder."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "patchstand" / "responsible.jsonl"


async def _check(
    options: argparse.Namespace,
    targets: list["Target"],
    approach: "Approach",
    known: "Knowledge",
    day: date,
) -> int:
    from patchstand.cli.progress import progress
    from patchstand.workflow.check import CheckOptions, check

    sink = _Sink(options, len(targets), day)
    with progress(len(targets), quiet=options.quiet or len(targets) < 2) as step:
        judging = CheckOptions(day, options.concurrency)
        async for server in check(targets, approach, known, judging):
            sink.take(server)
            step()
    return sink.finish()


class _Sink:
    """Takes the servers as they come: writes JSON at once, keeps the rest for the end."""

    def __init__(self, options: argparse.Namespace, expected: int, day: date) -> None:
        self._options = options
        self._single = expected == 1
        self._day = day
        self._servers: list[CheckedServer] = []
        self._verdicts: Verdicts = {}
        self._measured = 0
        self._refused = 0
        self._seen = 0
        self._acts = False

    def take(self, server: "CheckedServer") -> None:
        """Count one server and show it, or keep it."""
        from patchstand.model import Outcome
        from patchstand.workflow.check import measured

        self._seen += 1
        self._measured += measured(server)
        self._refused += server.observation.outcome is Outcome.OUT_OF_SCOPE
        limit = _SEVERITIES.index(self._options.fail_on)
        self._acts |= any(finding.severity.rank <= limit for finding in server.findings)
        if self._options.json:
            from patchstand.report.as_json import check_document

            write_json(check_document(server, self._verdicts))
        if not self._options.json or self._options.html:
            self._servers.append(server)

    def finish(self) -> int:
        """Show what was kept; the exit code."""
        refused = self._refused > 0 and self._refused == self._seen
        if refused and self._single and not self._options.json:
            raise ScopeError(self._servers[0].observation.detail)
        if not self._options.json:
            self._show()
        if self._options.html is not None:
            self._write_page()
        if refused:
            return USAGE
        if not self._measured:
            return NOT_MEASURED
        return FINDINGS if self._acts else OK

    def _show(self) -> None:
        from patchstand.report.catalog import catalog
        from patchstand.report.terminal import print_server, print_summary
        from patchstand.workflow.check import worst_first

        out, texts = console(), catalog(self._options.lang)
        if self._single:
            print_server(out, self._servers[0], texts, details=self._options.details)
            return
        if self._options.details:
            for server in self._servers:
                print_server(out, server, texts, details=True)
        print_summary(out, worst_first(self._servers), texts)

    def _write_page(self) -> None:
        from patchstand.report.html import render_check
        from patchstand.workflow.check import worst_first
        from patchstand.workflow.files import write_whole

        page = render_check(worst_first(self._servers), self._options.lang, self._day)
        write_whole(self._options.html, [page.encode()])


COMMAND = Command("check", "one or a few servers from outside, everything", _configure, _run)
