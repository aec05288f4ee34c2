"""Everything patchstand raises on purpose, split by who must act.

    PatchstandError           any of the below; the command line prints it as one line
    ├── UsageError            the caller: a wrong argument, file or configuration (exit 2)
    ├── ScopeError            the caller: the gate refuses to open this connection (exit 2)
    ├── KnowledgeError        the maintainer: knowledge data is wrong or cannot be read
    ├── LabError              the lab cannot start (ports, limits of the machine)
    └── StoreError            whoever runs the machine: disk full, file damaged, no database

A measurement that failed is no exception: it is an `Outcome` (see `patchstand.model`).
"""


class PatchstandError(Exception):
    """Base of all expected errors; its text is one line that says what to do."""


class UsageError(PatchstandError):
    """An argument, input file or configuration is wrong."""


class ScopeError(PatchstandError):
    """The gate refuses a connection: nothing permits probing that target."""


class KnowledgeError(PatchstandError):
    """Knowledge data breaks one of its invariants or cannot be read."""


class LabError(PatchstandError):
    """The simulated estate cannot start on this machine."""


class StoreError(PatchstandError):
    """The store cannot be read or written; what was stored before stays as it is."""
