"""What a file says about its channels: ``$PnN``, ``$PnS``, ``$PnR``, ``$PnE``, ``$PnG``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tregflow.errors import FcsError
from tregflow.fcs.names import printable, shown
from tregflow.fcs.numbers import real, whole
from tregflow.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tregflow.fcs.layout import Layout

LINEAR = (0.0, 0.0)
_MOST_DECADES = 300.0
"""Real amplifiers have four or five; from here on values leave the range of float64."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
INTEGERS = ("I", "A")
"""Data types of whole numbers, which alone may be logarithms."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One column of an FCS file.

    Attributes
    ----------
    number : int
        n of ``$PnN``, from 1.
    pnn : str
        ``$PnN``, the channel's name; never empty, and no other channel of the file has it.
    pns : str
        ``$PnS``, as a rule the marker, without surrounding blanks; "" if there is none.
    datatype : str
        "I" (unsigned integers), "F" (float32), "D" (float64) or "A" (whole numbers in ASCII).
    bits : int
        Width of a value in the file; 0 for ASCII between separators.
    range : float or None
        ``$PnR``; None if it is missing or no usable number. Values of F, D and A may lie beyond it.
    amplification : (float, float)
        ``$PnE``: decades and offset; (0, 0) is linear. It applies to integers (I and A) only.
    gain : float
        ``$PnG``; 1 if it is absent or unusable. Recorded, not applied.
    """

    number: int
    pnn: str
    pns: str
    datatype: str
    bits: int
    range: float | None
    amplification: tuple[float, float]
    gain: float

    @property
    def label(self) -> str:
        """The marker with its channel, ``CD3 (R780-A)``, or the channel alone."""
        return printable(self.pnn if self.pns in ("", self.pnn) else f"{self.pns} ({self.pnn})")

    @property
    def logarithmic(self) -> bool:
        """Whether the file stores logarithms, which `Sample.values` undoes."""
        return self.datatype in INTEGERS and self.amplification[0] > 0

    @property
    def significant_bits(self) -> int:
        """Bits of an integer that hold its value; bits above them are to be masked.

        Values are below ``$PnR`` (FCS 3.1, section 3.2), so (PnR - 1) needs all the bits that there are.
        """
        if self.datatype != "I" or self.range is None or not self.range.is_integer():
            return self.bits
        return min(self.bits, (int(self.range) - 1).bit_length())


def channels_of(
    keywords: Mapping[str, str], layout: Layout, *, file: str
) -> tuple[tuple[Channel, ...], tuple[Finding, ...]]:
    """Describe every channel of a file.

    Parameters
    ----------
    keywords : mapping
        Upper-case keys of primary and supplemental TEXT.
    layout : Layout
        Type and width of each column.
    file : str
        Name for messages.

    Returns
    -------
    tuple of Channel, tuple of Finding

    Raises
    ------
    FcsError
        ``E_PNE``: an integer channel whose ``$PnE`` cannot be read, or whose logarithm has no ``$PnR`` to refer to.
    """
    findings: list[Finding] = []
    names = _unique_names(keywords, len(layout.columns), findings)
    channels = []
    for number, (name, column) in enumerate(zip(names, layout.columns, strict=True), start=1):
        integer = column.datatype in INTEGERS
        channel = Channel(
            number=number,
            pnn=name,
            pns=keywords.get(f"$P{number}S", "").strip(),
            datatype=column.datatype,
            bits=8 * column.width,
            range=_range(keywords.get(f"$P{number}R"), name, findings, masked=column.datatype == "I"),
            amplification=_amplification(keywords.get(f"$P{number}E"), name, findings, file, integer=integer),
            gain=_gain(keywords.get(f"$P{number}G"), name, findings),
        )
        _check_logarithm(channel, keywords.get(f"$P{number}R", ""), file)
        channels.append(channel)
    return tuple(channels), (*findings, *_missing_of_floats(keywords, channels))


def _missing_of_floats(keywords: Mapping[str, str], channels: Sequence[Channel]) -> tuple[Finding, ...]:
    """Note ``$PnE`` that is required and missing, where it decides nothing: one byte may have hit more than its key."""
    floats = [channel.number for channel in channels if channel.datatype not in INTEGERS]
    missing = [f"$P{number}E" for number in floats if not keywords.get(f"$P{number}E", "").strip()]
    if not missing:
        return ()
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    said = f"{', '.join(missing[:5])}{more} missing: floating point values are linear in any case"
    return (Finding("keywords-missing", "info", "TEXT", said),)


def label_list(channels: Sequence[Channel]) -> tuple[str, ...]:
    """Return the labels of `channels`, for messages."""
    return tuple(channel.label for channel in channels)


def _unique_names(keywords: Mapping[str, str], n_channels: int, findings: list[Finding]) -> list[str]:
    names: list[str] = []
    taken: dict[str, int] = {}
    for number in range(1, n_channels + 1):
        wanted = keywords.get(f"$P{number}N", "").strip()
        if not wanted:
            text = f"$P{number}N is missing: the channel is called P{number}"
            findings.append(Finding("pnn-missing", "warning", f"P{number}", text))
        elif _CONTROL.search(wanted):
            text = f"the name of channel {number}, {shown(wanted)}, holds control characters: it is kept as it is"
            findings.append(Finding("pnn-control-characters", "warning", f"P{number}", text))
        name = _free(wanted or f"P{number}", taken)
        if wanted and name != wanted:
            text = f"two channels are called {wanted}: channel {number} is read as {name}"
            findings.append(Finding("pnn-duplicate", "warning", name, text))
        names.append(name)
    return names


def _free(name: str, taken: dict[str, int]) -> str:
    """Return `name`, or `name` with the first free suffix; `taken` keeps for each name the last one given."""
    candidate, copy = name, taken.get(name, 1)
    while candidate in taken:
        copy += 1
        candidate = f"{name}#{copy}"
    taken.setdefault(candidate, 1)
    taken[name] = copy
    return candidate


def _range(text: str | None, name: str, findings: list[Finding], *, masked: bool) -> float | None:
    value, exact = real(text), whole(text)
    if value is not None and exact is not None and value < exact:
        # Above 2^53 the nearest float may lie below the range, and the mask would cut off the highest bit.
        value = math.nextafter(value, math.inf)
    # 1e38 and the like stand for "unbounded", and a range of 0 or 1 would mask every value to 0 (fcs.md 3.4).
    usable = value is not None and 1 < value <= 2.0**64
    if usable:
        if masked and not _is_whole(value):
            said = f"$PnR is {shown(text or '')}, no whole number: no bits are masked"
            findings.append(Finding("pnr-unusable", "warning", name, said))
        return value
    if masked:
        state = "is missing" if text is None else f"is {shown(text)}"
        findings.append(Finding("pnr-unusable", "warning", name, f"$PnR {state}: no bits are masked"))
    return None


def _is_whole(value: float | None) -> bool:
    return value is not None and value.is_integer()


def _amplification(
    text: str | None, name: str, findings: list[Finding], file: str, *, integer: bool
) -> tuple[float, float]:
    if text is None or not text.strip():
        if integer:
            findings.append(Finding("pne-missing", "warning", name, "$PnE is missing: the channel is read as linear"))
        return LINEAR
    decades, offset = _pair(text)
    if decades is None or offset is None or decades < 0 or offset < 0:
        if integer:
            raise FcsError(
                f"the amplification $PnE of an integer channel cannot be read: {shown(text)}",
                code="E_PNE",
                file=file,
                population=name,
                expected="0,0 for a linear channel, or decades and offset such as 4,1",
                remedy="correct $PnE in the software that wrote the file, and export it again",
            )
        said = f"$PnE is {shown(text)}, which cannot be read: values of this type are linear in any case"
        findings.append(Finding("pne-ignored", "info", name, said))
        return LINEAR
    if decades == 0:
        if offset and integer:
            said = f"$PnE is {shown(text)}, an offset without decades: the channel is read as linear"
            findings.append(Finding("pne-offset-of-linear", "info", name, said))
        return LINEAR
    # The mask lets values reach twice $PnR.
    if integer and 2 * decades + math.log10(max(offset, 1.0)) > _MOST_DECADES:
        said = f"$PnE is {shown(text)}, more decades than a number can hold: large values are read as infinite"
        findings.append(Finding("pne-absurd", "warning", name, said))
    # FCS 3.1, section 3.2: an offset of 0 on a logarithmic channel is a common slip and counts as 1.
    return decades, offset or 1.0


def _pair(text: str) -> tuple[float | None, float | None]:
    parts = text.split(",")
    return (real(parts[0]), real(parts[1])) if len(parts) == 2 else (None, None)


def _gain(text: str | None, name: str, findings: list[Finding]) -> float:
    if text is None or not text.strip():
        return 1.0
    value = real(text)
    if value is None or value <= 0:
        findings.append(Finding("png-unusable", "info", name, f"$PnG is {shown(text)}: it counts as 1"))
        return 1.0
    return value


def _check_logarithm(channel: Channel, text: str, file: str) -> None:
    if channel.logarithmic and channel.range is None:
        raise FcsError(
            f"logarithmic values cannot be linearised: $PnR is {shown(text)}",
            code="E_PNE",
            file=file,
            population=channel.pnn,
            expected="the number of steps of the logarithm, such as 1024",
            remedy="correct $PnR in the software that wrote the file, and export it again",
        )
