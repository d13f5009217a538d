/* mlp.c - a few linear layers. */
#include "nn/mlp.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct weft_mlp weft_mlp(const size_t *width, size_t n, float slope)
{
    struct weft_mlp s = {.n = n, .slope = slope};
    for (size_t i = 0; i < n; i++)
        s.layer[i] = (struct weft_linear){width[i], width[i + 1]};
    return s;
}

size_t weft_mlp_size(const struct weft_mlp *s)
{
    size_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += weft_linear_size(&s->layer[i]);
    return sum;
}

static size_t turned(const struct weft_linear *l)
{
    return l->out * weft_lanes(l->in);
}

size_t weft_mlp_back_size(const struct weft_mlp *s)
{
    size_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += turned(&s->layer[i]);
    return sum;
}

size_t weft_mlp_row_size(const struct weft_mlp *s)
{
    size_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += weft_lanes(s->layer[i].out);
    return sum;
}

void weft_mlp_draw(const struct weft_mlp *s, uint64_t seed, uint64_t stream, float *inner)
{
    for (size_t i = 0; i < s->n; inner += weft_linear_size(&s->layer[i]), i++) {
        float *outer = WEFT_ARRAY(float, weft_linear_count(&s->layer[i]));
        weft_linear_draw(&s->layer[i], seed, stream + i, outer);
        weft_linear_pack(&s->layer[i], outer, inner);
        free(outer);
    }
}

void weft_mlp_turn(const struct weft_mlp *s, const float *inner, float *back)
{
    for (size_t i = 0; i < s->n; i++) {
        weft_linear_turn(&s->layer[i], inner, back);
        inner += weft_linear_size(&s->layer[i]);
        back += turned(&s->layer[i]);
    }
}

const float *weft_mlp_forward(const struct weft_mlp *s, const float *inner, const float *x, size_t ldx, size_t rows,
                              float *values)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t lanes = weft_lanes(s->layer[i].out);
        weft_linear_forward(&s->layer[i], inner, x, ldx, rows, values);
        if (i + 1 < s->n)
            weft_leaky_relu(values, rows * lanes, s->slope);
        inner += weft_linear_size(&s->layer[i]);
        x = values;
        ldx = lanes;
        values += rows * lanes;
    }
    return x;
}

size_t weft_mlp_room(const struct weft_mlp *s, size_t rows)
{
    size_t widest = 0;
    for (size_t i = 0; i < s->n; i++)
        widest = s->layer[i].in > widest ? s->layer[i].in : widest;
    return 2 * rows * weft_lanes(widest);
}

void weft_mlp_backward(const struct weft_mlp *s, const float *back, const float *x, size_t ldx, const float *values,
                       const float *dy, size_t rows, float *g, float *dx, float *room)
{
    size_t at[WEFT_MLP_LAYERS], turned_at[WEFT_MLP_LAYERS], value_at[WEFT_MLP_LAYERS],
        half = weft_mlp_room(s, rows) / 2;
    at[0] = turned_at[0] = value_at[0] = 0;
    for (size_t i = 1; i < s->n; i++) {
        at[i] = at[i - 1] + weft_linear_size(&s->layer[i - 1]);
        turned_at[i] = turned_at[i - 1] + turned(&s->layer[i - 1]);
        value_at[i] = value_at[i - 1] + rows * weft_lanes(s->layer[i - 1].out);
    }
    for (size_t i = s->n; i-- > 0;) {
        const float *in = i ? values + value_at[i - 1] : x;
        size_t ld = i ? weft_lanes(s->layer[i].in) : ldx;
        float *din = i ? room + (i % 2) * half : dx;
        weft_linear_backward(&s->layer[i], back + turned_at[i], in, ld, dy, rows, g ? g + at[i] : NULL, din);
        if (i)
            weft_leaky_relu_backward(in, din, rows * ld, s->slope);
        dy = din;
    }
}
