/* LC-ref/1 with one screening draw a year for anything at all; whom something happens to is worked out of line.
 *
 * The draw also says what comes first in the order death, education, health, crime. Which move that is, and whether
 * later domains move too, takes fresh draws, for these few only.
 */
#include "generator.h"
#include "lcref.h"

/* Return what a move of one domain adds to a cell; draw: below the chance of any move. */
static inline uint32_t move(const struct tables *t, size_t age, uint32_t from, size_t d, uint32_t draw)
{
    const uint32_t *split = t->split[age][from][d];
    return (uint32_t)t->shift[from][d][(draw >= split[0]) + (draw >= split[1])];
}

/* Live so many persons from birth; add them to lived by year and joint state, and return the person-years. */
int64_t any_event(const struct tables *t, uint64_t seed, int64_t persons, int64_t lived[YEARS][JOINT_STATES])
{
    uint32_t cell[CHUNK], listed[CHUNK], draws[CHUNK], anything[CELLS], fresh[DOMAINS * CHUNK];
    uint8_t flags[CHUNK];
    struct generator g;
    int64_t person_years = 0;
    seed_generator(&g, seed);
    for (int64_t begun = 0; begun < persons; begun += CHUNK) {
        size_t n = (size_t)(persons - begun < CHUNK ? persons - begun : CHUNK);
        int32_t here[CELLS] = {0};
        give_birth(t, &g, n, draws, cell, here);
        for (size_t age = 0; age < YEARS; age++) {
            const quad *first = t->first[age];
            for (size_t c = 0; c < CELLS; c++)
                anything[c] = first[c][3];
            fill_draws(&g, n, draws);
            for (size_t i = 0; i < n; i++)
                flags[i] = draws[i] < anything[cell[i]];
            size_t left = list_flagged(n, flags, listed);
            fill_draws(&g, DOMAINS * left, fresh);
            for (; left > 0; left--) {
                size_t i = listed[left - 1];
                const uint32_t *other = fresh + DOMAINS * (left - 1);
                uint32_t from = cell[i], draw = draws[i];
                here[from]--;
                if (draw < first[from][0]) {
                    cell[i] = cell[--n];
                    continue;
                }
                size_t d = (size_t)(draw >= first[from][1]) + (draw >= first[from][2]);
                const quad any = t->any[age][from];
                /* known to move here: the fresh draw is laid along the chance of any move */
                uint32_t to = from + move(t, age, from, d, (uint32_t)((uint64_t)other[d] * any[1 + d] >> 32));
                while (++d < DOMAINS)
                    if (other[d] < any[1 + d])
                        to += move(t, age, from, d, other[d]);
                cell[i] = to;
                here[to]++;
            }
            count_year(here, lived[age]);
            person_years += (int64_t)n;
        }
    }
    return person_years;
}
