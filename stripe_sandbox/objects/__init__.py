"""Stripe's objects as JSON in their real shape, one module per noun. Pure: no store, no clock.

Keys that begin with an underscore are the sandbox's own and are never shown.
"""
