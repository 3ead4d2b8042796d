"""How heavy and how fast the portal's pages are, in a real browser, beside another checkout."""
