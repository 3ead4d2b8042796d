"""The invariants of the books, and the runs that check them."""
