"""Mails about spending: a day over its line, a key whose hour is far above its usual."""
