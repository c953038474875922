"""Studies on disk: a tiny one with known counts, and a part of the example trial; and what a run left, as bytes."""

from __future__ import annotations

import csv
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tregflow.fcs import Sample, write_fcs

EXAMPLE = Path(__file__).resolve().parents[1] / "example_fcs"
MARKERS = {"V655-A": "CD4", "B515-A": "CD25", "R670-A": "FoxP3", "G560-A": "CD19"}
CD4, OTHERS, B_CELLS = 1200, 600, 300
TREG = {"S1_D0": 120, "S1_D8": 240, "S2_D0": 100, "S2_D8": 150}
"""Treg of `CD4` events of each sample; every event of the tiny study lies far from every threshold."""

STRATEGY = """\
tregflow: 1
name: tiny
panel:
  CD4: {pns: [CD4]}
  CD25: {pns: [CD25]}
  FoxP3: {pns: ["foxp3*"]}
compensation: none
gates:
  Cells: {above: {FSC-A: 20000}}
  CD4+: {in: Cells, above: {CD4: 1000}}
  CD25hi: {in: CD4+, above: {CD25: 2000}}
  FoxP3+: {in: CD4+, above: {FoxP3: {fmo: FoxP3, quantile: 0.99}}}
  Treg: {in: CD4+, all: [CD25hi, FoxP3+]}
  Tconv: {in: CD4+, not: CD25hi}
  B: {in: Cells, above: {CD19: 1000}}
report:
  Treg_of_CD4: Treg / CD4+
  Tconv_of_CD4: Tconv / CD4+
  B_of_Cells: B / Cells
mfi: {Treg: [CD25]}
"""
STUDY = """\
tregflow: 1
name: TINY
strategy: tiny.yaml
visits:
  D0: {day: 0, window: [-7, 0]}
  D8: {day: 8, window: [7, 10]}
baseline: D0
endpoints:
  primary: {ratio: Treg_of_CD4, visit: D8}
  b_cells: {ratio: B_of_Cells, visit: D8, claim: unchanged, margin: [0.80, 1.25]}
few_events: {cd4_finding: 500, cd4_fail: 200}
confirmed: {by: somebody, at: "2025-06-01"}
"""
SHEET = """\
sample,file,subject,visit,date,batch,role
S1_D0,S1_D0.fcs,S1,D0,2025-02-03,A,sample
S1_D8,S1_D8.fcs,S1,D8,2025-02-11,A,sample
S2_D0,S2_D0.fcs,S2,D0,2025-02-10,B,sample
S2_D8,S2_D8.fcs,S2,D8,2025-02-18,B,sample
FMO_A,FMO_A.fcs,,,2025-05-13,A,fmo:FoxP3
FMO_B,FMO_B.fcs,,,2025-06-17,B,fmo:FoxP3
"""


def tiny_file(path: Path, *, treg: int, foxp3: bool = True, seed: int = 1, without: str = "") -> None:
    """Write a file of the tiny study with `treg` Treg; `foxp3` False: an FMO control; `without`: a marker unstained."""
    path.write_bytes(_tiny_bytes(treg, foxp3, seed, without))


@cache
def _tiny_bytes(treg: int, foxp3: bool, seed: int, without: str) -> bytes:
    rng = np.random.default_rng(seed)
    conventional = CD4 - treg
    n = CD4 + OTHERS

    def column(*parts: tuple[int, float]) -> np.ndarray:
        values = np.concatenate([np.full(count, level) for count, level in parts])
        return (values + rng.normal(0, 30, n)).astype(np.float32)

    columns = {
        "FSC-A": column((n, 90_000.0)),
        "V655-A": column((CD4, 8000.0), (OTHERS, 50.0)),
        "B515-A": column((treg, 9000.0), (conventional, 300.0), (OTHERS, 100.0)),
        "R670-A": column((treg, 4000.0 if foxp3 else 200.0), (conventional, 200.0), (OTHERS, 200.0)),
        "G560-A": column((CD4, 50.0), (B_CELLS, 6000.0), (OTHERS - B_CELLS, 50.0)),
    }
    markers = {pnn: marker for pnn, marker in MARKERS.items() if marker != without}
    keywords = {"$OP": "Jane Doe", "$SRC": "Patient John Roe", "$DATE": "03-FEB-2025", "$CYT": "tiny cytometer"}
    with TemporaryDirectory() as folder:
        write_fcs(Path(folder) / "a.fcs", Sample.from_columns("a.fcs", columns, markers=markers, keywords=keywords))
        return (Path(folder) / "a.fcs").read_bytes()


# A complement that only the counts show: `check` sees the one that the strategy states.
HIDDEN_COMPLEMENT = STRATEGY.replace("not: CD25hi", "all: [{not: CD25hi}, {not: CD25hi}]")


def tiny_study(folder: Path, **texts: str) -> Path:
    """Write the tiny study with the files that its sheet names; `texts` replace study, sheet, strategy or overrides."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"study": "study.yaml", "sheet": "samples.csv", "strategy": "tiny.yaml", "overrides": "overrides.yaml"}
    written = {"study": STUDY, "sheet": SHEET, "strategy": STRATEGY, **texts}
    for key, text in written.items():
        (folder / files[key]).write_text(text, encoding="utf-8")
    for seed, (sample, treg) in enumerate([*TREG.items(), ("FMO_A", 100), ("FMO_B", 100)]):
        if f"{sample}.fcs" in written["sheet"]:
            tiny_file(folder / f"{sample}.fcs", treg=treg, foxp3=sample in TREG, seed=seed)
    return folder


def override(rule: str, gate: str = "CD4+", *, change: str = "set: {above: {CD4: 1500}}") -> str:
    """Return an overrides file of one rule: ``override("sample: S1_D0")``."""
    return (
        f"tregflow: 1\noverrides:\n"
        f"  - {{id: R1, when: {{{rule}}}, gate: {gate}, {change}, by: reader, at: 2025-06-01, why: reasons}}\n"
    )


def part_of_example(folder: Path, *subjects: str) -> Path:
    """Copy some patients of the example trial with all its controls; overrides of other samples are left out."""
    folder.mkdir(parents=True)
    for name in ("study.yaml", "treg.yaml", "truth.csv"):
        shutil.copy(EXAMPLE / name, folder)
    header, *lines = (EXAMPLE / "samples.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.startswith((*subjects, "B"))]
    (folder / "samples.csv").write_text("\n".join([header, *kept, ""]), encoding="utf-8")
    rules = (EXAMPLE / "overrides.yaml").read_text(encoding="utf-8")
    (folder / "overrides.yaml").write_text(rules.partition("  - id: P06")[0], encoding="utf-8")
    for line in kept:
        shutil.copy(EXAMPLE / line.split(",")[1], folder)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table as text."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def left(out: Path) -> dict[str, bytes]:
    """Return everything that a run left, kept outcomes aside, the manifest without its part `run`."""
    found = {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".kept" not in path.parts
    }
    manifest = json.loads(found.pop("manifest.json"))
    manifest.pop("run")
    return found | {"manifest.json": json.dumps(manifest).encode()}


def spoiled(path: Path) -> None:
    """Make a text that is named as an FCS file."""
    path.write_text("I am text", encoding="utf-8")
