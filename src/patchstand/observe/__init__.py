"""Looks at servers from outside: asks what any browser or mail server asks, keeps the answers.

    scope      who allows which address: the one gate; scope_file reads and checks the files
    coverage   which entry of a scope decides, and how many addresses it allows
    opt_out    who asked not to be asked
    declare    `--responsible`: declarations, journalled, five targets a day
    pace       budgets per server and network, and rates, over a run; ledger keeps the counts
    order      in which order a scan asks, so that no network is asked twice in a row
    attribution              who asks: probe description file (RFC 9511), contact
    names      names and addresses in their one canonical spelling
    resolve    names -> addresses, TXT, MX
    wire       the only place that opens a connection; it wants a Permit
    tls, http, dialogue      TLS, HTTP messages and mail dialogues over a wire
    session    one look at one address: budget, limits, transcripts
    probes/    one file per probe, found by `probe.select`
    look       one target or very many, each an Observation
    certificate              what a certificate says of itself

Nothing is concluded here: that is for `identify` and `assess`.
"""
