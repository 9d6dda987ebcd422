"""Data acquisition (module 3 of the paper): log files and directories to Arrow batches, exactly once."""
