"""Webhook delivery: planning, faults, signatures and retries."""
