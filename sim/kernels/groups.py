"""Group values at the start of a step: what share of the living others in a person's class meets a condition."""

import numpy as np

from sim.kernels.compile import kernel
from sim.kernels.count import fill_cells
from sim.kernels.layout import (
    CUTS,
    CUTS_END,
    GROUP_AGE_FROM,
    GROUP_AGE_TO,
    GROUP_COLUMN,
    GROUP_TABLE,
    READS,
    READS_END,
    START,
)

_TWO_MILLION = 2 * 10**6


@kernel
def take_group_values(n, age, origin, classes, cols, groups, cuts, tables, reads, switches, cells, members, meeting):
    """Set the column of every group value for the first n persons: the bin of the share, of all others of the class.

    classes: (persons,) int64, the class of each by the place at the start; cuts: twice the shares, in millionths,
    above which the bin is a higher one; members, meeting: (classes,) int64, scratch.
    """
    for g in range(groups.shape[0]):
        column = cols[groups[g, GROUP_COLUMN]]
        if age < groups[g, GROUP_AGE_FROM] or age > groups[g, GROUP_AGE_TO]:
            for i in range(n):
                column[i] = 0
            continue
        table = groups[g, GROUP_TABLE]
        start = tables[table, START]
        fill_cells(n, cols, reads, tables[table, READS], tables[table, READS_END], cells)
        for c in range(members.shape[0]):
            members[c] = 0
            meeting[c] = 0
        for i in range(n):
            c = classes[origin[i]]
            members[c] += 1
            meeting[c] += np.int64(switches[start + np.int64(cells[i])])
        first = groups[g, CUTS]
        bins = groups[g, CUTS_END] - first
        for i in range(n):
            c = classes[origin[i]]
            share = _TWO_MILLION * (meeting[c] - np.int64(switches[start + np.int64(cells[i])]))
            others = members[c] - 1
            code = 0
            while code < bins and share > cuts[first + code] * others:
                code += 1
            column[i] = code
