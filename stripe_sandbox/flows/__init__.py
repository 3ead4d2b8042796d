"""What can happen: each function changes objects and emits the events that Stripe would.

Call them inside `store.transaction()`. What they refuse, they refuse before they change anything.
"""
