"""What the theme gets wrong in a browser, put right while pages are written."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx


def without_thebe(app: Sphinx, config: object) -> None:
    """Leave out the scripts of sphinx-thebe, which Jupyter Book always loads.

    No page runs code, and they are written twice to each: the second fails, as it declares the same constants.
    """
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def follow_the_reader(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Begin in the colours that the reader's system asks for: without a mode the theme reports an error."""
    context["default_mode"] = "auto"


def without_roles(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Take from references the roles that docutils gives them: a list may hold no such entries any more."""
    for role in ("list", "doc-biblioentry"):
        context["body"] = re.sub(rf'(<div [^>]*class="citation[^>]*) role="{role}"', r"\1", context.get("body", ""))
        context["body"] = re.sub(rf'<div role="{role}" (class="citation)', r"<div \1", context["body"])


def without_mathjax(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Load MathJax where there is a formula only: Jupyter Book loads it everywhere, and nothing takes a page longer."""
    if not re.search(r'class="math\b', context.get("body", "")):
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if "mathjax" not in str(script).lower()]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", without_thebe)
    app.connect("html-page-context", follow_the_reader)
    app.connect("html-page-context", without_roles)
    app.connect("html-page-context", without_mathjax, priority=900)  # after MathJax has been added
    return {"parallel_read_safe": True, "parallel_write_safe": True}
