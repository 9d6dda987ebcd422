"""The terminal console: a client of the engine."""
