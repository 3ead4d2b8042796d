"""What a payer's browser sees: the payment page, 3-D Secure, receipts. Plain HTML, no script."""
