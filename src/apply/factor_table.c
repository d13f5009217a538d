/* factor_table.c - factors for people. */
#include "apply/factor_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/explained.h"
#include "base/mem.h"

/* What coefficient b multiplies by; of a logarithm by ten per cent more. */
static double effect(const char *name, double b)
{
    return exp(strncmp(name, "log ", 4) == 0 ? b * log(1.1) : b);
}

static void add_target(const struct weft_factors *m, const struct weft_model_info *info, size_t c, const size_t at[6],
                       struct weft_table *out)
{
    const struct weft_factor_target *t = &m->target[c];
    size_t columns = weft_factor_columns(&t->shape), n = m->series.n;
    static const double rank[] = {0.1, 0.5, 0.9};
    float *own = WEFT_ARRAY(float, n + 1);
    char buf[128], shown[160];
    for (size_t j = 0; j < columns; j++) {
        const char *name = weft_factor_column_name(&t->shape, info->exogenous, j, buf);
        bool price = strncmp(name, "log ", 4) == 0;
        snprintf(shown, sizeof shown, "%s%s", price ? name + 4 : name, price ? " + 10 %" : "");
        for (size_t i = 0; i < n; i++)
            own[i] = t->own[i * columns + j];
        weft_sort(own, n, sizeof *own, weft_by_float);
        weft_table_row(out);
        weft_table_text(out, at[0], info->channels[c], strlen(info->channels[c]));
        weft_table_text(out, at[1], shown, strlen(shown));
        weft_table_real(out, at[2], effect(name, t->pooled[j]));
        for (size_t k = 0; k < 3; k++)
            weft_table_real(out, at[3 + k], effect(name, own[(size_t)(rank[k] * (double)(n - 1))]));
    }
    free(own);
}

void weft_factor_table(const struct weft_factors *m, const struct weft_model_info *info, struct weft_table *out)
{
    const size_t at[] = {weft_table_column(out, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME),
                         weft_table_column(out, "factor", "factor", WEFT_CELL_TEXT, 0, 0),
                         weft_table_column(out, "all", "all", WEFT_CELL_REAL, 2, 0),
                         weft_table_column(out, "low", "low", WEFT_CELL_REAL, 2, 0),
                         weft_table_column(out, "middle", "middle", WEFT_CELL_REAL, 2, 0),
                         weft_table_column(out, "high", "high", WEFT_CELL_REAL, 2, 0)};
    for (size_t c = 0; c < m->n_targets; c++)
        add_target(m, info, c, at, out);
}

int weft_factor_table_read(const char *path, struct weft_table *out, struct weft_err *e)
{
    struct weft_explained_model open;
    int rc = weft_explained_open(path, true, &open, e);
    const struct weft_factors *m = rc == 0 ? weft_forecaster_factors(open.forecaster) : NULL;
    if (m) {
        weft_factor_table(m, weft_forecaster_info(open.forecaster), out);
    } else if (rc == 0) {
        weft_fail(e, WEFT_CONFIG, "%s has no factors", path);
        rc = weft_fail_hint(e, "weft train-dlinear --factors auto makes such a model");
    }
    weft_explained_close(&open);
    return rc;
}

void weft_factor_table_notes(FILE *f)
{
    fputs("\nall: over all series; low, middle, high: of nine, five and one in ten series it is at least so much; "
          "weekdays are against Monday, months against January, days of the month against the others\n",
          f);
}
