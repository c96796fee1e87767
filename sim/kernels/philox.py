"""Philox4x32-10 (Salmon et al. 2011) over a chunk of persons, in 64-bit lanes so that the loop vectorises."""

import numpy as np

from sim.kernels.compile import kernel

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)


@kernel
def fill_draws(ids, n, step, stream, key, out):
    """Fill the four draws of each of the first n persons at one (step, stream).

    ids: (≥ n,) uint64; step, stream, key: integers of 32, 32 and 64 bits; out: (4, ≥ n) uint32, row = lane.
    Two halves of the persons go side by side, because one chain of ten rounds leaves the multiplier waiting.
    """
    half = n // 2
    first, second = ids[:half], ids[half : 2 * half]
    out0, out1, out2, out3 = out[0], out[1], out[2], out[3]
    a_out0, a_out1, a_out2, a_out3 = out0[:half], out1[:half], out2[:half], out3[:half]
    b_out0, b_out1 = out0[half : 2 * half], out1[half : 2 * half]
    b_out2, b_out3 = out2[half : 2 * half], out3[half : 2 * half]
    the_step = np.uint64(step)
    the_stream = np.uint64(stream)
    key0_start = np.uint64(key) & _LOW
    key1_start = np.uint64(key) >> _HALF
    for i in range(half):
        a0, a1, a2, a3 = first[i], first[i] >> _HALF, the_step, the_stream
        b0, b1, b2, b3 = second[i], second[i] >> _HALF, the_step, the_stream
        key0, key1 = key0_start, key1_start
        for _ in range(10):
            # only the factors are masked: what stands above bit 31 elsewhere never reaches a draw
            a_product0 = _MULTIPLIER_0 * (a0 & _LOW)
            a_product1 = _MULTIPLIER_1 * (a2 & _LOW)
            b_product0 = _MULTIPLIER_0 * (b0 & _LOW)
            b_product1 = _MULTIPLIER_1 * (b2 & _LOW)
            a0, a1 = (a_product1 >> _HALF) ^ a1 ^ key0, a_product1
            a2, a3 = (a_product0 >> _HALF) ^ a3 ^ key1, a_product0
            b0, b1 = (b_product1 >> _HALF) ^ b1 ^ key0, b_product1
            b2, b3 = (b_product0 >> _HALF) ^ b3 ^ key1, b_product0
            key0 += _WEYL_0
            key1 += _WEYL_1
        a_out0[i], a_out1[i], a_out2[i], a_out3[i] = np.uint32(a0), np.uint32(a1), np.uint32(a2), np.uint32(a3)
        b_out0[i], b_out1[i], b_out2[i], b_out3[i] = np.uint32(b0), np.uint32(b1), np.uint32(b2), np.uint32(b3)
    for i in range(2 * half, n):
        c0, c1, c2, c3 = ids[i], ids[i] >> _HALF, the_step, the_stream
        key0, key1 = key0_start, key1_start
        for _ in range(10):
            product0 = _MULTIPLIER_0 * (c0 & _LOW)
            product1 = _MULTIPLIER_1 * (c2 & _LOW)
            c0, c1 = (product1 >> _HALF) ^ c1 ^ key0, product1
            c2, c3 = (product0 >> _HALF) ^ c3 ^ key1, product0
            key0 += _WEYL_0
            key1 += _WEYL_1
        out[0, i], out[1, i], out[2, i], out[3, i] = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)
