"""The rules of the house that no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "soc_tui"
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_a_file_is_short_enough_to_read(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 500


def test_flight_is_spoken_in_management_only() -> None:
    """import-linter cannot tell ``pyarrow.flight`` from ``pyarrow``."""
    speakers = {f.relative_to(PACKAGE).parts[0] for f in FILES if "flight" in _imports(f)}
    assert speakers == {"management"}


def test_every_package_of_the_product_has_tests() -> None:
    packages = {file.parent.relative_to(PACKAGE).parts[0] for file in FILES if file.parent != PACKAGE}
    assert {name for name in packages if not list((ROOT / "tests" / name).rglob("test_*.py"))} == set()


def test_no_shell_and_no_pickle() -> None:
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword):
                assert node.arg != "shell", file
        assert not {"pickle", "marshal", "shelve"} & _imports(file), file


def _imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            names |= set((node.module or "").split(".")) | {alias.name for alias in node.names}
    return names
