"""Shared by every app's pages: rendering, error pages, template filters, request ids."""
