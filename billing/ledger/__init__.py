"""Wallets and their ledger: posting, grants, and credits taken back."""
