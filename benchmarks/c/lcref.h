/* LC-ref/1 in C: its sizes, the tables that are handed in, and what the variants share.
 *
 * Written for this one model: sizes are constants, so that the compiler knows every stride. `lcref/with_c.py` makes
 * the tables from those that the NumPy and Mesa peers draw against.
 */
#ifndef LCREF_H
#define LCREF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    YEARS = 80,
    GROUPS = 12,       /* sex × parental education × treated */
    JOINT_STATES = 72, /* education × health × crime */
    CELLS = GROUPS * JOINT_STATES,
    TRAITS = 3,
    DOMAINS = 3,
    SLOTS = 3,         /* most moves out of one state */
    DECISIONS = 4,     /* death, then the domains */
    CHUNK = 1024       /* persons side by side: cells, draws and a year's thresholds stay in the first-level cache */
};

/* Four numbers that are compared at once. */
typedef uint32_t quad __attribute__((vector_size(16), aligned(4), may_alias));

/* A chance p is the threshold min(round(2^32 p), 2^32 - 1): it happens where a 32-bit draw is below it. */
struct tables {
    quad any[YEARS][CELLS];                      /* death, and any move in each domain; 0 where none is open */
    uint32_t split[YEARS][CELLS][DOMAINS][SLOTS - 1]; /* cumulative over the moves of a domain, but for the last */
    quad first[YEARS][CELLS];                    /* cumulative: death; else the first domain with a move, in order */
    quad race[DECISIONS][YEARS][CELLS];          /* of each move by itself, as framsyn's clocks have it */
    int32_t shift[CELLS][DOMAINS][SLOTS];        /* what a move adds to the person's cell */
    uint32_t born[GROUPS];                       /* cumulative over the groups */
    uint64_t traits[TRAITS][3];                  /* cumulative over each trait's labels, as framsyn draws them */
    uint32_t newborn;                            /* joint state at birth */
    uint32_t first_age[DECISIONS];               /* ages in which anything is open, both included */
    uint32_t last_age[DECISIONS];
};

/* Return 1 where some of four draws is below its threshold. */
static inline uint8_t some_below(quad draws, quad thresholds)
{
    uint64_t hit[2];
    quad below = (quad)(draws < thresholds);
    memcpy(hit, &below, sizeof hit);
    return (hit[0] | hit[1]) != 0;
}

/* List the places of the n flags (0 or 1) that are set, eight at a time; return how many. Writes 0 up to 7 beyond. */
static inline size_t list_flagged(size_t n, uint8_t *flags, uint32_t *listed)
{
    size_t found = 0;
    for (size_t i = n; i % 8 != 0; i++)
        flags[i] = 0;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t eight;
        memcpy(&eight, flags + i, sizeof eight);
        for (; eight != 0; eight &= eight - 1)
            listed[found++] = (uint32_t)(i + (size_t)__builtin_ctzll(eight) / 8);
    }
    return found;
}

/* Add a chunk's living, held by cell, to the count of the year by joint state. */
static inline void count_year(const int32_t *here, int64_t *lived)
{
    for (size_t group = 0; group < GROUPS; group++)
        for (size_t state = 0; state < JOINT_STATES; state++)
            lived[state] += here[group * JOINT_STATES + state];
}

#endif
