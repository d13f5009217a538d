/* bench_bert [THREADS [REPEATS [LENGTHS]]]: sequences a second of a BERT-base (12 layers of 768), f32 and bf16: 32
 * texts of 32 tokens, 32 of 128, one of 32; or, with LENGTHS (a file, one number of tokens a line), 32 of 32 and all of
 * those texts. The model is made in $TMPDIR (175 MB) with a small vocabulary: looking words up costs nothing. Prints
 * one line each, best and median of the repeats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/bert.h"
#include "base/mem.h"
#include "nn/safetensors.h"

enum { HIDDEN = 768, INNER = 3072, LAYERS = 12, VOCABULARY = 1000, POSITIONS = 512, REPEATS_MAX = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- a model: every tensor is the beginning of the same small random numbers, in bf16 ---- */

static void add(struct weft_st_writer *w, const uint16_t *data, const char *name, size_t rows, size_t columns)
{
    weft_st_writer_tensor(w, name, WEFT_ST_BF16, columns ? 2 : 1, (size_t[]){rows, columns}, data);
}

static void add_linear(struct weft_st_writer *w, const uint16_t *data, const char *module, size_t rows, size_t columns)
{
    char name[128];
    snprintf(name, sizeof name, "%s.weight", module);
    add(w, data, name, rows, columns);
    snprintf(name, sizeof name, "%s.bias", module);
    add(w, data, name, rows, 0);
}

static void add_layer(struct weft_st_writer *w, const uint16_t *data, int i)
{
    static const struct {
        const char *name;
        size_t rows, columns;
    } parts[] = {{"attention.self.query", HIDDEN, HIDDEN},  {"attention.self.key", HIDDEN, HIDDEN},
                 {"attention.self.value", HIDDEN, HIDDEN},  {"attention.output.dense", HIDDEN, HIDDEN},
                 {"attention.output.LayerNorm", HIDDEN, 0}, {"intermediate.dense", INNER, HIDDEN},
                 {"output.dense", HIDDEN, INNER},           {"output.LayerNorm", HIDDEN, 0}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        char name[96];
        snprintf(name, sizeof name, "encoder.layer.%d.%s", i, parts[k].name);
        add_linear(w, data, name, parts[k].rows, parts[k].columns);
    }
}

static int make_model(const char *dir, struct weft_err *e)
{
    char path[512];
    uint16_t *data = WEFT_ARRAY(uint16_t, INNER * HIDDEN);
    uint32_t seed = 1;
    for (size_t i = 0; i < (size_t)INNER * HIDDEN; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = (uint16_t)(0x3c00 | (seed >> 16 & 0x80ff)); /* 0.008 to 0.03, either sign */
    }
    struct weft_st_writer *w = weft_st_writer_new();
    add(w, data, "embeddings.word_embeddings.weight", VOCABULARY, HIDDEN);
    add(w, data, "embeddings.position_embeddings.weight", POSITIONS, HIDDEN);
    add(w, data, "embeddings.token_type_embeddings.weight", 2, HIDDEN);
    add_linear(w, data, "embeddings.LayerNorm", HIDDEN, 0);
    for (int i = 0; i < LAYERS; i++)
        add_layer(w, data, i);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    int rc = weft_st_save(w, path, e);
    weft_st_writer_free(&w);
    free(data);
    snprintf(path, sizeof path, "%s/config.json", dir);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", path);
    fprintf(f,
            "{\"hidden_size\":%d,\"num_hidden_layers\":%d,\"num_attention_heads\":12,\"intermediate_size\":%d,\"vocab_"
            "size\":%d,"
            "\"max_position_embeddings\":%d,\"type_vocab_size\":2}\n",
            HIDDEN, LAYERS, INNER, VOCABULARY, POSITIONS);
    return fclose(f) != 0 ? weft_fail_errno(e, WEFT_IO, "can't write %s", path) : rc;
}

static void remove_model(const char *dir)
{
    static const char *const names[] = {"model.safetensors", "config.json"};
    for (int i = 0; i < 2; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

/* ---- measuring ---- */

struct corpus {
    const char *name;
    struct weft_bert_text *texts;
    size_t n;
};

static struct corpus corpus_of(const char *name, const size_t *lengths, size_t n)
{
    static int32_t ids[POSITIONS];
    for (int i = 0; i < POSITIONS; i++)
        ids[i] = i * 37 % VOCABULARY;
    struct corpus c = {name, WEFT_ARRAY(struct weft_bert_text, n), n};
    for (size_t i = 0; i < n; i++)
        c.texts[i] = (struct weft_bert_text){ids, lengths[i]};
    return c;
}

static struct corpus corpus_same(const char *name, size_t n, size_t length)
{
    size_t lengths[32];
    for (size_t i = 0; i < n; i++)
        lengths[i] = length;
    return corpus_of(name, lengths, n);
}

static struct corpus corpus_read(const char *path)
{
    size_t *lengths = NULL, n = 0, value;
    FILE *f = fopen(path, "r");
    while (f != NULL && fscanf(f, "%zu", &value) == 1 && value >= 1 && value <= POSITIONS) {
        lengths = weft_xrealloc2(lengths, n + 1, sizeof *lengths);
        lengths[n++] = value;
    }
    if (f != NULL)
        fclose(f);
    struct corpus c = corpus_of("names", lengths, n);
    free(lengths);
    return c;
}

static int measure(struct weft_bert *b, const char *precision, const struct corpus *c, int threads, int repeats,
                   struct weft_err *e)
{
    double t[REPEATS_MAX];
    float *vectors = WEFT_ARRAY(float, c->n *HIDDEN);
    int rc = c->n > 32 ? 0 : weft_bert_embed(b, c->texts, c->n, WEFT_BERT_MEAN, vectors, e); /* warm */
    for (int i = 0; i < repeats && rc == 0; i++) {
        double start = now();
        rc = weft_bert_embed(b, c->texts, c->n, WEFT_BERT_MEAN, vectors, e);
        t[i] = now() - start;
    }
    free(vectors);
    if (rc < 0)
        return -1;
    qsort(t, (size_t)repeats, sizeof *t, by_value);
    printf("weft BERT-base %s th=%d %s: best %.2f median %.2f seq/s (%.1f ms)\n", precision, threads, c->name,
           (double)c->n / t[0], (double)c->n / t[repeats / 2], t[0] * 1e3);
    fflush(stdout);
    return 0;
}

static int run(const char *dir, const struct corpus *corpora, size_t n, int threads, int repeats, struct weft_err *e)
{
    int rc = 0;
    for (int k = 0; k < 2 && rc == 0; k++) {
        struct weft_bert *b;
        if (k == 1 && !weft_dnn_has_bf16())
            break;
        rc = weft_bert_open(dir, threads, k ? WEFT_DNN_BF16 : WEFT_DNN_F32, &b, e);
        for (size_t i = 0; i < n && rc == 0; i++)
            rc = measure(b, k ? "bf16" : "f32", &corpora[i], threads, repeats, e);
        weft_bert_free(&b);
    }
    return rc;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2, repeats = argc > 2 ? atoi(argv[2]) : 5;
    const char *tmp = getenv("TMPDIR");
    char dir[256];
    struct weft_err e = {0};
    if (threads < 1 || repeats < 1 || repeats > REPEATS_MAX)
        return 64;
    snprintf(dir, sizeof dir, "%s/bench_bert.XXXXXX", tmp ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        return 73;
    struct corpus corpora[3] = {corpus_same("32 x 32 tokens", 32, 32)};
    size_t n = argc > 3 ? 2 : 3;
    corpora[1] = argc > 3 ? corpus_read(argv[3]) : corpus_same("32 x 128 tokens", 32, 128);
    if (n == 3)
        corpora[2] = corpus_same("1 x 32 tokens", 1, 32);
    int rc = make_model(dir, &e);
    if (rc == 0)
        rc = run(dir, corpora, n, threads, repeats, &e);
    if (rc < 0)
        fprintf(stderr, "bench_bert: %s\n", e.what);
    remove_model(dir);
    for (size_t i = 0; i < n; i++)
        free(corpora[i].texts);
    return rc < 0 ? 1 : 0;
}
