"""Records what the documentation's samples print, with the servers and scripts of the suite."""
