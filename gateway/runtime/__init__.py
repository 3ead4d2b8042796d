"""What a gateway process keeps open while it runs."""
