"""``python -m tregflow`` is the command line."""

from __future__ import annotations

from tregflow.cli import app

app()
