/* stock.h - the table of what lies in store: a row a product, with what its orders depend on.
 *
 * Columns are found by their names, in English and Korean: id (or the codes of products that ingest knows), on_hand
 * (stock, inventory, 재고, 현재고), on_order (inbound, 입고예정), backorders (미출고), lead_days (lead time, 리드타임),
 * review_days (발주주기), pack (입수, 발주단위), moq (최소주문수량), price (판매가), cost (원가, 매입가), salvage,
 * holding_per_day, shelf_days, service (서비스수준), unit (단위). Two columns for one thing are an error, and so is one
 * that says in brackets that it counts weeks or months. What an empty cell means, the defaults say; on_order and
 * backorders are then 0. A row whose numbers can't be: it is kept with the reason, and nothing may be ordered on it. */
#ifndef WEFT_STOCK_H
#define WEFT_STOCK_H

#include "base/names.h"
#include "frame/run.h"

enum weft_stock_field {
    WEFT_STOCK_ON_HAND,
    WEFT_STOCK_ON_ORDER,
    WEFT_STOCK_BACKORDERS,
    WEFT_STOCK_LEAD_DAYS,
    WEFT_STOCK_REVIEW_DAYS,
    WEFT_STOCK_PACK,
    WEFT_STOCK_MOQ,
    WEFT_STOCK_PRICE,
    WEFT_STOCK_COST,
    WEFT_STOCK_SALVAGE,
    WEFT_STOCK_HOLDING,
    WEFT_STOCK_SHELF_DAYS,
    WEFT_STOCK_SERVICE,
    WEFT_STOCK_FIELDS
};

struct weft_stock_opts {
    const char *path, *encoding;
    struct weft_list id;             /* columns; none: found */
    struct weft_list columns;        /* FIELD=COLUMN */
    int decimal;                     /* 0: as the numbers say; else enum weft_decimal and 1 */
    double usual[WEFT_STOCK_FIELDS]; /* where a cell is empty, or a column missing; NaN: not known */
};

struct weft_stock_row {
    double of[WEFT_STOCK_FIELDS]; /* NaN: not known */
    const char *why;              /* NULL, or what is wrong with the row; owned by the stock */
};
struct weft_stock {
    struct weft_names ids;      /* row i is of ids.at[i] */
    struct weft_stock_row *row; /* [ids.n] */
    uint64_t totals;            /* rows that add others up: left out */
    char *said;                 /* what the columns were taken for */
    char **why;                 /* [n_why]; its own */
    size_t n_why;
};
/* 66 when it can't be opened; 65, with file:line, when a cell is no number, an id stands twice or there is nothing to
 * tell what is in stock. Memory: 13 numbers and the id of each row. weft_stock_free also after an error. */
int weft_stock_read(struct weft_stock *s, struct weft_run *run, const struct weft_stock_opts *o,
                    struct weft_err *e) WEFT_MUST_USE;
void weft_stock_free(struct weft_stock *s);
const char *weft_stock_field_name(enum weft_stock_field f); /* "on_hand" */

#endif
