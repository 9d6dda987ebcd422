"""soc-tui: a security operations console that lives in a terminal.

The packages are the seven modules of the emergency response system of Fu 2022, "Computer Network Intrusion Anomaly
Detection with Recurrent Neural Network"; see docs/architecture.md.
"""

__version__ = "0.1.0"
