/* dnn.h - oneDNN's engine, for graphs (dnn_graph.h) and linear layers (dnn_linear.h).
 *
 * Threads: oneDNN runs on OpenMP's pool, which weft_dnn_new sizes for the calling thread; use what is made with an
 * engine from that thread alone, unless its header says otherwise. Everything that oneDNN refuses comes back as an
 * error (78 when this CPU can't, else 70). */
#ifndef WEFT_DNN_H
#define WEFT_DNN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum weft_dnn_type { WEFT_DNN_F32, WEFT_DNN_BF16 };

/* Engine and stream. */
struct weft_dnn;
int weft_dnn_new(int threads, struct weft_dnn **out, struct weft_err *e) WEFT_MUST_USE;
void weft_dnn_free(struct weft_dnn **d);
/* Has this CPU fast bf16 arithmetic? Without it bf16 is emulated, slowly, or refused. */
bool weft_dnn_has_bf16(void);
/* "2.6.3, AVX-512 BF16" for --version and for comparing machines. */
const char *weft_dnn_about(char *buf, size_t cap);

#endif
