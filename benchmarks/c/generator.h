/* xoshiro128++ (Blackman and Vigna 2021), sixteen lanes that the compiler turns into vectors: one stream a run. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stddef.h>
#include <stdint.h>

#include "lcref.h"

enum { LANES = 16 };

struct generator {
    uint32_t state[4][LANES];
};

/* Seed every lane by splitmix64, as the authors advise. */
static inline void seed_generator(struct generator *g, uint64_t seed)
{
    for (size_t word = 0; word < 4; word++)
        for (size_t lane = 0; lane < LANES; lane++) {
            uint64_t z = (seed += 0x9E3779B97F4A7C15u);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
            g->state[word][lane] = (uint32_t)((z ^ (z >> 31)) >> 32);
        }
}

static inline uint32_t rotated(uint32_t x, int by)
{
    return (x << by) | (x >> (32 - by));
}

/* Fill n draws, rounded up to whole lanes: draws must have room for them. */
static inline void fill_draws(struct generator *g, size_t n, uint32_t *restrict draws)
{
    struct generator here = *g; /* a copy, so that it may stay in registers */
    for (size_t i = 0; i < n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            uint32_t s0 = here.state[0][lane], s1 = here.state[1][lane];
            uint32_t s2 = here.state[2][lane], s3 = here.state[3][lane];
            draws[i + lane] = rotated(s0 + s3, 7) + s0;
            uint32_t shifted = s1 << 9;
            s2 ^= s0;
            s3 ^= s1;
            here.state[0][lane] = s0 ^ s3;
            here.state[1][lane] = s1 ^ s2;
            here.state[2][lane] = s2 ^ shifted;
            here.state[3][lane] = rotated(s3, 11);
        }
    *g = here;
}

/* Draw the groups of n newborn, one draw each; fill their cells and count them by cell. draws: room for n. */
static inline void give_birth(const struct tables *t, struct generator *g, size_t n, uint32_t *draws, uint32_t *cell,
                              int32_t *here)
{
    fill_draws(g, n, draws);
    for (size_t i = 0; i < n; i++) {
        uint32_t group = 0;
        for (size_t k = 0; k < GROUPS - 1; k++)
            group += draws[i] >= t->born[k];
        cell[i] = group * JOINT_STATES + t->newborn;
        here[cell[i]]++;
    }
}

#endif
