"""Documentation and landing page in a browser, on the running product of the folder above."""
