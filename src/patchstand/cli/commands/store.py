"""`patchstand store ACTION`: list, servers, export, check, purge and erase what is kept."""

import argparse
import getpass
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchstand.cli.command import FINDINGS, OK, Command, add_state, as_of, day, now
from patchstand.cli.output import console, write_json
from patchstand.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from patchstand.report.catalog import Catalog
    from patchstand.report.stored import Shown
    from patchstand.store.export import Selection
    from patchstand.workflow.export import Export, Naming
    from patchstand.workflow.store import Store

_FILES = ("csv", "parquet", "shadowserver", "intelmq")
_SEALED = ("json", "shadowserver", "intelmq")
_TLP = ("red", "amber+strict", "amber", "green", "clear")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=tuple(_ACTIONS), help="what to do with the store")
    parser.add_argument("target", nargs="*", metavar="TARGET", help="erase: names, addresses")
    parser.add_argument("--store", type=Path, metavar="DIR", required=True, help="the store")
    add_state(parser)
    parser.add_argument("--dry-run", action="store_true", help="check, purge: change nothing")
    parser.add_argument("--raw-days", type=int, default=90, metavar="N", help="purge: days kept")
    parser.add_argument("--reason", metavar="TEXT", help="why: for the journal")
    what = parser.add_argument_group("export: what")
    what.add_argument("--scan", metavar="ID", help="of one scan or import")
    what.add_argument("--since", type=day, metavar="DAY", help="observed from this day on")
    what.add_argument("--until", type=day, metavar="DAY", help="observed up to this day")
    what.add_argument("--csv", type=Path, metavar="FILE", help="write CSV")
    what.add_argument("--parquet", type=Path, metavar="FILE", help="write Parquet")
    vulnerable = parser.add_argument_group("export: the vulnerable servers")
    vulnerable.add_argument(
        "--shadowserver", type=Path, metavar="FILE", help="write CSV like scan_exchange"
    )
    vulnerable.add_argument("--intelmq", type=Path, metavar="FILE", help="write IntelMQ events")
    names = parser.add_argument_group("export: with names")
    names.add_argument(
        "--recipient", type=Path, action="append", default=[], metavar="CERT", help="encrypt to"
    )
    names.add_argument("--tlp", choices=_TLP, help="how far it may be passed on")
    names.add_argument("--out", type=Path, metavar="FILE", help="the encrypted file")
    names.add_argument("--form", choices=_SEALED, help="what --out holds (default: json)")
    names.add_argument("--own", action="store_true", help="they are all servers of your own")


def _run(options: argparse.Namespace) -> int:
    from patchstand.workflow.store import Store

    if options.target and options.action != "erase":
        raise UsageError(f"store {options.action} takes no TARGET; --scan and --since choose")
    return _ACTIONS[options.action](options, Store(options.store, options.state))


def _list(options: argparse.Namespace, store: "Store") -> int:
    from patchstand.report.catalog import catalog
    from patchstand.report.stored import print_batches
    from patchstand.workflow.store import batches
    from patchstand.workflow.stored import batch_document

    found = [batch_document(each) for each in batches(store)]
    if options.json:
        for each in found:
            write_json(each)
    else:
        print_batches(console(), found, catalog(options.lang))
    return OK


def _servers(options: argparse.Namespace, store: "Store") -> int:
    from patchstand.report.catalog import catalog
    from patchstand.report.stored import print_servers
    from patchstand.workflow.store import servers
    from patchstand.workflow.stored import server_document

    found = (server_document(each) for each in servers(store, now(), options.knowledge))
    if options.json:
        for each in found:
            write_json(each)
    else:
        print_servers(console(), found, catalog(options.lang))
    return OK


def _check(options: argparse.Namespace, store: "Store") -> int:
    from patchstand.report.stored import print_check
    from patchstand.workflow.store import check
    from patchstand.workflow.stored import check_document

    found = check(store, dry_run=options.dry_run)
    _show(options, check_document(found, dry_run=options.dry_run), print_check)
    return OK if found.is_fine else FINDINGS


def _purge(options: argparse.Namespace, store: "Store") -> int:
    from patchstand.report.stored import print_purge
    from patchstand.workflow.store import purge
    from patchstand.workflow.stored import purge_document

    gone = purge(store, as_of(options), options.raw_days, dry_run=options.dry_run)
    _show(options, purge_document(gone, dry_run=options.dry_run), print_purge)
    return OK


def _erase(options: argparse.Namespace, store: "Store") -> int:
    from patchstand.report.stored import print_erase
    from patchstand.workflow.store import erase
    from patchstand.workflow.stored import erase_document

    if options.dry_run:
        raise UsageError("store erase has no --dry-run: it erases what it is told to")
    done = erase(store, options.target, options.reason or "", now())
    _show(options, erase_document(done), print_erase)
    return OK


def _show(
    options: argparse.Namespace,
    document: dict[str, Any],
    to_people: "Callable[[Console, Shown, Catalog], None]",
) -> None:
    if options.json:
        write_json(document)
        return
    from patchstand.report.catalog import catalog

    to_people(console(), document, catalog(options.lang))


def _export(options: argparse.Namespace, store: "Store") -> int:
    from patchstand.workflow.export import export_sealed, export_to_file, export_to_stream

    wanted = _wanted(options, store)
    if options.out is not None:
        naming = wanted.naming
        assert naming is not None  # _naming sees to that
        done = export_sealed(wanted, naming, options.out, now())
        target = options.out
    elif not options.json:
        target = getattr(options, wanted.form)
        done = export_to_file(wanted, target, now())
    else:
        export_to_stream(wanted, sys.stdout.buffer, now())
        return OK
    if not options.quiet:
        print(f"{target}: {done.rows} rows, SHA-256 {done.sha256}", file=sys.stderr)
    return OK


def _wanted(options: argparse.Namespace, store: "Store") -> "Export":
    from patchstand.workflow.export import Export

    chosen = ["json"] if options.json else []
    chosen += [name for name in _FILES if getattr(options, name) is not None]
    if len(chosen) > 1:
        raise UsageError(f"one export has one form: choose one of {', '.join(_forms(chosen))}")
    naming = _naming(options, chosen)
    if not chosen and options.out is None:
        raise UsageError(
            "say what to write: --json, --csv FILE, --parquet FILE, --shadowserver FILE,"
            " --intelmq FILE or --out FILE"
        )
    if options.form is not None and options.out is None:
        raise UsageError("--form says what --out holds; name the file with --out")
    form = chosen[0] if chosen else options.form or "json"
    return Export(store, _selection(options, form), form, naming, options.knowledge)


def _forms(chosen: list[str]) -> list[str]:
    return [f"--{name}" for name in chosen]


def _selection(options: argparse.Namespace, form: str) -> "Selection":
    """Which observations; for the vulnerable servers those that make one present."""
    from patchstand.store.export import Selection
    from patchstand.store.present import window
    from patchstand.workflow.export import JUDGED

    if form not in JUDGED:
        return Selection(options.scan, options.since, _last_day(options))
    if options.since or options.until:
        raise UsageError(f"{form} is judged as of one day: say it with --as-of DATE")
    return window(options.scan, as_of(options))


def _last_day(options: argparse.Namespace) -> date:
    """`--until`, yet nothing that was observed after the day to judge by."""
    last: date = as_of(options)
    return min(last, options.until) if options.until else last


def _naming(options: argparse.Namespace, chosen: list[str]) -> "Naming | None":
    """What allows names; None for an export under pseudonyms."""
    from patchstand.workflow.export import Naming

    sealed = (options.recipient, options.tlp, options.out)
    reason = (options.reason or "").strip()
    if options.own:
        if not reason or options.recipient or options.out:
            raise UsageError("--own wants a --reason, and no --recipient and no --out")
        return Naming(getpass.getuser(), reason, options.tlp or "", own=True)
    if not any(sealed) and not reason:
        return None
    if not all(sealed) or not reason:
        raise UsageError(
            "names leave only encrypted: --recipient, --tlp, --reason and --out go together"
        )
    if chosen:
        said = ", ".join(_forms(chosen))
        raise UsageError(f"--form says what --out holds (default: json); leave {said} away")
    return Naming(getpass.getuser(), reason, options.tlp, tuple(options.recipient))


_ACTIONS = {
    "list": _list,
    "servers": _servers,
    "export": _export,
    "check": _check,
    "purge": _purge,
    "erase": _erase,
}

COMMAND = Command(
    "store", "what is kept: list, servers, export, check, purge, erase", _configure, _run
)
