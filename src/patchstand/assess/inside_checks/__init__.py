"""One file per check of an audit; each declares CHECK (InsideCheck)."""
