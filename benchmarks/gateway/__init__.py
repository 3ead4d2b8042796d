"""The gateway's speed, beside a bare pass-through with the same server and HTTP client."""
