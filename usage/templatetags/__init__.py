"""Template tags of calls, which the log has by the dozen."""
