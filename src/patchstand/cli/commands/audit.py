"""`patchstand audit PATH...`: one server from inside, by its exported state."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand.cli.command import FINDINGS, NOT_MEASURED, OK, Command, as_of
from patchstand.cli.output import console, write_json
from patchstand.model import Severity

if TYPE_CHECKING:
    from patchstand.model.audited import AuditedServer
    from patchstand.workflow.audit import AuditPlan

_SEVERITIES = [severity.value for severity in Severity]


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="+", type=Path, metavar="PATH",
        help="a bundle (folder or zip) for each server, or single files of one",
    )  # fmt: skip
    parser.add_argument("--build", metavar="BUILD", help="the build, where no file tells it")
    parser.add_argument("--details", action="store_true", help="everything that was read")
    parser.add_argument(
        "--fail-on", choices=_SEVERITIES, default="high", help="exit with 1 from here on"
    )


def _run(options: argparse.Namespace) -> int:
    from patchstand.workflow.audit import audit

    limit = Severity(options.fail_on).rank
    servers = []
    acts = False
    for server in audit(_plan(options)):
        acts |= any(finding.severity.rank <= limit for finding in server.findings)
        if options.json:
            from patchstand.report.audited import audit_document

            write_json(audit_document(server))
        servers.append(server)
    if not options.json:
        _show(options, servers)
    if not servers:
        return NOT_MEASURED
    return FINDINGS if acts else OK


def _plan(options: argparse.Namespace) -> "AuditPlan":
    from patchstand.workflow.audit import AuditPlan

    return AuditPlan(tuple(options.path), as_of(options), options.build, options.knowledge)


def _show(options: argparse.Namespace, servers: "list[AuditedServer]") -> None:
    from patchstand.report.catalog import catalog
    from patchstand.report.terminal_audit import print_audit, print_audits

    out, texts = console(), catalog(options.lang)
    if len(servers) == 1 or options.details:
        for server in servers:
            print_audit(out, server, texts, details=options.details)
    if len(servers) > 1:
        print_audits(out, servers, texts)


COMMAND = Command("audit", "one server from inside, by its exported state", _configure, _run)
