"""The directives that put what `reference_text` makes of the code into a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import reference_text
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import sgcws


def directive(lines: Callable[[], list[str]]) -> type[SphinxDirective]:
    """Make a directive of what a function gives."""

    class Generated(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes("\n".join(lines()), allow_section_headings=True)

    return Generated


class Autobahn(SphinxDirective):
    """Shows a run of the Autobahn Testsuite; its argument is the summary, a file beside the page."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Callable[[str], Any]]] = {}

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.doc2path(self.env.docname)).with_name(self.arguments[0])
        self.env.note_dependency(str(path))
        if not path.is_file():
            return self.parse_text_to_nodes("No run is recorded in this tree.")
        lines = reference_text.autobahn_lines(json.loads(path.read_text("utf-8")))
        return self.parse_text_to_nodes("\n".join(lines))


def resolve(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """Point a name of ours, wherever it lives in the code, to the public one that the pages describe."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in sgcws.__all__:
        return None
    where = env.get_domain("py")
    return where.resolve_xref(env, node["refdoc"], app.builder, "obj", f"sgcws.{name}", node, content)


class Attributes:
    """Keeps napoleon from reading ``Words: more words`` in the text of an attribute as its type."""

    def __init__(self) -> None:
        self._kept: dict[str, list[str]] = {}

    def before(self, app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
        """Keep the text of an attribute."""
        if what in ("attribute", "property"):
            self._kept[name] = lines.copy()

    def after(self, app: Sphinx, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
        """Put it back."""
        lines[:] = self._kept.pop(name, lines)


def skip_events(app: Sphinx, what: str, name: str, found: Any, skip: bool, options: Any) -> bool | None:
    """Leave out what is on the page of events."""
    return True if name.startswith("on_") else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("sgcws-events", directive(reference_text.event_lines))
    app.add_directive("sgcws-options", directive(reference_text.option_lines))
    app.add_directive("sgcws-command-line", directive(reference_text.command_line_lines))
    app.add_directive("sgcws-moves", directive(reference_text.move_lines))
    app.add_directive("sgcws-errors", directive(reference_text.error_lines))
    app.add_directive("sgcws-autobahn", Autobahn)
    app.connect("missing-reference", resolve)
    app.connect("autodoc-skip-member", skip_events)
    attributes = Attributes()
    app.connect("autodoc-process-docstring", attributes.before, priority=400)
    app.connect("autodoc-process-docstring", attributes.after, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
