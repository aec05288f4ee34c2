"""How the servers of an audit are shown: each as it is judged, and none kept longer than that."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from patchstand.cli.command import FINDINGS, NOT_MEASURED, OK
from patchstand.cli.output import console, write_json
from patchstand.model import Severity

if TYPE_CHECKING:
    from patchstand.model.audited import AuditedServer
    from patchstand.model.bundled import RefusedBundle


def show(options: argparse.Namespace, results: "Iterable[AuditedServer | RefusedBundle]") -> int:
    """Show every server; the exit code that follows from all of them."""
    watch = _Watch(options)
    if options.json:
        _write(watch.judged(results))
    else:
        _print(options, watch.judged(results))
    return watch.code()


class _Watch:
    """Notes what passes by; a bundle that was refused is said on stderr, whatever the output."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._limit = Severity(options.fail_on).rank
        self._seen = self._acts = False

    def judged(
        self, results: "Iterable[AuditedServer | RefusedBundle]"
    ) -> "Iterator[AuditedServer | RefusedBundle]":
        from patchstand.model.bundled import RefusedBundle

        for each in results:
            if isinstance(each, RefusedBundle):
                self._acts = True
                print(f"patchstand: {each.name}: refused: {each.why}", file=sys.stderr)
            else:
                self._seen = True
                ranks = (finding.severity.rank for finding in each.findings)
                self._acts |= any(rank <= self._limit for rank in ranks)
            yield each

    def code(self) -> int:
        if not self._seen:
            return NOT_MEASURED
        return FINDINGS if self._acts else OK


def _write(results: "Iterable[AuditedServer | RefusedBundle]") -> None:
    from patchstand.model.bundled import RefusedBundle
    from patchstand.report.audited import audit_document, refused_document

    for each in results:
        if isinstance(each, RefusedBundle):
            write_json(refused_document(each))
        else:
            write_json(audit_document(each))


def _print(options: argparse.Namespace, results: "Iterable[AuditedServer | RefusedBundle]") -> None:
    """One server in full; of several a table, which with --details follows them."""
    from patchstand.model.audited import AuditedServer
    from patchstand.report.catalog import catalog
    from patchstand.report.terminal_audit import print_audit, print_audits

    out, texts = console(), catalog(options.lang)
    only: AuditedServer | None = None
    rows: list[AuditedServer] = []
    for server in results:
        if isinstance(server, AuditedServer):
            if options.details:
                print_audit(out, server, texts, details=True)
            only = None if rows else server
            rows.append(_slim(server))
    if only is not None and not options.details:
        print_audit(out, only, texts)
    if len(rows) > 1:
        print_audits(out, rows, texts)


def _slim(server: "AuditedServer") -> "AuditedServer":
    """What a row of the table shows: a thousand servers are kept until it is printed."""
    return replace(
        server,
        assessment=replace(server.assessment, cves=()),
        findings=tuple(replace(finding, read=()) for finding in server.findings),
        undetermined=(),
        read=(),
        skipped=(),
        unknown=(),
        provenance=None,
    )
