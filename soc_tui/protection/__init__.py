"""Data protection (module 6 of the paper): the tamper-evident audit chain."""
