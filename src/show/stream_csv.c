/* stream_csv.c - which CSV a stream becomes. */
#include "show/stream_csv.h"

#include "show/expand.h"

static bool is_products(const struct weft_head *h)
{
    return weft_head_is(h, "products") || weft_head_is(h, "demand");
}

int weft_stream_csv_start(struct weft_stream_csv *c, const struct weft_head *h, bool names, FILE *f, struct weft_err *e)
{
    c->head = h;
    if (weft_head_is(h, "series") || weft_head_is(h, "windows")) {
        weft_series_attrs_free(&c->attrs);
        if (weft_series_attrs_read(h, &c->attrs, e) < 0)
            return -1;
        if (names)
            weft_csv_series_head(f, &c->attrs);
    } else if (weft_head_is(h, "forecasts") && names) {
        weft_csv_forecast_head(f, h);
    } else if (is_products(h)) {
        if (weft_products_csv_start(&c->products, h, e) < 0)
            return -1;
        if (names)
            weft_products_csv_head(&c->products, f);
    }
    return 0;
}

int weft_stream_csv_frame(struct weft_stream_csv *c, struct weft_span frame, bool first, FILE *f, struct weft_err *e)
{
    if (c->attrs.n_channels) { /* what follows series must be series, too */
        if (weft_series_read(frame, &c->attrs, &c->series, e) < 0)
            return -1;
        weft_csv_series(f, &c->attrs, &c->series);
        return 0;
    }
    if (is_products(c->head))
        return weft_products_csv_row(&c->products, frame, f, e);
    if (weft_head_is(c->head, "forecasts"))
        return weft_csv_forecast(f, c->head, frame, e);
    if (first)
        weft_csv_flat(f, frame, true);
    weft_csv_flat(f, frame, false);
    return 0;
}

void weft_stream_csv_free(struct weft_stream_csv *c)
{
    weft_series_attrs_free(&c->attrs);
    weft_series_free(&c->series);
    weft_products_csv_free(&c->products);
}
