/* student.c - Student's t distribution. */
#include "base/student.h"

#include <math.h>
#include <stdbool.h>

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

double weft_beta_below(double x, double y, double a, double b)
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
    double tail = isinf(t) ? 0 : weft_beta_below(freedom / all, t * t / all, freedom / 2, 0.5) / 2;
    return t < 0 ? tail : 1 - tail;
}

double weft_student_density(double t, double freedom)
{
    if (freedom > normal_from)
        return exp(-t * t / 2) / sqrt(2 * M_PI);
    double front = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - log(freedom * M_PI) / 2;
    return exp(front - (freedom + 1) / 2 * log1p(t * t / freedom));
}

double weft_student_beyond(double t, double freedom)
{
    double wide = freedom > normal_from ? 1 : (freedom + t * t) / (freedom - 1);
    double beyond = wide * weft_student_density(t, freedom) - t * weft_student_below(-t, freedom);
    return beyond > 0 ? beyond : 0;
}

/* Newton's steps, held between two ends that close in. */
double weft_student_at(double p, double freedom)
{
    double low = -1, high = 1, t = 0;
    while (weft_student_below(low, freedom) > p && low > -1e12)
        low *= 2;
    while (weft_student_below(high, freedom) < p && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        double off = weft_student_below(t, freedom) - p, next = t - off / weft_student_density(t, freedom);
        if (off < 0)
            low = t;
        else
            high = t;
        if (!(next > low && next < high))
            next = (low + high) / 2;
        bool near = fabs(next - t) <= 1e-12 * (1 + fabs(t));
        t = next;
        if (near)
            break;
    }
    return t;
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
