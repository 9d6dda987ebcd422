"""Speed and detection benchmarks against peers and limits; results are written to docs/."""

import soc_tui  # noqa: F401 - before numpy, whose threads it fixes
