"""A simulated estate of Exchange servers on loopback, for the demo, tests and benchmarks.

Population   which kinds, in which shares            population.py, populations/*.json
Kind         how one sort of server answers          kinds/*.py
Server       one address: its kind and its nodes     servers.py, builds.py, estate.py
Lab          the estate while it runs                serve.py (web.py, mail.py, hostile.py)
truth        what each server is, for scoring        servers.truth_record
"""

from patchstand.lab.estate import all_kinds, estate
from patchstand.lab.population import Population, parse_population, population
from patchstand.lab.serve import Lab, fastest_loop, lab_in_thread, running, serve
from patchstand.lab.servers import Estate, Kind, Node, Ports, Server, Service

__all__ = [
    "Estate",
    "Kind",
    "Lab",
    "Node",
    "Population",
    "Ports",
    "Server",
    "Service",
    "all_kinds",
    "estate",
    "fastest_loop",
    "lab_in_thread",
    "parse_population",
    "population",
    "running",
    "serve",
]
