/* dnn.c - oneDNN's engine, and what it says when it refuses. */
#include "nn/dnn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"
#include "nn/onednn.h"

int weft_onednn_fail(struct weft_err *e, dnnl_status_t s, const char *what)
{
    if (s == dnnl_unimplemented)
        return weft_fail(e, WEFT_CONFIG, "oneDNN has no %s for this CPU, shape and precision", what);
    if (s == dnnl_out_of_memory)
        return weft_fail(e, WEFT_TEMPFAIL, "oneDNN is out of memory in %s", what);
    return weft_fail(e, WEFT_BUG, "oneDNN refuses %s (status %d)", what, (int)s);
}

int weft_dnn_new(int threads, struct weft_dnn **out, struct weft_err *e)
{
    struct weft_dnn *d = WEFT_NEW(struct weft_dnn);
    *out = d;
    /* OpenMP's library ends the program where it can't. */
    if (!weft_par_can_start(2 * (threads - 1))) { /* a pool of ours comes beside them */
        weft_fail(e, WEFT_TEMPFAIL, "can't start %d threads", threads - 1);
        return weft_fail_hint(e, "--threads 1 needs none; ulimit -u and ulimit -v limit them");
    }
    omp_set_num_threads(threads < 1 ? 1 : threads);
    TRY(dnnl_engine_create(&d->engine, dnnl_cpu, 0), "a CPU engine");
    TRY(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags), "a stream");
    return 0;
}

void weft_dnn_free(struct weft_dnn **dp)
{
    struct weft_dnn *d = *dp;
    if (d == NULL)
        return;
    if (d->stream != NULL)
        dnnl_stream_destroy(d->stream);
    if (d->engine != NULL)
        dnnl_engine_destroy(d->engine);
    free(d);
    *dp = NULL;
}

bool weft_dnn_has_bf16(void)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

const char *weft_dnn_about(char *buf, size_t cap)
{
    const dnnl_version_t *v = dnnl_version();
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    const char *name = weft_dnn_has_bf16()                                            ? "AVX-512 BF16"
                       : (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core ? "AVX-512"
                       : (isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2               ? "AVX2"
                                                                                      : "below AVX2";
    snprintf(buf, cap, "%d.%d.%d, %s", v->major, v->minor, v->patch, name);
    return buf;
}
