"""The conditions of the figures, as SQL over `sight` and `verdict`; `{day}` is the day asked for.

Each is a pair: what surely holds, and what may hold.
"""

BEHIND = (
    "behind_low + to_months(CAST({months} AS INTEGER)) <= {day}",
    "behind_high + to_months(CAST({months} AS INTEGER)) <= {day}",
)
"""A month is over when its day is reached, or the last day of a shorter month."""
CONDITIONS = {
    "class_vulnerable": ("class = 'vulnerable'", "class <> 'not_vulnerable'"),
    "class_undetermined": ("class = 'undetermined'", "class = 'undetermined'"),
    "class_not_vulnerable": ("class = 'not_vulnerable'", "class <> 'vulnerable'"),
    "any_cve": ("cve_low <= {day}", "cve_high <= {day}"),
    "rce": ("rce_low <= {day}", "rce_high <= {day}"),
    "known_exploited": ("kev_low <= {day}", "kev_high <= {day}"),
    "support_supported": ("supported_low", "supported_high"),
    "support_esu": ("esu_low", "esu_high"),
    "support_ended": ("ended_low", "ended_high"),
    "support_unsupported": ("unsupported_low", "unsupported_high"),
}


def condition(rule: str, day: str = "$as_of") -> tuple[str, str]:
    """What surely, and what possibly, holds by a rule on a day."""
    low, high = CONDITIONS[rule]
    return low.format(day=day), high.format(day=day)


def behind(months: int, day: str = "$as_of") -> tuple[str, str]:
    """At least so many months behind on a day."""
    low, high = BEHIND
    return low.format(months=months, day=day), high.format(months=months, day=day)
