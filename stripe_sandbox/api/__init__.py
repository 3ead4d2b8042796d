"""Stripe's API under /v1: forms in, objects out."""
