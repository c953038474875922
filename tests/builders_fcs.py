"""FCS files of any shape, sound or broken, as bytes: what tests of the reader read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tregflow.fcs import Sample

HEADER = 58
Said = Callable[[int, int], "tuple[int | str, int | str] | None"]
"""From where DATA lies to where the file says that it lies; None: it does not say."""


def truly(begin: int, end: int) -> tuple[int | str, int | str] | None:
    """Say where DATA lies."""
    return begin, end


def fcs_bytes(
    columns: Mapping[str, ArrayLike],
    *,
    version: str = "3.1",
    datatype: str = "F",
    bits: int | Sequence[int] | None = None,
    byteord: str = "1,2,3,4",
    big: bool | None = None,
    delimiter: str = "/",
    keywords: Mapping[str, str | None] | None = None,
    extra: bytes = b"",
    in_header: Said = truly,
    in_text: Said = truly,
    analysis: tuple[int | str, int | str] = (0, 0),
    text_padding: bytes = b"",
    final_delimiter: bool = True,
    gap: bytes = b"",
    data: bytes | None = None,
    tail: bytes = b"",
) -> bytes:
    """Return an FCS file.

    `keywords` replace or, by None, remove what would stand in TEXT; `extra` is put before TEXT's end as it is. DATA
    follows TEXT after `gap`; `data` replaces it; `tail` follows it. `in_header` and `in_text` may lie.
    """
    widths = _widths(columns, datatype, bits)
    big = byteord.startswith(("4", "2,1")) if big is None else big
    events = _events(columns, datatype, widths, ">" if big else "<") if data is None else data
    described = _keywords(columns, datatype, widths, byteord) | dict(keywords or {})

    def text(begin: int, end: int) -> bytes:
        said = in_text(begin, end)
        offsets = {} if said is None else {"$BEGINDATA": _padded(said[0]), "$ENDDATA": _padded(said[1])}
        pairs = {key: value for key, value in {**offsets, **described}.items() if value is not None}
        tokens = [token for pair in pairs.items() for token in pair]
        body = (delimiter + delimiter.join(tokens) + delimiter).encode() + extra
        return (body if final_delimiter else body[: -len(delimiter)]) + text_padding

    begin = HEADER + len(text(0, 0)) + len(gap)
    end = begin + len(events) - 1
    header = in_header(begin, end) or ("", "")
    positions = (HEADER, HEADER + len(text(0, 0)) - 1, *header, *analysis)
    head = f"FCS{version}    ".encode() + "".join(f"{position!s:>8}" for position in positions).encode()
    return head + text(begin, end) + gap + events + tail


def stained(file: str = "P01_D8.fcs", **channels: str) -> Sample:
    """Return a sample of two events per channel: ``stained(R780="CD3")`` has ``R780-A`` with ``$PnS`` CD3."""
    from tregflow.fcs import Sample

    markers = {f"{channel}-A" if "-" not in channel else channel: marker for channel, marker in channels.items()}
    return Sample.from_columns(file, {name: [1.0, 2.0] for name in markers}, markers=markers)


def _padded(position: int | str) -> str:
    return position if isinstance(position, str) else f"{position:012d}"


def _widths(columns: Mapping[str, ArrayLike], datatype: str, bits: int | Sequence[int] | None) -> list[int]:
    default = {"F": 32, "D": 64}.get(datatype, 16)
    if isinstance(bits, Sequence):
        return list(bits)
    return [bits or default] * len(columns)


def _keywords(
    columns: Mapping[str, ArrayLike], datatype: str, widths: Sequence[int], byteord: str
) -> dict[str, str | None]:
    n_events = len(np.asarray(next(iter(columns.values())))) if columns else 0
    keywords: dict[str, str | None] = {
        "$BYTEORD": byteord,
        "$DATATYPE": datatype,
        "$MODE": "L",
        "$NEXTDATA": "0",
        "$PAR": str(len(columns)),
        "$TOT": str(n_events),
    }
    for number, (name, width) in enumerate(zip(columns, widths, strict=True), start=1):
        keywords |= {
            f"$P{number}B": str(width),
            f"$P{number}E": "0,0",
            f"$P{number}N": name,
            f"$P{number}R": str(2 ** min(width, 32)) if datatype == "I" else "262144",
        }
    return keywords


def _events(columns: Mapping[str, ArrayLike], datatype: str, widths: Sequence[int], order: str) -> bytes:
    kind = "u" if datatype == "I" else "f"
    fields = [(f"c{index}", f"{order}{kind}{width // 8}") for index, width in enumerate(widths)]
    n_events = len(np.asarray(next(iter(columns.values())))) if columns else 0
    table: NDArray[np.void] = np.zeros(n_events, dtype=fields)
    for (field, _), values in zip(fields, columns.values(), strict=True):
        table[field] = np.asarray(values)
    return table.tobytes()
