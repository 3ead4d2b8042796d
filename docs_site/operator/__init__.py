"""Pages under the operator's name: terms, privacy, support."""
