"""The rules a request body must keep, one module per part of it.

Shape strictly, semantics leniently: a wrong type of a known field is a 400 that names the place,
an unknown field or block passes, and what only one kind of upstream minds is left to that
upstream. Checks take a value and its path, such as `messages.2.content.0.source.data`.
"""
