"""The documentation as a site: `make docs`, or ``sphinx-build -W docs build/docs``.

What comes from the code (API pages, formulas of the formulations, pictures of the problem) and the
notebooks are written to ``docs/generated`` before Sphinx reads its sources; nothing there is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]

from site_build import write_generated  # noqa: E402

import cgcopt  # noqa: E402

project = "cgcopt"
author = "The cgcopt developers"
copyright = author
version = release = cgcopt.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "site_build.attributes",
    "site_build.layout",
    "site_build.mathml",
]
exclude_patterns = ["site_build", "**/.ipynb_checkpoints"]
language = "en"
nitpicky = False  # types of other libraries have no page here; `site_build.links` checks the rest

# Notebooks are shown as they are committed: executed, with their outputs.
nb_execution_mode = "off"
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 10), ("html", "image/png", 20)]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings name types and shapes
autodoc_preserve_defaults = True
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_param = False  # types are words ("ndarray, shape (N,)"), not names to link to
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]
add_module_names = False
toc_object_entries = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"cgcopt {release}"
html_static_path = ["_static"]
html_css_files = ["cgcopt.css"]
html_copy_source = False
html_show_sphinx = False

#: Links of the pages as they are read in the source tree, and where they lead on the site.
_ON_SITE = {
    "](../notebooks/": "](generated/notebooks/",
    "](../CONTRIBUTING.md": "](contributing.md",
    "](../CHANGELOG.md": "](changelog.md",
}


def _links_on_site(app, docname, source):
    for in_tree, on_site in _ON_SITE.items():
        source[0] = source[0].replace(in_tree, on_site)


def setup(app):
    """Write what is generated and let the links of the source tree lead to pages of the site."""
    write_generated(ROOT, HERE / "generated")
    app.connect("source-read", _links_on_site)
