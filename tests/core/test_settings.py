"""Settings: a typo is an error that names file, line and the nearest key."""

import dataclasses
from pathlib import Path

import pytest

from soc_tui.core.errors import SettingsError
from soc_tui.core.settings import Settings, load_settings


def _load(tmp_path: Path, text: str, **env: str) -> Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load_settings(env={"SOC_TUI_CONFIG": str(file), **env})


def test_without_a_file_the_defaults_hold() -> None:
    settings = load_settings(env={})
    assert settings.store.memory_limit_mb == 192
    assert settings.response.enabled is True


def test_file_then_environment_then_option(tmp_path: Path) -> None:
    text = 'workspace = "/srv/a"\nwatch = ["/var/log"]\n[store]\nthreads = 4\nhunt_rows = 7\n'
    settings = _load(tmp_path, text, SOC_TUI_STORE__THREADS="1", SOC_TUI_RESPONSE__ALLOWLIST="10.0.0.0/8, ::1")
    assert (settings.store.threads, settings.store.hunt_rows) == (1, 7)
    assert settings.response.allowlist == ("10.0.0.0/8", "::1")
    assert settings.watch == ("/var/log",)
    assert settings.workspace == Path("/srv/a")
    assert load_settings(Path("/srv/b"), env={"SOC_TUI_WORKSPACE": "/srv/c"}).workspace == Path("/srv/b")
    assert load_settings(env={"SOC_TUI_WORKSPACE": "/srv/c"}).workspace == Path("/srv/c")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[store]\nmemory_limt_mb = 1\n", 2, "memory_limit_mb"),
        ("[detecton]\nx = 1\n", 1, "detection"),
        ("\n[store]\nthreads = 'many'\n", 3, "threads = 'many' is not a valid int"),
        ("store = 3\n", 1, "must be a table"),
        ("[store]\nthreads = true\n", 2, "not a valid int"),
        ("[store]\nthreads = -1\n", 2, "not a valid int"),
        ("[store\n", 1, "Expected"),
        ("[response]\nallowlist = ['10.0.0.0/99']\n", None, "no address or network"),
        ("watch = [1]\n", 1, "not a valid"),
    ],
)
def test_a_mistake_names_file_line_and_remedy(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, text)
    assert said in str(caught.value)
    assert caught.value.source == str(tmp_path / "settings.toml")
    assert caught.value.line == line
    assert caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("written", [
    "['postgresql://eve:s3cret@h', 5]", "[['postgresql://eve:s3cret@h']]", "{ a = 'postgresql://eve:s3cret@h' }",
])  # fmt: skip
def test_passwords_of_databases_are_in_no_message_and_no_representation(tmp_path: Path, written: str) -> None:
    with pytest.raises(SettingsError, match="scan.databases = .* is not a valid") as caught:
        _load(tmp_path, f"[scan]\ndatabases = {written}\n")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingsError, match="scan.every_hours = 'postgresql://h' is not a valid float"):
        _load(tmp_path, "[scan]\nevery_hours = 'postgresql://eve:s3cret@h'\n")
    settings = _load(tmp_path, "[scan]\ndatabases = ['postgresql://eve:s3cret@h']\n")
    assert settings.scan.databases == ("postgresql://eve:s3cret@h",)
    assert "s3cret" not in repr(settings)


def test_an_unknown_variable_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean SOC_TUI_STORE__THREADS"):
        load_settings(env={"SOC_TUI_STORE__TREADS": "1"})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(env={"SOC_TUI_CONFIG": str(tmp_path / "none.toml")})


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(env={"SOC_TUI_CONFIG": str(tmp_path / "s.toml")})


def test_every_setting_is_documented_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    for section in dataclasses.fields(Settings):
        value = getattr(Settings(), section.name)
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                assert f"| `{section.name}.{field.name}` | `" in text
