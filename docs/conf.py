"""How Sphinx builds the documentation: `make docs`, a warning is an error."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path
from shutil import copy2

project = "tregflow"
author = "the tregflow authors"
copyright = "2026, the tregflow authors"
release = version = installed_version("tregflow")

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"tregflow {release}"

# The notebooks are pages; they live beside the code that they show, and Sphinx wants them below this folder.
HERE = Path(__file__).parent
pages = HERE / "_notebooks"
pages.mkdir(exist_ok=True)
for notebook in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
    copy2(notebook, pages)

# Every cell is run, so that no page shows what the code no longer does.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # the docstrings state types, with shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # autodoc lists them where they are wanted
