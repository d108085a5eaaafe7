"""Mathematics for a notebook cell, and as text."""

from __future__ import annotations

import re

__all__ = ["plain", "program"]

#: Plain text for each command of LaTeX that programs are written with.
_SIGNS = {
    r"\begin{aligned}": "",
    r"\end{aligned}": "",
    r"\text{subject to}": "subject to",
    r"\textstyle": "",
    r"\frac{1}{K}": "1/K",
    r"\frac{1}{(1-q) K}": "1/((1-q) K)",
    r"\mathbb{Z}_{\geq 0}^N": "whole numbers, at least 0",
    r"\mathbb{R}_{\geq 0}^N": "real numbers, at least 0",
    r"\{0,1\}": "{0,1}",
    r"\theta": "theta",
    r"\tau": "tau",
    r"\infty": "oo",
    r"\times": "x",
    r"\sum": "sum",
    r"\int": "integral",
    r"\min": "min",
    r"\max": "max",
    r"\geq": ">=",
    r"\leq": "<=",
    r"\forall": "  for all",
    r"\in": "in",
    r"\lfloor": "floor[",
    r"\rfloor": "]",
    r"\left": "",
    r"\right": "",
    r"\quad": "  ",
    r"\;": " ",
    r"\,": " ",
    "&": "",
}


def plain(latex: str) -> str:
    r"""Return a program of :func:`program` as text.

    Examples
    --------
    >>> print(plain(program(r"\min_x \quad & x_{n-1}", r"& x \geq 1 && \forall n")))
    min_x x_{n-1}
    subject to x >= 1 for all n
    """
    for sign, text in _SIGNS.items():
        latex = latex.replace(sign, text)
    lines = [re.sub(r"\s+", " ", line).strip() for line in latex.split("\\\\")]
    return "\n".join(line for line in lines if line)


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
