"""Ways to damage an FCS file. Each takes a source of randomness and a file, and returns other bytes.

`HEAD` are those that touch HEADER and TEXT only: DATA stays byte for byte, though it may lie elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import mutate_bytes
import mutate_text
from fcs_decoder import File, Unreadable, parse

if TYPE_CHECKING:
    from fcs_files import Base

Mutation = Callable[[random.Random, File], bytes]

HEAD: dict[str, Mutation] = {
    each.__name__: each
    for each in (
        mutate_bytes.header_bits,
        mutate_bytes.header_bytes,
        mutate_bytes.text_bits,
        mutate_bytes.text_bytes,
        mutate_bytes.text_digits,
        mutate_bytes.text_inserted,
        mutate_bytes.text_removed,
        mutate_bytes.version_changed,
        mutate_text.header_offsets,
        mutate_text.header_data_moved,
        mutate_text.data_moved,
        mutate_text.layout_extremes,
        mutate_text.channel_extremes,
        mutate_text.text_offsets,
        mutate_text.extremes_unmoved,
        mutate_text.own_types,
        mutate_text.keyword_dropped,
        mutate_text.keyword_dropped_unmoved,
        mutate_text.keyword_twice,
        mutate_text.keywords_reordered,
        mutate_text.keys_respelled,
        mutate_text.key_renamed,
        mutate_text.values_swapped,
        mutate_text.channels_swapped,
        mutate_text.counts_traded,
        mutate_text.delimiter_changed,
        mutate_text.delimiter_doubled,
        mutate_text.delimiter_removed,
        mutate_text.empty_value,
        mutate_text.text_end_moved,
        mutate_text.spillover_changed,
        mutate_text.stext_inserted,
    )
}
OTHER: dict[str, Mutation] = {
    each.__name__: each
    for each in (
        mutate_bytes.data_bits,
        mutate_bytes.data_bytes,
        mutate_bytes.any_bytes,
        mutate_bytes.truncated,
        mutate_bytes.appended,
        mutate_bytes.line_ends,
        mutate_bytes.reencoded,
        mutate_bytes.range_removed,
        mutate_bytes.range_inserted,
        mutate_bytes.range_zeroed,
        mutate_text.data_sets_joined,
        mutate_bytes.noise,
    )
}
RARE: dict[str, Mutation] = {"text_bomb": mutate_text.text_bomb}
"""Costly ones."""
RARE_SHARE = 0.004


def mutated(rng: random.Random, file: File, splice: bytes) -> tuple[str, bool, bytes]:
    """Return the class of a mutation, whether only HEADER and TEXT were touched, and the bytes."""
    draw = rng.random()
    if draw < RARE_SHARE:
        return "text_bomb", False, mutate_text.text_bomb(rng, file)
    if draw < 0.02:
        cut, other = rng.randrange(len(file.blob)), rng.randrange(len(splice))
        return "spliced", False, file.blob[:cut] + splice[other:]
    if draw < 0.12:
        return _several(rng, file)
    # HEADER and TEXT hold what decides: three quarters of the inputs.
    pool = HEAD if draw < 0.78 else OTHER
    name = rng.choice(list(pool))
    return name, pool is HEAD, pool[name](rng, file)


def _several(rng: random.Random, file: File) -> tuple[str, bool, bytes]:
    head = rng.random() < 0.7
    pool = list(HEAD.values()) if head else [*HEAD.values(), *OTHER.values()]
    blob = file.blob
    for _ in range(rng.choice((2, 2, 3, 5))):
        try:
            blob = rng.choice(pool)(rng, parse(blob))
        except (Unreadable, ValueError, IndexError):
            break
    return ("several_in_head" if head else "several"), head, blob


def damaged(rng: random.Random, base: Base, splice: bytes) -> tuple[str, bool, bytes]:
    """Return a mutation of a file, of the first of its data sets or of the one that is read."""
    at = rng.choice((0, base.inner))
    before, blob = base.blob[:at], base.blob[at:]
    try:
        name, head, new = mutated(rng, parse(blob), splice)
    except (Unreadable, ValueError, IndexError):
        name, head, new = "any_bytes", False, mutate_bytes.edit(rng, blob or b"\0", 0, len(blob) or 1)
    return name, head, before + new
