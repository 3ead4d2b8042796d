"""Events on their way out: signed, scripted, delivered and tried again."""
