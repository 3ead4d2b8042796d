"""An upstream's reply in the gateway's own form: events, blocks, their order, token counts."""
