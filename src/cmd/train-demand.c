/* train-demand.c - trains the garment network: photo, name, numbers and keys to classes and quantities.
 *
 * In: products/1. Out: a model file. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "train/demand_train.h"
#include "base/calendar.h"
#include "base/mem.h"
#include "model/neighbours.h"
#include "frame/run.h"

enum { MIB = 1 << 20 };

struct state {
    struct weft_list heads, inputs;
    const char *backbone, *checkpoint, *log, *valid_by, *valid_from;
    bool without_image, without_name, resume, augment, linear, network;
    int recipe;
    int64_t hidden, size, epochs, patience, batch, side, pixels, neighbours;
    int precision, weights, bad;
    double lr, backbone_lr, dropout, gamma, valid, rotate, brightness, contrast, saturation;
    struct weft_augment change;
    struct weft_demand_shape shape;
    size_t image_features; /* that neighbours are compared by */
    struct weft_demand_set set;
    struct weft_demand *net;
    struct weft_st *start; /* of --backbone */
    char backbone_sha[65];
    struct weft_par *par;
    struct weft_progress progress;
};

enum { BAD_STOP, BAD_MISSING };
enum { RECIPE_DEFAULT, RECIPE_PAPER };
/* Layers learn at the first rate, ResNet18 at the second. */
static const double rates[2] = {1e-3, 1e-4};
enum { EPOCHS_WITH_PICTURES = 30, EPOCHS = 200 };

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 0, "heads", AT(LIST, heads), "gender:ce,age:focal,views:mse,sales:mse,likes:mse,reviews:mse", 0, 0,
     "NAME:LOSS[:WEIGHT]",
     "labels to learn: ce (cross-entropy) and focal for classes, mse for quantities; the weight is 1 unless given; by "
     "default those of these that are there",
     0},
    {WEFT_OPT_LIST, 0, "inputs", AT(LIST, inputs), "price,gender,number,category,brand", 0, 0, "NAME",
     "numbers and keys to learn from, or none; by default those of these that are there", 0},
    {WEFT_OPT_CHOICE, 0, "recipe", AT(CHOICE, recipe), "default", 0, 0, "default|paper",
     "paper: the published network: no brand, inputs not scaled by blocks, mse weighs 0.01, --lr 1e-4, --epochs 30 "
     "(published: 3000), the last epoch, medians",
     0, .not_with = "paper: patience"},
    {WEFT_OPT_FLAG, 0, "no-image", AT(FLAG, without_image), NULL, 0, 0, NULL, "leave the pictures out", 0},
    {WEFT_OPT_FLAG, 0, "no-name", AT(FLAG, without_name), NULL, 0, 0, NULL, "leave the names (text_features) out", 0},
    {WEFT_OPT_STR, 0, "backbone", AT(STR, backbone), NULL, 0, 0, "FILE",
     "ResNet18 weights to begin with (torchvision's names, or a train-demand model); random without", WEFT_OPT_FILE,
     .not_with = "no-image"},
    {WEFT_OPT_INT, 0, "image-size", AT(INT, size), "224", WEFT_RESNET18_MIN, WEFT_RESNET18_MAX, "PIXELS",
     "side of the pictures that the network sees", 0},
    {WEFT_OPT_INT, 0, "hidden", AT(INT, hidden), "512", 1, WEFT_DEMAND_HIDDEN_MAX, "N",
     "units between the two fully connected layers", 0},
    {WEFT_OPT_REAL, 0, "dropout", AT(REAL, dropout), "0.5", 0, 0.99, "P", "share of those units dropped in a step", 0},
    {WEFT_OPT_REAL, 0, "gamma", AT(REAL, gamma), "2", 0, 100, "X", "of the focal loss; 0 is cross-entropy", 0},
    {WEFT_OPT_CHOICE, 0, "class-weights", AT(CHOICE, weights), "none", 0, 0, "none|balanced",
     "balanced: focal losses weigh a class by how rare it is", 0},
    {WEFT_OPT_FLAG, 0, "linear", AT(FLAG, linear), "true", 0, 0, NULL,
     "a linear head on all but the pictures (ridge, logistic regression) beside the network, with the weight that "
     "serves the products held out best",
     0},
    {WEFT_OPT_FLAG, 0, "network", AT(FLAG, network), "true", 0, 0, NULL,
     "the network; without it the linear head alone is the model", 0, .needs = "linear, no-image",
     .not_with = "recipe=paper"},
    {WEFT_OPT_INT, 0, "epochs", AT(INT, epochs), "0", 0, 1000000, "N",
     "passes over the products to train on; 0: 30 with pictures, 200 without", 0},
    {WEFT_OPT_INT, 0, "patience", AT(INT, patience), "20", 0, 1000000, "N",
     "epochs to wait for a smaller validation loss; 0: all of --epochs. The best epoch is kept", 0},
    {WEFT_OPT_INT, 0, "batch", AT(INT, batch), "32", 1, 65536, "N", "products in a step", 0},
    {WEFT_OPT_REAL, 0, "lr", AT(REAL, lr), "0", 0, 1e6, "X", "Adam's learning rate; 0: 1e-3, and 1e-4 with pictures",
     0},
    {WEFT_OPT_REAL, 0, "valid", AT(REAL, valid), "0.2", 0, 0.9, "SHARE",
     "of the products held out for validation, by the hash of their ids", 0},
    {WEFT_OPT_STR, 0, "valid-by", AT(STR, valid_by), NULL, 0, 0, "KEY",
     "hold out whole values of this key (brand): what the model says of brands that it has never met; the key is no "
     "input unless --inputs names it",
     0},
    {WEFT_OPT_STR, 0, "valid-from", AT(STR, valid_from), NULL, 0, 0, "DATE",
     "hold out the products whose key \"date\" is this day or later", 0, .not_with = "valid, valid-by"},
    {WEFT_OPT_FLAG, 0, "augment", AT(FLAG, augment), "true", 0, 0, NULL,
     "change training pictures at random, anew in each epoch", 0},
    {WEFT_OPT_REAL, 0, "rotate", AT(REAL, rotate), "0.5", 0, 1, "P", "share of pictures turned by 90 or 180 degrees",
     0},
    {WEFT_OPT_REAL, 0, "brightness", AT(REAL, brightness), "0.2", 0, 1, "X", "largest change of brightness", 0},
    {WEFT_OPT_REAL, 0, "contrast", AT(REAL, contrast), "0.2", 0, 1, "X", "largest change of contrast", 0},
    {WEFT_OPT_REAL, 0, "saturation", AT(REAL, saturation), "0.2", 0, 1, "X", "largest change of saturation", 0},
    {WEFT_OPT_CHOICE, 0, "precision", AT(CHOICE, precision), "f32", 0, 0, "f32|bf16",
     "ResNet18's arithmetic: bf16 is about twice as fast; weights are f32", 0},
    {WEFT_OPT_CHOICE, 0, "bad-images", AT(CHOICE, bad), "stop", 0, 0, "stop|missing",
     "a picture that can't be read: an error, or a counted missing value", 0},
    {WEFT_OPT_STR, 0, "checkpoint", AT(STR, checkpoint), NULL, 0, 0, "FILE",
     "keep the training's state there until the model is written", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "resume", AT(FLAG, resume), NULL, 0, 0, NULL, "go on from the checkpoint, if it is there",
     WEFT_OPT_RUN, .needs = "checkpoint"},
    {WEFT_OPT_STR, 0, "log", AT(STR, log), NULL, 0, 0, "FILE", "losses and measures as CSV, a line an epoch",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "neighbours", AT(INT, neighbours), "0", 0, WEFT_NEIGHBOURS_MAX, "K",
     "no network: the model is the products themselves, and the K most like one (cosine of image_features and "
     "text_features) say what it will do",
     0, .only_with = "heads, no-image, no-name, valid, valid-by, valid-from"},
    {WEFT_OPT_INT, 0, "max-side", AT(INT, side), "16384", 1, 65535, "PIXELS", "largest width or height of a picture",
     WEFT_OPT_ADVANCED},
    {WEFT_OPT_INT, 0, "max-pixels", AT(INT, pixels), "33554432", 1, WEFT_IMAGE_PIXELS_MAX, "N",
     "largest width times height; a picture takes 3 bytes a pixel and thread", WEFT_OPT_ADVANCED},
    {.type = WEFT_OPT_END},
};

static int choose_split(struct state *s, struct weft_err *e)
{
    s->set.valid_by = s->valid_by;
    if (!s->valid_from)
        return 0;
    if (!weft_date_parse(s->valid_from, strlen(s->valid_from), &s->set.valid_from)) {
        weft_fail(e, WEFT_USAGE, "--valid-from: \"%s\" is no date", s->valid_from);
        return weft_fail_hint(e, "write 2023-01-31");
    }
    s->set.dated = true;
    return 0;
}

/* Without a network features are all there is. */
static int choose_neighbours(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_demand_shape *d = &s->shape;
    const struct weft_products_attrs *a = &s->set.attrs;
    s->image_features = s->without_image ? 0 : a->image_features;
    d->text = s->without_name ? 0 : a->text_features;
    if (!d->text && !s->image_features) {
        weft_fail(e, WEFT_CONFIG, "the products have no features to compare");
        return weft_fail_hint(e, "put encode-image or embed-text in between");
    }
    return weft_demand_choose_heads(d, s->heads.items, s->heads.n, 1, weft_run_given(run, "heads"), a, e);
}

/* What follows from the recipe and from what is learned, unless it was given. */
static void settle_options(struct weft_run *run, struct state *s)
{
    bool paper = s->recipe == RECIPE_PAPER;
    s->set.paper = paper;
    s->linear = s->linear && !paper;
    if (!s->network) {
        s->epochs = 0;
        s->hidden = 1;
    }
    s->backbone_lr = s->lr > 0 ? s->lr : rates[1];
    if (!(s->lr > 0))
        s->lr = rates[paper || !s->without_image];
    if (!s->epochs && s->network)
        s->epochs = paper || !s->without_image ? EPOCHS_WITH_PICTURES : EPOCHS;
    if (paper && !weft_run_given(run, "inputs"))
        s->inputs.n--; /* brand */
    for (size_t i = 0; s->valid_by && !weft_run_given(run, "inputs") && i < s->inputs.n; i++)
        if (strcmp(s->inputs.items[i], s->valid_by) == 0) { /* of those held out it says nothing */
            char *name = s->inputs.items[i];
            memmove(&s->inputs.items[i], &s->inputs.items[i + 1], (s->inputs.n - i - 1) * sizeof name);
            s->inputs.items[--s->inputs.n] = name;
        }
}

/* What every product must have, by the head alone. */
static int choose(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_demand_shape *d = &s->shape;
    const struct weft_products_attrs *a = &s->set.attrs;
    settle_options(run, s);
    if (!s->without_name && !a->text_features) {
        weft_fail(e, WEFT_CONFIG, "the products have no text_features");
        return weft_fail_hint(e, "put embed-text in between, or leave the names out with --no-name");
    }
    d->image = !s->without_image;
    d->image_size = d->image ? (size_t)s->size : 0;
    d->text = s->without_name ? 0 : a->text_features;
    d->hidden = (size_t)s->hidden;
    d->dropout = s->dropout;
    d->gamma = s->gamma;
    if (weft_demand_choose_heads(d, s->heads.items, s->heads.n, s->recipe == RECIPE_PAPER ? 0.01 : 1,
                                 weft_run_given(run, "heads"), a, e) < 0)
        return -1;
    bool focal = false;
    for (size_t k = 0; k < d->n_heads; k++)
        focal = focal || d->head[k].loss == WEFT_DEMAND_FOCAL;
    static const char *const of_focal[] = {"gamma", "class-weights", NULL};
    if (!focal && weft_run_refuse(run, of_focal, "is for focal losses, and --heads has none", e) < 0)
        return -1;
    bool none = s->inputs.n == 1 && strcmp(s->inputs.items[0], "none") == 0;
    return weft_demand_choose_inputs(d, s->inputs.items, none ? 0 : s->inputs.n, a, weft_run_given(run, "inputs"), e);
}

static int load_backbone(const struct state *s, struct weft_resnet18 *net, struct weft_err *e)
{
    return weft_resnet18_load(net, s->start, weft_resnet18_prefix(s->start), e) < 0
               ? weft_fail_where(e, "%s", s->backbone)
               : 0;
}

/* Whether the weights fit is said before the products come, which may take hours. */
static int open_backbone(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_resnet18 *net;
    if (weft_st_open(s->backbone, &s->start, e) < 0)
        return -1;
    weft_st_sha256(s->start, s->backbone_sha);
    weft_run_lineage_arg(run, "backbone", s->backbone_sha);
    int rc = weft_resnet18_new(1, WEFT_DNN_F32, &net, e);
    if (rc == 0)
        rc = load_backbone(s, net, e);
    weft_resnet18_free(&net);
    return rc;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (strcmp(weft_run_output(run), "-") == 0)
        return weft_fail(e, WEFT_USAGE, "where shall the model go? -o MODEL");
    s->change = (struct weft_augment){s->rotate, s->brightness, s->contrast, s->saturation};
    if (weft_products_attrs_read(weft_run_in_head(run), &s->set.attrs, e) < 0)
        return -1;
    if (choose_split(s, e) < 0)
        return -1;
    if (s->neighbours)
        return choose_neighbours(run, s, e);
    if (choose(run, s, e) < 0)
        return -1;
    return s->backbone ? open_backbone(run, s, e) : 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    return weft_demand_set_add(&s->set, &s->shape, in, e);
}

static int build(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->shape.image && !s->set.images) {
        weft_fail(e, WEFT_DATA, "none of the %zu products has an image", s->set.n);
        return weft_fail_hint(e, "--no-image learns from the rest");
    }
    if (weft_demand_set_fit(&s->set, &s->shape, s->valid, s->weights == 1, e) < 0)
        return -1;
    if (weft_demand_new(&s->shape, weft_run_threads(run), s->precision ? WEFT_DNN_BF16 : WEFT_DNN_F32, &s->net, e) < 0)
        return -1;
    s->par = weft_par_new(weft_run_threads(run));
    s->set.encoder.par = s->par;
    s->set.encoder.broken_is_missing = s->bad == BAD_MISSING;
    s->set.encoder.how.limits.side = (int)s->side;
    s->set.encoder.how.limits.pixels = (size_t)s->pixels;
    s->set.encoder.shape = weft_demand_shape_of(s->net);
    weft_demand_init(s->net, weft_run_seed(run));
    return s->backbone ? load_backbone(s, weft_demand_backbone(s->net), e) : 0;
}

static bool stopping(void *ctx)
{
    (void)ctx;
    return weft_stop_signal() != 0;
}

/* The model file; w has the tensors. */
static int save(struct weft_run *run, struct state *s, struct weft_st_writer *w, struct weft_err *e)
{
    char text[64], *lineage = weft_run_lineage_json(run);
    weft_st_writer_meta(w, "lineage", lineage);
    snprintf(text, sizeof text, "%llu", (unsigned long long)s->set.valid_below);
    weft_st_writer_meta(w, "valid_below", text);
    bool drawn = !s->valid_by && !s->valid_from;
    void *ids = s->recipe == RECIPE_PAPER && drawn ? NULL : weft_demand_set_write_ids(&s->set, w);
    int rc = weft_st_save(w, weft_run_output(run), e);
    free(lineage);
    free(ids);
    return rc;
}

static int keep_neighbours(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_demand_set *d = &s->set;
    size_t heads = s->shape.n_heads;
    if (weft_demand_set_fit(d, &s->shape, s->valid, false, e) < 0)
        return -1;
    struct weft_neighbours *nb = weft_neighbours_new(&s->shape, s->image_features, (size_t)s->neighbours, d->n_train);
    float *row = WEFT_ARRAY(float, weft_neighbours_width(nb));
    int rc = 0;
    for (size_t i = 0; i < d->n_train && rc == 0; i++) {
        rc = weft_product_read(weft_pack_span(&d->frame[d->train[i]]), &d->attrs, &d->product, e);
        weft_neighbours_row(nb, d->product.image_features, d->product.text_features, row);
        weft_neighbours_add(nb, row, d->target + d->train[i] * heads);
    }
    struct weft_st_writer *w = weft_st_writer_new();
    weft_neighbours_write(nb, w);
    if (rc == 0)
        rc = save(run, s, w, e);
    weft_st_writer_free(&w);
    weft_neighbours_free(&nb);
    free(row);
    return rc;
}

static void say_start(struct weft_run *run, const struct state *s)
{
    weft_run_info(run,
                  "%zu products to train on and %zu to validate, %zu of all with an image, %zu with text_features; %zu "
                  "MiB of frames held",
                  s->set.n_train, s->set.n_valid, s->set.images, s->set.names, weft_demand_set_bytes(&s->set) / MIB);
}

/* A count of 0 where the next one is 100 may stand for "not shown", which is no quantity. */
static void say_zeros(struct weft_run *run, const struct state *s)
{
    const struct weft_demand_shape *d = weft_demand_shape_of(s->net);
    for (size_t k = 0; k < d->n_heads; k++) {
        const struct weft_demand_zeros *z = &s->set.zeros[k];
        if (z->zeros && z->zeros * 50 >= z->labels && z->least >= 10)
            weft_run_warn(run,
                          "label \"%s\": %zu of %zu are 0, and the smallest other one is %g: not shown, perhaps? An "
                          "empty cell is a missing label",
                          d->head[k].name, z->zeros, z->labels, z->least);
    }
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->neighbours)
        return keep_neighbours(run, s, e);
    if (build(run, s, e) < 0)
        return -1;
    say_start(run, s);
    say_zeros(run, s);
    if (s->set.undated)
        weft_run_warn(run, "%zu products have no date: they are among those to train on", s->set.undated);
    struct weft_demand_training t = {.set = &s->set,
                                     .net = s->net,
                                     .epochs = s->epochs,
                                     .patience = s->patience,
                                     .best = s->recipe == RECIPE_DEFAULT,
                                     .means = s->recipe == RECIPE_DEFAULT,
                                     .linear = s->linear,
                                     .alone = !s->network,
                                     .batch = (size_t)s->batch,
                                     .lr = s->lr,
                                     .backbone_lr = s->backbone_lr,
                                     .seed = weft_run_seed(run),
                                     .precision = s->precision,
                                     .augment = s->augment ? &s->change : NULL,
                                     .par = s->par,
                                     .log = s->log,
                                     .progress = &s->progress,
                                     .checkpoint = {.path = s->checkpoint, .resume = s->resume},
                                     .stopping = stopping,
                                     .ctx = run};
    memcpy(t.backbone, s->backbone_sha, sizeof t.backbone);
    weft_progress_start(&s->progress, weft_run_program(run), weft_run_progress(run));
    int rc = weft_demand_training_run(&t, e);
    weft_progress_end(&s->progress);
    if (rc > 0) {
        rc = weft_interrupted(e);
        if (s->checkpoint)
            weft_fail_hint(e, "--checkpoint %s --resume goes on", s->checkpoint);
    }
    struct weft_st_writer *w = weft_st_writer_new();
    weft_demand_write(s->net, w);
    if (rc == 0)
        rc = save(run, s, w, e);
    weft_st_writer_free(&w);
    if (rc == 0) {
        weft_checkpoint_done(&t.checkpoint);
        char losses[100] = ""; /* none of this run, when the checkpoint was of the last epoch */
        if (!isnan(t.train_loss))
            snprintf(losses, sizeof losses,
                     isnan(t.valid_loss) ? "train loss %.4f; " : "train loss %.4f, validation loss %.4f; ",
                     t.train_loss, t.valid_loss);
        if (t.best_epoch)
            weft_run_info(run, "kept: epoch %lld, validation loss %.4f", (long long)t.best_epoch, t.best_loss);
        weft_run_info(run, "%lld epochs: %s%zu MiB for network, activations and a batch", (long long)t.epoch, losses,
                      weft_demand_training_bytes(&t) / MIB);
    }
    if (rc == 0 && s->set.encoder.broken)
        weft_run_warn(run, "%llu times a picture could not be read: such products were learned as if they had none",
                      (unsigned long long)s->set.encoder.broken);
    weft_demand_training_free(&t);
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_demand_set_free(&s->set);
    weft_demand_shape_free(&s->shape);
    weft_demand_free(&s->net);
    weft_st_close(&s->start);
    weft_par_free(&s->par);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "train-demand",
         .summary = "trains a network from photo, name and numbers of a product to what will become of it",
         .synopsis = "train-demand -o MODEL [OPTION...] [FILE]",
         .reads = "a products stream",
         .writes = "a model file (safetensors)",
         .examples = "weft ingest --layout products garments.csv --images photos | weft embed-text --hash 512 | weft "
                     "train-demand "
                     "--image-size 64 -o demand.safetensors\n"
                     "weft train-demand --backbone resnet18.safetensors --precision bf16 -i products.weft -o "
                     "demand.safetensors\n"
                     "weft train-demand --heads gender:ce,age:focal --no-image --checkpoint run.st --resume -i "
                     "products.weft -o demand.safetensors\n"
                     "weft train-demand --neighbours 10 -i encoded.weft -o neighbours.safetensors\n"
                     "weft score -m demand.safetensors --part valid -i products.weft | weft evaluate",
         .see_also = "ingest, encode-image, embed-text, score, evaluate",
         .notes =
             "ResNet18 is trained through to its first layer; text features are taken as they are. Features, numbers "
             "and keys (one-hot) are joined, then come two fully connected layers with ReLU and dropout between them. "
             "Quantities are learned as the standardised log(1 + x). The loss is the weighted sum of the heads' means; "
             "a missing label takes no part, and a quantity below 0 counts as 0. A product without an image is seen as "
             "grey, a missing number as the mean.\n"
             "Held in memory: every product's frame (pictures stay compressed until their batch comes), and the "
             "network with its gradients, moments and the activations of a batch: with pictures and --batch 32 0.4 GB "
             "at --image-size 32, 0.5 GB at 64, 1.5 GB at 224, without pictures a few MB; -v says how much. Pictures "
             "are read as weft encode-image --help says.\n"
             "The result depends on --seed, not on the order of the products, and, in its last digits, on --threads: "
             "oneDNN adds up weight gradients thread by thread. The weights of the epoch with the least validation "
             "loss are the model's (with --recipe paper, or nothing to validate on, the last one's). Without pictures "
             "every block of inputs (name, each key, numbers) has the norm of one key. The price is a logarithm. A "
             "label of more than 200 classes has the network alone. --valid 0 leaves the last epoch, equal shares, and "
             "no intervals. What epochs, shares and intervals are chosen on is what --part valid measures: it flatters "
             "a little. With --valid-by and without pictures four more networks, each without a fourth of the other "
             "values of the key, say what shares and intervals are found on: about four times as long. The paper's "
             "errors of views and sales (0.092, 0.054) can be neither met nor missed, since it "
             "does not give their scale. Quantities come back as means: medians times what makes their sum that of the "
             "products held out. A training of more epochs can go on from the checkpoint of a shorter one."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_MODEL,
    .schema = WEFT_PRODUCTS_SCHEMA,
    .threads_are_cores = true,
    .threads_matter = true,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
