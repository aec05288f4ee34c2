"""Known faults of the installed update, where it has one (`known-issues.json`)."""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.assess.windows import WMI, is_english
from patchstand.model import Build, Disturbance, FaultyBuilds, Finding, KnownIssue, Remedy, Update

_SEVERITIES = {
    Disturbance.MAIL_FLOW: HARDENING,
    Disturbance.MANAGEMENT: NOTE,
    Disturbance.CLIENTS: NOTE,
}


def _run(inside: Inside) -> Iterator[Said]:
    build = inside.build
    if build is None:
        return
    for issue in inside.knowledge.known_issues:
        builds = issue.faulty(build)
        if builds is None or not _is_known(inside, builds):
            continue
        if issue.only_where == "non_english_windows":
            english = is_english(inside.state)
            if english is None:
                yield Unread(WMI)
            if english is not False:
                continue
        yield _finding(inside, build, issue, builds)


def _is_known(inside: Inside, builds: FaultyBuilds) -> bool:
    """A fault is known by the day its repair was released, if there is one."""
    fix = inside.knowledge.update(builds.fixed) if builds.fixed else None
    return fix is None or fix.released <= inside.as_of


def _finding(inside: Inside, build: Build, issue: KnownIssue, builds: FaultyBuilds) -> Finding:
    setup = inside.state.reading("ExSetup", "FileVersion")
    fix = inside.knowledge.update(builds.fixed) if builds.fixed else None
    return Finding(
        "known_issue",
        _SEVERITIES[issue.disturbs],
        (
            ("issue", issue.id),
            ("title", issue.title),
            ("build", str(build)),
            ("fixed_in", fix.name if fix else ""),
        ),
        (_remedy(fix),),
        references=(issue.reference,),
        read=(setup,) if setup else (),
    )


def _remedy(fix: Update | None) -> Remedy:
    if fix is None:
        return Remedy("install_updates_first")
    return Remedy("install_later_update", (("update", fix.name), ("build", str(fix.build))))


CHECK = InsideCheck("known_issues", _run)
