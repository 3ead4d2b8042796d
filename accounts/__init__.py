"""People, their workspaces, and who may do what in them."""
