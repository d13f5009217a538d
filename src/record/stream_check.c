/* stream_check.c - a stream against its schema, and through the codec that programs read it by. */
#include "record/stream_check.h"

/* What a schema can't say: programs read streams of series and of forecasts so. */
static int read_attrs(struct weft_stream_check *c, const struct weft_head *h, struct weft_err *e)
{
    weft_series_attrs_free(&c->attrs);
    weft_forecasts_attrs_free(&c->forecasts_attrs);
    c->reads = weft_head_is(h, "series") || weft_head_is(h, "windows") ? WEFT_READS_SERIES : WEFT_READS_NOTHING;
    if (weft_head_is(h, "forecasts"))
        c->reads = WEFT_READS_FORECASTS;
    if (c->reads == WEFT_READS_SERIES)
        return weft_series_attrs_read(h, &c->attrs, e);
    return c->reads == WEFT_READS_FORECASTS ? weft_forecasts_attrs_read(h, &c->forecasts_attrs, e) : 0;
}

int weft_stream_check_head(struct weft_stream_check *c, const struct weft_head *h, const char *name, struct weft_err *e)
{
    weft_schema_free(&c->schema);
    c->schema = weft_schema_find(h->schema, e);
    if (!c->schema)
        return -1;
    if (weft_schema_check_attrs(c->schema, h->attrs, e) < 0)
        return weft_fail_where(e, "%s: head attrs", name);
    return read_attrs(c, h, e);
}

int weft_stream_check_frame(struct weft_stream_check *c, struct weft_span frame, struct weft_err *e)
{
    if (weft_schema_check_frame(c->schema, frame, e) < 0)
        return -1;
    if (c->reads == WEFT_READS_SERIES)
        return weft_series_read(frame, &c->attrs, &c->series, e);
    return c->reads == WEFT_READS_FORECASTS ? weft_forecasts_read(frame, &c->forecasts_attrs, &c->forecasts, e) : 0;
}

void weft_stream_check_free(struct weft_stream_check *c)
{
    weft_schema_free(&c->schema);
    weft_series_attrs_free(&c->attrs);
    weft_series_free(&c->series);
    weft_forecasts_attrs_free(&c->forecasts_attrs);
    weft_forecasts_free(&c->forecasts);
}
