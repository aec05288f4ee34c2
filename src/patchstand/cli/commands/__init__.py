"""One file per command; each declares `COMMAND`."""
