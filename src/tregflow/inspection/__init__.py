"""What an FCS file holds, as a page for a person and as plain data for a program. Names of persons stay out."""

from tregflow.inspection.facts import describe
from tregflow.inspection.text import page

__all__ = ["describe", "page"]
