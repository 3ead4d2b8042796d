"""The usage page: what was spent, on what, and whether that is usual."""
