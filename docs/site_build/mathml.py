"""Formulas as MathML, which browsers show by themselves: pages need no script and no network."""

from __future__ import annotations

import re

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError

#: Commands that docutils does not know, by others that it knows.
_KNOWN = {r"\dots": r"\ldots", r"\iff": r"\Leftrightarrow", r"\tfrac": r"\frac"}
#: What only sets sizes, or numbers a formula.
_OUTER = re.compile(r"\\(begin|end)\{equation\*?\}|\\(text|display)style\b")
_UNKNOWN = re.compile("|".join(re.escape(name) + r"\b" for name in _KNOWN))


def markup(source: str, display: bool) -> str:
    """Return the MathML of a formula.

    Raises
    ------
    ExtensionError
        Where the formula cannot be read, with the formula.
    """
    formula = _UNKNOWN.sub(lambda found: _KNOWN[found[0]], _OUTER.sub("", source)).strip()
    if display and r"\\" in formula and r"\begin" not in formula:
        formula = rf"\begin{{aligned}} {formula} \end{{aligned}}"
    try:
        return tex2mathml(formula, as_block=display)
    except Exception as error:
        raise ExtensionError(f"cannot read the formula {source!r}: {error}") from error


def inline(translator, node):
    """Write a formula in a line of text."""
    translator.body.append(markup(node.astext(), display=False))
    raise SkipNode


def display(translator, node):
    """Write a formula that stands by itself."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({node["number"]})</span>')
    translator.body.append(
        f'<div class="formula">{markup(node.astext(), display=True)}</div></div>\n'
    )
    raise SkipNode


def setup(app):
    """Offer the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
