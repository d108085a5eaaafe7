"""What a report says about the machine and the software that it was made with."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from cgcopt.compare.results.code import numerical_packages
from cgcopt.version import __version__

__all__ = ["environment"]


def environment() -> dict[str, str]:
    """Return versions and hardware, by name.

    Examples
    --------
    >>> list(environment())[:2]
    ['cgcopt', 'Python']
    """
    facts = {"cgcopt": __version__, "Python": platform.python_version(), **numerical_packages()}
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts["processor"] = _processor()
    facts["CPUs"] = str(os.cpu_count())
    facts["memory"] = _memory()
    return facts


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return "unknown"
    return f"{size / 2**30:.1f} GiB"
