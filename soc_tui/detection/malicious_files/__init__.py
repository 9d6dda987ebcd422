"""Malicious code in the files of websites: hidden frames and scripts, skimmers, obfuscation, programs among uploads."""
