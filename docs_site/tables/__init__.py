"""Tables of the documentation that are computed from what the code and the catalogue say."""
