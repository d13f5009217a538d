/* bert.c - a BertModel as downloaded, and its forward pass over texts laid end to end. */
#include "model/bert.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/par.h"
#include "nn/safetensors.h"
#include "nn/transformer.h"

enum { CONFIG_BYTES = 1 << 20, LAYERS_MAX = 256, WIDTH_MAX = 65536, VOCABULARY_MAX = 1 << 24, NAME = 128 };
/* Tokens that a thread computes together: enough for the products to run at full speed, few enough for its cache. */
enum { CHUNK = 512 };

enum linear { QKV, OUT, UP, DOWN, POOLER, LINEARS };

/* Scale and shift of a layer norm. */
struct norm {
    float *gamma, *beta;
};

struct layer {
    struct weft_dnn_packed *linear[POOLER];
    struct norm attention, output; /* behind OUT and behind DOWN */
};

/* What one thread works with. Arrays have room for `rows` tokens. */
struct worker {
    struct weft_dnn *d;
    struct weft_dnn_linear *linear[LINEARS];
    size_t rows, longest;
    float *x, *y, *qkv, *context, *room;
    void *up;       /* f32 or bf16: what DOWN reads */
    uint16_t *half; /* x or context in bf16; NULL in f32 */
    struct weft_err err;
};

struct weft_bert {
    struct weft_bert_config config;
    enum weft_dnn_type precision;
    struct weft_st *st;
    const char *prefix; /* of tensor names: "" or "bert." */
    const struct weft_st_tensor *words;
    float *positions; /* position embeddings plus that of type 0, [positions, hidden] */
    struct norm embeddings;
    struct layer *layers;
    struct weft_dnn_packed *pooler; /* or NULL */
    struct weft_par *par;
    struct worker *workers;
    int threads;
    char sha256[65];
};

/* ---- config.json ---- */

static int config_size(const weft_json *j, const char *key, size_t max, size_t *out, struct weft_err *e)
{
    const weft_json *v = weft_json_get(j, key);
    int64_t n = v != NULL && weft_json_kind(v) == WEFT_JSON_INT ? weft_json_int(v) : 0;
    if (n < 1 || (uint64_t)n > max)
        return weft_fail(e, WEFT_DATA, "\"%s\" is no whole number from 1 to %zu", key, max);
    *out = (size_t)n;
    return 0;
}

static int config_activation(const weft_json *j, enum weft_dnn_activation *out, struct weft_err *e)
{
    static const struct {
        const char *name;
        enum weft_dnn_activation activation;
    } known[] = {{"gelu", WEFT_DNN_GELU},
                 {"gelu_new", WEFT_DNN_GELU_TANH},
                 {"gelu_pytorch_tanh", WEFT_DNN_GELU_TANH},
                 {"relu", WEFT_DNN_RELU}};
    const weft_json *v = weft_json_get(j, "hidden_act");
    const char *name = v == NULL ? "gelu" : weft_json_str(v, NULL);
    for (size_t i = 0; name != NULL && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].activation;
            return 0;
        }
    return weft_fail(e, WEFT_CONFIG, "hidden_act \"%.40s\" is none of gelu, gelu_new, gelu_pytorch_tanh, relu",
                     name ? name : "");
}

/* A text entry that must be absent or `want`. */
static int config_only(const weft_json *j, const char *key, const char *want, struct weft_err *e)
{
    const weft_json *v = weft_json_get(j, key);
    const char *s = v == NULL ? want : weft_json_str(v, NULL);
    if (s == NULL || strcmp(s, want) != 0)
        return weft_fail(e, WEFT_CONFIG, "%s \"%.40s\": only \"%s\" can be computed", key, s ? s : "", want);
    return 0;
}

static int config_read(const weft_json *j, struct weft_bert_config *c, struct weft_err *e)
{
    const weft_json *eps = weft_json_get(j, "layer_norm_eps");
    if (weft_json_kind(j) != WEFT_JSON_OBJECT)
        return weft_fail(e, WEFT_DATA, "no JSON object");
    if (config_only(j, "model_type", "bert", e) < 0 || config_only(j, "position_embedding_type", "absolute", e) < 0 ||
        config_size(j, "hidden_size", WIDTH_MAX, &c->hidden, e) < 0 ||
        config_size(j, "num_hidden_layers", LAYERS_MAX, &c->layers, e) < 0 ||
        config_size(j, "num_attention_heads", WIDTH_MAX, &c->heads, e) < 0 ||
        config_size(j, "intermediate_size", WIDTH_MAX, &c->intermediate, e) < 0 ||
        config_size(j, "vocab_size", VOCABULARY_MAX, &c->vocabulary, e) < 0 ||
        config_size(j, "max_position_embeddings", WIDTH_MAX, &c->positions, e) < 0 ||
        config_size(j, "type_vocab_size", WIDTH_MAX, &c->types, e) < 0 || config_activation(j, &c->activation, e) < 0)
        return -1;
    c->eps = eps == NULL ? 1e-12f : (float)weft_json_real(eps);
    if (!(c->eps >= 0 && c->eps < 1))
        return weft_fail(e, WEFT_DATA, "\"layer_norm_eps\" is no small number");
    if (c->hidden % c->heads != 0)
        return weft_fail(e, WEFT_DATA, "hidden_size %zu can't be shared by %zu heads", c->hidden, c->heads);
    return 0;
}

/* ---- weights ---- */

/* A tensor's name in the file; layer -1: outside the layers. */
static const char *full_name(const struct weft_bert *b, int layer, const char *module, const char *part, char buf[NAME])
{
    if (layer < 0)
        snprintf(buf, NAME, "%s%s.%s", b->prefix, module, part);
    else
        snprintf(buf, NAME, "%sencoder.layer.%d.%s.%s", b->prefix, layer, module, part);
    return buf;
}

/* A new array of its floats, [rows, columns], or [rows] when columns is 0. */
static int read_floats(const struct weft_bert *b, int layer, const char *module, const char *part, size_t rows,
                       size_t columns, float **out, struct weft_err *e)
{
    char name[NAME];
    return weft_st_weights(b->st, full_name(b, layer, module, part, name), (size_t[]){rows, columns}, columns ? 2 : 1,
                           out, e);
}

/* Files that come from TensorFlow say gamma and beta. */
static int read_norm(const struct weft_bert *b, int layer, const char *module, struct norm *n, struct weft_err *e)
{
    char name[NAME];
    bool old = weft_st_find(b->st, full_name(b, layer, module, "gamma", name)) != NULL;
    return read_floats(b, layer, module, old ? "gamma" : "weight", b->config.hidden, 0, &n->gamma, e) < 0
               ? -1
               : read_floats(b, layer, module, old ? "beta" : "bias", b->config.hidden, 0, &n->beta, e);
}

/* Packs the linear layers `modules[0..n)`, one below the other, as one of `out` rows each. */
static int read_linear(struct weft_bert *b, int layer, const char *const *modules, size_t n, enum linear kind,
                       size_t in, size_t out, struct weft_dnn_packed **packed, struct weft_err *e)
{
    float *weights = weft_xaligned(n * in * out, sizeof *weights), *bias = WEFT_ARRAY(float, n *out);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        float *w = NULL, *v = NULL;
        if (read_floats(b, layer, modules[i], "weight", out, in, &w, e) < 0 ||
            read_floats(b, layer, modules[i], "bias", out, 0, &v, e) < 0) {
            rc = -1;
        } else {
            memcpy(weights + i * in * out, w, in * out * sizeof *w);
            memcpy(bias + i * out, v, out * sizeof *v);
        }
        free(w);
        free(v);
    }
    if (rc == 0)
        rc = weft_dnn_linear_pack(b->workers[0].linear[kind], weights, bias, packed, e);
    free(weights);
    free(bias);
    return rc;
}

static int read_layer(struct weft_bert *b, int i, struct weft_err *e)
{
    static const char *const qkv[] = {"attention.self.query", "attention.self.key", "attention.self.value"},
                             *const out[] = {"attention.output.dense"}, *const up[] = {"intermediate.dense"},
                             *const down[] = {"output.dense"};
    const struct weft_bert_config *c = &b->config;
    struct layer *l = &b->layers[i];
    return read_linear(b, i, qkv, 3, QKV, c->hidden, c->hidden, &l->linear[QKV], e) < 0 ||
                   read_linear(b, i, out, 1, OUT, c->hidden, c->hidden, &l->linear[OUT], e) < 0 ||
                   read_linear(b, i, up, 1, UP, c->hidden, c->intermediate, &l->linear[UP], e) < 0 ||
                   read_linear(b, i, down, 1, DOWN, c->intermediate, c->hidden, &l->linear[DOWN], e) < 0 ||
                   read_norm(b, i, "attention.output.LayerNorm", &l->attention, e) < 0 ||
                   read_norm(b, i, "output.LayerNorm", &l->output, e) < 0
               ? -1
               : 0;
}

/* Word embeddings stay where they are; their shape is checked here, once. */
static int read_embeddings(struct weft_bert *b, struct weft_err *e)
{
    const struct weft_bert_config *c = &b->config;
    char name[NAME];
    float *types = NULL;
    b->prefix = weft_st_find(b->st, "embeddings.word_embeddings.weight") == NULL ? "bert." : "";
    b->words = weft_st_find(b->st, full_name(b, -1, "embeddings.word_embeddings", "weight", name));
    if (b->words == NULL)
        return weft_fail(e, WEFT_DATA,
                         "no tensor \"embeddings.word_embeddings.weight\", with or without \"bert.\": no BERT model");
    if (b->words->rank != 2 || b->words->dims[0] != c->vocabulary || b->words->dims[1] != c->hidden)
        return weft_fail(e, WEFT_DATA, "tensor \"%s\" is not [%zu, %zu], as config.json says", name, c->vocabulary,
                         c->hidden);
    if (read_floats(b, -1, "embeddings.position_embeddings", "weight", c->positions, c->hidden, &b->positions, e) < 0 ||
        read_floats(b, -1, "embeddings.token_type_embeddings", "weight", c->types, c->hidden, &types, e) < 0 ||
        read_norm(b, -1, "embeddings.LayerNorm", &b->embeddings, e) < 0) {
        free(types);
        return -1;
    }
    for (size_t i = 0; i < c->positions * c->hidden; i++)
        b->positions[i] += types[i % c->hidden];
    free(types);
    return 0;
}

static int read_pooler(struct weft_bert *b, struct weft_err *e)
{
    static const char *const pooler[] = {"pooler.dense"};
    char name[NAME];
    if (weft_st_find(b->st, full_name(b, -1, pooler[0], "weight", name)) == NULL)
        return 0;
    return read_linear(b, -1, pooler, 1, POOLER, b->config.hidden, b->config.hidden, &b->pooler, e);
}

/* ---- workers ---- */

static int worker_make(struct worker *w, const struct weft_bert_config *c, enum weft_dnn_type type, struct weft_err *e)
{
    const struct weft_dnn_linear_spec specs[LINEARS] = {
        [QKV] = {c->hidden, 3 * c->hidden, WEFT_DNN_IDENTITY, type, WEFT_DNN_F32},
        [OUT] = {c->hidden, c->hidden, WEFT_DNN_IDENTITY, type, WEFT_DNN_F32},
        [UP] = {c->hidden, c->intermediate, c->activation, type, type},
        [DOWN] = {c->intermediate, c->hidden, WEFT_DNN_IDENTITY, type, WEFT_DNN_F32},
        [POOLER] = {c->hidden, c->hidden, WEFT_DNN_TANH, type, WEFT_DNN_F32},
    };
    if (weft_dnn_new(1, &w->d, e) < 0)
        return -1;
    for (int k = 0; k < LINEARS; k++)
        if (weft_dnn_linear_new(w->d, &specs[k], &w->linear[k], e) < 0)
            return -1;
    return 0;
}

static void worker_clear(struct worker *w)
{
    free(w->x);
    free(w->y);
    free(w->qkv);
    free(w->context);
    free(w->room);
    free(w->up);
    free(w->half);
    w->x = w->y = w->qkv = w->context = w->room = NULL;
    w->up = NULL;
    w->half = NULL;
    w->rows = w->longest = 0;
}

/* Room for `rows` tokens, the longest text having `longest`. Zeroed, so that rows of padding hold numbers. */
static void worker_reserve(struct worker *w, const struct weft_bert *b, size_t rows, size_t longest)
{
    const struct weft_bert_config *c = &b->config;
    rows = weft_dnn_rows(rows > w->rows ? rows : w->rows);
    longest = longest > w->longest ? longest : w->longest;
    if (rows == w->rows && longest == w->longest)
        return;
    worker_clear(w);
    w->rows = rows;
    w->longest = longest;
    w->x = WEFT_ARRAY(float, rows * c->hidden);
    w->y = WEFT_ARRAY(float, rows * c->hidden);
    w->qkv = WEFT_ARRAY(float, rows * 3 * c->hidden);
    w->context = WEFT_ARRAY(float, rows * c->hidden);
    w->up = WEFT_ARRAY(float, rows * c->intermediate);
    w->half = b->precision == WEFT_DNN_BF16 ? WEFT_ARRAY(uint16_t, rows * c->hidden) : NULL;
    w->room = WEFT_ARRAY(float, weft_attention_room(longest, c->hidden / c->heads));
}

/* ---- opening ---- */

static int read_config(const char *path, struct weft_bert *b, char sha256[65], struct weft_err *e)
{
    struct weft_mapping m;
    if (weft_map_open(path, CONFIG_BYTES, &m, e) < 0)
        return -1;
    weft_json *j = weft_json_parse((const char *)m.p, m.n, e);
    int rc = j == NULL ? -1 : config_read(j, &b->config, e);
    weft_sha256_hex(m.p, m.n, sha256);
    weft_json_free(&j);
    weft_map_close(&m);
    return rc < 0 ? weft_fail_where(e, "%s", path) : 0;
}

static int read_weights(const char *path, struct weft_bert *b, struct weft_err *e)
{
    if (weft_st_open(path, &b->st, e) < 0)
        return -1;
    b->layers = WEFT_ARRAY(struct layer, b->config.layers);
    int rc = read_embeddings(b, e) < 0 || read_pooler(b, e) < 0 ? -1 : 0;
    for (size_t i = 0; i < b->config.layers && rc == 0; i++)
        rc = read_layer(b, (int)i, e);
    return rc < 0 ? weft_fail_where(e, "%s", path) : 0;
}

static int open_model(const char *config, const char *model, struct weft_bert *b, struct weft_err *e)
{
    char both[2 * 64 + 1];
    if (read_config(config, b, both, e) < 0)
        return -1;
    if (b->precision == WEFT_DNN_BF16 && !weft_dnn_has_bf16())
        return weft_fail(e, WEFT_CONFIG, "this CPU has no bf16 arithmetic (AVX-512 BF16)");
    for (int i = 0; i < b->threads; i++)
        if (worker_make(&b->workers[i], &b->config, b->precision, e) < 0)
            return -1;
    if (read_weights(model, b, e) < 0)
        return -1;
    weft_st_sha256(b->st, both + 64);
    weft_sha256_hex(both, 128, b->sha256);
    return 0;
}

int weft_bert_open(const char *dir, int threads, enum weft_dnn_type precision, struct weft_bert **out,
                   struct weft_err *e)
{
    struct weft_bert *b = WEFT_NEW(struct weft_bert);
    char *config = weft_xasprintf("%s/config.json", dir), *model = weft_xasprintf("%s/model.safetensors", dir);
    b->precision = precision;
    b->par = weft_par_new(threads);
    b->threads = weft_par_threads(b->par);
    b->workers = WEFT_ARRAY(struct worker, (size_t)b->threads);
    int rc = open_model(config, model, b, e);
    free(config);
    free(model);
    if (rc < 0)
        weft_bert_free(&b);
    *out = b;
    return rc;
}

static void norm_free(struct norm *n)
{
    free(n->gamma);
    free(n->beta);
}

void weft_bert_free(struct weft_bert **bp)
{
    struct weft_bert *b = *bp;
    if (b == NULL)
        return;
    for (size_t i = 0; b->layers != NULL && i < b->config.layers; i++) {
        for (int k = 0; k < POOLER; k++)
            weft_dnn_packed_free(&b->layers[i].linear[k]);
        norm_free(&b->layers[i].attention);
        norm_free(&b->layers[i].output);
    }
    for (int i = 0; i < b->threads; i++) {
        worker_clear(&b->workers[i]);
        for (int k = 0; k < LINEARS; k++)
            weft_dnn_linear_free(&b->workers[i].linear[k]);
        weft_dnn_free(&b->workers[i].d);
    }
    weft_dnn_packed_free(&b->pooler);
    norm_free(&b->embeddings);
    free(b->positions);
    free(b->layers);
    free(b->workers);
    weft_par_free(&b->par);
    weft_st_close(&b->st);
    free(b);
    *bp = NULL;
}

const struct weft_bert_config *weft_bert_config(const struct weft_bert *b)
{
    return &b->config;
}

bool weft_bert_has_pooler(const struct weft_bert *b)
{
    return b->pooler != NULL;
}

void weft_bert_sha256(const struct weft_bert *b, char out[65])
{
    memcpy(out, b->sha256, sizeof b->sha256);
}

/* ---- forward ---- */

/* Texts [from, from + n), `tokens` in all. */
struct chunk {
    size_t from, n, tokens, longest;
};

struct job {
    struct weft_bert *b;
    const struct weft_bert_text *texts;
    struct chunk *chunks;
    size_t n_chunks;
    atomic_size_t next;
    enum weft_bert_pool pool;
    float *vectors;
};

/* What a linear layer reads for rows x. */
static const void *operand(const struct weft_bert *b, struct worker *w, const float *x, size_t rows)
{
    if (b->precision != WEFT_DNN_BF16)
        return x;
    weft_to_bf16(x, rows * b->config.hidden, w->half);
    return w->half;
}

static void embed(const struct weft_bert *b, struct worker *w, const struct weft_bert_text *texts,
                  const struct chunk *c)
{
    size_t hidden = b->config.hidden, row = 0;
    for (size_t i = c->from; i < c->from + c->n; i++)
        for (size_t t = 0; t < texts[i].n; t++, row++) {
            float *x = w->x + row * hidden;
            weft_st_values(b->words, (size_t)texts[i].ids[t] * hidden, hidden, x);
            for (size_t k = 0; k < hidden; k++)
                x[k] += b->positions[t * hidden + k];
        }
    weft_layer_norm(row, hidden, NULL, b->embeddings.gamma, b->embeddings.beta, b->config.eps, w->x);
}

static void attend(const struct weft_bert *b, struct worker *w, const struct weft_bert_text *texts,
                   const struct chunk *c)
{
    size_t hidden = b->config.hidden, heads = b->config.heads, row = 0;
    for (size_t i = c->from; i < c->from + c->n; row += texts[i++].n)
        weft_attention(texts[i].n, heads, hidden / heads, w->qkv + row * 3 * hidden, w->room,
                       w->context + row * hidden);
}

static int forward_layer(const struct weft_bert *b, struct worker *w, const struct layer *l,
                         const struct weft_bert_text *texts, const struct chunk *c, struct weft_err *e)
{
    size_t rows = c->tokens, hidden = b->config.hidden;
    if (weft_dnn_linear_run(w->linear[QKV], l->linear[QKV], operand(b, w, w->x, rows), rows, w->qkv, e) < 0)
        return -1;
    attend(b, w, texts, c);
    if (weft_dnn_linear_run(w->linear[OUT], l->linear[OUT], operand(b, w, w->context, rows), rows, w->y, e) < 0)
        return -1;
    weft_layer_norm(rows, hidden, w->y, l->attention.gamma, l->attention.beta, b->config.eps, w->x);
    if (weft_dnn_linear_run(w->linear[UP], l->linear[UP], operand(b, w, w->x, rows), rows, w->up, e) < 0 ||
        weft_dnn_linear_run(w->linear[DOWN], l->linear[DOWN], w->up, rows, w->y, e) < 0)
        return -1;
    weft_layer_norm(rows, hidden, w->y, l->output.gamma, l->output.beta, b->config.eps, w->x);
    return 0;
}

/* Mean of rows [1, n - 1). */
static void mean(const float *x, size_t n, size_t hidden, float *out)
{
    for (size_t k = 0; k < hidden; k++) {
        double sum = 0;
        for (size_t t = 1; t + 1 < n; t++)
            sum += x[t * hidden + k];
        out[k] = n > 2 ? (float)(sum / (double)(n - 2)) : 0;
    }
}

/* First tokens are gathered in w->context. */
static int pool(const struct job *j, struct worker *w, const struct chunk *c, struct weft_err *e)
{
    const struct weft_bert *b = j->b;
    size_t hidden = b->config.hidden, row = 0;
    float *vectors = j->vectors + c->from * hidden;
    for (size_t i = 0; i < c->n; row += j->texts[c->from + i++].n) {
        if (j->pool == WEFT_BERT_MEAN)
            mean(w->x + row * hidden, j->texts[c->from + i].n, hidden, vectors + i * hidden);
        else
            memcpy(w->context + i * hidden, w->x + row * hidden, hidden * sizeof *w->x);
    }
    if (j->pool == WEFT_BERT_MEAN)
        return 0;
    if (j->pool == WEFT_BERT_POOLER &&
        weft_dnn_linear_run(w->linear[POOLER], b->pooler, operand(b, w, w->context, c->n), c->n, w->y, e) < 0)
        return -1;
    memcpy(vectors, j->pool == WEFT_BERT_POOLER ? w->y : w->context, c->n * hidden * sizeof *vectors);
    return 0;
}

static int forward(const struct job *j, struct worker *w, const struct chunk *c, struct weft_err *e)
{
    const struct weft_bert *b = j->b;
    worker_reserve(w, b, c->tokens, c->longest);
    embed(b, w, j->texts, c);
    for (size_t i = 0; i < b->config.layers; i++)
        if (forward_layer(b, w, &b->layers[i], j->texts, c, e) < 0)
            return -1;
    return pool(j, w, c, e);
}

/* Worker i takes chunks as long as there are any. */
static void work(void *ctx, size_t i)
{
    struct job *j = ctx;
    struct worker *w = &j->b->workers[i];
    for (size_t k; w->err.code == 0 && (k = atomic_fetch_add(&j->next, 1)) < j->n_chunks;)
        (void)!forward(j, w, &j->chunks[k], &w->err);
}

static int check(const struct weft_bert *b, const struct weft_bert_text *texts, size_t n, size_t *tokens,
                 struct weft_err *e)
{
    *tokens = 0;
    for (size_t i = 0; i < n; i++) {
        if (texts[i].n < 1 || texts[i].n > b->config.positions)
            return weft_fail(e, WEFT_CONFIG, "a text of %zu tokens: this BERT takes 1 to %zu", texts[i].n,
                             b->config.positions);
        for (size_t t = 0; t < texts[i].n; t++)
            if (texts[i].ids[t] < 0 || (size_t)texts[i].ids[t] >= b->config.vocabulary)
                return weft_fail(e, WEFT_CONFIG, "token %d: this BERT has %zu", texts[i].ids[t], b->config.vocabulary);
        *tokens += texts[i].n;
    }
    return 0;
}

/* Cuts the texts into chunks of about one size: as many as threads, or more when a chunk would be larger than CHUNK. */
static size_t cut(const struct weft_bert_text *texts, size_t n, size_t tokens, size_t threads, struct chunk *chunks)
{
    size_t count = 0, share = (tokens + threads - 1) / threads;
    share = share < CHUNK ? share : CHUNK;
    for (size_t i = 0; i < n; i++) {
        if (count == 0 || chunks[count - 1].tokens >= share)
            chunks[count++] = (struct chunk){.from = i};
        struct chunk *c = &chunks[count - 1];
        c->n++;
        c->tokens += texts[i].n;
        c->longest = texts[i].n > c->longest ? texts[i].n : c->longest;
    }
    return count;
}

int weft_bert_embed(struct weft_bert *b, const struct weft_bert_text *texts, size_t n, enum weft_bert_pool pooling,
                    float *vectors, struct weft_err *e)
{
    size_t tokens;
    if (pooling == WEFT_BERT_POOLER && b->pooler == NULL)
        return weft_fail(e, WEFT_CONFIG, "this BERT has no pooler: pool by mean or cls");
    if (check(b, texts, n, &tokens, e) < 0)
        return -1;
    struct job j = {
        .b = b, .texts = texts, .chunks = WEFT_ARRAY(struct chunk, n + 1), .pool = pooling, .vectors = vectors};
    j.n_chunks = cut(texts, n, tokens, (size_t)b->threads, j.chunks);
    for (int i = 0; i < b->threads; i++)
        b->workers[i].err = (struct weft_err){0};
    weft_par_for(b->par, (size_t)b->threads, work, &j);
    free(j.chunks);
    for (int i = 0; i < b->threads; i++)
        if (b->workers[i].err.code != 0) {
            *e = b->workers[i].err;
            return -1;
        }
    return 0;
}
