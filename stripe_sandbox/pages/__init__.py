"""The payer's pages: payment, 3-D Secure, receipts. Plain HTML, no script."""
