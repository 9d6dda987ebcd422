"""Apache httpd's error log."""

from __future__ import annotations

from soc_tui.acquisition.formats.middleware.headed import Headed

_STAMP = r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4}\]"

APACHE_ERROR = Headed(
    "apache-error",
    start=_STAMP,
    mark=_STAMP + r" \[(?:[\w.-]*:)?(?:emerg|alert|crit|error|warn|notice|info|debug|trace\d)\] ",
)
"""``ErrorLogFormat`` as httpd 2.2 and 2.4 have it by default (https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat);
ModSecurity 2's messages in it are detections."""
