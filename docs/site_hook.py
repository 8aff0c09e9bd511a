"""Lets pages of docs/ show the pictures in metrics/, which lie outside of MkDocs' folder."""

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PICTURES = (".svg", ".png")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds every picture that git tracks under metrics/ to the site, at the same path."""
    root = Path(config.config_file_path).parent
    for path in sorted([*root.glob("metrics/*.svg"), *root.glob("metrics/*/*.svg"), *root.glob("metrics/bands/*.png")]):
        if "figures" not in path.parts:
            files.append(File.generated(config, str(path.relative_to(root)), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """`../../metrics/…` in the repository is `../metrics/…` on the site."""
    return markdown.replace("(../../metrics/", "(../metrics/")
