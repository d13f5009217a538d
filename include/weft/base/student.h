/* student.h - Student's t distribution: how far an error may go when its variance is known from a few others.
 *
 * Freedom (degrees of freedom) is a number of independent errors, whole or not; INFINITY, or more than ten million: the
 * normal distribution. Source: P(T <= t) = 1 - I_x(freedom / 2, 1/2) / 2 for t >= 0, x = freedom / (freedom + t^2), I
 * the regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8, 26.7.1). */
#ifndef WEFT_STUDENT_H
#define WEFT_STUDENT_H

/* P(T <= t), to 1e-12; freedom > 0. NaN in, NaN out. */
double weft_student_below(double t, double freedom);
/* Its density; the mean of what goes beyond t, E max(T - t, 0) = (freedom + t^2) / (freedom - 1) f(t) - t P(T > t), for
 * freedom > 1; and the t that a share p in (0, 1) lies below, to 1e-12. */
double weft_student_density(double t, double freedom);
double weft_student_beyond(double t, double freedom);
double weft_student_at(double p, double freedom);

/* The regularised incomplete beta function I_x(a, b); y = 1 - x is given apart, so that neither end loses its digits.
 */
double weft_beta_below(double x, double y, double a, double b);

/* Half a two-sided interval, in standard errors: at a level of 0.9 1.645 with many errors, 2.920 with two. */
struct weft_student {
    double level;      /* in (0, 1) */
    double freedom, t; /* its own: what it was asked for last; zero-initialise */
};
/* To 1e-12; the answer for the same freedom is kept. */
double weft_student_width(struct weft_student *s, double freedom);

#endif
