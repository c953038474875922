"""The cells and the panel of the simulator: tables of numbers, with what each comes from.

Classes. *Measured* are CD4 T cells (scatter, CD3, CD4, CD25, CD127, CD45RA of naive and memory Tconv and Treg: labelled
cells of a public plate of the Meyer laboratory) and the scatter of monocytes, B, NK and CD8 T cells; CD25 and CD127 are
those measurements with autofluorescence, noise and the truncation by the analyst's gate taken out. The rest is chosen
to be plausible: FoxP3, activated and CD127lo Tconv, dead cells, debris. PBMC hold no granulocytes here.

Panel. Nine colours, chosen so that FoxP3 has a laser to itself; the spillover has the size that such dyes show.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from tregflow.simulate.model import CellClass, Detector, Lognormal, PanelModel, Variant

DETECTORS = (
    Detector(channel="V450-A", marker="CD19", scale=1.0, autofluorescence=200, photons=0.10, noise=100),
    Detector(channel="V525-A", marker="Viability", scale=1.0, autofluorescence=350, photons=0.05, noise=150),
    Detector(channel="V610-A", marker="CD8", scale=0.4, autofluorescence=200, photons=0.10, noise=100),
    Detector(channel="V780-A", marker="CD127", scale=1.0, autofluorescence=300, photons=0.02, noise=200),
    Detector(channel="FITC-A", marker="CD45RA", scale=0.12, autofluorescence=300, photons=0.10, noise=100),
    Detector(channel="PE-A", marker="CD25", scale=1.0, autofluorescence=300, photons=0.02, noise=300),
    Detector(channel="PE-Cy7-A", marker="CD4", scale=0.4, autofluorescence=150, photons=0.05, noise=100),
    Detector(channel="APC-A", marker="FoxP3", scale=1.0, autofluorescence=200, photons=0.02, noise=80),
    Detector(channel="APC-A750-A", marker="CD3", scale=0.25, autofluorescence=150, photons=0.05, noise=100),
)
"""CD3, CD4, CD8 and CD45RA are turned down so that nearly all cells stay below the 18-bit top."""

SPILLOVER = np.array(
    [  # V450   V525   V610   V780   FITC   PE     PE-Cy7 APC    APC-A750
        [1.000, 0.090, 0.015, 0.004, 0.001, 0.000, 0.000, 0.000, 0.000],  # V450-A, CD19
        [0.060, 1.000, 0.140, 0.012, 0.035, 0.006, 0.001, 0.000, 0.000],  # V525-A, viability
        [0.012, 0.025, 1.000, 0.060, 0.002, 0.060, 0.008, 0.004, 0.002],  # V610-A, CD8
        [0.020, 0.004, 0.018, 1.000, 0.000, 0.001, 0.035, 0.003, 0.060],  # V780-A, CD127
        [0.002, 0.030, 0.004, 0.000, 1.000, 0.080, 0.004, 0.000, 0.000],  # FITC-A, CD45RA
        [0.000, 0.003, 0.045, 0.003, 0.009, 1.000, 0.012, 0.001, 0.000],  # PE-A, CD25
        [0.001, 0.001, 0.003, 0.025, 0.002, 0.018, 1.000, 0.001, 0.045],  # PE-Cy7-A, CD4
        [0.000, 0.000, 0.003, 0.006, 0.000, 0.001, 0.004, 1.000, 0.110],  # APC-A, FoxP3
        [0.000, 0.000, 0.000, 0.040, 0.000, 0.000, 0.030, 0.012, 1.000],  # APC-A750-A, CD3
    ]
)
"""Rows are donors, as in ``$SPILLOVER``."""

_T_CELL = (98e3, 33e3)
_NAIVE_RA: Lognormal = (463e3, 0.47)
_MEMORY_RA: Lognormal = (8.6e3, 1.35)


def _cd4(
    name: str, *, scatter: tuple[float, float], fsc_mean: float = _T_CELL[0], variants: tuple[Variant, ...]
) -> CellClass:
    return CellClass(name=name, fsc=(fsc_mean, scatter[0]), ssc=(_T_CELL[1], scatter[1]), variants=variants)


def _variant(*, weight: float = 1.0, correlation: float = 0.0, **antigens: Lognormal) -> Variant:
    return Variant(antigens=MappingProxyType(antigens), weight=weight, correlation=correlation)


_MONOCYTE = CellClass(
    name="monocyte", fsc=(164e3, 0.17), ssc=(64e3, 0.21), autofluorescence=(1.5, 2.5),
    variants=(_variant(CD4=(4.5e3, 0.35), CD25=(150, 0.5), CD127=(100, 0.5), FoxP3=(250, 0.45)),),
)  # fmt: skip
_B = CellClass(
    name="B", fsc=(91e3, 0.11), ssc=(36e3, 0.24),
    variants=(_variant(CD19=(12e3, 0.35), CD25=(500, 0.6), CD45RA=(40e3, 0.4), FoxP3=(300, 0.45)),),
)  # fmt: skip
_NK = CellClass(
    name="NK", fsc=(111e3, 0.14), ssc=(26e3, 0.26),
    variants=(
        _variant(weight=0.60, CD25=(300, 0.6), CD127=(500, 0.6), CD45RA=(20e3, 0.8), FoxP3=(250, 0.45)),
        _variant(weight=0.33, CD8=(2e3, 0.6), CD25=(300, 0.6), CD127=(500, 0.6), CD45RA=(20e3, 0.8), FoxP3=(250, 0.45)),
        _variant(weight=0.07, CD25=(1500, 0.5), CD127=(2e3, 0.6), CD45RA=(8e3, 0.8), FoxP3=(250, 0.45)),  # CD56bright
    ),
)  # fmt: skip
_CD8 = CellClass(
    name="CD8", fsc=(98e3, 0.13), ssc=(33e3, 0.28),
    variants=tuple(
        _variant(weight=weight, CD3=(110e3, 0.40), CD8=(60e3, 0.45), CD25=(500, 0.7), CD127=(9e3, 0.8), CD45RA=ra,
                 FoxP3=(250, 0.45))
        for weight, ra in ((0.5, _NAIVE_RA), (0.5, _MEMORY_RA))
    ),
)  # fmt: skip
_TCONV_NAIVE = _cd4(
    "Tconv_naive", scatter=(0.105, 0.19),
    variants=(_variant(correlation=0.25, CD3=(121e3, 0.39), CD4=(61e3, 0.24), CD25=(800, 0.60), CD127=(13.7e3, 0.41),
                       FoxP3=(250, 0.45), CD45RA=_NAIVE_RA),),
)  # fmt: skip
_TCONV_MEMORY = _cd4(  # the low tail of CD127 is the class CD127lo, hence SD 0.62 and not 0.74
    "Tconv_memory", scatter=(0.13, 0.20),
    variants=(_variant(correlation=0.5, CD3=(110e3, 0.41), CD4=(78e3, 0.30), CD25=(1350, 0.80), CD127=(14.5e3, 0.62),
                       FoxP3=(300, 0.50), CD45RA=_MEMORY_RA),),
)  # fmt: skip
_TCONV_ACTIVATED = _cd4(
    "Tconv_activated", scatter=(0.13, 0.20), fsc_mean=110e3,
    variants=(_variant(correlation=0.2, CD3=(110e3, 0.41), CD4=(78e3, 0.30), CD25=(5e3, 0.45), CD127=(9.5e3, 0.50),
                       FoxP3=(550, 0.55), CD45RA=_MEMORY_RA),),
)  # fmt: skip
_TCONV_CD127LO = _cd4(
    "Tconv_CD127lo", scatter=(0.13, 0.20),
    variants=(_variant(correlation=0.2, CD3=(110e3, 0.41), CD4=(78e3, 0.30), CD25=(900, 0.80), CD127=(3.2e3, 0.60),
                       FoxP3=(350, 0.50), CD45RA=_MEMORY_RA),),
)  # fmt: skip
_TREG_NAIVE = _cd4(
    "Treg_naive", scatter=(0.095, 0.20),
    variants=(_variant(correlation=0.05, CD3=(93e3, 0.40), CD4=(49e3, 0.23), CD25=(7.6e3, 0.42), CD127=(6e3, 0.36),
                       FoxP3=(1300, 0.42), CD45RA=(352e3, 0.52)),),
)  # fmt: skip
_TREG_MEMORY = _cd4(
    "Treg_memory", scatter=(0.12, 0.22),
    variants=tuple(
        _variant(weight=weight, correlation=-0.05, CD3=(102e3, 0.39), CD4=(59e3, 0.26), CD25=(9.7e3, 0.55),
                 CD127=(3.6e3, 0.52), FoxP3=(foxp3, 0.50), CD45RA=(6.9e3, 1.48))
        for weight, foxp3 in ((0.85, 2300), (0.15, 4600))  # effector Treg: twice the FoxP3
    ),
)  # fmt: skip
_DEAD = CellClass(
    name="dead", fsc=(59e3, 0.20), ssc=(43e3, 0.28), autofluorescence=(2.0, 4.0),
    variants=(_variant(Viability=(20e3, 0.5)),),
)  # fmt: skip
_DEBRIS = CellClass(name="debris", fsc=(5e3, 0.0), ssc=(2e3, 0.0), autofluorescence=(0.2, 1.0), variants=(_variant(),))

TREG = ("Treg_naive", "Treg_memory")
"""Classes that are regulatory T cells."""
TEFF = ("Tconv_memory", "Tconv_activated", "Tconv_CD127lo")
"""Classes of conventional CD4 T cells without CD45RA."""
TCONV = ("Tconv_naive", *TEFF)
CD4 = (*TCONV, *TREG)
LYMPHOCYTES = ("B", "NK", "CD8", *CD4)
LIVE = ("monocyte", *LYMPHOCYTES)
"""Classes of live single cells, in the order of truth.csv."""

_ALL = (_MONOCYTE, _B, _NK, _CD8, _TCONV_NAIVE, _TCONV_MEMORY, _TCONV_ACTIVATED, _TCONV_CD127LO, _TREG_NAIVE,
        _TREG_MEMORY, _DEAD, _DEBRIS)  # fmt: skip

DAY8 = MappingProxyType(
    {
        "Treg_naive": MappingProxyType({"CD25": 0.35, "FoxP3": 0.15}),
        "Treg_memory": MappingProxyType({"CD25": 0.35, "FoxP3": 0.15}),
        "Tconv_memory": MappingProxyType({"CD25": 0.10}),
    }
)
"""Added to ln antigen on day 8: Treg CD25 ×1.42 and FoxP3 ×1.16, memory Tconv CD25 ×1.1."""

PANEL = PanelModel(
    detectors=DETECTORS,
    spillover=SPILLOVER,
    classes=MappingProxyType({cell.name: cell for cell in _ALL}),
    day8=DAY8,
)
