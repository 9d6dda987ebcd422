"""The risk detection tools (module 4 of the paper): set-based SQL that finds abnormal data."""
