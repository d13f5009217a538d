/* text_embed.c - WordPiece and a frozen BERT, or hashed character n-grams. Names that were met before cost nothing. */
#include "apply/text_embed.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/memo.h"
#include "model/bert.h"
#include "record/products.h"
#include "text/ngram.h"
#include "text/wordpiece.h"

enum { HELD_BYTES_MAX = 64 << 20, MEMO_BYTES = 64 << 20, NAME_BYTES_MAX = 16384, MISSING = -1, KNOWN = -2 };

/* A frame that waits for its batch. */
struct held {
    struct weft_pack frame;
    int text; /* number of its name among the batch's new ones; MISSING; KNOWN: its features are there already */
};

struct weft_text_embedder {
    const struct weft_text_embed_options *o;
    struct weft_products_attrs attrs;
    struct weft_product product;
    struct weft_wordpiece *tokenizer;
    struct weft_bert *bert;
    struct weft_memo *memo; /* features by token ids */
    struct weft_codes codes;
    struct held *held;
    size_t n, bytes, width;
    float *features;              /* [batch, width] of the held frames */
    struct weft_bert_text *texts; /* names that are new in this batch, each once */
    int32_t *ids;                 /* theirs, most + 1 apart */
    float *vectors;               /* theirs, [n_texts, width] */
    size_t n_texts;
    struct weft_edit edit;
    struct weft_pack out;
    uint64_t missing, done, cut, computed;
};

/* Tokenizer and model, and whether they and the options fit together. */
static int load(struct weft_run *run, struct weft_text_embedder *s, struct weft_err *e)
{
    char sha256[2 * 64 + 1];
    if (weft_wordpiece_open(s->o->model, s->o->normalize == 0, &s->tokenizer, e) < 0 ||
        weft_bert_open(s->o->model, weft_run_threads(run), s->o->precision ? WEFT_DNN_BF16 : WEFT_DNN_F32, &s->bert,
                       e) < 0)
        return -1;
    const struct weft_bert_config *c = weft_bert_config(s->bert);
    if (weft_wordpiece_size(s->tokenizer) > c->vocabulary)
        return weft_fail(e, WEFT_CONFIG, "%s: vocab.txt has %zu tokens, the model %zu", s->o->model,
                         weft_wordpiece_size(s->tokenizer), c->vocabulary);
    if ((size_t)s->o->most > c->positions)
        return weft_fail(e, WEFT_CONFIG, "--max-tokens %d: this model takes %zu", (int)s->o->most, c->positions);
    if (s->o->pool == WEFT_BERT_POOLER && !weft_bert_has_pooler(s->bert))
        return weft_fail(e, WEFT_CONFIG, "%s: this model has no pooler; --pool mean or cls", s->o->model);
    if (c->hidden > WEFT_PRODUCT_FEATURES_MAX)
        return weft_fail(e, WEFT_CONFIG, "%s: %zu features, at most %d", s->o->model, c->hidden,
                         WEFT_PRODUCT_FEATURES_MAX);
    if (weft_wordpiece_kept_syllables(s->tokenizer))
        weft_run_warn(run,
                      "%s: no tokenizer_config.json, and the vocabulary has Hangul syllables and no capitals: names "
                      "are lower-cased, accents and syllables stay",
                      s->o->model);
    s->width = c->hidden;
    s->memo = weft_memo_new(MEMO_BYTES, (size_t)s->o->most * sizeof(int32_t), s->width * sizeof(float));
    weft_wordpiece_sha256(s->tokenizer, sha256);
    weft_bert_sha256(s->bert, sha256 + 64);
    weft_sha256_hex(sha256, 128, sha256);
    weft_run_lineage_arg(run, "model", sha256);
    return 0;
}

int weft_text_embedder_start(struct weft_run *run, const struct weft_text_embed_options *o,
                             struct weft_text_embedder **out, struct weft_err *e)
{
    struct weft_text_embedder *s = *out = WEFT_NEW(struct weft_text_embedder);
    s->o = o;
    const struct weft_head *h = weft_run_in_head(run);
    s->width = (size_t)s->o->hash;
    if (weft_products_attrs_read(h, &s->attrs, e) < 0 || (s->o->model != NULL && load(run, s, e) < 0))
        return -1;
    size_t batch = (size_t)s->o->batch;
    s->held = WEFT_ARRAY(struct held, batch);
    s->features = WEFT_ARRAY(float, batch * s->width);
    s->vectors = WEFT_ARRAY(float, batch * s->width);
    s->texts = WEFT_ARRAY(struct weft_bert_text, batch);
    s->ids = WEFT_ARRAY(int32_t, batch * (size_t)(s->o->most + 1));
    struct weft_products_attrs attrs = s->attrs;
    struct weft_pack b = {0};
    attrs.text_features = s->width;
    weft_products_attrs_write(&attrs, h->attrs, &b);
    int rc = weft_run_head(run, WEFT_PRODUCTS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

/* --- a name --- */

/* One of the texts that wait already, or -1. */
static int waiting(const struct weft_text_embedder *s, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < s->n_texts; i++)
        if (s->texts[i].n == n && memcmp(s->texts[i].ids, ids, n * sizeof *ids) == 0)
            return (int)i;
    return -1;
}

/* A name's tokens: known from before, waiting in this batch, or new. Writes the features when they are known. cut: n
 * bytes are not all of it. */
static int look_up(struct weft_text_embedder *s, const char *name, size_t n, bool cut, float *features)
{
    size_t most = (size_t)s->o->most;
    int32_t *ids = s->ids + s->n_texts * (most + 1);
    size_t count = weft_wordpiece_encode(s->tokenizer, name, n, most + 1, ids);
    s->cut += cut || count > most;
    if (count > most) {
        ids[most - 1] = ids[most]; /* [SEP] */
        count = most;
    }
    if (count <= 2)
        return MISSING;
    const void *known = weft_memo_get(s->memo, ids, count * sizeof *ids);
    if (known != NULL) {
        memcpy(features, known, s->width * sizeof *features);
        return KNOWN;
    }
    int text = waiting(s, ids, count);
    if (text >= 0)
        return text;
    s->texts[s->n_texts] = (struct weft_bert_text){ids, count};
    return (int)s->n_texts++;
}

static int read_name(struct weft_text_embedder *s, struct weft_span name, float *features)
{
    size_t n = name.n < NAME_BYTES_MAX ? name.n : NAME_BYTES_MAX;
    bool cut = n < name.n;
    if (name.p == NULL || n == 0)
        return MISSING;
    if (s->bert != NULL)
        return look_up(s, (const char *)name.p, n, cut, features);
    s->cut += cut;
    return weft_ngrams((const char *)name.p, n, s->o->normalize == 0, s->width, &s->codes, features) ? KNOWN : MISSING;
}

/* --- a batch --- */

static int compute(struct weft_text_embedder *s, struct weft_err *e)
{
    if (s->n_texts == 0)
        return 0;
    if (weft_bert_embed(s->bert, s->texts, s->n_texts, (enum weft_bert_pool)s->o->pool, s->vectors, e) < 0)
        return -1;
    for (size_t i = 0; i < s->n_texts; i++)
        weft_memo_put(s->memo, s->texts[i].ids, s->texts[i].n * sizeof(int32_t), s->vectors + i * s->width);
    s->computed += s->n_texts;
    return 0;
}

static int emit(struct weft_run *run, struct weft_text_embedder *s, const struct held *h, const float *features,
                struct weft_err *e)
{
    if (weft_edit_load(&s->edit, weft_pack_span(&h->frame), e) < 0)
        return -1;
    weft_edit_drop(&s->edit, "text_features"); /* of an earlier run */
    if (features != NULL) {
        weft_pack_f32(weft_edit_set(&s->edit, "text_features"), 1, (uint32_t[]){(uint32_t)s->width}, features);
        weft_edit_done(&s->edit);
    }
    weft_pack_clear(&s->out);
    weft_edit_write(&s->edit, &s->out);
    return weft_run_emit(run, weft_pack_span(&s->out), e);
}

static int flush(struct weft_run *run, struct weft_text_embedder *s, struct weft_err *e)
{
    if (compute(s, e) < 0)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        int text = s->held[i].text;
        const float *f = text == MISSING ? NULL
                         : text == KNOWN ? s->features + i * s->width
                                         : s->vectors + (size_t)text * s->width;
        s->done += f != NULL;
        if (emit(run, s, &s->held[i], f, e) < 0 || weft_run_done(run, e) < 0)
            return -1;
    }
    s->n = s->bytes = s->n_texts = 0;
    return 0;
}

int weft_text_embedder_frame(struct weft_run *run, struct weft_text_embedder *s, struct weft_span in,
                             struct weft_err *e)
{
    struct held *h = &s->held[s->n];
    if (weft_product_read(in, &s->attrs, &s->product, e) < 0)
        return -1;
    h->text = read_name(s, s->product.name, s->features + s->n * s->width);
    s->missing += h->text == MISSING;
    weft_pack_clear(&h->frame);
    weft_pack_raw(&h->frame, in);
    s->n++;
    s->bytes += in.n;
    /* A full batch, or nobody knows when the next frame comes. */
    if (s->n == (size_t)s->o->batch || s->bytes > HELD_BYTES_MAX || !weft_run_ready(run))
        return flush(run, s, e);
    return 0;
}

int weft_text_embedder_drain(struct weft_run *run, struct weft_text_embedder *s, struct weft_err *e)
{
    if (flush(run, s, e) < 0)
        return -1;
    if (s->cut > 0)
        weft_run_info(run, "%llu names were too long and cut", (unsigned long long)s->cut);
    weft_run_info(run, "%llu names embedded, %llu of them computed, %llu products without one",
                  (unsigned long long)s->done, (unsigned long long)(s->bert != NULL ? s->computed : s->done),
                  (unsigned long long)s->missing);
    return 0;
}

void weft_text_embedder_free(struct weft_text_embedder **p)
{
    struct weft_text_embedder *s = *p;
    if (!s)
        return;
    for (size_t i = 0; s->held != NULL && i < (size_t)s->o->batch; i++)
        weft_pack_free(&s->held[i].frame);
    free(s->held);
    free(s->features);
    free(s->vectors);
    free(s->texts);
    free(s->ids);
    weft_codes_free(&s->codes);
    weft_memo_free(&s->memo);
    weft_bert_free(&s->bert);
    weft_wordpiece_free(&s->tokenizer);
    weft_product_free(&s->product);
    weft_products_attrs_free(&s->attrs);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->out);
    free(s);
    *p = NULL;
}
