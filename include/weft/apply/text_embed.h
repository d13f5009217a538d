/* text_embed.h - names of products to features, in batches: what embed-text does with a products stream. */
#ifndef WEFT_TEXT_EMBED_H
#define WEFT_TEXT_EMBED_H

#include "frame/run.h"

struct weft_text_embed_options {
    const char *model;   /* a directory as Hugging Face has it; NULL: hash */
    int64_t hash;        /* features from hashed character n-grams */
    int64_t most, batch; /* tokens of a name, [CLS] and [SEP] among them; names computed together */
    int pool;            /* enum weft_bert_pool */
    int precision;       /* 0: f32, 1: bf16 */
    int normalize;       /* 0: NFC first, 1: names as they are */
};
enum { WEFT_EMBED_BATCH_MAX = 4096, WEFT_EMBED_TOKENS_MAX = 512 };

struct weft_text_embedder;
/* Opens the model, checks that it fits the options, and writes the head of a products stream. `o` must outlive it. The
 * program must be one that `acknowledges`. 78 when model and options do not fit together. */
int weft_text_embedder_start(struct weft_run *run, const struct weft_text_embed_options *o,
                             struct weft_text_embedder **out, struct weft_err *e) WEFT_MUST_USE;
/* One product. It goes out with its batch: "text_features" f32 [width], or none where it has no name. */
int weft_text_embedder_frame(struct weft_run *run, struct weft_text_embedder *s, struct weft_span frame,
                             struct weft_err *e) WEFT_MUST_USE;
/* The last batch; says how many names there were. */
int weft_text_embedder_drain(struct weft_run *run, struct weft_text_embedder *s, struct weft_err *e) WEFT_MUST_USE;
void weft_text_embedder_free(struct weft_text_embedder **s);

#endif
