"""``python -m cgcopt`` is the command line."""

from __future__ import annotations

from cgcopt.cli import main

if __name__ == "__main__":
    main()
