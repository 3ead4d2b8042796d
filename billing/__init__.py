"""Wallets, the ledger, holds, and what people pay in."""
