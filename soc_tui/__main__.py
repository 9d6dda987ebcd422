"""``python -m soc_tui``."""

from soc_tui.cli.main import run

if __name__ == "__main__":
    run()
