"""National statistics over a store: runs, intervals, cube; one file per statistic."""
