"""Top-ups through Stripe: checkout, webhooks, convergence, reconciliation."""
