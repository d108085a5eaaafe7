"""Mathematics for a notebook cell."""

from __future__ import annotations

__all__ = ["program"]


def program(objective: str, *constraints: str) -> str:
    r"""Return a mathematical program as a LaTeX ``aligned`` environment.

    Examples
    --------
    >>> print(program(r"\min_x \quad & x", r"& x \geq 1"))
    \begin{aligned}
    \min_x \quad & x \\
    \text{subject to} \quad & x \geq 1
    \end{aligned}
    """
    first, *others = constraints
    lines = [objective, r"\text{subject to} \quad " + first, *others]
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
