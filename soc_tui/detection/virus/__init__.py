"""Virus detection: ClamAV, and lists of known-bad hashes."""
