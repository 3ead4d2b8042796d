"""Usage and the log of calls in a browser, on the running product of the folder above."""
