"""A template and what it tells → one HTML page that needs no other; text is escaped, no script but its own may run."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup


def render_page(templates: Path, name: str, told: dict[str, Any]) -> str:
    """`name`.html of the folder `templates` filled with what is `told`, with `name`.css and `name`.js inside it."""
    room = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    room.filters |= {"written": format_value}
    style, script = ((templates / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = {"style": Markup(style), "script": Markup(script), "script_hash": f"sha256-{digest}"}
    return room.get_template(f"{name}.html").render(told | own)


def format_value(value: str | float | None, form: str) -> str:
    """A number in the format `form`, a word as it is, and a dash for what there is not."""
    if value is None:
        return "–"
    return format(value, form).replace("-", "−") if form and not isinstance(value, str) else str(value)
