"""The knowledge as CSAF 2.0: complete, free of contradiction, valid, the same every time."""

import copy
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from csaf.csaf.v20 import validate

from patchstand.assess import judge_build
from patchstand.model import Build, Knowledge, Status
from patchstand.report.vex import Heading, file_name, tracking_id, vex

Part = dict[str, Any]
TODAY = date(2026, 10, 13)
DAYS = [TODAY, date(2022, 10, 1), date(2010, 1, 1)]
"""The end of the knowledge, two days after two CVEs without a fix became known, and long ago."""
LISTS = {
    "known_affected": Status.AFFECTED,
    "fixed": Status.FIXED,
    "known_not_affected": Status.NOT_AFFECTED,
    "under_investigation": Status.UNDETERMINED,
}
_MADE: dict[date, Part] = {}


def heading(day: date) -> Heading:
    return Heading(day, "CERT of Examples", "https://cert.example", "1.0", ("a source",))


def document(known: Knowledge, day: date) -> Part:
    if day not in _MADE:
        out = [row.build for row in known.updates if row.released <= day]
        judged = [judge_build(known, build, day) for build in out]
        _MADE[day] = vex(known, [each for each in judged if each], heading(day))
    return _MADE[day]


def products(part: Part) -> Iterator[Part]:
    for branch in part.get("branches", ()):
        if "product" in branch:
            yield branch["product"]
        yield from products(branch)


def ids(whole: Part) -> list[str]:
    return [each["product_id"] for each in products(whole["product_tree"])]


@pytest.mark.parametrize("day", [DAYS[0], DAYS[2]])
def test_the_validator_finds_nothing(known: Knowledge, day: date) -> None:
    """JSON schema and all mandatory tests of CSAF 2.0 pass, the profile VEX among them."""
    report = validate(document(known, day), preset="basic")

    failed = [(each.id, each.errors[:2]) for each in report.results if not each.passed]
    assert failed == []
    ran = {each.id for each in report.results if not each.skipped}
    assert {"schema", "6.1.1", "6.1.6", "6.1.9", "6.1.27"} <= ran


@pytest.mark.parametrize("part", ["threats", "remediations", "notes"])
def test_the_validator_would_find_it(known: Knowledge, part: str) -> None:
    """Without a part that the profile asks for, the same validator refuses the document."""
    whole = copy.deepcopy(document(known, date(2010, 1, 1)))
    for each in whole["vulnerabilities"]:
        each.pop(part, None)

    assert not validate(whole, preset="basic").overall_valid


def test_of_the_recommended_tests_only_what_nobody_knows_is_missing(known: Knowledge) -> None:
    """No score where none was published, no canonical address, no CPE for lines without one."""
    report = validate(document(known, date(2010, 1, 1)), preset="extended")

    assert {each.id for each in report.results if not each.passed} <= {"6.2.3", "6.2.11", "6.2.16"}


@pytest.mark.parametrize("day", DAYS)
def test_each_product_is_in_exactly_one_list_of_each_cve(known: Knowledge, day: date) -> None:
    """Every build out by the day has one status, and the one the judgement gives it."""
    whole = document(known, day)
    all_ids = ids(whole)

    assert len(all_ids) == len(set(all_ids)) == sum(row.released <= day for row in known.updates)
    assert len(whole["vulnerabilities"]) == sum(cve.known_from <= day for cve in known.cves)
    for each in whole["vulnerabilities"]:
        listed = Counter(one for group in each["product_status"].values() for one in group)
        assert set(listed) == set(all_ids)
        assert set(listed.values()) == {1}


def test_the_lists_say_what_the_judgement_says(known: Knowledge) -> None:
    """For each build and CVE the list is that of its status."""
    whole = document(known, TODAY)
    listed = {
        (each.get("cve") or each["ids"][0]["text"], one): LISTS[name]
        for each in whole["vulnerabilities"]
        for name, group in each["product_status"].items()
        for one in group
    }

    for row in known.updates:
        judged = judge_build(known, row.build, TODAY)
        assert judged is not None
        for cve in judged.cves:
            assert listed[cve.id, f"exchange-{row.build}"] is cve.status


@pytest.mark.parametrize("day", DAYS)
def test_the_profile_vex_is_kept(known: Knowledge, day: date) -> None:
    """Affected: what to do; not affected: why; each vulnerability: an id and a note."""
    whole = document(known, day)
    all_ids = set(ids(whole))

    for each in whole["vulnerabilities"]:
        status = each["product_status"]
        assert ("cve" in each) != ("ids" in each)
        assert re.fullmatch(r"CVE-[0-9]{4}-[0-9]{4,}", each.get("cve", "CVE-2000-0000"))
        assert each["notes"]
        assert status
        helped = {one for fix in each.get("remediations", ()) for one in fix["product_ids"]}
        assert set(status.get("known_affected", ())) <= helped <= all_ids
        explained = {
            one
            for threat in each.get("threats", ())
            if threat["category"] == "impact"
            for one in threat["product_ids"]
        }
        assert set(status.get("known_not_affected", ())) == explained
        for score in each.get("scores", ()):
            assert set(score["products"]) <= all_ids


def test_what_is_recommended_closes_the_hole(known: Knowledge) -> None:
    """The build of a vendor fix is itself fixed, or not decided by the build; never withdrawn."""
    whole = document(known, TODAY)

    for each in whole["vulnerabilities"]:
        open_builds = set(each["product_status"].get("known_affected", ()))
        for fix in each.get("remediations", ()):
            if fix["category"] != "vendor_fix":
                continue
            (build,) = re.findall(r"build ([0-9.]+),", fix["details"])
            assert f"exchange-{build}" not in open_builds
            undecided = f"exchange-{build}" in each["product_status"].get("under_investigation", ())
            assert ("together with the setting" in fix["details"]) == undecided
            row = known.update(Build.parse(build))
            assert row is not None
            assert row.withdrawn_on is None
            assert {fix["date"][:10]} == {str(row.released)}


def test_without_a_fix_on_the_day_none_is_named(known: Knowledge) -> None:
    """On 1 October 2022 two exploited CVEs had no update; none of the future is named."""
    whole = document(known, date(2022, 10, 1))
    (proxy,) = [each for each in whole["vulnerabilities"] if each.get("cve") == "CVE-2022-41040"]

    assert {fix["category"] for fix in proxy["remediations"]} <= {
        "none_available",
        "no_fix_planned",
    }
    assert any(threat["category"] == "exploit_status" for threat in proxy["threats"])
    moments = re.findall(r"\d{4}-\d\d-\d\dT", str(whole))
    assert max(moments) <= "2022-10-01T"


def test_ids_that_are_no_cve_stand_apart(known: Knowledge) -> None:
    """An ADV number is an id of the vendor's, not a CVE."""
    found = [each for each in document(known, TODAY)["vulnerabilities"] if "ids" in each]

    assert "ADV190018" in {each["ids"][0]["text"] for each in found}
    assert all(each["ids"][0]["text"].startswith("ADV") for each in found)


def test_each_cpe_names_one_build(known: Knowledge) -> None:
    """Two builds of one cumulative update do not share a CPE."""
    named = list(products(document(known, TODAY)["product_tree"]))
    cpes = [
        each["product_identification_helper"]["cpe"]
        for each in named
        if "product_identification_helper" in each
    ]

    assert len(cpes) == len(set(cpes)) > 400
    assert (
        "cpe:2.3:a:microsoft:exchange_server:2019:cumulative_update_12:*:*:*:*:*:15.2.1118.40"
        in cpes
    )


def test_knowledge_of_later_changes_nothing(known: Knowledge) -> None:
    """Rows dated after the day are as if they were not there, and the order of rows is nothing."""
    day = date(2022, 10, 1)
    then = Knowledge(
        version=known.version,
        covered_from=known.covered_from,
        covered_until=known.covered_until,
        updates=reversed([row for row in known.updates if row.released <= day]),
        cves=[cve for cve in known.cves if cve.known_from <= day],
        support=[phase for phases in known.support.values() for phase in phases],
        rejected=known.rejected.values(),
    )
    judged = [judge_build(then, row.build, day) for row in then.updates]

    again = vex(then, [each for each in judged if each], heading(day))

    assert again == document(known, day)


def test_the_document_is_named_after_knowledge_and_day(known: Knowledge) -> None:
    """The id, and the file name that the standard derives from it."""
    day = date(2026, 10, 13)

    assert tracking_id(known, heading(day)) == f"patchstand-vex-{known.version}-2026-10-13"
    assert re.fullmatch(r"[+\-_a-z0-9]+\.json", file_name(known, heading(day)))


def test_before_everything_there_is_nothing_to_say(known: Knowledge) -> None:
    """A day without builds or CVEs is refused."""
    with pytest.raises(ValueError, match="1995-01-01"):
        vex(known, [], heading(date(1995, 1, 1)))
