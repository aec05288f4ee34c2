"""Observations (Parquet, append-only) and state (SQL); needs the extra `store`."""
