"""The kinds of simulated servers: each module declares `KINDS`, a tuple of Kind.

A new kind is an entry here and a test; a population names it to put it into an estate.
"""
