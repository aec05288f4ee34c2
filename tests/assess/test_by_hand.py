"""Builds worked out by hand from the public update history; the reasoning stands beside each."""

import json
from datetime import date
from pathlib import Path

import pytest

from patchstand.assess import judge_build, judge_set
from patchstand.model import (
    Build,
    BuildAssessment,
    Knowledge,
    PhaseName,
    ProductLine,
    ServerClass,
    Status,
    Why,
)


def judged(known: Knowledge, build: str, day: date) -> BuildAssessment:
    found = judge_build(known, Build.parse(build), day)
    assert found is not None
    return found


def status(found: BuildAssessment, cve: str) -> tuple[Status, Why]:
    verdict = next(verdict for verdict in found.cves if verdict.id == cve)
    return verdict.status, verdict.why


def missing(found: BuildAssessment) -> list[str]:
    return [update.name for update in found.behind.missing]


def test_2016_cu22_as_healthchecker_sees_it(known: Knowledge, shared: Path) -> None:
    """15.1.2375.7: affected by all that HealthChecker derives, as far as the build decides.

    .NET (CVE-2020-1147), the IIS token cache module (CVE-2023-36434) and the AD schema
    (CVE-2022-21978) are decided by the machine around Exchange: undetermined.
    """
    expected = json.loads((shared / "facts/healthchecker_expected.json").read_text())
    derived = expected["derived_cve_lists"]["E16 CU22 (15.1.2375.7)"]["distinct"]
    found = judged(known, "15.1.2375.7", date(2026, 4, 2))
    around = {"CVE-2020-1147", "CVE-2022-21978", "CVE-2023-36434"}

    for cve in derived:
        wanted = (
            (Status.UNDETERMINED, Why.CONFIGURATION)
            if cve in around
            else (Status.AFFECTED, Why.BUILD)
        )
        assert status(found, cve) == wanted, cve


def test_2016_cu22_and_what_healthchecker_misses(known: Knowledge) -> None:
    """ProxyShell and ProxyToken are fixed in CU22; a registry value and an IIS module decide
    the two others; CVE-2020-17144 is Exchange 2010's alone."""
    found = judged(known, "15.1.2375.7", date(2026, 4, 2))

    for cve in ("CVE-2021-34473", "CVE-2021-34523", "CVE-2021-33766"):
        assert status(found, cve) == (Status.FIXED, Why.BUILD)
    for cve in ("CVE-2018-8581", "CVE-2023-21709"):
        assert status(found, cve) == (Status.UNDETERMINED, Why.CONFIGURATION)
    assert status(found, "CVE-2020-17144")[0] is Status.NOT_AFFECTED


def test_2010_sp3_ru32_on_its_second_day(known: Knowledge) -> None:
    """2010 SP3 RU32 came on 2021-03-02, after support had ended on 2020-10-13. The next day
    nothing newer exists, not even for successors: 0 days behind, but nobody examines the
    line any more, so it is not fine either."""
    found = judged(known, "14.3.513.0", date(2021, 3, 3))

    assert found.support.phase is PhaseName.ENDED
    assert found.behind.since is None
    assert found.behind.days == 0
    assert status(found, "CVE-2021-26857") == (Status.FIXED, Why.BUILD)
    assert status(found, "CVE-2021-26855") == (Status.UNDETERMINED, Why.NOT_EXAMINED)
    assert found.server_class is ServerClass.UNDETERMINED
    assert "unsupported" in found.reasons


def test_2010_sp3_ru32_three_years_on(known: Knowledge) -> None:
    """By 2024-03-26 the successors got Apr21SU (2021-04-13) and later ones; Mar21SU does not
    count, it is the line's own last update. From 13 April 2021: 35 full months, 1078 days."""
    found = judged(known, "14.3.513.0", date(2024, 3, 26))

    assert found.behind.since == date(2021, 4, 13)
    assert (found.behind.months, found.behind.days) == (35, 1078)
    assert missing(found)[0] == "Apr21SU"
    assert "Mar21SU" not in missing(found)
    assert "Aug23SUv2" not in missing(found)  # a reissue without new CVEs
    assert all(update.unsupported for update in found.behind.missing)
    assert found.server_class is ServerClass.VULNERABLE


def test_2013_mar23su_a_year_after_support(known: Knowledge) -> None:
    """2013's last update is Mar23SU (2023-03-14), support ended on 2023-04-11. Successors got
    Jun23SU (2023-06-13), Aug23SU, Oct23SU, Nov23SU and Mar24SU: 9 months on 2024-03-26."""
    found = judged(known, "15.0.1497.48", date(2024, 3, 26))

    assert missing(found) == ["Jun23SU", "Aug23SU", "Oct23SU", "Nov23SU", "Mar24SU"]
    assert found.behind.since == date(2023, 6, 13)
    assert found.behind.months == 9
    assert status(found, "CVE-2024-26198") == (Status.UNDETERMINED, Why.NOT_EXAMINED)
    assert found.server_class is ServerClass.VULNERABLE


def test_2019_cu14_without_its_first_update(known: Knowledge) -> None:
    """CU14 (2024-02-13) turns Extended Protection on, so CVE-2024-21410 is fixed by default;
    Mar24SU (2024-03-12) is missing for 14 days, which is no month yet."""
    found = judged(known, "15.2.1544.4", date(2024, 3, 26))

    assert status(found, "CVE-2024-21410") == (Status.FIXED, Why.DEFAULT)
    assert status(found, "CVE-2024-26198") == (Status.AFFECTED, Why.BUILD)
    assert missing(found) == ["Mar24SU"]
    assert (found.behind.days, found.behind.months) == (14, 0)
    assert found.server_class is ServerClass.VULNERABLE


def test_2016_cu23_with_everything_installed_is_still_unclear(known: Knowledge) -> None:
    """On 2024-03-26 a 2016 CU23 with Mar24SU lacks nothing, but nobody outside sees whether
    Extended Protection is on: the "unclear" half of the published figures."""
    found = judged(known, "15.1.2507.37", date(2024, 3, 26))

    assert found.behind.since is None
    assert status(found, "CVE-2024-21410") == (Status.UNDETERMINED, Why.CONFIGURATION)
    assert found.server_class is ServerClass.UNDETERMINED
    assert found.reasons == ("configuration",)


def test_2019_cu15_with_the_last_extended_update(known: Knowledge) -> None:
    """Oct26SU (2026-10-13) is the last ESU update; period 2 ended on 2026-10-31, public support
    on 2025-10-14. On 2026-11-22 nothing is missing, yet the line is past support and a patch
    day (10 November) has passed that the knowledge does not cover."""
    found = judged(known, "15.2.1748.55", date(2026, 11, 22))

    assert found.behind.since is None
    assert found.support.phase is PhaseName.ENDED
    assert found.support.until == date(2025, 10, 14)
    assert found.server_class is ServerClass.UNDETERMINED
    assert set(found.reasons) == {"unsupported", "knowledge_stale"}


def test_se_with_the_newest_update(known: Knowledge) -> None:
    """SE with Oct26SU is not vulnerable on the day the knowledge covers, and "as known on
    2026-10-13" once the next patch day has passed."""
    fresh = judged(known, "15.2.2562.56", date(2026, 10, 13))
    stale = judged(known, "15.2.2562.56", date(2026, 11, 22))

    assert fresh.server_class is ServerClass.NOT_VULNERABLE
    assert stale.server_class is ServerClass.UNDETERMINED
    assert stale.reasons == ("knowledge_stale",)


def test_2019_cu12_by_three_parts_in_january_2023(known: Knowledge) -> None:
    """15.2.1118 seen on 2023-01-15 can be CU12 or one of its updates of May, August, October,
    November 2022 and January 2023: six members. The newest lacks nothing, the oldest lacks
    since May22SU; whether it is vulnerable cannot be said."""
    day = date(2023, 1, 15)
    rows = known.of_cu(ProductLine.V2019, "CU12")
    builds = tuple(row.build for row in rows if row.released_from <= day)

    verdict = judge_set(known, builds, None, day)

    assert len(verdict.members) == 6
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low.since is None
    assert verdict.high.since == date(2022, 5, 10)
    assert verdict.server_class is ServerClass.UNDETERMINED
    assert verdict.reasons == ("set",)


def test_2007_sp3_ru23_in_the_year_its_support_ended(known: Knowledge) -> None:
    """2007 SP3 RU23 (2017-03-21) is the last rollup, support ended on 2017-04-11. The first
    security update that only successors got is of 2017-07-11."""
    before = judged(known, "8.3.517.0", date(2017, 4, 30))
    after = judged(known, "8.3.517.0", date(2017, 8, 11))

    assert before.behind.since is None
    assert before.server_class is ServerClass.UNDETERMINED
    assert after.behind.since == date(2017, 7, 11)
    assert after.behind.months == 1
    assert after.server_class is ServerClass.VULNERABLE


def test_2003_sp2_lacks_its_own_last_bulletin(known: Knowledge) -> None:
    """6.5.7638.1 is SP2 (2005). MS10-024 (2010-04-13, build 6.5.7656.2) is missing."""
    found = judged(known, "6.5.7638.1", date(2011, 1, 1))

    assert found.cu == "SP2"
    assert missing(found) == ["Apr10SU"]
    assert status(found, "CVE-2010-0024") == (Status.AFFECTED, Why.BUILD)


def test_an_old_cu_with_the_march_2021_package(known: Knowledge) -> None:
    """2016 CU12 got a package in March 2021 that fixes the four ProxyLogon CVEs only; the other
    CVEs of that day stay open, and so do all older updates CU12 never got."""
    found = judged(known, "15.1.1713.10", date(2021, 3, 3))

    assert status(found, "CVE-2021-26855") == (Status.FIXED, Why.BUILD)
    assert status(found, "CVE-2021-26412") == (Status.AFFECTED, Why.BUILD)
    assert "Mar21SU" not in missing(found)
    assert "Feb20SU" in missing(found)


def test_2016_cu23_between_zero_day_and_fix(known: Knowledge) -> None:
    """CVE-2026-42897 was public from 2026-05-14 and fixed in Jun26SU (2026-06-09): a server
    with Feb26SU lacks no update on 2026-05-20 and is affected all the same."""
    found = judged(known, "15.1.2507.66", date(2026, 5, 20))

    assert found.behind.since is None
    assert status(found, "CVE-2026-42897") == (Status.AFFECTED, Why.BUILD)
    assert found.server_class is ServerClass.VULNERABLE


@pytest.mark.parametrize("build", ["15.2.1544.13", "15.2.1258.38"])
def test_withdrawn_nov24su_lacks_its_second_issue(known: Knowledge, build: str) -> None:
    """Nov24SU was taken back; the record names Nov24SUv2 as the fix of CVE-2024-49040."""
    found = judged(known, build, date(2024, 12, 1))

    assert missing(found) == ["Nov24SUv2"]
    assert status(found, "CVE-2024-49040") == (Status.AFFECTED, Why.BUILD)


def test_aug23suv2_is_no_missing_update(known: Knowledge) -> None:
    """Aug23SUv2 brought no new CVE: a server with Aug23SU was up to date until October."""
    found = judged(known, "15.2.1118.36", date(2023, 9, 1))

    assert missing(found) == []
