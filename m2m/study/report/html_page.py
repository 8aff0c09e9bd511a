"""A template and its values → one HTML page that needs no other; text is escaped, no script but its own may run."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

HEAD = Path(__file__).parent / "templates"  # head.html, with which each page begins


def render_page(templates: Path, name: str, values: dict[str, Any]) -> str:
    """`name`.html of the folder `templates` filled with `values`, with `name`.css and `name`.js inside it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, HEAD]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"format_value": format_value}
    style, script = ((templates / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    frame = {"style": Markup(style), "script": Markup(script), "script_hash": f"sha256-{digest}"}
    return environment.get_template(f"{name}.html").render(values | frame)


def format_value(value: str | float | None, form: str) -> str:
    """A number in the format `form`, a word as it is, and a dash where there is no value."""
    if value is None:
        return "–"
    return format(value, form).replace("-", "−") if form and not isinstance(value, str) else str(value)
