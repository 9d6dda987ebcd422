"""The error, general and slow query logs of MySQL and MariaDB."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.base import Header, Normalised, Origin
from soc_tui.acquisition.formats.middleware.headed import Headed

_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"
_OLD = r"\d{6} [ \d]\d:\d\d:\d\d"
_BANNER = r"\S+, Version: .*started with:|(?:Tcp|TCP) port: \d+|Time +Id +Command"


class _GeneralLog(Headed):
    """Knows the time of the last line that had one, for the lines after it that have none."""

    def normalise(self, lines: pa.Table, header: Header, origin: Origin) -> Normalised:
        """Every record is an event; ``header["time"]`` is the last time that the log itself told."""
        made = super().normalise(lines, header, origin)
        # The value of a member cannot hold an unescaped quote, so only our own mark is found here.
        by_file = pc.fill_null(pc.match_substring(made.events["extra"], '"time_source":"file"'), False)
        told = made.events["time"].filter(pc.invert(by_file))
        return made._replace(header={**header, "time": told[-1].as_py().isoformat()}) if len(told) else made

    def _params(self, header: Header, origin: Origin) -> dict[str, Any]:
        carried = datetime.fromisoformat(header["time"]) if "time" in header else None
        return {**super()._params(header, origin), "carried": carried}


class _SlowLog(Headed):
    """Its entries tell their times as seconds since 1970."""

    def _params(self, header: Header, origin: Origin) -> dict[str, Any]:  # noqa: ARG002
        return {"modified": origin.modified}


MYSQL_ERROR = Headed(
    "mysql-error",
    start=rf"\d{{4}}-\d\d-\d\d(?:T\d\d| [ \d]\d):\d\d:\d\d|{_OLD} |\d\d:\d\d:\d\d UTC - \w+ got signal ",
    mark=rf"(?:{_ISO}|\d{{4}}-\d\d-\d\d [ \d]\d:\d\d:\d\d|{_OLD}) (?:\d+ |[0-9a-f]+  )?"
    r"(?:\[(?:Note|Warning|ERROR|System)\] |InnoDB: |mysqld_safe )",
)
"""MySQL 5.5 to 9 (https://dev.mysql.com/doc/refman/8.4/en/error-log-format.html) and MariaDB; dumps are joined."""

MYSQL_GENERAL = _GeneralLog(
    "mysql-general",
    start=rf"(?:{_ISO}\t|{_OLD}\t|\t\t) *\d+ [A-Z][A-Za-z]+(?: [A-Za-z]+)?(?:\t|$)|\S+, Version: .* started with:",
    mark=rf"(?:{_ISO}\t|{_OLD}\t|\t\t) *\d+ [A-Z][A-Za-z]+(?: [A-Za-z]+)?(?:\t|$)",
    banner=_BANNER,
)
"""https://dev.mysql.com/doc/refman/8.4/en/query-log.html; what precedes each start of the server is one event."""

MYSQL_SLOW = _SlowLog(
    "mysql-slow",
    start=r"# User@Host: |\S+, Version: .* started with:",
    mark=r"# User@Host: .*\[.*\] @ |# Query_time: [\d.]+ +Lock_time: |# Time: \d|SET timestamp=\d+;$",
    banner=_BANNER,
)
"""https://dev.mysql.com/doc/refman/8.4/en/slow-query-log.html"""
