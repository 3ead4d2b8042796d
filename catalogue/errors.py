"""Errors of the catalogue.

CatalogueError   the file is missing, unreadable, invalid, or changes a past price
"""


class CatalogueError(Exception):
    """The file cannot be used; the message is one sentence that names the place."""
