"""Flows: each function changes objects and emits the events that Stripe would.

Call them inside `store.transaction()`. They raise refusals before they change anything.
"""
