"""The compiled kernels, one set for every model: plain arrays and scalars, columns and tables only."""
