"""One file per foreign format; each declares an `IMPORTER`."""
