"""Which upstream serves a call, the client that asks it, and its circuit breaker."""
