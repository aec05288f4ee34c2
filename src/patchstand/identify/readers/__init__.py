"""One file per kind of evidence; each declares `READER`."""
