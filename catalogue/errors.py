"""What can be wrong with a catalogue file.

CatalogueError
"""


class CatalogueError(Exception):
    """The file cannot be used; the message is one sentence that names the place."""
