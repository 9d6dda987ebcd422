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
