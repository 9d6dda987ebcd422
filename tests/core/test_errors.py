"""Errors carry what, where and what to do."""

from pathlib import Path

from soc_tui.core.errors import FilterError, SettingsError, SocTuiError, UsageError


def test_text_holds_location_message_and_remedy() -> None:
    error = SocTuiError("is broken", source=Path("/a/b.toml"), line=3, remedy="mend it")
    assert str(error) == "/a/b.toml:3: is broken (mend it)"
    assert str(SocTuiError("plain")) == "plain"
    assert SocTuiError("x", source="f").location == "f"


def test_exit_codes() -> None:
    assert SocTuiError("x").exit_code == 1
    assert {UsageError("x").exit_code, SettingsError("x").exit_code, FilterError("x", position=4).exit_code} == {2}
    assert FilterError("x", position=4).position == 4
