"""/v1: the public API in front of the models, and the pipeline behind it."""
