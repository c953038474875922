"""What the screen of the fused engine and its kernel share: see `tregflow.strategy.screens`."""

KEYS = 1 << 16
"""Keys of float32: sign, exponent, and seven bits of the mantissa."""
BINS = 256
"""Bins of an axis of a grid."""
OUT, IN, NEAR = range(3)
"""What a table or a grid says of a bin. Of several ranges the product counts: 0 is out, 1 is in."""
