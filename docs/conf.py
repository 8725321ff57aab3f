"""How Sphinx builds these pages: ``python -m sphinx -n -W -b html docs docs/_build``."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent / "src"), str(DOCS / "extensions")]

project = "sgcws"
author = "The sgcws authors"
copyright = "2026, The sgcws authors"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sgcws_reference"]
exclude_patterns = ["_build", "extensions"]

html_theme = "furo"
html_title = "sgcws"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sourcelink = False

default_role = "code"
smartquotes_action = "D"
add_module_names = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
maximum_signature_line_length = 120
napoleon_numpy_docstring = False
napoleon_use_ivar = True

nitpick_ignore_regex = [
    # The build needs no network, so names that live in other projects have nothing to point at.
    (r"py:.*", r"(twisted|zope|OpenSSL|autobahn|attrs?|multidict|collections|typing)(\..*)?"),
    # These are shown by what can be done with them, not as classes of their own.
    (r"py:class", r"sgcws\.(realtime\.(registry\.Connections|channels\.Channels)|http\.root\.Root)"),
]
