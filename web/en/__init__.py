"""English, where ours is not Django's."""
