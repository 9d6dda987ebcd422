"""The logs of PHP: FPM's own, its slow log, and the error log of the language."""

from __future__ import annotations

from soc_tui.acquisition.formats.middleware.headed import Headed

_STAMP = r"\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?(?: [\w/+:-]+)?\] "
# FPM writes a child's stack trace line by line, each with a head of its own: those go on with the message before them.
# RE2 knows no "not followed by", so this spells out every beginning that is not `WARNING: [pool P] child N said into
# stderr: "Stack trace:`, `"#0 ...` or `"  thrown in`.
_NO_TRACE = (
    r"(?:[^W]|W[^A]|WARNING: (?:[^\[]|\[[^\]]*\] (?:[^c]|c[^h]|child (?:[^\d]|\d+(?:[^ \d]| (?:[^s]|s[^a]|"
    r'said into std(?:err|out): (?:[^"]|"(?:[^S# ]|S[^t]|#[^\d]| [^ ]))))))))'
)

PHP_FPM = Headed(
    "php-fpm",
    start=_STAMP + _NO_TRACE,
    mark=_STAMP
    + r"(?:(?:ALERT|ERROR|WARNING|NOTICE|DEBUG): | \[pool [^\]]*\] pid \d+|PHP [A-Z][A-Za-z ]*: |\w+: pid \d+, )",
)
"""``zlog_ex`` of FPM, its ``slowlog`` (https://www.php.net/manual/en/install.fpm.configuration.php) and ``error_log``
(``php_log_err_with_severity``)."""
