/* embed-text.c - product names to features: WordPiece and a frozen BERT, or hashed character n-grams.
 *
 * In: products/1. Out: products/1, frames with a name get "text_features" f32 [hidden size, or N]. */
#include <stddef.h>

#include "apply/text_embed.h"
#include "record/products.h"

struct state {
    struct weft_text_embed_options o;
    struct weft_text_embedder *embedder;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 'm', "model", AT(STR, o.model), NULL, 0, 0, "DIR",
     "a BERT as Hugging Face has it: config.json, vocab.txt, model.safetensors", WEFT_OPT_FILE},
    {WEFT_OPT_INT, 0, "hash", AT(INT, o.hash), "0", 0, WEFT_PRODUCT_FEATURES_MAX, "N",
     "no model: N features from hashed character n-grams", 0, .not_with = "model"},
    {WEFT_OPT_CHOICE, 0, "pool", AT(CHOICE, o.pool), "mean", 0, 0, "mean|cls|pooler",
     "what stands for a name: the mean of its tokens, the first, or BERT's pooler", 0, .needs = "model"},
    {WEFT_OPT_CHOICE, 0, "normalize", AT(CHOICE, o.normalize), "nfc", 0, 0, "nfc|none",
     "compose accents and Hangul first, or take names as they are", 0},
    {WEFT_OPT_INT, 0, "max-tokens", AT(INT, o.most), "64", 3, WEFT_EMBED_TOKENS_MAX, "N",
     "longer names are cut; [CLS] and [SEP] count", 0, .needs = "model"},
    {WEFT_OPT_CHOICE, 0, "precision", AT(CHOICE, o.precision), "f32", 0, 0, "f32|bf16",
     "arithmetic: bf16 is about twice as fast", 0, .needs = "model"},
    {WEFT_OPT_INT, 0, "batch", AT(INT, o.batch), "512", 1, WEFT_EMBED_BATCH_MAX, "N", "names computed together",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (!s->o.model && !s->o.hash)
        return weft_fail(e, WEFT_USAGE, "give one of -m DIR and --hash N");
    return weft_text_embedder_start(run, &s->o, &s->embedder, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    return weft_text_embedder_frame(run, ((struct state *)state)->embedder, in, e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    return weft_text_embedder_drain(run, ((struct state *)state)->embedder, e);
}

static void stop(struct weft_run *run, void *state)
{
    (void)run;
    weft_text_embedder_free(&((struct state *)state)->embedder);
}

static const struct weft_filter filter = {
    .usage = {.name = "embed-text",
              .summary = "turns product names into features by a frozen BERT, or by hashing",
              .synopsis = "embed-text -m DIR | --hash N [OPTION...] [FILE]",
              .reads = "a products stream",
              .writes = "the same stream, with text_features",
              .examples = "weft ingest --layout products shop.csv | weft embed-text -m "
                          "models/bert-base-multilingual-cased -o named.weft\n"
                          "weft embed-text --hash 256 -i products.weft | weft frames show",
              .see_also = "ingest, encode-image, train-demand, score",
              .notes =
                  "DIR is a BERT of Hugging Face as downloaded: config.json, vocab.txt and model.safetensors. "
                  "get-models.sh bert fetches the multilingual one "
                  "(715 MB) into models/bert-base-multilingual-cased. tokenizer_config.json is read when it is there "
                  "(do_lower_case); without it, a "
                  "vocabulary with upper-case letters is not lower-cased, and of one with Hangul syllables accents "
                  "stay, since they would take syllables apart. The mean leaves out [CLS] and [SEP]. A product without "
                  "a name, or with one "
                  "that has no word, gets no text_features and is counted. Of a name, the first 16 kB count. "
                  "Repeated names are computed once, as long as they are among the last to be met (64 MB of them). "
                  "Features do not depend on the batch or on --threads, and are the same on CPUs of one type. Frames "
                  "are held until a batch is full "
                  "or no more input is waiting: at most 64 MB and one frame. Memory with the multilingual BERT: 1.2 "
                  "GB, 0.9 GB in bf16; 0.7 GB of it is "
                  "the mapped file, which processes share. With --hash: 20 MB and the frames held."},
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
