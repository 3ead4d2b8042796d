"""Money in the life of a call: holds and settlements, written in batches by one thread."""
