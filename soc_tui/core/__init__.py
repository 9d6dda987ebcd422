"""What everything shares and that imports nothing of ours.

Schema, types, errors, severity, settings, clock, and text that is safe to show.
"""
