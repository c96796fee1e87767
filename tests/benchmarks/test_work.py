"""Guards the speed of the engine by the work that it does, which is the same on every machine."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from benchmarks.work import PERSONS, Work, work_of, workloads

CEILINGS = {
    "LC-ref": Work(
        blocks_drawn=3.82,  # one for each of death, education, health, crime, but for the years in which none is open
        screened=3.82,
        candidates=0.206,  # the screens hold every column of the tables, so that only who moves is looked up
        moved=0.206,  # of the model, not of the engine
        counted=3,  # a margin a domain
    ),
    "shipped": Work(
        blocks_drawn=9.68,  # two domains need two blocks in a year
        screened=8.28,
        candidates=0.672,  # 1.6 for each move: screens leave out columns that would not fit the first-level cache
        moved=0.424,
        counted=19,  # fifteen margins that prices read, and the counters
    ),
}
"""What the engine did a person-year when each figure was last set."""
SLACK = 1.05  # a new figure in the scenarios moves the work a little


@pytest.mark.parametrize("workload", CEILINGS)
def test_a_person_year_costs_no_more_work_than_before(workload):
    found, ceiling = asdict(work_of(workloads(PERSONS)[workload])), asdict(CEILINGS[workload])
    risen = [
        f"{name} from {ceiling[name]} to {found[name]:.3f}" for name in found if found[name] > SLACK * ceiling[name]
    ]
    assert not risen, (
        f"a person-year of {workload} costs more work than before: {', '.join(risen)}. If that is worth it, set the"
        " ceiling anew with the reason; `python benchmarks/work.py` prints the figures."
    )


def test_work_can_be_counted_of_baselines_without_offers_only():
    from benchmarks.engines import shipped

    with pytest.raises(ValueError, match="makes offers"):
        work_of(shipped(1640))
