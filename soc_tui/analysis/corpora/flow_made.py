"""Invented networks: seeded logs of ordinary services and of attacks that no labelled capture here shows.

The captures know few kinds of network. These have any number of hosts, public or private, busy or quiet, with the
services of a home, an office, a server room or a field of devices, and, in six of ten, attacks by what is publicly
known of them: probes of one port across many hosts, of many ports on one, background noise of the Internet, guessing of
passwords, floods, beacons over odd ports, peers of a botnet. They serve training and validation, never a test figure: a
score on them says nothing.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from soc_tui.analysis.corpora.flow_attacks import ATTACKS
from soc_tui.analysis.corpora.flow_log import Log
from soc_tui.analysis.corpora.flow_services import LIVES, housekeeping


def invented(seed: int) -> pa.Table:
    """One invented network's log, a table of ``FLOWS`` with ``bits``; the same seed yields the same log."""
    rng = np.random.default_rng((8191, seed))
    count = int(np.exp(rng.uniform(0, np.log(25))))
    public = rng.random() < 0.3
    octets = rng.integers(11, 220, 3)
    net = f"{octets[0]}.{octets[1]}.{octets[2]}." if public else f"10.{octets[0]}.{octets[1]}."
    log = Log(rng, [f"{net}{i + 2}" for i in range(count)])
    for host in log.hosts:
        housekeeping(log, host)
        for life in LIVES:
            if rng.random() < 0.45:
                life(log, host)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            ATTACKS[int(rng.integers(len(ATTACKS)))](log)
    return log.table()
