"""Looks at servers from outside: asks what any browser or mail server asks, keeps the answers.

    scope      who allows which address: the scope file and the one gate
    declare    `--responsible`: declarations, journalled, five targets a day
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
