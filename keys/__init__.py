"""API keys: mint, show once, revoke."""
