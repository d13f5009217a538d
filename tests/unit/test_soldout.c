/* test_soldout.c - runs of zeros: what is sold out and what only sells little; against the formula by hand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "ingest/soldout.h"

enum { N = 400 };
static int bad;

static void expect(const char *what, const float *x, size_t least, size_t from, size_t to)
{
    bool at[N];
    size_t got = weft_soldout_find(x, N, least, at);
    if (got != to - from)
        bad = printf("FAIL %s: %zu days, not %zu\n", what, got, to - from);
    for (size_t t = 0; t < N; t++)
        if (at[t] != (t >= from && t < to))
            bad = printf("FAIL %s: day %zu\n", what, t);
}

static void steady(float *x, float v)
{
    for (size_t t = 0; t < N; t++)
        x[t] = v + (float)(t % 2); /* the variance is below the mean: Poisson */
}

int main(void)
{
    float x[N];
    steady(x, 5);
    expect("no zeros", x, 3, 0, 0);
    for (size_t t = 200; t < 206; t++)
        x[t] = 0;
    expect("six days", x, 3, 200, 206);
    expect("too short", x, 7, 0, 0);
    x[203] = NAN;
    expect("no sale is known to follow", x, 3, 0, 0);
    steady(x, 5);
    for (size_t t = 390; t < N; t++)
        x[t] = 0;
    expect("no sale after it: it has ended", x, 3, 0, 0);
    steady(x, 5);
    for (size_t t = 0; t < 200; t++)
        x[t] = 0;
    expect("not launched yet", x, 3, 0, 0);
    steady(x, 5);
    for (size_t t = 0; t < N; t++)
        if (t % 7 >= 4)
            x[t] = 0;
    expect("closed on three days of each week", x, 3, 0, 0);
    /* 0 and 1 in turn: m = 1/2 (all days before have the same mean), v = 28/4/27 < m, z = 1/2, k = 14: d days have the
     * chance (1 + d / 28)^-14, which falls under 1 in 1000 from 18 days on. */
    for (size_t d = 16; d <= 19; d++) {
        steady(x, 0);
        for (size_t t = 201; t < 201 + d; t++)
            x[t] = 0;
        x[201 + d] = 1;
        bool unlikely = -14 * log1p((double)(d + 1) / 28) < log(1e-3); /* day 200 is a zero, too */
        expect("a slow one", x, 3, 200, unlikely ? 201 + d : 200);
    }
    return bad != 0;
}
