/* encode-image.c - photos to features: decode, resize, ResNet18 up to its last average.
 *
 * In: products/1. Out: products/1, frames with an image get "image_features" f32 [512]. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "image/augment.h"
#include "base/mem.h"
#include "record/products.h"
#include "model/resnet18.h"
#include "frame/run.h"

enum { BATCH_MAX = 256, HELD_BYTES_MAX = 64 << 20 };

/* A frame that waits for its batch. */
struct held {
    struct weft_pack frame;
    size_t image, image_n; /* place of the photo in it; image_n 0: none */
};

struct state {
    const char *model;
    int64_t size, batch, side, pixels_max;
    int precision, bad;
    bool drop;
    struct weft_image_prepare how;
    struct weft_image_job *jobs;
    struct weft_products_attrs attrs;
    struct weft_product product;
    struct weft_resnet18 *net;
    struct weft_par *par;
    struct held *held;
    size_t n, bytes;
    float *pixels, *features; /* of one batch */
    size_t *order;            /* which held frame each picture of the batch belongs to */
    struct weft_edit edit;
    struct weft_pack out;
    uint64_t missing, broken, done;
};

enum { BAD_STOP, BAD_MISSING };

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 'm', "model", AT(STR, model), NULL, 0, 0, "FILE",
     "ResNet18 weights (safetensors): torchvision's names, or a train-demand model", WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_INT, 0, "image-size", AT(INT, size), "0", 0, WEFT_RESNET18_MAX, "PIXELS",
     "side of the pictures the network sees; 0: what the model was trained on, else 224", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "precision", AT(CHOICE, precision), "f32", 0, 0, "f32|bf16",
     "arithmetic: bf16 is about twice as fast", 0},
    {WEFT_OPT_CHOICE, 0, "bad-images", AT(CHOICE, bad), "stop", 0, 0, "stop|missing",
     "a picture that can't be read: an error, or a counted missing value", 0},
    {WEFT_OPT_FLAG, 0, "drop-image", AT(FLAG, drop), NULL, 0, 0, NULL, "leave the picture itself out of the output", 0},
    {WEFT_OPT_INT, 0, "batch", AT(INT, batch), "16", 1, BATCH_MAX, "N", "pictures computed together",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_INT, 0, "max-side", AT(INT, side), "16384", 1, 65535, "PIXELS", "largest width or height of a picture",
     WEFT_OPT_ADVANCED},
    {WEFT_OPT_INT, 0, "max-pixels", AT(INT, pixels_max), "33554432", 1, WEFT_IMAGE_PIXELS_MAX, "N",
     "largest width times height; a picture takes 3 bytes a pixel and thread", WEFT_OPT_ADVANCED},
    {.type = WEFT_OPT_END},
};

static int load(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_st *st;
    char text[65];
    if (weft_st_open(s->model, &st, e) < 0)
        return -1;
    int rc = 0;
    const char *images = weft_st_meta(st, "image");
    if (images != NULL && strcmp(images, "0") == 0) {
        weft_fail(e, WEFT_CONFIG, "a model without pictures has no ResNet18");
        rc = weft_fail_hint(e, "train-demand makes one with it, unless --no-image or --neighbours is given");
    }
    if (rc == 0 && s->size == 0 && weft_st_meta(st, "image_size") != NULL)
        rc = weft_st_meta_int(st, "image_size", WEFT_RESNET18_MIN, WEFT_RESNET18_MAX, &s->size, e);
    s->size = s->size == 0 ? 224 : s->size;
    if (rc == 0)
        rc = weft_resnet18_new(weft_run_threads(run), s->precision ? WEFT_DNN_BF16 : WEFT_DNN_F32, &s->net, e);
    if (rc == 0)
        rc = weft_resnet18_load(s->net, st, weft_resnet18_prefix(st), e);
    weft_st_sha256(st, text);
    weft_run_lineage_arg(run, "model", text);
    snprintf(text, sizeof text, "%d", (int)s->size);
    weft_run_lineage_arg(run, "image-size", text);
    weft_st_close(&st);
    return rc < 0 ? weft_fail_where(e, "%s", s->model) : 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (s->size > 0 && s->size < WEFT_RESNET18_MIN)
        return weft_fail(e, WEFT_USAGE, "--image-size %d: at least %d", (int)s->size, WEFT_RESNET18_MIN);
    if (weft_products_attrs_read(h, &s->attrs, e) < 0 || load(run, s, e) < 0)
        return -1;
    s->how.limits = weft_image_default_limits();
    s->how.limits.side = (int)s->side;
    s->how.limits.pixels = (size_t)s->pixels_max;
    s->how.size = (int)s->size;
    s->jobs = WEFT_ARRAY(struct weft_image_job, (size_t)s->batch);
    s->par = weft_par_new(weft_run_threads(run));
    s->held = WEFT_ARRAY(struct held, (size_t)s->batch);
    s->order = WEFT_ARRAY(size_t, (size_t)s->batch);
    s->pixels = weft_xaligned((size_t)s->batch * 3 * (size_t)(s->size * s->size), sizeof(float));
    s->features = WEFT_ARRAY(float, (size_t)s->batch *WEFT_RESNET18_FEATURES);
    struct weft_products_attrs attrs = s->attrs;
    struct weft_pack b = {0};
    attrs.image_features = WEFT_RESNET18_FEATURES;
    weft_products_attrs_write(&attrs, h->attrs, &b);
    int rc = weft_run_head(run, WEFT_PRODUCTS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

/* ---- a batch ---- */

/* The picture of held frame i is broken: an error that names the product. */
static int refuse(struct state *s, size_t i, const struct weft_err *why, struct weft_err *e)
{
    struct weft_value id;
    *e = *why;
    if (weft_map_find(weft_pack_span(&s->held[i].frame), "id", &id))
        weft_fail_where(e, "product %.*s", (int)(id.body.n < 100 ? id.body.n : 100), (const char *)id.body.p);
    return weft_fail_hint(e, "--bad-images missing goes on without such pictures");
}

/* Decodes the pictures held; broken ones are an error, or leave the batch. Returns how many are left, or -1. */
static int prepare(struct state *s, struct weft_err *e)
{
    size_t n = 0, kept = 0, pixels = 3 * (size_t)(s->size * s->size);
    for (size_t i = 0; i < s->n; i++) {
        const struct held *h = &s->held[i];
        if (h->image_n == 0)
            continue;
        s->jobs[n] = (struct weft_image_job){.bytes = h->frame.p + h->image, .n = h->image_n};
        s->order[n++] = i;
    }
    weft_image_prepare(s->par, &s->how, s->jobs, n, s->pixels);
    for (size_t i = 0; i < n; i++) {
        if (s->jobs[i].err.code != 0 && s->bad == BAD_STOP)
            return refuse(s, s->order[i], &s->jobs[i].err, e);
        if (s->jobs[i].err.code != 0) {
            s->broken++;
            continue;
        }
        if (kept < i)
            memcpy(s->pixels + kept * pixels, s->pixels + i * pixels, pixels * sizeof(float));
        s->order[kept++] = s->order[i];
    }
    return (int)kept;
}

/* Few sizes, so that few graphs are built: a picture's features do not depend on them. */
static int compute(struct state *s, size_t n, struct weft_err *e)
{
    size_t pixels = 3 * (size_t)(s->size * s->size), side = (size_t)s->size;
    for (size_t i = 0, k; i < n; i += k) {
        k = n - i >= 4 ? 4 : 1;
        if (n - i >= (size_t)s->batch)
            k = (size_t)s->batch;
        if (weft_resnet18_features(s->net, s->pixels + i * pixels, k, side, side,
                                   s->features + i * WEFT_RESNET18_FEATURES, e) < 0)
            return -1;
    }
    return 0;
}

static int emit(struct weft_run *run, struct state *s, const struct held *h, const float *features, struct weft_err *e)
{
    if (weft_edit_load(&s->edit, weft_pack_span(&h->frame), e) < 0)
        return -1;
    weft_edit_drop(&s->edit, "image_features"); /* of an earlier run */
    if (s->drop)
        weft_edit_drop(&s->edit, "image");
    if (features != NULL) {
        weft_pack_f32(weft_edit_set(&s->edit, "image_features"), 1, (uint32_t[]){WEFT_RESNET18_FEATURES}, features);
        weft_edit_done(&s->edit);
    }
    weft_pack_clear(&s->out);
    weft_edit_write(&s->edit, &s->out);
    return weft_run_emit(run, weft_pack_span(&s->out), e);
}

static int flush(struct weft_run *run, struct state *s, struct weft_err *e)
{
    int n = prepare(s, e);
    if (n < 0 || compute(s, (size_t)n, e) < 0)
        return -1;
    for (size_t i = 0, k = 0; i < s->n; i++) {
        const float *f = k < (size_t)n && s->order[k] == i ? s->features + k++ * WEFT_RESNET18_FEATURES : NULL;
        s->done += f != NULL;
        if (emit(run, s, &s->held[i], f, e) < 0 || weft_run_done(run, e) < 0)
            return -1;
    }
    s->n = s->bytes = 0;
    return 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    struct held *h = &s->held[s->n];
    if (weft_product_read(in, &s->attrs, &s->product, e) < 0)
        return -1;
    h->image_n = s->product.image.n;
    h->image = h->image_n > 0 ? (size_t)(s->product.image.p - in.p) : 0;
    s->missing += h->image_n == 0;
    weft_pack_clear(&h->frame);
    weft_pack_raw(&h->frame, in);
    s->n++;
    s->bytes += in.n;
    /* A full batch, or nobody knows when the next frame comes. */
    if (s->n == (size_t)s->batch || s->bytes > HELD_BYTES_MAX || !weft_run_ready(run))
        return flush(run, s, e);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (flush(run, s, e) < 0)
        return -1;
    if (s->broken > 0)
        weft_run_warn(run, "%llu pictures can't be read: these products have no image_features",
                      (unsigned long long)s->broken);
    weft_run_info(run, "%llu pictures encoded, %llu products without one", (unsigned long long)s->done,
                  (unsigned long long)s->missing);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    for (size_t i = 0; s->held != NULL && i < (size_t)s->batch; i++)
        weft_pack_free(&s->held[i].frame);
    free(s->held);
    free(s->order);
    free(s->jobs);
    free(s->pixels);
    free(s->features);
    weft_par_free(&s->par);
    weft_resnet18_free(&s->net);
    weft_product_free(&s->product);
    weft_products_attrs_free(&s->attrs);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->out);
}

static const struct weft_filter filter = {
    .usage = {.name = "encode-image",
              .summary = "turns product photos into 512 features by ResNet18",
              .synopsis = "encode-image -m MODEL [OPTION...] [FILE]",
              .reads = "a products stream",
              .writes = "the same stream, with image_features",
              .examples = "weft ingest --layout products shop.csv --images photos | weft encode-image -m "
                          "resnet18.safetensors -o encoded.weft\n"
                          "weft encode-image -m photos.safetensors --drop-image -i products.weft | weft frames show",
              .see_also = "ingest, embed-text, train-demand, score",
              .notes =
                  "Pictures are JPEG or PNG. Grey ones, palettes and CMYK become RGB, CMYK as (1-c)(1-k); transparency "
                  "is dropped, an animation is its first picture, and the orientation in EXIF is not applied, as in "
                  "torchvision. The shorter side is resized to image-size * 256 / 224, the centre cut out "
                  "and normalised as "
                  "torchvision does for ImageNet. Features do not depend on the batch or on --threads, and are the "
                  "same on CPUs of one type. "
                  "Frames are held until a batch is full or no more input is waiting: at most 64 MB and one frame. "
                  "get-models.sh resnet18 fetches torchvision's weights (47 MB)."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .schema = WEFT_PRODUCTS_SCHEMA,
    .start = start,
    .acknowledges = true,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
