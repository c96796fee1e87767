/* LC-ref/1 against threshold tables: a draw a year for death and for each domain, look-ups instead of formulas.
 *
 * A person is one cell number. His four draws are held at once against the four thresholds of his cell, most persons
 * are dismissed by that, and the others are worked out one by one.
 */
#include "generator.h"
#include "lcref.h"

/* Live so many persons from birth; add them to lived by year and joint state, and return the person-years. */
int64_t threshold_tables(const struct tables *t, uint64_t seed, int64_t persons, int64_t lived[YEARS][JOINT_STATES])
{
    uint32_t cell[CHUNK], listed[CHUNK];
    quad draws[CHUNK];
    uint8_t flags[CHUNK];
    struct generator g;
    int64_t person_years = 0;
    seed_generator(&g, seed);
    for (int64_t begun = 0; begun < persons; begun += CHUNK) {
        size_t n = (size_t)(persons - begun < CHUNK ? persons - begun : CHUNK);
        int32_t here[CELLS] = {0}; /* the living by cell: only who moves or dies changes it */
        give_birth(t, &g, n, (uint32_t *)draws, cell, here);
        for (size_t age = 0; age < YEARS; age++) {
            const quad *any = t->any[age];
            fill_draws(&g, 4 * n, (uint32_t *)draws);
            for (size_t i = 0; i < n; i++)
                flags[i] = some_below(draws[i], any[cell[i]]);
            /* from the last back, so that the row put in a dead one's place has been looked at */
            for (size_t left = list_flagged(n, flags, listed); left > 0; left--) {
                size_t i = listed[left - 1];
                uint32_t from = cell[i], to = from;
                here[from]--;
                if (draws[i][0] < any[from][0]) {
                    cell[i] = cell[--n];
                    continue;
                }
                for (size_t d = 0; d < DOMAINS; d++) { /* every domain reads the states at the start of the year */
                    uint32_t draw = draws[i][1 + d];
                    if (draw >= any[from][1 + d])
                        continue;
                    const uint32_t *split = t->split[age][from][d];
                    to += (uint32_t)t->shift[from][d][(draw >= split[0]) + (draw >= split[1])];
                }
                cell[i] = to;
                here[to]++;
            }
            count_year(here, lived[age]);
            person_years += (int64_t)n;
        }
    }
    return person_years;
}
