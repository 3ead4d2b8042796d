"""Mails about a workspace's balance."""
