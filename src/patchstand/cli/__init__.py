"""The command line: one file per command; arguments in, one workflow call, exit code out."""
