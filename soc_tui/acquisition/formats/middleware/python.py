"""Logs of Python applications."""

from __future__ import annotations

from soc_tui.acquisition.formats.middleware.headed import Headed

_DATE = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"
_LEVELS = r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)"
_OSLO = rf"(?:\S+\.log\S* )?{_DATE}\.\d{{3}} \d+ (?:{_LEVELS}|TRACE|AUDIT) [\w.]+ "
_HEADS = (
    rf"{_DATE}(?:[,.]\d{{3}})? - (?:[\w. -]+ - )?{_LEVELS} - "
    rf"|\[{_DATE},\d{{3}}: {_LEVELS}/[^\]]+\] "
    rf"|\[{_DATE} [+-]\d{{4}}\] \[\d+\] \[{_LEVELS}\] "
    rf"|\[{_DATE}(?:,\d{{3}})?\] {_LEVELS} in [\w.]+: "
    rf"|{_OSLO}|{_LEVELS}:[\w.-]+:"
)

PYTHON = Headed("python", start=_HEADS, certainty=0.9)
"""https://docs.python.org/3/library/logging.html with the formats of its how-to, Celery, Gunicorn, Flask, oslo.log."""
