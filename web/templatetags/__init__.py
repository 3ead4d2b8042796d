"""Template filters, loaded into every template."""
