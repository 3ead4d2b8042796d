"""What was used: request records, hourly roll-ups, the dashboard."""
