"""Takes figures away: request records, sums of usage and the ledger, as CSV or JSON Lines."""
