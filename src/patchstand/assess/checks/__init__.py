"""One file per check; each declares `CHECK`."""
