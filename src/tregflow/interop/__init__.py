"""Other cytometry packages, named nowhere else."""
