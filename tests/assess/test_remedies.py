from datetime import date

import pytest

from patchstand.assess import judge_build
from patchstand.assess.remedies import replacement, update_steps
from patchstand.model import Build, Knowledge


def steps(known: Knowledge, build: str, day: date) -> list[str]:
    member = judge_build(known, Build.parse(build), day)
    assert member is not None
    return [
        " ".join([step.action, *(value for _, value in step.values if value)])
        for step in update_steps(known, member, day)
    ]


@pytest.mark.parametrize(
    ("build", "day", "wanted"),
    [
        # newest SU exists for the installed CU: that alone, although CU15 is out
        ("15.2.1544.11", date(2025, 9, 1), ["install_su Aug25SU KB5063222 CU14 15.2.1544.33"]),
        # a CU that gets no updates any more: the newest CU, then its update
        (
            "15.2.1118.40",
            date(2025, 9, 1),
            [
                "install_cu CU15 CU15 15.2.1748.10",
                "install_su Aug25SU KB5063221 CU15 15.2.1748.36",
            ],
        ),
        # past support the paid update and the successor are those of the CU that is then installed
        (
            "15.2.1118.40",
            date(2026, 10, 13),
            [
                "install_cu CU15 CU15 15.2.1748.10",
                "install_su Oct25SU KB5066367 CU15 15.2.1748.39",
                "install_esu_update Oct26SU CU15",
                "upgrade_to_se",
            ],
        ),
        # the paid programme has ended: its newest update still closes what it closed
        (
            "15.2.1748.39",
            date(2026, 11, 22),
            ["install_esu_update Oct26SU CU15", "upgrade_to_se"],
        ),
        ("15.0.1497.48", date(2024, 3, 26), ["replace_by_se"]),
        ("15.2.2562.56", date(2026, 10, 13), []),
        ("15.2.2562.17", date(2026, 10, 13), ["install_su Oct26SU RTM 15.2.2562.56"]),
        # Nov24SU was withdrawn on 2024-11-14: until its second issue nothing newer is named
        ("15.2.1544.9", date(2024, 11, 20), []),
    ],
)
def test_steps_in_order(known: Knowledge, build: str, day: date, wanted: list[str]) -> None:
    """What to install, in which order, on a day."""
    assert steps(known, build, day) == wanted


def test_no_step_ever_names_a_withdrawn_update(known: Knowledge) -> None:
    """On no day is an update recommended that was withdrawn by then."""
    withdrawn = {row.name: row.withdrawn_on for row in known.updates if row.withdrawn_on}
    days = [date(year, month, 20) for year in range(2019, 2027) for month in (2, 8, 11)]
    for row in known.updates[::7]:
        for day in days:
            member = judge_build(known, row.build, day)
            assert member is not None
            for step in update_steps(known, member, day):
                taken = withdrawn.get(dict(step.values).get("update", ""))
                assert taken is None or taken > day


def test_a_reissue_replaces_only_once_it_is_out(known: Knowledge) -> None:
    """Nov24SUv2 is named as the replacement of Nov24SU from its own release on."""
    row = known.update(Build.parse("15.2.1544.13"))
    assert row is not None

    assert replacement(known, row, date(2024, 11, 20)) is None
    later = replacement(known, row, date(2024, 11, 27))
    assert later is not None
    assert later.name == "Nov24SUv2"
