"""Search over the documentation: entries of its pages, an index of them in memory, and its page.

Why not PostgreSQL's full text search: docs/adr/0016-search-in-memory.md.
"""
