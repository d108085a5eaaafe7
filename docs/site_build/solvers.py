"""The table of all solvers, from what their classes say."""

from __future__ import annotations

from pathlib import Path

import cgcopt as cg

#: Columns of the page, by the columns of ``cgcopt.solvers()``.
COLUMNS = {
    "expected-runtime": "E",
    "completion-probability": "P",
    "quantile": "q",
    "conditional-value-at-risk": "V",
    "extra": "extra",
    "summary": "what it does",
}


def write_solvers(path: Path) -> None:
    """Write the table as a part of a page, a heading for each role."""
    table = cg.solvers()
    lines = ["| solver | " + " | ".join(COLUMNS.values()) + " |", "|:---" * 7 + "|"]
    for role, part in table.groupby("role", sort=False):
        lines.append(f"| **{role}** |" + " |" * len(COLUMNS))
        for name, row in part.iterrows():
            cells = [
                "".join(form[0] for form in row[column].split(", ") if form)
                if title in "EPqV"
                else row[column]
                for column, title in COLUMNS.items()
            ]
            lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
