"""The error log of nginx."""

from __future__ import annotations

from soc_tui.acquisition.formats.middleware.headed import Headed

NGINX_ERROR = Headed(
    "nginx-error",
    start=r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(?:emerg|alert|crit|error|warn|notice|info|debug|stderr)\] \d+#\d+: ",
)
"""The one form that ``ngx_log_error_core`` and ``ngx_http_log_error`` of nginx write; it cannot be configured."""
