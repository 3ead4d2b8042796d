"""Rate limits, concurrency limits, time limits, and work that is kept off the event loop."""
