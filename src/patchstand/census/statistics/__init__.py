"""One file per statistic; each declares STATISTIC."""
