"""Keeps NumPy and Numba to one thread each: to be imported before they are. framsyn's own threads are Python's."""

import os

for _pool in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_pool] = "1"
