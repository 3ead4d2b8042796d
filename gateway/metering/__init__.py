"""Money in the life of a call: holds and settlements, in batches of one statement each."""
