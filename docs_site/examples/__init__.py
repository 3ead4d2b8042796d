"""Calls that readers run: the samples, what they printed when recorded, and the key in them."""
