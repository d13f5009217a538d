/* conformal.c - ranks of split conformal bounds. */
#include "base/conformal.h"

#include <math.h>

static const double HAIR = 1e-9; /* (n + 1) * 0.9 is not to be rounded up by a last bit */

size_t weft_conformal_rank(double level, size_t n)
{
    double at = (double)(n + 1) * level;
    double rank = level < 0.5 ? floor(at + HAIR) : ceil(at - HAIR);
    return rank >= 1 && rank <= (double)n ? (size_t)rank : 0;
}

size_t weft_conformal_needs(double level)
{
    double tail = level < 0.5 ? level : 1 - level;
    double n = ceil((1 - HAIR) / tail - 1);
    return n < 1 ? 1 : (size_t)n;
}
