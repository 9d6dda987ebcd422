"""The built wheel is complete: beside nothing but the dependencies it declares it runs from anywhere."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_carries_what_it_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in (
        "soc_tui/models/flow.safetensors",
        "soc_tui/models/flow.json",
        "soc_tui/models/query.safetensors",
        "soc_tui/models/query.json",
        "soc_tui/store/migrations/0001_first_light.sql",
        "soc_tui/detection/rules/ssh_brute_force.sql",
        "soc_tui/sample_data/host/auth.log.gz",
        "soc_tui/py.typed",
    ):
        assert part in names, part
    assert any(name.startswith("soc_tui/knowledge/entries/") and name.endswith(".yaml") for name in names)
    assert any(name.endswith(".tcss") for name in names)
    sources = {
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "soc_tui").rglob("*")
        if p.suffix in {".py", ".sql", ".yaml", ".tcss"}
    }
    assert sources - set(names) == set()


def declared(name: str, known: dict[str, Path]) -> dict[str, Path]:
    """What a distribution puts into site-packages, with all that it requires (no extras): name -> where it is here."""
    found = distribution(name)
    known.setdefault(f"{name} ", Path())
    for file in found.files or []:
        top = file.parts[0]
        if top not in {"..", "__pycache__"}:
            known[top] = Path(str(found.locate_file(top)))
    for text in found.requires or []:
        wanted = Requirement(text)
        extras = wanted.extras or {""}
        if f"{wanted.name} " not in known and (
            wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras)
        ):
            declared(wanted.name, known)
    return known


def test_it_runs_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Its dependencies are linked from here instead of unpacked again: only those that it declares, by their closure."""
    venv.create(tmp_path / "venv", with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")}))
    for name, place in declared("soc-tui", {}).items():
        if "soc_tui" not in name and place.exists() and not (packages / name).exists():
            (packages / name).symlink_to(place)
    assert not (packages / "pytest").exists()
    pip = [sys.executable, "-m", "pip", "--python", str(tmp_path / "venv/bin/python"), "install", "--no-deps"]
    subprocess.run([*pip, "--quiet", "--disable-pip-version-check", str(wheel)], check=True, capture_output=True)
    check = [sys.executable, "-m", "pip", "--python", str(tmp_path / "venv/bin/python"), "check"]
    assert "No broken requirements" in subprocess.run(check, capture_output=True, text=True, check=True).stdout
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(tmp_path / "venv/bin/soc-tui"), "--workspace", str(tmp_path / "w"), *arguments]
        return subprocess.run(command, cwd=elsewhere, env=env, capture_output=True, text=True, check=True, timeout=300)

    where = [str(tmp_path / "venv/bin/python"), "-c", "import soc_tui; print(soc_tui.__path__[0])"]
    package = Path(
        subprocess.run(where, cwd=elsewhere, env=env, capture_output=True, text=True, check=True).stdout.strip()
    )
    assert package.is_relative_to(tmp_path / "venv")
    result = json.loads(run("ingest", str(package / "sample_data"), "--format", "json").stdout)
    assert result["records_read"] == result["records_stored"] + result["records_rejected"] > 20_000
    assert result["errors"] == []
    alerts = json.loads(run("alerts", "--format", "json").stdout)
    assert {"ssh-brute-force", "suricata-alert"} <= {alert["detector"] for alert in alerts}
    assert all(alert["knowledge"] for alert in alerts)
