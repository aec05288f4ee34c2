"""What the tests of cluster and queue share: a lab that counts, batches, a look without either."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
from tests.lab.conversation import an_estate
from tests.services.servers import free_port

from patchstand import knowledge
from patchstand.cli.command import now
from patchstand.lab import Lab, Ports, lab_in_thread
from patchstand.model import Record
from patchstand.observe.limits import Limits
from patchstand.observe.pace import PaceRules
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.workflow.beyond.batches import (
    LookBatch,
    LookResult,
    LookSettings,
    decode_result,
    encode,
)
from patchstand.workflow.beyond.grouping import Plan, batches_of
from patchstand.workflow.beyond.remote import Edge, look_batch
from patchstand.workflow.lab import lab_scope
from patchstand.workflow.targets import read_targets

SERVERS = 240
REQUESTS = 2
BUDGET = 6
AT_ONCE = 2
KINDS = '{"2010": 1, "2013": 2, "2016": 4, "2019": 4, "SE": 2, "postfix_dovecot": 1, "refused": 1}'
"""Servers whose answers depend on nothing but the question: so records can be compared."""
SETTINGS = LookSettings(
    probes=("https",),
    knowledge=knowledge.about().version,
    version="0.0",
    contact="https://probe.example/",
    ehlo_name="probe.invalid",
    requests=REQUESTS,
    retries=0,
    rules=PaceRules(requests_per_server=BUDGET),
    loopback_is_free=False,
    limits=Limits(connect=10, answer=20, target=60),
)
SLOW = PaceRules(requests_per_server=BUDGET, rate=200.0)
"""Slow enough that a worker can be killed in the middle; by a rate, not by slow servers."""


@contextmanager
def a_lab() -> Iterator[Lab]:
    """The same servers each time, with nothing counted yet."""
    with lab_in_thread(an_estate(SERVERS, KINDS), _ports()) as lab:
        yield lab


@lru_cache(maxsize=1)
def _ports() -> Ports:
    """The same ports each time: servers name them in what they say."""
    return Ports(*(free_port() for _ in range(6)))


def batches_for(lab: Lab, scan: str, rules: PaceRules = SETTINGS.rules) -> list[LookBatch]:
    """All servers of the lab, in batches of about 40."""
    plan = Plan(
        scan=scan,
        scopes=(lab_scope(),),
        settings=replace(SETTINGS, rules=rules),
        size=40,
        at_once=AT_ONCE,
    )
    gate = Gate(now, scope=plan.scopes)
    found = batches_of(read_targets(lab.targets()), Resolver(), gate, plan)
    return [batch for batch in found if batch is not None]


def looked_at_here(lab: Lab) -> list[Record]:
    """The records of the lab's servers, without cluster or queue."""
    batches = batches_for(lab, "here")
    return [
        record
        for batch in batches
        for record in decode_result(look_batch(encode(batch), Edge(now)), batch).records
    ]


def records_of(results: Iterable[LookResult]) -> list[Record]:
    """All records of some results."""
    return [record for result in results for record in result.records]


def comparable(records: Iterable[Record]) -> list[bytes]:
    """Records without times, keys and what differs with them (the raw answers), in order."""
    bare = [
        replace(
            record,
            observed_at=now().min,
            certificate="some" if record.certificate else None,  # a lab has other keys each time
            evidence=tuple(replace(each, seen_on=None) for each in record.evidence),
            answers=tuple(
                replace(each, answer=b"", milliseconds=0.0, tls=None, detail="")
                for each in record.answers
            ),
        )
        for record in records
    ]
    return sorted(map(msgspec.json.encode, bare))


def most_asked(lab: Lab) -> tuple[int, int]:
    """The most connections, and the most requests, that any server of the lab saw."""
    visits = lab.tally.visits.values()
    return (
        max(each.connections.total() for each in visits),
        max(each.requests.total() for each in visits),
    )


def scanned(lab: Lab, folder: Path, *options: str) -> list[bytes]:
    """What `patchstand scan` stored of the lab's servers, times, ids and pseudonyms aside."""
    folder.mkdir()
    (folder / "targets.txt").write_text("\n".join(lab.targets()), encoding="utf-8")
    (folder / "scope.json").write_bytes(msgspec.json.encode(lab_scope()))
    files = ("--scope", "scope.json", "--targets", "targets.txt", "--requests", str(REQUESTS))
    _patchstand(folder, "scan", "--store", "store", *files, "--quiet", *options)
    rows = _patchstand(folder, "store", "export", "--store", "store", "--json").splitlines()
    found = [msgspec.json.decode(re.sub(rb"\bp:\w+", b"p:", row)) for row in rows]
    kept = [{key: row[key] for key in row if key not in {"observed_at", "scan"}} for row in found]
    return sorted(msgspec.json.encode(row, order="deterministic") for row in kept)


def _patchstand(folder: Path, *words: str) -> bytes:
    program = Path(sys.executable).with_name("patchstand")
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
