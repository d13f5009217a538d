/* terms.h - words that more than one room must mean the same by: what a channel is, by its name (something counted,
 * money, a price, a share); the scales of windows, and their parts. Steps, seasons and years are calendar.h's, what a
 * channel is to a forecast role.h's.
 *
 * One table of the words that shops use, in English and Korean (and a few others), for everybody who asks: which column
 * says how many were sold, which forecasts can't fall below zero, what is summed and what is averaged. Names are
 * compared in small letters, without blanks, "_", "-", "." and "*", and with what stands in brackets as a second try:
 * "Lineitem quantity", "구매수(수량)" and "qty*" are counts. A name that is no entry is judged by how it ends ("최종
 * 상품별 총 주문금액" ends in 금액, "unit_price" in price). Names must be in NFC: ingest sees to that. */
#ifndef WEFT_TERMS_H
#define WEFT_TERMS_H

#include <stdbool.h>
#include <stddef.h>

enum weft_term {
    WEFT_TERM_OTHER,   /* says nothing */
    WEFT_TERM_COUNT,   /* how many were sold: 수량, qty, units */
    WEFT_TERM_SALES,   /* units or money, the name does not say: sales, demand */
    WEFT_TERM_MONEY,   /* what was paid for all of them, and other sums of money: 매출, 금액, revenue, total, fee */
    WEFT_TERM_PRICE,   /* of one piece: 가격, 단가, price */
    WEFT_TERM_RETURNS, /* cancelled, given back, taken off: 환불수량, returned quantity, discount */
    WEFT_TERM_STOCK,   /* what lies in store: 재고, inventory */
    WEFT_TERM_TIMES,   /* counted, but not pieces sold: orders, visitors, mentions, views */
    WEFT_TERM_SHARE,   /* rate, share, per cent */
    WEFT_TERM_NUMBER,  /* a number that names or numbers something: 주문번호, id, no */
    WEFT_TERMS
};

/* What `name` of n bytes is. */
enum weft_term weft_term_of(const char *name, size_t n);
/* The name folded as above, bracketed parts left out unless nothing else is left, into out (cut at cap - 1 bytes, ended
 * by NUL). Returns its length. */
size_t weft_term_fold(const char *name, size_t n, char *out, size_t cap);
/* Is it one of n folded names? */
bool weft_term_among(const char *folded, const char *const *names, size_t n);
/* Can what it is be less than nothing? Counts, money, prices and stock can't; what is taken off is written with either
 * sign. */
bool weft_term_nonnegative(enum weft_term term);

/* What the values of a series are divided by before a model sees them: nothing; its standard deviation, the mean taken
 * off; its range, from 0 to 1. */
enum weft_scale { WEFT_SCALE_NONE, WEFT_SCALE_STANDARD, WEFT_SCALE_MINMAX, WEFT_SCALES };
#define WEFT_SCALE_CHOICES "none|standard|minmax" /* of an option */
extern const char *const weft_scale_names[WEFT_SCALES];
/* False: none of these. */
bool weft_scale_parse(const char *name, enum weft_scale *out);

/* Which windows of a series: those to learn from, to choose by, and to measure on. */
enum weft_part { WEFT_PART_TRAIN, WEFT_PART_VALID, WEFT_PART_TEST, WEFT_PARTS };
extern const char *const weft_part_names[WEFT_PARTS];

#endif
