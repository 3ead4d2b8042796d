"""The invariants of the ledger, and the runs that check them."""
