"""Models, dated prices and upstreams, read from catalogue.toml."""
