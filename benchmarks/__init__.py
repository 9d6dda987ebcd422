"""Speed and detection benchmarks against peers and limits; results are written to docs/."""
