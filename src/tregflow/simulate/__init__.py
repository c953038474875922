"""Simulated FCS files in which the class of every event is known: for tests, benchmarks, teaching, and the demo.

`simulate_sample` makes one file, `simulate_cohort` a trial of any size, `write_example` the trial in ``example_fcs``.
The physics is in `physics`, the cells and the panel are tables in `populations`. A seed fixes every number.

Where the parameters come from
------------------------------
Measured. CD3, CD4, CD25, CD127, CD45RA and scatter of naive and memory Tconv and of naive and memory Treg: labelled
CD3+CD4+ cells of a public plate of the Meyer laboratory (MIT licence; iQue3). Scatter of monocytes, B, NK and CD8 T
cells, and area over height of single cells: public blood files. Shares of lymphocytes: reference ranges of
PMC321350 and PMC3623424. The fold of Treg (1.8 ± 0.5 at day 8, effector T and B cells flat): Barde 2024,
10.1136/rmdopen-2023-003500.

Direction from the literature, size chosen. Day 8: Treg CD25 ×1.42 and FoxP3 ×1.16, memory Tconv CD25 ×1.1 (Rosenzwajg
2015, J Autoimmun 58:48; Ito 2014).

Chosen. FoxP3 of all classes, activated and CD127lo Tconv, dead cells, debris, photo-electrons, electronic noise,
spillover, staining between tubes (SD 0.08 of ln), gain between batches (SD 0.15 of ln), drift.

How the gates of the shipped strategies were set
------------------------------------------------
By one fixed gate for all samples, on cohorts of other seeds than the example's (201 to 204), at gain 1, with the
example's baselines and folds, 12,000 CD4 T cells a sample and the staining and drift of any tube. Singlets, Live,
Lymphocytes, CD3, CD4, CD8 and CD19 lie between the classes they part. The four numbers of the CD25 × CD127 polygon were
searched so that, together with FoxP3 above its FMO, false positives and false negatives cancel on average at baseline
and at day 8; the CD45RA edge so that Teff do nearly. They were rounded, and checked on six further seeds (211 to 216:
mean error of Treg % +0.6 % at day 0 and −0.1 % at day 8, SD 5 % between samples, mean fold 1.78 where 1.80 is true) and
on twelve trials with the example's batches (301 to 312: mean error of Treg % within 4 % at either visit, mean fold 1.75
to 1.85). On day 0 about 11 % of the Treg are missed and 11 % of the gated cells are none (7 % on day 8): a mean without
bias is a property of this mixture of cells, and no gate carries it over to another. On real data the gates mean
nothing.

Not simulated: granulocytes (PBMC hold few), clogs and bursts, carry-over, quantisation beyond float32.
"""

from tregflow.simulate.cohort import Tube, simulate_cohort, simulate_tubes
from tregflow.simulate.example import example_tubes, write_example
from tregflow.simulate.model import Batch, CellClass, Detector, PanelModel, Specimen, Variant
from tregflow.simulate.physics import simulate_sample
from tregflow.simulate.populations import PANEL

__all__ = [
    "PANEL",
    "Batch",
    "CellClass",
    "Detector",
    "PanelModel",
    "Specimen",
    "Tube",
    "Variant",
    "example_tubes",
    "simulate_cohort",
    "simulate_sample",
    "simulate_tubes",
    "write_example",
]
