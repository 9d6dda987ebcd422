"""Logs of Java applications: the pattern layouts of Log4j and Logback, and Spring Boot's."""

from __future__ import annotations

from collections.abc import Sequence

from soc_tui.acquisition.formats.middleware.headed import Headed

_LEVELS = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL|FINE|FINER|FINEST|CONFIG)"
_STAMP = (
    r"\[?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|\d\d/\d\d/\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d[.,]\d{3}|\d{6} \d{6})"
)
_BEFORE_LEVEL = r"[\]\s|-]*(?:(?:\[[^\]]*\]+|[\w.:/#@$-]+)[\s|-]+(?:(?:\[[^\]]*\]+|\d+)[\s|-]+)?)?\[?"


class _JavaLog(Headed):
    """Spring Boot's head looks like a syslog head (a level as the host), so it must be surer than syslog."""

    _spring = Headed("spring", start=rf"{_STAMP} +{_LEVELS} +\d+ --- \[", certainty=0.98)

    def confidence(self, lines: Sequence[str]) -> float:
        """The share of lines with a stamp and a level near it."""
        return max(super().confidence(lines), self._spring.confidence(lines))


LOG4J = _JavaLog(
    "log4j", start=_STAMP + r"(?:[\]\s|,-]|$)", mark=_STAMP + _BEFORE_LEVEL + _LEVELS + r"\b", certainty=0.8
)
"""https://logging.apache.org/log4j/2.x/manual/pattern-layout.html: its default and the patterns met in practice."""
