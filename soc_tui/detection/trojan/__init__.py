"""Trojan detection: rules over the bytes of files, and the ``code`` network for web shells and droppers."""
