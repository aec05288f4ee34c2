"""`patchstand audit PATH...`: one server from inside, by its exported state."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand.cli.auditing import show
from patchstand.cli.command import OK, Command, as_of, number
from patchstand.cli.elsewhere import add_cluster, pool
from patchstand.cli.output import console, write_json
from patchstand.errors import UsageError
from patchstand.model import Severity

if TYPE_CHECKING:
    from patchstand.workflow.audit import AuditPlan

_ON_A_CLUSTER = 32
"""Bundles that are at work at once where nobody knows how many processors there are, halved."""
_SEVERITIES = [severity.value for severity in Severity]


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="*", type=Path, metavar="PATH",
        help="a bundle (folder or zip) for each server, or single files of one",
    )  # fmt: skip
    parser.add_argument("--build", metavar="BUILD", help="the build, where no file tells it")
    parser.add_argument(
        "--role", choices=("both", "cas", "mbx"), help="of Exchange 2013, where no file tells it"
    )
    parser.add_argument("--details", action="store_true", help="everything that was read")
    parser.add_argument(
        "--fail-on", choices=_SEVERITIES, default="high", help="exit with 1 from here on"
    )
    many = parser.add_argument_group("many servers")
    many.add_argument("--inbox", type=Path, metavar="DIR", help="every zip of a folder")
    many.add_argument(
        "--inbox-cert", type=Path, metavar="PEM",
        help="refuse zips of the inbox that none of these certificates has signed",
    )  # fmt: skip
    many.add_argument(
        "--jobs", type=number(1, 64), default=1, metavar="N", help="processes (default: 1)"
    )
    add_cluster(many)
    instead = parser.add_argument_group("instead of an audit")
    instead.add_argument("--collector", type=Path, metavar="FILE", help="write the script there")
    instead.add_argument(
        "--diff", action="store_true", help="two PATHs of one server, old and new: what changed"
    )
    instead.add_argument(
        "--redact", type=Path, metavar="ZIP", help="write the bundle PATH without names there"
    )


def _run(options: argparse.Namespace) -> int:
    if options.collector is not None:
        return _collector(options)
    if options.redact is not None:
        return _redact(options)
    if options.diff:
        return _diff(options)
    if not options.path and options.inbox is None:
        raise UsageError("name a bundle, or a folder of bundles with --inbox")
    if options.inbox_cert is not None and options.inbox is None:
        raise UsageError("--inbox-cert is for the bundles of --inbox")
    from patchstand.workflow.audit_jobs import audit_all

    with pool(options) as others:
        processes = _ON_A_CLUSTER if options.cluster else options.jobs
        return show(options, audit_all(_plan(options), others, processes))


def _collector(options: argparse.Namespace) -> int:
    from patchstand.workflow.audit_collector import write_collector

    write_collector(options.collector)
    _say(options, str(options.collector))
    return OK


def _redact(options: argparse.Namespace) -> int:
    from patchstand.workflow.audit_redact import redact

    if len(options.path) != 1:
        raise UsageError("--redact ZIP takes one PATH: the bundle of one server")
    redacted = redact(options.path[0], options.redact)
    for left_out in redacted.left_out:
        _say(options, f"left out: {left_out.file}: {left_out.why}")
    _say(options, f"{options.redact}: {redacted.files} files, {redacted.names} names replaced")
    return OK


def _diff(options: argparse.Namespace) -> int:
    from patchstand.workflow.audit_diff import audit_diff

    if len(options.path) != 2:
        raise UsageError("--diff takes two PATHs: the old bundle or audit, and the new one")
    document = audit_diff(options.path[0], options.path[1], _plan(options))
    if options.json:
        write_json(document)
    else:
        from patchstand.report.catalog import catalog
        from patchstand.report.terminal_audit_diff import print_audit_diff

        print_audit_diff(console(), document, catalog(options.lang))
    return OK


def _say(options: argparse.Namespace, line: str) -> None:
    if not options.quiet:
        print(line, file=sys.stderr)


def _plan(options: argparse.Namespace) -> "AuditPlan":
    from patchstand.workflow.audit import AuditPlan

    return AuditPlan(
        tuple(options.path),
        as_of(options),
        options.build,
        options.knowledge,
        role=options.role,
        inbox=options.inbox,
        certificates=options.inbox_cert,
    )


COMMAND = Command("audit", "one server from inside, by its exported state", _configure, _run)
