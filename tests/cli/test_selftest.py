"""``selftest`` as a command: a table, JSON, an exit code, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Product


def test_it_says_n_of_n_and_leaves_nothing_behind(tmp_path: Path) -> None:
    product, places = Product(tmp_path / "w"), tmp_path / "tmp"
    places.mkdir()
    run = product.run("selftest", "ssh-brute-force", "zeek-notice", TMPDIR=str(places))
    assert [line.split()[:4] for line in run.stdout.splitlines()[1:3]] == [
        ["ssh-brute-force", "1", "of", "1"], ["zeek-notice", "1", "of", "1"],
    ]  # fmt: skip
    assert "\n2 of 2 fired, 2 of 2 benign cases silent, in " in run.stdout
    assert run.stderr == ""
    assert list(places.glob("soc-tui*")) == []
    assert not product.workspace.exists()


def test_programs_get_json_with_default_settings_whatever_the_users_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOC_TUI_DETECTION__BRUTE_FORCE_FAILURES", "5000")
    told = Product(tmp_path / "w").json("selftest", "ssh-brute-force")
    assert (told["ok"], told["fired"], told["must_fire"], told["silent"], told["must_be_silent"]) == (True, 1, 1, 1, 1)
    (row,) = told["detectors"]
    assert (row["detector"], row["problems"]) == ("ssh-brute-force", [])


def test_an_unknown_detector_is_a_mistake(tmp_path: Path) -> None:
    assert "'fly' has no case" in Product(tmp_path / "w").run("selftest", "fly", code=2).stderr
