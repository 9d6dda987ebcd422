"""Known-bad indicators from files: STIX 2.1, MISP, CSV and plain lists, read by DuckDB and not line by line."""

from soc_tui.acquisition.enrichment.indicators.base import FORMATS, INDICATORS, KINDS, Parsed
from soc_tui.acquisition.enrichment.indicators.reading import find_files, read_indicators

__all__ = ["FORMATS", "INDICATORS", "KINDS", "Parsed", "find_files", "read_indicators"]
