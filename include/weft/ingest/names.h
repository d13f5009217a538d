/* names.h - what the header of a column says that it is: the words that shops, marketplaces and contests use for days,
 * products, places and states.
 *
 * Numbers (how many, money, prices) are base/terms. Names are compared folded (weft_term_fold: small letters, without
 * blanks, "_", "-", "." and "*"); of a path such as "Order Lines/Quantity" the last part counts. */
#ifndef WEFT_NAMES_OF_COLUMNS_H
#define WEFT_NAMES_OF_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

enum weft_named {
    WEFT_NAMED_OTHER,
    WEFT_NAMED_DATE,    /* the day of a sale; rank 0 is the best: a plain date, an order's, a payment's */
    WEFT_NAMED_NO_DATE, /* another day: of dispatch, delivery, settlement, cancellation */
    WEFT_NAMED_SERIES,  /* names a series whatever it is: id, series_id */
    WEFT_NAMED_PRODUCT, /* names what is sold; rank: codes first, names of products last */
    WEFT_NAMED_PLACE,   /* names where it is sold, part of a series' id in tables that are no lists of orders */
    WEFT_NAMED_GROUP,   /* a level of the hierarchy: category, brand */
    WEFT_NAMED_ORDER,   /* numbers orders, or says who ordered: the table is a list of orders */
    WEFT_NAMED_STATUS,  /* what became of an order */
    WEFT_NAMED_FLAG,    /* promotion, holiday, day of the week, hour, weather: no series and no sales */
    WEFT_NAMED_ROW      /* may count rows: no, 번호, index */
};
struct weft_name_is {
    enum weft_named named;
    int rank; /* within its kind; 0 is the best */
};
struct weft_name_is weft_name_of(const char *name);
/* Is it what explains sales, or counts rows: a price, a promotion, the weather, no series beside series? */
bool weft_name_explains(const char *name);
/* Is this a payment's day: an order without one is not paid? */
bool weft_name_is_payment(const char *name);
/* Does a cell of a status column say that the row is no sale: cancelled, returned, refunded, not paid, a quotation? */
bool weft_status_is_no_sale(const char *p, size_t n);
/* "완료", "shipped", ...: a word that status columns have. */
bool weft_status_is_sale(const char *p, size_t n);
/* What stands below the name of a column: "(EA)", "원", "yyyy-mm-dd". */
bool weft_name_is_unit(const char *p, size_t n);
/* A row's first text that calls it a total: 합계, 소계, Total, Grand total, Result. */
bool weft_name_is_total(const char *p, size_t n);

#endif
