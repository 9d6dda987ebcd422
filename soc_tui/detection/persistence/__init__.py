"""Persistence: what starts by itself on a machine, who may log in, what listens, and how that has changed."""
