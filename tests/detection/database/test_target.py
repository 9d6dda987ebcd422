"""Only what the settings list is looked at, and what they hold besides is never shown."""

from __future__ import annotations

import pytest

from soc_tui.core.errors import UsageError
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.database.target import Owned, owned, parse, web_hosts
from soc_tui.detection.tools import Tool, Watch
from tests.detection.database.fakes import fake, script


@pytest.mark.parametrize("target", [
    "postgresql://127.0.0.1:PORT", "mysql://127.0.0.1", "redis://127.0.0.1:1", "redis://10.0.0.1:PORT",
    "redis://me:geheim@127.0.0.2:PORT",
])  # fmt: skip
def test_what_is_not_listed_is_refused_and_left_alone(target: str) -> None:
    with fake(script()) as server:
        target = target.replace("PORT", str(server.port))
        tool: Tool = DatabaseTool(ScanSettings(databases=(f"redis://127.0.0.1:{server.port}",)))
        with pytest.raises(UsageError) as refused:
            tool.check(target, Watch())
    assert "scan.databases" in str(refused.value)
    assert "geheim" not in str(refused.value)
    assert server.connections == 0


def test_a_listed_service_is_found_by_service_host_and_port() -> None:
    listed = ("mariadb://root:p%40ss@Db.example.org/x", "redis://[::1]:7000")
    assert owned("mysql://db.example.org:3306", listed) == Owned("mysql", "db.example.org", 3306, "root", "p@ss", "x")
    assert owned("rediss://[::1]:7000", listed).shown == "redis://[::1]:7000"
    assert "p@ss" not in repr(owned("mysql://db.example.org", listed))


@pytest.mark.parametrize("url", [
    "", "x", "http://geheim@h:1", "redis://u:geheim@", "redis://u:geheim@h:port", "redis://u:geheim@h:99999",
    "redis://u:geheim@h/?x=1", "mongodb+srv://u:geheim@h", "postgresql://u:geheim@a,b", "mysql://u%00:geheim@h",
    "redis://u:geheim@[::1", "redis://u:geheim@h:0",
])  # fmt: skip
def test_what_is_no_database_url_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(url)
    assert "geheim" not in str(refused.value)
    assert refused.value.remedy == "write e.g. postgresql://10.0.0.5:5432"


def test_secrets_are_taken_out_of_what_a_server_says() -> None:
    assert parse("redis://u:geheim@h").scrub("unknown command AUTH with 'u' 'geheim'\x1b[2J") == (
        "unknown command AUTH with 'u' '***'^[[2J"
    )


def test_hosts_of_websites() -> None:
    assert web_hosts(("https://www.example.org", "http://[::1]:8080", "http://[", "nonsense")) == {
        "www.example.org",
        "::1",
    }
