/* num.c - strict numbers. */
#include "base/num.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool weft_num_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    if (!((*s >= '0' && *s <= '9') || ((*s == '-' || *s == '+') && s[1] >= '0' && s[1] <= '9')))
        return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end || v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool weft_num_real(const char *s, double min, double max, double *out)
{
    return weft_num_text(s, strlen(s), out) && *out >= min && *out <= max;
}

/* Everything the fast path leaves. Only digits, sign, point and exponent get here, so strtod sees no hex, inf or nan.
 */
static bool slow(const char *s, size_t n, double *out)
{
    char buf[128], *end;
    if (n == 0 || n >= sizeof buf)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789+-.eE", s[i]) || !s[i])
            return false;
    memcpy(buf, s, n);
    buf[n] = 0;
    double v = strtod(buf, &end); /* no program of ours calls setlocale: this is the C locale */
    if (*end || end == buf || !isfinite(v))
        return false;
    *out = v;
    return true;
}

bool weft_num_text(const char *s, size_t n, double *out)
{
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *p = s, *end = s + n;
    bool negative = n && *p == '-';
    p += n && (*p == '-' || *p == '+');
    uint64_t v = 0;
    const char *digits = p, *point = NULL;
    for (; p < end; p++) {
        unsigned d = (unsigned)(unsigned char)*p - '0';
        if (d <= 9) {
            v = v * 10 + d;
        } else if (*p == '.' && !point) {
            point = p;
        } else {
            return slow(s, n, out);
        }
    }
    size_t count = (size_t)(end - digits) - (point != NULL);
    /* At most 15 digits: the integer and the power of ten are exact, so one division rounds once. */
    if (count == 0 || count > 15)
        return slow(s, n, out);
    double x = (double)v;
    if (point)
        x /= power[end - point - 1];
    *out = negative ? -x : x;
    return true;
}

bool weft_num_size(const char *s, uint64_t max, uint64_t *out)
{
    char *end;
    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (errno || (shift ? end[1] : *end) || v > max >> shift)
        return false;
    *out = v << shift;
    return true;
}
