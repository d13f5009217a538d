/* bert.h - BERT, frozen: token ids to one vector a text.
 *
 * Any BertModel of Hugging Face by its config.json: word, position and type embeddings, then layers of self-attention
 * and two linear layers, each with a shortcut and a layer norm behind it (Devlin et al. 2018, arXiv:1810.04805). A
 * directory is read as downloaded: config.json and model.safetensors, names with or without "bert.", layer norms as
 * weight/bias or gamma/beta, f32, f16 or bf16; tensors of other heads are left alone. Word embeddings stay in the
 * mapped file; the other weights are packed for this CPU (about 350 MB for BERT-base, half of it in bf16).
 *
 * The tokens of all texts are rows of one matrix, without padding; only attention sees texts apart. Each thread takes
 * texts of its own, so a text's vector is the same bytes whatever its batch and the number of threads. */
#ifndef WEFT_BERT_H
#define WEFT_BERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/dnn_linear.h"

struct weft_bert_config {
    size_t hidden, layers, heads,
        intermediate;                    /* hidden_size, num_hidden_layers, num_attention_heads, intermediate_size */
    size_t vocabulary, positions, types; /* vocab_size, max_position_embeddings, type_vocab_size */
    enum weft_dnn_activation activation; /* hidden_act: gelu, gelu_new, gelu_pytorch_tanh or relu */
    float eps;                           /* layer_norm_eps */
};

/* mean: of the last layer's tokens, without the first and the last, [CLS] and [SEP]; 0 when there are no others. cls:
 * the first token. pooler: the first token through BERT's own last layer, tanh(W x + b). */
enum weft_bert_pool { WEFT_BERT_MEAN, WEFT_BERT_CLS, WEFT_BERT_POOLER };

struct weft_bert;

/* Reads DIR/config.json and DIR/model.safetensors. 78 when it is no BERT or bf16 is not for this CPU, 65 when tensors
 * are missing or of other shapes. */
int weft_bert_open(const char *dir, int threads, enum weft_dnn_type precision, struct weft_bert **out,
                   struct weft_err *e) WEFT_MUST_USE;
void weft_bert_free(struct weft_bert **b);

const struct weft_bert_config *weft_bert_config(const struct weft_bert *b);
bool weft_bert_has_pooler(const struct weft_bert *b);
/* sha256 of both files, hex. */
void weft_bert_sha256(const struct weft_bert *b, char out[65]);

/* A text: 1 to `positions` ids, each below `vocabulary`. */
struct weft_bert_text {
    const int32_t *ids;
    size_t n;
};
/* vectors[n, hidden]. 78 when a text is too long or an id too large, or there is no pooler. */
int weft_bert_embed(struct weft_bert *b, const struct weft_bert_text *texts, size_t n, enum weft_bert_pool pool,
                    float *vectors, struct weft_err *e) WEFT_MUST_USE;

#endif
