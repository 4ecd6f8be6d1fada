"""The templates of pages, rendered by MiniJinja: a name that is not there is an error."""

from collections.abc import Mapping
from pathlib import Path

from minijinja import Environment

FOLDER = Path(__file__).parent / "templates"


class Templates:
    """All templates; *names* are there in each of them."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._environment = Environment(
            templates={file.name: file.read_text("utf-8") for file in FOLDER.glob("*.html")},
            globals=names,
            debug=False,  # an error would repeat what the page shows
            undefined_behavior="strict",
            auto_escape_callback=lambda _: "html",
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """Return the template *name* with *values*, all of them escaped."""
        return self._environment.render_template(name, **values)
