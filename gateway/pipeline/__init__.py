"""One call, from a checked request to a settled answer."""
