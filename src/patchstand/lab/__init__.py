"""A simulated estate of Exchange servers on loopback, for the demo, tests and benchmarks."""
