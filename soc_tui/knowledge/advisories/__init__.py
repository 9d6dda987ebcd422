"""Security advisories of a local mirror (OSV) and the list of what is exploited in the wild (CISA KEV).

``soc-tui knowledge update`` reads a mirror once and keeps what scanning needs: one Parquet file per ecosystem, sorted
by package, so that looking up the packages of a machine opens a few row groups of one file.
"""
