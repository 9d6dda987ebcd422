"""Logs of servers and applications behind a website, records of several lines joined."""

from __future__ import annotations

from soc_tui.acquisition.formats.base import Format
from soc_tui.acquisition.formats.middleware.apache import APACHE_ERROR
from soc_tui.acquisition.formats.middleware.log4j import LOG4J
from soc_tui.acquisition.formats.middleware.mysql import MYSQL_ERROR, MYSQL_GENERAL, MYSQL_SLOW
from soc_tui.acquisition.formats.middleware.nginx import NGINX_ERROR
from soc_tui.acquisition.formats.middleware.php import PHP_FPM
from soc_tui.acquisition.formats.middleware.postgresql import POSTGRESQL, PostgresqlCsv
from soc_tui.acquisition.formats.middleware.python import PYTHON
from soc_tui.acquisition.formats.middleware.redis import REDIS
from soc_tui.acquisition.formats.middleware.tomcat import TOMCAT

FORMATS: tuple[Format, ...] = (
    APACHE_ERROR, NGINX_ERROR, TOMCAT, MYSQL_ERROR, MYSQL_GENERAL, MYSQL_SLOW, POSTGRESQL, PostgresqlCsv(), REDIS,
    PHP_FPM, PYTHON, LOG4J,
)  # fmt: skip
"""In the order in which ties are decided."""
