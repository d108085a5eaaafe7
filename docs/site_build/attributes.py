"""What is said of an attribute is prose: napoleon would take ``First words: the rest`` for a type."""

from __future__ import annotations

#: Before and after napoleon, which comes at 500.
_BEFORE, _AFTER = 400, 600


def setup(app):
    """Keep the words of attributes from napoleon, and give them back afterwards."""
    kept: dict[str, list[str]] = {}

    def take(app, what, name, obj, options, lines):
        if what in ("attribute", "data"):
            kept[name] = list(lines)
            lines.clear()

    def give_back(app, what, name, obj, options, lines):
        if name in kept:
            lines[:] = kept.pop(name)

    app.connect("autodoc-process-docstring", take, priority=_BEFORE)
    app.connect("autodoc-process-docstring", give_back, priority=_AFTER)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
