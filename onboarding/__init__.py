"""The checklist of a new workspace."""
