"""English date formats that replace Django's (FORMAT_MODULE_PATH)."""
