"""Money in the life of a call: holds and settlements, written in batches, one statement each."""
