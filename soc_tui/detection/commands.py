"""Programs of others that a tool asks: argv lists, no shell, an end in time and in size."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from soc_tui.detection.tools import Watch

MAX_OUTPUT = 64 * 1024 * 1024
_SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_STEP_SECONDS = 0.05
_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Answer:
    """What a program said."""

    code: int
    output: bytes
    errors: bytes


def installed(name: str) -> str:
    """The program's path; empty when it is not installed."""
    return shutil.which(name, path=_SAFE_PATH) or ""


def ask(argv: Sequence[str], watch: Watch, seconds: float, *, cwd: str = "/") -> Answer | None:
    """Run a program to its end.

    Args:
        argv: its path and arguments.
        watch: is told when it cannot be run, takes too long or says too much; ends it when it is stopping.
        seconds: how long it may take.
        cwd: the folder it runs in.

    Returns:
        What it said; None when it came to no end by itself.
    """
    name = Path(argv[0]).name
    environment = {"PATH": _SAFE_PATH, "LC_ALL": "C.UTF-8", "HOME": cwd}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=cwd, env=environment,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            watch.note(f"{name}: cannot be run: {error.strerror}")
            return None
        end, said = time.monotonic() + seconds, ""
        while process.poll() is None and not said:
            try:
                process.wait(_STEP_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() > end:
                    said = f"takes longer than {seconds:.0f} s and was ended"
                elif watch.stopping():
                    said = "was ended before its end"
                elif os.fstat(output.fileno()).st_size + os.fstat(errors.fileno()).st_size > MAX_OUTPUT:
                    said = f"says more than {MAX_OUTPUT >> 20} MiB and was ended"
        if said:
            _end(process)
            watch.note(f"{name}: {said}")
            return None
        output.seek(0)
        errors.seek(0)
        return Answer(process.returncode, output.read(MAX_OUTPUT), errors.read(1 << 20))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that it has started; it may clean up first (else Lynis leaves what stops the next one)."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
