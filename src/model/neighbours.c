/* neighbours.c - the products most like a product. */
#include "model/neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/product.h"

struct weft_neighbours {
    struct weft_demand_shape s;
    size_t image, k, n, room;
    float *row, *target; /* [room, width], [room, heads] */
    float *turned;       /* [width, lanes(n)], made when it is first needed */
    float *like;         /* [lanes(n)]: how like a product the others are */
    size_t *nearest;     /* [k] */
};

struct weft_neighbours *weft_neighbours_new(struct weft_demand_shape *s, size_t image_features, size_t k, size_t n)
{
    struct weft_neighbours *nb = WEFT_NEW(struct weft_neighbours);
    nb->s = *s;
    memset(s, 0, sizeof *s);
    nb->image = image_features;
    nb->k = k;
    nb->room = n;
    nb->row = weft_xaligned(n * weft_neighbours_width(nb), sizeof *nb->row);
    nb->target = WEFT_ARRAY(float, n * nb->s.n_heads);
    nb->nearest = WEFT_ARRAY(size_t, k);
    return nb;
}

void weft_neighbours_free(struct weft_neighbours **pn)
{
    struct weft_neighbours *nb = *pn;
    if (!nb)
        return;
    weft_demand_shape_free(&nb->s);
    free(nb->row);
    free(nb->target);
    free(nb->turned);
    free(nb->like);
    free(nb->nearest);
    free(nb);
    *pn = NULL;
}

const struct weft_demand_shape *weft_neighbours_shape(const struct weft_neighbours *nb)
{
    return &nb->s;
}

size_t weft_neighbours_image_features(const struct weft_neighbours *nb)
{
    return nb->image;
}

size_t weft_neighbours_width(const struct weft_neighbours *nb)
{
    return nb->image + nb->s.text;
}

/* x / |x|; zeros when there is none. */
static void put_part(const float *x, size_t n, float *to)
{
    double sum = 0;
    if (!x) {
        memset(to, 0, n * sizeof *to);
        return;
    }
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    double scale = sum > 0 && isfinite(sum) ? 1 / sqrt(sum) : 0;
    for (size_t i = 0; i < n; i++)
        to[i] = scale > 0 ? (float)((double)x[i] * scale) : 0;
}

void weft_neighbours_row(const struct weft_neighbours *nb, const float *image, const float *text, float *row)
{
    put_part(image, nb->image, row);
    put_part(text, nb->s.text, row + nb->image);
}

void weft_neighbours_add(struct weft_neighbours *nb, const float *row, const float *target)
{
    size_t width = weft_neighbours_width(nb), heads = nb->s.n_heads;
    if (nb->n == nb->room)
        return;
    memcpy(nb->row + nb->n * width, row, width * sizeof *row);
    memcpy(nb->target + nb->n * heads, target, heads * sizeof *target);
    nb->n++;
}

/* --- prediction --- */

static void turn(struct weft_neighbours *nb)
{
    size_t width = weft_neighbours_width(nb), lanes = weft_lanes(nb->n);
    nb->turned = weft_xaligned(width * lanes, sizeof *nb->turned);
    memset(nb->turned, 0, width * lanes * sizeof *nb->turned);
    nb->like = weft_xaligned(lanes, sizeof *nb->like);
    weft_transpose(nb->n, width, nb->row, width, nb->turned, lanes);
}

/* The k most like, the first met where two are alike: an insertion into a short sorted list. Returns how many there
 * are. */
static size_t find_nearest(struct weft_neighbours *nb)
{
    size_t found = 0;
    for (size_t i = 0; i < nb->n; i++) {
        if (found == nb->k && !(nb->like[i] > nb->like[nb->nearest[found - 1]]))
            continue;
        size_t at = found < nb->k ? found++ : found - 1;
        for (; at > 0 && nb->like[i] > nb->like[nb->nearest[at - 1]]; at--)
            nb->nearest[at] = nb->nearest[at - 1];
        nb->nearest[at] = i;
    }
    return found;
}

/* Votes for one head among the nearest. */
static void vote(const struct weft_neighbours *nb, size_t k, size_t found, float *out)
{
    const struct weft_demand_head *h = &nb->s.head[k];
    double votes = 0, sum = 0;
    memset(out, 0, h->width * sizeof *out);
    for (size_t i = 0; i < found; i++) {
        float t = nb->target[nb->nearest[i] * nb->s.n_heads + k];
        if (isnan(t))
            continue;
        votes++;
        sum += (double)t;
        if (weft_demand_classifies(h))
            out[(size_t)t]++;
    }
    if (!weft_demand_classifies(h))
        out[0] = votes > 0 ? (float)(sum / votes) : 0;
    else
        for (size_t c = 0; c < h->width; c++)
            out[c] = (float)log((double)out[c] + 1e-3);
}

void weft_neighbours_predict(struct weft_neighbours *nb, const float *row, size_t rows, float *out)
{
    size_t width = weft_neighbours_width(nb), lanes = weft_lanes(nb->n);
    if (!nb->turned)
        turn(nb);
    for (size_t r = 0; r < rows; r++) {
        weft_product(1, lanes, width, row + r * width, width, 1, nb->turned, lanes, false, nb->like, lanes);
        size_t found = find_nearest(nb);
        for (size_t k = 0; k < nb->s.n_heads; k++)
            vote(nb, k, found, out + r * nb->s.out + nb->s.head[k].at);
    }
}

/* --- files --- */

void weft_neighbours_write(struct weft_neighbours *nb, struct weft_st_writer *w)
{
    weft_demand_shape_write(&nb->s, w);
    weft_st_writer_meta_int(w, "neighbours", (int64_t)nb->k);
    weft_st_writer_meta_int(w, "image_features", (int64_t)nb->image);
    weft_st_writer_tensor(w, "features", WEFT_ST_F32, 2, (size_t[]){nb->n, weft_neighbours_width(nb)}, nb->row);
    weft_st_writer_tensor(w, "targets", WEFT_ST_F32, 2, (size_t[]){nb->n, nb->s.n_heads}, nb->target);
}

/* Votes are for classes that there are. */
static int check_targets(const struct weft_demand_shape *s, const float *target, size_t n, struct weft_err *e)
{
    for (size_t i = 0; i < n * s->n_heads; i++) {
        const struct weft_demand_head *h = &s->head[i % s->n_heads];
        float t = target[i];
        bool good =
            isnan(t) || (weft_demand_classifies(h) ? t >= 0 && t < (float)h->width && t == floorf(t) : isfinite(t));
        if (!good)
            return weft_fail(e, WEFT_DATA, "targets of \"%s\" name classes that are not there", h->name);
    }
    return 0;
}

static int read_all(const struct weft_st *st, struct weft_demand_shape *s, struct weft_neighbours **out,
                    struct weft_err *e)
{
    int64_t k, image;
    const struct weft_st_tensor *t = weft_st_find(st, "features");
    if (weft_demand_shape_read(st, s, e) < 0 || weft_st_meta_int(st, "neighbours", 1, WEFT_NEIGHBOURS_MAX, &k, e) < 0 ||
        weft_st_meta_int(st, "image_features", 0, WEFT_DEMAND_TEXT_MAX, &image, e) < 0)
        return -1;
    size_t n = t && t->rank == 2 ? t->dims[0] : 0, width = (size_t)image + s->text;
    float *rows = NULL, *targets = NULL;
    int rc = n && width && s->hidden == 0 ? 0 : weft_fail(e, WEFT_DATA, "no products to compare with");
    if (rc == 0)
        rc = weft_st_weights(st, "features", (size_t[]){n, width, 0}, 2, &rows, e);
    if (rc == 0)
        rc = weft_st_floats(st, "targets", (size_t[]){n, s->n_heads, 0}, 2, &targets, e);
    if (rc == 0)
        rc = check_targets(s, targets, n, e);
    if (rc == 0) {
        struct weft_neighbours *nb = *out = weft_neighbours_new(s, (size_t)image, (size_t)k, n);
        for (size_t i = 0; i < n; i++)
            weft_neighbours_add(nb, rows + i * width, targets + i * nb->s.n_heads);
    }
    free(rows);
    free(targets);
    return rc;
}

int weft_neighbours_open(const struct weft_st *st, struct weft_neighbours **out, struct weft_err *e)
{
    struct weft_demand_shape s = {0};
    *out = NULL;
    int rc = read_all(st, &s, out, e);
    weft_demand_shape_free(&s);
    return rc < 0 ? weft_fail_where(e, "%s", weft_st_path(st)) : 0;
}
