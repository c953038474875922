"""FCS files: what they hold, read with every repair on record, and written whole.

>>> from tregflow.fcs import read_fcs
"""

from tregflow.fcs.channels import Channel
from tregflow.fcs.read import read_fcs
from tregflow.fcs.sample import Column, Sample, linearised
from tregflow.fcs.write import spillover_text, write_fcs

__all__ = ["Channel", "Column", "Sample", "linearised", "read_fcs", "spillover_text", "write_fcs"]
