"""The compiled kernels: one set for every model. They take plain arrays and scalars and know only columns and tables."""
