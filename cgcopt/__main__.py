"""``python -m cgcopt`` is the command line."""

from __future__ import annotations

from cgcopt.process.leaving import end_process


def _main() -> int:
    from cgcopt.cli import main

    return main()


if __name__ == "__main__":
    end_process(_main)
