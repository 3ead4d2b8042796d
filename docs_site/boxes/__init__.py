"""Boxes of the documentation: each module has a Markdown form and an HTML form of one."""
