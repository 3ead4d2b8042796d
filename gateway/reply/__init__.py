"""Answers as the gateway sees them: events, blocks, their order, their token counts."""
