"""A small stateful Stripe for development and tests; the real `stripe` library talks to it.

It knows nothing of the product: it imports none of its apps and no Django.
"""
