/* student.c - Student's t distribution. */
#include "base/student.h"

#include <math.h>

static const double normal_from = 1e7; /* freedom: closer to the normal distribution than to its own last digits */
enum { TERMS_MAX = 20000 };

/* The continued fraction of I_x(a, b), by Lentz' method; converges fast for x < (a + 1) / (a + b + 2). */
static double fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), sum;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    sum = d;
    for (int m = 1; m <= TERMS_MAX; m++) {
        const double term[] = {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                               -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))};
        double step = 1;
        for (int i = 0; i < 2; i++) {
            d = 1 + term[i] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term[i] / c;
            c = fabs(c) < tiny ? tiny : c;
            step = d * c;
            sum *= step;
        }
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return sum;
}

/* I_x(a, b), y = 1 - x: given apart, so that neither end loses its digits. */
static double incomplete_beta(double x, double y, double a, double b)
{
    if (!(x > 0))
        return isnan(x) ? x : 0;
    if (!(y > 0))
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(y, b, a) / b;
}

double weft_student_below(double t, double freedom)
{
    if (freedom > normal_from)
        return 0.5 * erfc(-t / sqrt(2));
    double all = freedom + t * t;
    double tail = isinf(t) ? 0 : incomplete_beta(freedom / all, t * t / all, freedom / 2, 0.5) / 2;
    return t < 0 ? tail : 1 - tail;
}

double weft_student_width(struct weft_student *s, double freedom)
{
    if (s->freedom == freedom)
        return s->t;
    double low = 0, high = 1, tail = (1 - s->level) / 2;
    while (weft_student_below(-high, freedom) > tail && high < 1e12)
        high *= 2;
    while (high - low > 1e-12 * (high > 1 ? high : 1)) {
        double t = (low + high) / 2;
        if (weft_student_below(-t, freedom) > tail)
            low = t;
        else
            high = t;
    }
    s->freedom = freedom;
    return s->t = (low + high) / 2;
}
