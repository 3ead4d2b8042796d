"""The landing page, and the recorded answers on it."""
