"""Batches of targets: as bytes and back, grouped by network, within their budgets."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.conversation import an_estate

from patchstand import knowledge
from patchstand.cli.main import main
from patchstand.errors import ScopeError, StoreError, UsageError
from patchstand.lab import Lab, lab_in_thread
from patchstand.model import (
    Evidence,
    EvidenceKind,
    Outcome,
    Permit,
    Place,
    Record,
    Scope,
    Source,
    Target,
    TlsFacts,
    Transcript,
)
from patchstand.observe.limits import Budget, Limits
from patchstand.observe.look import run
from patchstand.observe.pace import Pace, PaceRules, Spent
from patchstand.observe.resolve import Resolution, Resolver
from patchstand.observe.scope import Gate
from patchstand.workflow.beyond.batches import (
    ATTEMPTS,
    FORMAT,
    LOT,
    Lease,
    LookBatch,
    LookResult,
    LookSettings,
    allowances,
    at_most,
    decode_batch,
    decode_result,
    encode,
)
from patchstand.workflow.beyond.executor import ClusterTls, executor, through_executor
from patchstand.workflow.beyond.grouping import (
    Plan,
    batches_of,
    network_of,
    own_network_on_loopback,
)
from patchstand.workflow.beyond.remote import (
    Begun,
    BothGates,
    Edge,
    _Begun,
    _spent_before,
    look_batch,
)
from patchstand.workflow.targets import parse_target

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SETTINGS = LookSettings(
    probes=("https",),
    knowledge=knowledge.about().version,
    version="0.0",
    contact="https://probe.example/",
    ehlo_name="probe.invalid",
    vantage_point="test",
    requests=2,
    retries=0,
    limits=Limits(connect=2, answer=2, target=5),
    loopback_is_free=False,
)
LAB = Scope("own", "simulated", ("inform",), "lab@lab.invalid", networks=("127.0.0.0/8",))


def now() -> datetime:
    return NOW


# Bytes

WORDS = st.text(max_size=20)
COUNTS = st.integers(0, 2**32 - 1)
SECONDS = st.floats(0.001, 1e6)
DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PORTS = st.none() | st.integers(1, 65535)
TARGETS = st.builds(Target, WORDS, PORTS, PORTS, PORTS, PORTS)
PERMITS = st.builds(Permit, WORDS, WORDS, WORDS, WORDS, st.lists(WORDS, max_size=3).map(tuple))
SCOPES = st.builds(
    Scope,
    authority=WORDS,
    legal_basis=WORDS,
    purposes=st.lists(WORDS, max_size=3).map(tuple),
    contact=WORDS,
    networks=st.lists(WORDS, max_size=3).map(tuple),
    valid_until=st.none() | DAYS,
)
TRANSCRIPTS = st.builds(
    Transcript,
    service=WORDS,
    question=WORDS,
    outcome=st.sampled_from(Outcome),
    answer=st.binary(max_size=100),
    truncated=st.booleans(),
    detail=WORDS,
    connection=COUNTS,
    tls=st.none() | st.builds(TlsFacts, WORDS, WORDS, st.none() | st.binary(max_size=50)),
    milliseconds=SECONDS,
)
EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(EvidenceKind),
    text=WORDS,
    seen_on=st.none() | DAYS,
    server_name=st.none() | WORDS,
    source=st.none() | WORDS,
    connection=COUNTS,
)
RECORDS = st.builds(
    Record,
    target=WORDS,
    ports=WORDS,
    address=st.none() | WORDS,
    observed_at=TIMES,
    outcome=st.sampled_from(Outcome),
    evidence=st.lists(EVIDENCE, max_size=3).map(tuple),
    source=st.sampled_from(Source),
    requests=COUNTS,
    detail=WORDS,
    vantage_point=WORDS,
    permit=st.none() | PERMITS,
    nodes=st.lists(WORDS, max_size=3).map(tuple),
    certificate=st.none() | WORDS,
    place=st.builds(Place, st.none() | WORDS, st.none() | WORDS, st.none() | COUNTS, WORDS),
    answers=st.lists(TRANSCRIPTS, max_size=3).map(tuple),
)
SPENT = st.dictionaries(WORDS, st.builds(Spent, COUNTS, COUNTS), max_size=3)
ALL_SETTINGS = st.builds(
    LookSettings,
    probes=st.lists(WORDS, max_size=3).map(tuple),
    knowledge=WORDS,
    version=WORDS,
    contact=WORDS,
    ehlo_name=WORDS,
    vantage_point=st.none() | WORDS,
    nodes=COUNTS,
    requests=COUNTS,
    rules=st.builds(
        PaceRules, st.integers(1, 200), st.none() | st.integers(1), st.none() | SECONDS
    ).map(lambda rules: replace(rules, requests_per_network=None)),
    loopback_is_free=st.booleans(),
    limits=st.builds(Limits, SECONDS, SECONDS, SECONDS, COUNTS, COUNTS, COUNTS, COUNTS),
    concurrency=COUNTS,
    retries=COUNTS,
)
BATCHES = st.builds(
    LookBatch,
    scan=WORDS,
    number=COUNTS,
    window=COUNTS,
    leases=st.lists(st.builds(Lease, TARGETS, st.lists(WORDS).map(tuple), WORDS), max_size=4).map(
        tuple
    ),
    scopes=st.lists(SCOPES, max_size=2).map(tuple),
    settings=ALL_SETTINGS,
    spent=SPENT,
)


@given(BATCHES)
def test_a_batch_survives_the_way_to_a_worker(batch: LookBatch) -> None:
    """Whatever is in a batch, decoding what was encoded gives the same batch."""
    assert decode_batch(encode(batch)) == batch


@given(st.lists(RECORDS, max_size=4), SPENT, COUNTS)
def test_records_survive_the_way_back(
    records: list[Record], spent: dict[str, Spent], attempt: int
) -> None:
    """Whatever is in the records, evidence and raw answers too, comes back unchanged."""
    leases = tuple(Lease(parse_target("192.0.2.1"), ("192.0.2.1",)) for _ in records)
    batch = a_batch(*leases)
    same = tuple(replace(record, target="192.0.2.1", ports="") for record in records)
    result = LookResult(scan="s", number=0, attempt=attempt, records=same, spent=spent)

    assert decode_result(encode(result), batch) == result


@given(BATCHES, st.data())
def test_a_damaged_batch_is_refused_in_one_line(batch: LookBatch, data: st.DataObject) -> None:
    """A batch cut off anywhere, or with any byte changed, is refused or is some batch."""
    payload = encode(batch)
    place = data.draw(st.integers(0, len(payload) - 1))
    changed = payload[:place] + bytes([payload[place] ^ 0x55]) + payload[place + 1 :]

    with pytest.raises(UsageError):
        decode_batch(payload[:place])
    with pytest.raises(UsageError, match=r"^[^\n]+$"):
        decode_batch(changed)  # compressed data carries a checksum


def test_another_format_is_named() -> None:
    """A batch of another release is refused, and the message says what to do."""
    payload = msgspec.msgpack.encode((FORMAT + 1, b""))

    with pytest.raises(UsageError, match="install the same release"):
        decode_batch(payload)


def test_a_result_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small message that unpacks to more than any batch can be is refused."""
    monkeypatch.setattr("patchstand.workflow.beyond.batches.MOST_BYTES", 10_000)
    one = a_batch(Lease(Target("192.0.2.1"), ("192.0.2.1",)))
    record = Record("192.0.2.1", "", None, NOW, Outcome.REFUSED, detail="0" * 100_000)
    result = LookResult(scan="s", number=0, attempt=1, records=(record,), spent={})

    with pytest.raises(UsageError, match="larger than any batch"):
        decode_result(encode(result), one)


@pytest.mark.parametrize(
    "targets", [[], ["192.0.2.2"], ["192.0.2.1", "192.0.2.1"], ["192.0.2.1", "192.0.2.2"]], ids=str
)
def test_a_worker_cannot_answer_for_other_targets(targets: list[str]) -> None:
    """A result with another target, one too many or one too few is refused."""
    one = a_batch(Lease(Target("192.0.2.1"), ("192.0.2.1",)))
    records = tuple(Record(each, "", None, NOW, Outcome.REFUSED) for each in targets)
    result = LookResult(scan="s", number=0, attempt=1, records=records, spent={})

    with pytest.raises(UsageError, match="other targets"):
        decode_result(encode(result), one)


def test_ports_that_are_none_are_refused() -> None:
    """A batch cannot make a worker connect to a port outside 1 to 65535."""
    with pytest.raises(UsageError, match="port"):
        decode_batch(encode(a_batch(Lease(Target("192.0.2.1", https=70_000), ("192.0.2.1",)))))


# Groups

ADDRESSES = st.tuples(st.integers(0, 3), st.integers(1, 9)).map(
    lambda pair: (
        f"192.0.{pair[0]}.{pair[1]}" if pair[0] % 2 else f"2001:db8:0:{pair[0]}00::{pair[1]}"
    )
)


class Known(Resolver):
    """Knows names `a.b.example` as the addresses written in a table, and no other."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.table = table
        self.asked: list[str] = []

    async def addresses(self, name: str) -> Resolution:
        self.asked.append(name)
        found = self.table.get(name, ())
        return Resolution(found, "" if found else "the name does not exist")


def a_batch(*leases: Lease, rules: PaceRules | None = None) -> LookBatch:
    settings = replace(SETTINGS, rules=rules or SETTINGS.rules)
    return LookBatch(scan="s", number=0, window=0, leases=leases, scopes=(LAB,), settings=settings)


def a_plan(**settings: int) -> Plan:
    scope = Scope("own", "", ("inform",), "c", networks=("0.0.0.0/8",), domains=("example",))
    return Plan(scan="s", scopes=(scope,), settings=SETTINGS, **settings)  # type: ignore[arg-type]


def cut(targets: list[Target], plan: Plan, resolver: Resolver | None = None) -> list[LookBatch]:
    gate = Gate(now, scope=plan.scopes)
    found = batches_of(targets, resolver or Known({}), gate, plan)
    return [batch for batch in found if batch is not None]


def networks(batch: LookBatch) -> set[str]:
    return {network_of(address) for lease in batch.leases for address in lease.addresses}


@given(st.lists(ADDRESSES, max_size=40), st.lists(st.lists(ADDRESSES, max_size=3), max_size=8))
def test_every_network_lies_in_one_batch(plain: list[str], named: list[list[str]]) -> None:
    """Each target is in exactly one batch, in its order there, and no network is in two."""
    table = {f"n{number}.example": tuple(found) for number, found in enumerate(named)}
    targets = [Target(name) for name in (*plain, *table)]

    batches = cut(targets, a_plan(size=3), Known(table))

    leased = [lease.target for batch in batches for lease in batch.leases]
    seen = Counter(network for batch in batches for network in networks(batch))
    places = {target: number for number, target in enumerate(targets)}
    assert Counter(leased) == Counter(targets)
    assert set(seen.values()) <= {1}
    for batch in batches:
        names = list(dict.fromkeys(lease.target for lease in batch.leases))
        first = {target: targets.index(target) for target in places}
        assert names == sorted(names, key=first.__getitem__)


def test_networks_are_those_of_the_pace() -> None:
    """A network is a /24 or a /56; on loopback, where networks mean nothing, one address."""
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert ip_network(network_of("2001:db8:1:2ff::1")) == ip_network("2001:db8:1:200::/56")
    assert network_of("127.0.0.77") == "127.0.0.0/24"
    assert own_network_on_loopback("127.0.0.77") == "127.0.0.77"


def test_batches_are_about_as_large_as_wanted() -> None:
    """10,000 targets in as many networks give batches near the wanted size, all used."""
    targets = [Target(f"10.{n // 256}.{n % 256}.1") for n in range(10_000)]

    sizes = [len(batch.leases) for batch in cut(targets, a_plan(size=250))]

    assert len(sizes) == 40
    assert set(sizes) == {250}


def test_a_small_scan_has_a_batch_for_every_worker() -> None:
    """200 targets for four workers are four batches, although one would hold them all."""
    targets = [Target(f"10.0.{n}.1") for n in range(200)]

    sizes = [len(batch.leases) for batch in cut(targets, a_plan(at_once=4))]

    assert sizes == [50, 50, 50, 50]


def test_a_name_outside_the_scope_is_not_looked_up() -> None:
    """Names that nothing could permit are leased without address, and nobody is asked."""
    resolver = Known({"mail.example": ("192.0.2.1",), "mail.test": ("192.0.2.2",)})
    plan = replace(a_plan(), scopes=(Scope("own", "", ("inform",), "c", domains=("example",)),))

    (batch,) = cut([Target("mail.example"), Target("mail.test")], plan, resolver)

    assert resolver.asked == ["mail.example"]
    assert [lease.addresses for lease in batch.leases] == [("192.0.2.1",), ()]


def test_later_windows_know_what_earlier_ones_may_have_asked() -> None:
    """A network of an earlier window comes with all that was asked there, at its most."""
    targets = [Target("192.0.2.1"), Target("198.51.100.1"), Target("192.0.2.2")]

    batches = cut(targets, a_plan(window=1))

    assert [batch.window for batch in batches] == [0, 1, 2]
    assert [batch.spent for batch in batches] == [{}, {}, {"192.0.2.1": Spent(6, 6)}]


def test_later_windows_go_by_what_came_back() -> None:
    """Between two windows stands None, and what is back by then is charged as it was."""
    targets = [Target("192.0.2.1"), Target("192.0.2.2"), Target("192.0.2.3")]
    returned: dict[int, dict[str, Spent]] = {}
    plan = replace(a_plan(window=1), returned=returned)
    spent = []
    for batch in batches_of(targets, Known({}), Gate(now, scope=plan.scopes), plan):
        if batch is not None:
            spent.append(batch.spent)
            returned[batch.number] = {batch.leases[0].addresses[0]: Spent(1, 2)}

    assert spent == [
        {},
        {"192.0.2.1": Spent(1, 2)},
        {"192.0.2.1": Spent(1, 2), "192.0.2.2": Spent(1, 2)},
    ]


def test_what_was_asked_before_a_resume_is_charged() -> None:
    """What the plan says was spent goes to the batch of that network, and no other."""
    plan = replace(a_plan(size=1), spent={"192.0.2.9": Spent(3, 2)})

    batches = cut([Target("192.0.2.1"), *(Target(f"10.0.{n}.1") for n in range(20))], plan)

    charged = [batch for batch in batches if batch.spent]
    assert len(batches) > 5
    assert [batch.spent for batch in charged] == [{"192.0.2.9": Spent(3, 2)}]
    assert "192.0.2.0/24" in networks(charged[0])


def test_each_batch_gets_its_part_of_the_rate() -> None:
    """With four batches at work, each goes a quarter of the overall rate."""
    settings = replace(SETTINGS, rules=PaceRules(rate=100.0, rate_per_network=3.0))
    plan = replace(a_plan(at_once=4), settings=settings)

    (batch,) = cut([Target("192.0.2.1")], plan)

    assert batch.settings.rules == PaceRules(rate=25.0, rate_per_network=3.0)


# Budgets


class Remembered:
    """A ledger in memory that outlives the attempts; `away` says when it cannot be reached."""

    def __init__(self) -> None:
        self.attempts = 0
        self.lots: Counter[int] = Counter()
        self.away = 0

    def open(self) -> Begun:
        self.attempts += 1
        return Begun(self.attempts, dict(self.lots))

    def begin(self, lot: int, *, patiently: bool) -> bool:
        if self.away and not patiently:
            self.away -= 1
            return False
        self.lots[lot] += 1
        return True


@given(
    budget=st.integers(1, 9),
    requests=st.integers(1, 9),
    names=st.lists(st.integers(1, 20), min_size=1, max_size=3 * LOT),
    deaths=st.lists(st.integers(0, 3 * LOT), max_size=6),
)
def test_no_death_of_a_worker_breaks_the_budget(
    budget: int, requests: int, names: list[int], deaths: list[int]
) -> None:
    """However often workers die, and wherever, no server is asked more than its budget."""
    leases = [Lease(Target(f"n{i}.example"), (f"192.0.2.{n}",)) for i, n in enumerate(names)]
    rules = PaceRules(requests_per_server=budget)
    batch = a_batch(*leases, rules=rules)
    batch = replace(batch, settings=replace(batch.settings, requests=requests, retries=0))
    ledger, asked = Remembered(), Counter[str]()

    for death in [*deaths, len(leases)]:
        pace = Pace(rules, spent=_spent_before(batch, ledger.open()).items())
        for lease in list(_leases(batch, ledger))[:death]:
            limited = Budget(requests, network=pace.budget(lease.addresses[0]))
            while limited.attempt():
                limited.take()
                asked[lease.addresses[0]] += 1

    assert all(count <= budget for count in asked.values())
    if len(deaths) < ATTEMPTS and budget >= requests * len(names) * ATTEMPTS:
        assert set(asked) == {lease.addresses[0] for lease in leases}


def _leases(batch: LookBatch, ledger: Remembered) -> Iterator[Lease]:
    by_target = {lease.target: lease for lease in batch.leases}
    targets = _Begun(batch, ledger)
    assert targets.wait()
    return (by_target[target] for target in targets)


@given(st.lists(st.integers(1, 5), min_size=1), st.integers(0, 4), st.integers(1, 30))
def test_what_is_charged_never_exceeds_the_budget(
    names: list[int], times: int, budget: int
) -> None:
    """Whatever lots were begun, at most the budget is charged, and the worst case is the most."""
    leases = [Lease(Target(f"192.0.2.{n}"), (f"192.0.2.{n}",)) for n in names]
    batch = a_batch(*leases, rules=PaceRules(requests_per_server=budget))

    charged = allowances(batch, {0: min(times, ATTEMPTS)})

    assert all(max(each) <= budget for each in charged.values())
    worst = at_most(batch)
    assert all(each.taken <= worst[address].taken for address, each in charged.items())


def test_both_scopes_must_permit() -> None:
    """A worker's own scope narrows that of the batch; either alone can end a permit."""
    wide = Scope("contract", "", ("inform",), "c", networks=("192.0.2.0/24",))
    narrow = Scope("own", "", ("inform",), "d", networks=("192.0.2.0/25",), valid_until=NOW.date())
    clock = [NOW]
    gate = BothGates(Edge(lambda: clock[0], None, narrow), (wide,), strict=True)

    permit = run(gate.permit("192.0.2.1", "192.0.2.1"))
    with pytest.raises(ScopeError, match="the worker's own scope"):
        run(gate.permit("192.0.2.200", "192.0.2.200"))
    with pytest.raises(ScopeError):
        run(gate.permit("198.51.100.1", "198.51.100.1"))

    assert permit.authority == "contract"
    assert gate.still_permits(permit)
    clock[0] = datetime(2026, 11, 23, tzinfo=UTC)
    assert not gate.still_permits(permit)


# Looks


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with lab_in_thread(an_estate(40, '{"2016": 1, "2019": 1, "postfix_dovecot": 1}')) as lab:
        yield lab


def of_lab(lab: Lab, **settings: object) -> LookBatch:
    leases = (Lease(parse_target(line), (parse_target(line).name,)) for line in lab.targets())
    batch = a_batch(*leases)
    return replace(batch, settings=replace(batch.settings, **settings))  # type: ignore[arg-type]


def test_a_batch_gives_one_record_for_each_target(lab: Lab) -> None:
    """Records with evidence and raw answers for all, and what each address was asked."""
    batch = of_lab(lab)

    result = decode_result(look_batch(encode(batch), Edge(now)), batch)

    answered = [each for each in result.records if each.outcome is Outcome.ANSWERED]
    assert len(answered) > 20
    assert all(each.evidence and each.answers and each.observed_at == NOW for each in answered)
    assert {each.vantage_point for each in result.records} == {"test"}
    assert all(result.spent[each.target].taken == each.requests for each in answered)
    assert all(each.requests <= 2 for each in result.records)


def test_a_ledger_that_is_away_interrupts_no_look(lab: Lab) -> None:
    """Targets whose lot cannot be entered wait until those under way have ended well."""
    batch, ledger = of_lab(lab), Remembered()
    usual = decode_result(look_batch(encode(batch), Edge(now)), batch)
    ledger.away = 1

    result = decode_result(look_batch(encode(batch), Edge(now), ledger), batch)

    assert ledger.away == 0
    assert ledger.lots == {0: 1, 1: 1}
    assert outcomes(result) == outcomes(usual)


def outcomes(result: LookResult) -> dict[str, Outcome]:
    return {record.target: record.outcome for record in result.records}


def test_a_server_that_may_have_been_asked_too_much_is_left_alone(lab: Lab) -> None:
    """After too many lost attempts, records say budget_spent, and nobody is connected to."""
    batch, ledger = of_lab(lab), Remembered()
    ledger.attempts = ATTEMPTS
    before = sum(visits.connections.total() for visits in lab.tally.visits.values())

    result = decode_result(look_batch(encode(batch), Edge(now), ledger), batch)

    assert {record.outcome for record in result.records} == {Outcome.BUDGET_SPENT}
    assert sum(visits.connections.total() for visits in lab.tally.visits.values()) == before


def test_a_worker_asks_only_what_its_own_scope_permits_too(lab: Lab) -> None:
    """Records of targets outside the worker's own scope say out_of_scope; nobody asks them."""
    batch = of_lab(lab)
    half = Scope("own", "", ("inform",), "c", networks=("127.1.0.0/28",), requests_per_server=1)
    before = {address: each.connections.total() for address, each in lab.tally.visits.items()}

    result = decode_result(look_batch(encode(batch), Edge(now, None, half)), batch)

    inside = {record.target for record in result.records if record.outcome is Outcome.ANSWERED}
    outside = {record.target for record in result.records} - inside
    assert inside == {f"127.1.0.{n}" for n in range(1, 16)}
    assert {outcomes(result)[target] for target in outside} == {Outcome.OUT_OF_SCOPE}
    assert all(record.requests <= 1 for record in result.records)
    assert all(
        lab.tally.visits[target].connections.total() == before[target]
        for target in outside & before.keys()
    )


def test_a_scope_that_has_ended_permits_nothing(lab: Lab) -> None:
    """The worker's clock decides: a batch that comes too late is recorded as out_of_scope."""
    batch = replace(of_lab(lab), scopes=(replace(LAB, valid_until=date(2026, 11, 21)),))

    result = decode_result(look_batch(encode(batch), Edge(now)), batch)

    assert set(outcomes(result).values()) == {Outcome.OUT_OF_SCOPE}


def test_a_worker_with_other_knowledge_refuses(lab: Lab) -> None:
    """What is reduced to evidence must not depend on who looked."""
    batch = of_lab(lab, knowledge="1999.01")

    with pytest.raises(UsageError, match=r"knowledge 1999\.01"):
        look_batch(encode(batch), Edge(now))


# Local processes


def test_local_processes_look_at_batches(lab: Lab) -> None:
    """Without an address the executor is processes of this machine; all batches come back."""
    leases = of_lab(lab).leases
    batches = [replace(of_lab(lab), number=n, leases=leases[n::3]) for n in range(3)]

    with executor(None, processes=1) as pool:
        results = list(through_executor(batches, pool, Edge(now), at_once=2))

    assert sorted(result.number for result in results) == [0, 1, 2]
    assert sum(len(result.records) for result in results) == 40


def test_a_failure_on_a_worker_is_told_in_one_line(lab: Lab) -> None:
    """A batch that no worker can look at ends the stream with the worker's own words."""
    batch = of_lab(lab, probes=("telnet",))

    with (
        executor(None, processes=1) as pool,
        pytest.raises(UsageError, match="no probe 'telnet'"),
    ):
        list(through_executor([batch], pool, Edge(now), at_once=2))


def test_a_lost_process_is_told_in_one_line(lab: Lab) -> None:
    """A local process that dies ends the stream with an error that says what to do."""
    with (
        executor(None, processes=1) as pool,
        pytest.raises(StoreError, match="resume"),
    ):
        list(through_executor([of_lab(lab)], pool, Edge(_die), at_once=2))


def _die() -> datetime:
    os._exit(1)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8786", "http://127.0.0.1:8786", "tls://127.0.0.1:8786", "tcp://127.0.0.1:1"]
)
def test_a_cluster_that_is_none_is_told_in_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong address, missing certificates and a scheduler that is not there: wrong usage."""
    monkeypatch.setattr("patchstand.workflow.beyond.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageError, match=r"^--cluster [^\n]+$"), executor(url):
        pass


def test_a_missing_extra_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without distributed, --cluster says which extra to install."""
    monkeypatch.delattr("patchstand.workflow.beyond.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "patchstand.workflow.beyond.cluster", None)

    with pytest.raises(UsageError, match=r"patchstand\[cluster\]"), executor("tcp://127.0.0.1:1"):
        pass


def test_a_worker_without_the_extra_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without procrastinate, `worker` says in one line which extra to install."""
    monkeypatch.delattr("patchstand.workflow.beyond.worker", raising=False)
    monkeypatch.delitem(sys.modules, "patchstand.workflow.beyond.worker", raising=False)
    monkeypatch.setitem(sys.modules, "procrastinate", None)

    assert main(["worker", "--queue", "postgresql://127.0.0.1/x"]) == 2
    assert "patchstand[cluster]" in capsys.readouterr().err


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    """tls:// with a file that is not there names the file."""
    nowhere = tmp_path / "ca.pem"
    tls = ClusterTls(nowhere, nowhere, nowhere)
    with pytest.raises(UsageError, match=r"ca\.pem"), executor("tls://127.0.0.1:1", tls):
        pass
