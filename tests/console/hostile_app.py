"""The console on a hostile wire, for a real pseudo-terminal: ``python hostile_app.py [hang]``."""

from __future__ import annotations

import sys
import threading

from console_wire import Wire
from payloads import PAYLOADS

from soc_tui.console.app import ConsoleApp

if __name__ == "__main__":
    texts = [p.encode("utf-8", "backslashreplace").decode() for p in PAYLOADS if len(p) < 1000]
    wire = Wire(alerts=60, rotate=texts)
    if "hang" in sys.argv:
        for name in ("alerts", "pulse", "evidence"):
            wire.hang[name] = threading.Event()
    ConsoleApp(lambda: wire, title=texts[40], refresh_seconds=0.1).run()
