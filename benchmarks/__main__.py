"""``python -m benchmarks``: the speed figures, written to docs/performance.md."""

from benchmarks.speed import main

if __name__ == "__main__":
    main()
