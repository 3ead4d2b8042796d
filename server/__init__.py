"""The layers around the ASGI applications: connection bounds, body limits, database sessions."""
