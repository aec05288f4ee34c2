"""One file per probe; each declares `PROBE` and is found by `patchstand.observe.probe`."""
