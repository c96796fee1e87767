/* LC-ref/1 with framsyn's own draws: Philox4x32-10 addressed by person, year and decision, and its race of clocks.
 *
 * The lives are framsyn's, bit for bit, so what this costs beyond `threshold_tables` is what addressed draws and a
 * draw for each move cost, in code that knows nothing but this model.
 */
#ifdef __AVX2__
#include <immintrin.h>
#endif
#include <math.h>

#include "lcref.h"

enum {
    TOGETHER = 8, /* persons whose draws are made side by side; a chunk is a whole number of these */
    MANY = 8192   /* persons of a chunk: more than elsewhere, because each decision has thresholds of its own to fetch */
};

static const uint32_t BIRTH = 0xFFFFFFFFu; /* the step of draws that decide traits */

#ifdef __AVX2__
typedef uint64_t four __attribute__((vector_size(32), aligned(8), may_alias));

/* Multiply the low halves: gcc does not see that a masked product needs one instruction only, and uses three. */
static inline four product(four a, uint64_t by)
{
    return (four)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x((int64_t)by));
}

/* Put the low halves of four persons' lanes into a quad for each. */
static inline void put(quad *draws, four c0, four c1, four c2, four c3)
{
    four low = (c0 & 0xFFFFFFFFu) | c1 << 32, high = (c2 & 0xFFFFFFFFu) | c3 << 32;
    *(four *)draws = __builtin_shuffle(low, high, (four){0, 4, 1, 5});
    *(four *)(draws + 2) = __builtin_shuffle(low, high, (four){2, 6, 3, 7});
}

/* Fill four draws for each of n persons at one step and stream (Salmon et al. 2011): as below, eight at a time. */
static void philox(size_t n, const uint64_t *ids, uint32_t step, uint32_t stream, uint64_t key, quad *draws)
{
    for (size_t i = 0; i < n; i += TOGETHER) {
        /* two chains side by side, because one leaves the multiplier waiting */
        four a0 = *(const four *)(ids + i), a1 = a0 >> 32, a2 = (four){0} + step, a3 = (four){0} + stream;
        four b0 = *(const four *)(ids + i + 4), b1 = b0 >> 32, b2 = a2, b3 = a3;
        uint64_t key0 = key & 0xFFFFFFFFu, key1 = key >> 32;
        for (int round = 0; round < 10; round++) {
            four a = product(a0, 0xD2511F53u), b = product(b0, 0xD2511F53u);
            a0 = product(a2, 0xCD9E8D57u);
            b0 = product(b2, 0xCD9E8D57u);
            a2 = (a >> 32) ^ a3 ^ key1;
            b2 = (b >> 32) ^ b3 ^ key1;
            a3 = a;
            b3 = b;
            four a_low = a0, b_low = b0;
            a0 = (a0 >> 32) ^ a1 ^ key0;
            b0 = (b0 >> 32) ^ b1 ^ key0;
            a1 = a_low;
            b1 = b_low;
            key0 += 0x9E3779B9u; /* what stands above bit 31 never reaches a draw */
            key1 += 0xBB67AE85u;
        }
        put(draws + i, a0, a1, a2, a3);
        put(draws + i + 4, b0, b1, b2, b3);
    }
}
#else
/* Fill four draws for each of n persons at one step and stream (Salmon et al. 2011). */
static void philox(size_t n, const uint64_t *ids, uint32_t step, uint32_t stream, uint64_t key, quad *draws)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t c0 = (uint32_t)ids[i], c1 = (uint32_t)(ids[i] >> 32), c2 = step, c3 = stream;
        uint32_t key0 = (uint32_t)key, key1 = (uint32_t)(key >> 32);
        for (int round = 0; round < 10; round++) {
            uint64_t product0 = (uint64_t)c0 * 0xD2511F53u, product1 = (uint64_t)c2 * 0xCD9E8D57u;
            c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
            c1 = (uint32_t)product1;
            c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
            c3 = (uint32_t)product0;
            key0 += 0x9E3779B9u;
            key1 += 0xBB67AE85u;
        }
        draws[i] = (quad){c0, c1, c2, c3};
    }
}
#endif

/* Return the time of a clock that fires, as a share of the year's hazard. */
static double time_of(uint32_t draw, uint32_t threshold)
{
    return log1p(draw / -4294967296.0) / log1p(threshold / -4294967296.0);
}

/* Return which of the competing clocks fires first, or -1 for none. */
static inline int earliest(quad draws, quad thresholds)
{
    int best = -1;
    for (int k = 0; k < SLOTS; k++)
        if (draws[k] < thresholds[k]
            && (best < 0 || time_of(draws[k], thresholds[k]) < time_of(draws[best], thresholds[best])))
            best = k;
    return best;
}

/* Live the persons of these identities, as above. streams: of the traits at birth, then of the decisions. */
int64_t addressed(const struct tables *t, uint64_t key, const uint32_t *streams, int64_t persons, const uint64_t *who,
                  int64_t lived[YEARS][JOINT_STATES])
{
    uint64_t ids[MANY] = {0}; /* filled up to whole bunches, though nobody looks at their draws */
    uint32_t cell[MANY], listed[MANY];
    quad draws[DECISIONS][MANY];
    uint8_t flags[MANY];
    int64_t person_years = 0;
    for (int64_t begun = 0; begun < persons; begun += MANY) {
        size_t n = (size_t)(persons - begun < MANY ? persons - begun : MANY);
        int32_t here[CELLS] = {0};
        memcpy(ids, who + begun, n * sizeof *ids);
        for (size_t trait = 0; trait < TRAITS; trait++)
            philox(n, ids, BIRTH, streams[trait], key, draws[trait]);
        for (size_t i = 0; i < n; i++) {
            uint32_t code[TRAITS] = {0};
            for (size_t trait = 0; trait < TRAITS; trait++)
                while (draws[trait][i][0] >= t->traits[trait][code[trait]])
                    code[trait]++;
            cell[i] = ((code[0] * 3 + code[1]) * 2 + code[2]) * JOINT_STATES + t->newborn;
            here[cell[i]]++;
        }
        for (size_t age = 0; age < YEARS; age++) {
            memset(flags, 0, n);
            for (size_t d = 0; d < DECISIONS; d++) {
                if (age < t->first_age[d] || age > t->last_age[d])
                    continue;
                const quad *race = t->race[d][age];
                philox(n, ids, (uint32_t)age, streams[TRAITS + d], key, draws[d]);
                for (size_t i = 0; i < n; i++)
                    flags[i] |= some_below(draws[d][i], race[cell[i]]);
            }
            for (size_t left = list_flagged(n, flags, listed); left > 0; left--) {
                size_t i = listed[left - 1];
                uint32_t from = cell[i], to = from;
                here[from]--;
                if (draws[0][i][0] < t->race[0][age][from][0]) {
                    cell[i] = cell[--n];
                    ids[i] = ids[n];
                    continue;
                }
                for (size_t d = 1; d < DECISIONS; d++) {
                    if (age < t->first_age[d] || age > t->last_age[d])
                        continue;
                    int slot = earliest(draws[d][i], t->race[d][age][from]);
                    if (slot >= 0)
                        to += (uint32_t)t->shift[from][d - 1][slot];
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

/* What the caller's layout of the tables is checked against. */
const size_t bytes_of_tables = sizeof(struct tables);
