"""How Sphinx builds these pages: ``python -m sphinx -n -W -b html docs docs/_build``."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "src"))

project = "sgcws"
author = "The sgcws authors"
copyright = "2026, The sgcws authors"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "sgcws"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False

default_role = "code"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_numpy_docstring = False

nitpick_ignore_regex = [
    # The build needs no network, so names that live in other projects have nothing to point at.
    (r"py:.*", r"(twisted|zope|OpenSSL|autobahn|attrs?|multidict|collections|typing)(\..*)?"),
]
