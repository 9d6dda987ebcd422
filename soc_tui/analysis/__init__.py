"""Risk analysis and processing (module 5 of the paper): risk networks, extraction, repair plans."""
