"""Usage: request records, hourly roll-ups, the dashboard."""
