import subprocess
import sys

import pyarrow as pa

from soc_tui.management.memory import give_memory_back


def test_arrow_uses_the_system_allocator_and_works() -> None:
    before = pa.default_memory_pool()
    try:
        give_memory_back()
        assert pa.default_memory_pool().backend_name == "system"
        assert len(pa.array(range(100_000)).cast(pa.string())) == 100_000
    finally:
        pa.set_memory_pool(before)


def test_free_memory_between_blocks_goes_back() -> None:
    code = (
        "from soc_tui.management.memory import give_memory_back, trim; give_memory_back()\n"
        "import re; size = lambda: int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
        "blocks = [bytes(100_000) + bytes([n % 256]) for n in range(1500)]; kept = blocks[::10]; full = size()\n"
        "del blocks; trim(); left = size(); print(full - left > 80_000, len(kept))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "150"]
