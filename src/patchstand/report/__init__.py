"""Any result as text, JSON or HTML: renders, never sends."""
