"""A small stateful Stripe for development and tests; the real `stripe` library talks to it.

It imports nothing of the product and no Django.
"""
