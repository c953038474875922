"""FCS files: what they hold, read with every repair on record, and written whole.

>>> from tregflow.fcs import read_fcs
"""

from tregflow.fcs.channels import Channel
from tregflow.fcs.clock import Clock
from tregflow.fcs.codes import CODES, Code
from tregflow.fcs.datasets import DataSet
from tregflow.fcs.logarithms import linearised
from tregflow.fcs.read import iter_fcs, list_datasets, read_fcs
from tregflow.fcs.sample import Column, Sample
from tregflow.fcs.scan import Scanned, scan_fcs
from tregflow.fcs.write import spillover_text, write_fcs

__all__ = [
    "CODES",
    "Channel",
    "Clock",
    "Code",
    "Column",
    "DataSet",
    "Sample",
    "Scanned",
    "iter_fcs",
    "linearised",
    "list_datasets",
    "read_fcs",
    "scan_fcs",
    "spillover_text",
    "write_fcs",
]
