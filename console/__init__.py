"""Calls from pages: billed to the workspace, with a session in the place of a key."""
