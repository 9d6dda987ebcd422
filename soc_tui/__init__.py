"""soc-tui: a security operations console that lives in a terminal.

The packages are the seven modules of the emergency response system of Fu 2022, "Computer Network Intrusion Anomaly
Detection with Recurrent Neural Network"; see docs/architecture.md.
"""

import os

__version__ = "0.1.0"

# numpy's products here are small. On a busy machine two threads of BLAS wait for one another: twenty times as long was
# measured. It reads this once, when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
