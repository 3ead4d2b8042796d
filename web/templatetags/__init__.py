"""Template tags and filters; `display` is loaded into every template."""
