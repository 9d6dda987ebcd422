"""Global options on both sides, exit codes, errors with a remedy, and a light start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from soc_tui.cli.main import hoist

ROOT = Path(__file__).parents[2]
HEAVY = {"duckdb", "pyarrow", "torch", "textual", "numpy", "rich", "yaml", "psutil", "watchdog"}


def _run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "soc_tui", *arguments], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["alerts", "--format", "json"], ["--format", "json", "alerts"]),
        (["--workspace", "/w", "alerts"], ["--workspace", "/w", "alerts"]),
        (["alerts", "--workspace=/w", "x:y"], ["--workspace=/w", "alerts", "x:y"]),
        (["hunt", "--", "--format"], ["hunt", "--", "--format"]),
        (["--version"], ["--version"]),
        (["status", "--format"], ["--format", "status"]),
        ([], []),
    ],
)
def test_global_options_move_to_the_front(given: list[str], hoisted: list[str]) -> None:
    assert hoist(given) == hoisted


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['soc-tui', '--help']\n"
        "from soc_tui.cli.main import run\n"
        "try:\n    run()\nexcept SystemExit as end:\n    assert not end.code\n"
        "import json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not HEAVY & set(json.loads(run.stdout.splitlines()[-1]))
    for command in (
        "watch",
        "ingest",
        "status",
        "alerts",
        "events",
        "show",
        "hunt",
        "respond",
        "undo",
        "knowledge",
        "models",
    ):
        assert f"\n  {command} " in run.stdout


def test_version() -> None:
    assert _run("--version").stdout == "soc-tui 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nonsense",), 2, "nonsense"),
        (("alerts", "--format", "xml"), 2, "unknown format"),
        (("alerts", "sevrity:high"), 2, "did you mean severity:?"),
        (("events", "after:tomorrow"), 2, "write -2h"),
        (("undo", "x"), 2, "no action number"),
        ((), 2, "needs a terminal"),
    ],
)
def test_usage_errors_exit_with_2_and_say_what_to_do(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    run = _run("--workspace", str(tmp_path / "w"), *arguments)
    assert run.returncode == code, run.stderr
    assert said in run.stderr
    assert run.stdout == ""
    assert not (tmp_path / "w").exists()


def test_a_wrong_setting_is_reported_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[store]\nthread = 2\n")
    run = _run("status", SOC_TUI_CONFIG=str(tmp_path / "s.toml"), SOC_TUI_WORKSPACE=str(tmp_path / "w"))
    assert run.returncode == 2
    assert f"{tmp_path}/s.toml:2" in run.stderr
    assert "threads" in run.stderr


def test_a_wrong_access_log_layout_is_reported_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[acquisition.access_formats]\nshop = '%h %l %u %t \"%r\" %>s %{q}T'\n")
    run = _run("status", SOC_TUI_CONFIG=str(tmp_path / "s.toml"), SOC_TUI_WORKSPACE=str(tmp_path / "w"))
    assert run.returncode == 2
    assert "acquisition.access_formats.shop, position 22: unknown unit 'q'" in run.stderr
    assert "%{ms}T" in run.stderr
    assert not (tmp_path / "w").exists()


def test_a_custom_access_log_format_is_recognised_and_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("[acquisition.access_formats]\nshop = '%h %l %u %t \"%r\" %>s %b %D'\n")
    log = tmp_path / "shop.log"
    log.write_text('192.0.2.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.0" 200 2326 1500\n')
    for number, more in enumerate(((), ("--as", "shop"))):
        run = _run("--workspace", str(tmp_path / f"w{number}"), "ingest", str(log), *more, "--format", "json",
                   SOC_TUI_CONFIG=str(tmp_path / "s.toml"))  # fmt: skip
        told = json.loads(run.stdout)
        assert (told["sources"][0]["format"], told["records_stored"], told["records_rejected"]) == ("shop", 1, 0)
