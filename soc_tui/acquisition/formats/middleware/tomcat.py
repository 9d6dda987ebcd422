"""The log of Apache Tomcat (catalina.out, catalina.DATE.log)."""

from __future__ import annotations

from soc_tui.acquisition.formats.middleware.headed import Headed

_ONE_LINE = r"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d{3})? [A-Z]+ \["
# The space before AM became a narrow no-break space (U+202F) with Java 20's locale data.
_TWO_LINES = "[A-Z][a-z]{2} \\d{1,2}, \\d{4},? \\d{1,2}:\\d\\d:\\d\\d[ \u202f][AP]M [\\w.$]+"

TOMCAT = Headed("tomcat", start=rf"{_ONE_LINE}|{_TWO_LINES}")
"""JULI's ``OneLineFormatter`` (https://tomcat.apache.org/tomcat-10.1-doc/logging.html) and Java's ``SimpleFormatter``."""
