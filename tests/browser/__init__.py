"""A package, so that all its tests share one running product (pytest's package scope)."""
