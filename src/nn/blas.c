/* blas.c - the only file that knows OpenBLAS and LAPACKE. */
#include "nn/blas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cblas.h>
#include <lapacke.h>
#if defined __x86_64__
#include <cpuid.h>
#endif

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

enum { ENVIRONMENT_MAX = 4096, BUFFER_BYTES = 136 << 20 };
extern char **environ;

/* On an AMD processor without AVX (virtual ones; qemu64) OpenBLAS takes kernels written for the Opteron, which prefetch
 * with 3DNow!, whether the processor has it or not. */
static bool kernels_run(void)
{
#if defined __x86_64__
    unsigned a, b, c, d = 0;
    if (strncmp(openblas_get_corename(), "Opteron", 7) == 0 &&
        (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(d & 1u << 31)))
        return false;
#endif
    return true;
}

/* OpenBLAS makes up its mind when it is loaded, before main, and once: by variables of the environment alone. So a
 * program that lacks them begins anew with them, under its own name. */
static void begin_anew(char **argv, char **environment)
{
    const char *self = (const char *)getauxval(AT_EXECFN);
    if (self)
        execve(self, argv, environment);
}

/* Its pool of threads serves nobody, for the loops here are ours; and it hangs at the end where memory is limited
 * (ulimit -v), or interrupts us where threads are (ulimit -u). This runs before any library's own beginning; libc's
 * memory and environment are not there yet. */
__attribute__((no_sanitize("address", "undefined", "thread"))) static void no_pool(int argc, char **argv,
                                                                                   char **environment)
{
    static const char name[] = "OPENBLAS_NUM_THREADS=", setting[] = "OPENBLAS_NUM_THREADS=1";
    static char *with[ENVIRONMENT_MAX];
    size_t n = 0;
    (void)argc;
    for (; environment[n]; n++) {
        size_t k = 0;
        while (name[k] && environment[n][k] == name[k])
            k++;
        if (!name[k] || n + 2 >= ENVIRONMENT_MAX)
            return;
        with[n] = environment[n];
    }
    with[n] = (char *)(uintptr_t)setting;
    begin_anew(argv, with);
}
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(int, char **, char **) = no_pool;

/* Prescott's kernels need SSE3 and no more. */
__attribute__((constructor)) static void choose_kernels(int argc, char **argv)
{
    (void)argc;
    if (kernels_run() || getenv("OPENBLAS_CORETYPE"))
        return;
    setenv("OPENBLAS_CORETYPE", "Prescott", 1);
    begin_anew(argv, environ);
}

/* OpenBLAS takes a buffer for each thread that calls it, and asks for it again and again where memory is limited. */
static void check_room(void)
{
    struct rlimit limit;
    void *p = mmap(NULL, BUFFER_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED) {
        munmap(p, BUFFER_BYTES);
        return;
    }
    unsigned long long mb = getrlimit(RLIMIT_AS, &limit) == 0 ? (unsigned long long)limit.rlim_cur >> 20 : 0;
    weft_say(weft_program(),
             "OpenBLAS has no room for its buffer of %d MB in an address space of %llu MB; ulimit -v sets it",
             BUFFER_BYTES >> 20, mb);
    weft_file_cleanup();
    _exit(WEFT_TEMPFAIL);
}

void weft_blas_one_thread(void)
{
    static _Thread_local bool looked;
    if (!kernels_run()) { /* better than to die of an instruction */
        weft_say(weft_program(),
                 "OpenBLAS's kernels (%s) are not for this processor; OPENBLAS_CORETYPE=Prescott in the environment "
                 "chooses others",
                 openblas_get_corename());
        weft_file_cleanup();
        _exit(WEFT_CONFIG);
    }
    if (!looked) {
        looked = true;
        check_room();
    }
    /* Under our own loops a second pool of threads halves the speed. */
    if (openblas_get_num_threads() != 1)
        openblas_set_num_threads(1);
}

static CBLAS_TRANSPOSE op(bool trans)
{
    return trans ? CblasTrans : CblasNoTrans;
}

void weft_dgemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                const double *b, size_t ldb, double beta, double *c, size_t ldc)
{
    weft_blas_one_thread();
    cblas_dgemm(CblasRowMajor, op(ta), op(tb), (int)m, (int)n, (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c,
                (int)ldc);
}

void weft_dsyrk(bool trans, size_t n, size_t k, double alpha, const double *a, size_t lda, double beta, double *c,
                size_t ldc)
{
    weft_blas_one_thread();
    cblas_dsyrk(CblasRowMajor, CblasUpper, op(trans), (int)n, (int)k, alpha, a, (int)lda, beta, c, (int)ldc);
}

void weft_dsymm(size_t n, size_t m, const double *a, size_t lda, const double *b, size_t ldb, double *c, size_t ldc)
{
    weft_blas_one_thread();
    cblas_dsymm(CblasRowMajor, CblasLeft, CblasUpper, (int)n, (int)m, 1, a, (int)lda, b, (int)ldb, 0, c, (int)ldc);
}

/* Column-major for LAPACK, so that nothing is transposed: our upper triangle by rows is its lower one by columns. */
bool weft_cholesky(size_t n, double *a)
{
    weft_blas_one_thread();
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (int)n, a, (int)n) == 0;
}

void weft_cholesky_half(bool trans, size_t n, size_t m, const double *u, size_t ldu, double *b, size_t ldb)
{
    weft_blas_one_thread();
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, op(trans), CblasNonUnit, (int)n, (int)m, 1, u, (int)ldu, b,
                (int)ldb);
}

void weft_dtrmm(bool trans, size_t n, size_t m, const double *u, size_t ldu, double *b, size_t ldb)
{
    weft_blas_one_thread();
    cblas_dtrmm(CblasRowMajor, CblasLeft, CblasUpper, op(trans), CblasNonUnit, (int)n, (int)m, 1, u, (int)ldu, b,
                (int)ldb);
}

void weft_congruence(size_t n, double *a, const double *u)
{
    weft_blas_one_thread();
    LAPACKE_dsygst_work(LAPACK_COL_MAJOR, 1, 'L', (int)n, a, (int)n, u, (int)n); /* fails for wrong arguments alone */
}

int weft_eigh(size_t n, double *a, double *w, struct weft_err *e)
{
    weft_blas_one_thread();
    /* Column-major, so that LAPACKE transposes nothing: a symmetric matrix is its own transpose, and eigenvectors come
     * out as our rows. */
    int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', (int)n, a, (int)n, w);
    if (info == LAPACK_WORK_MEMORY_ERROR)
        return weft_fail(e, WEFT_TEMPFAIL, "out of memory for the eigenvalues of a matrix of %zu rows", n);
    if (info != 0)
        return weft_fail(e, WEFT_DATA, "no eigenvalues for a matrix of %zu rows (dsyevd: %d): are the values finite?",
                         n, info);
    return 0;
}

int weft_cholesky_solve(size_t n, size_t m, double *a, double *b, struct weft_err *e)
{
    weft_blas_one_thread();
    int info = LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', (int)n, (int)m, a, (int)n, b, (int)m);
    if (info != 0)
        return weft_fail(e, WEFT_DATA, "a matrix of %zu rows is not positive definite (dposv: %d)", n, info);
    return 0;
}

int weft_lstsq(size_t rows, size_t cols, size_t m, double *a, double *b, double rcond, struct weft_err *e)
{
    weft_blas_one_thread();
    int rank;
    double *s = weft_xmalloc((rows < cols ? rows : cols) * sizeof *s);
    int info = LAPACKE_dgelsd(LAPACK_ROW_MAJOR, (int)rows, (int)cols, (int)m, a, (int)cols, b, (int)m, s, rcond, &rank);
    free(s);
    if (info != 0)
        return weft_fail(e, WEFT_DATA, "no least squares for %zu rows of %zu (dgelsd: %d)", rows, cols, info);
    return 0;
}

void weft_blas_kernels(char *buf, size_t cap)
{
    const char *vectors = "";
#if defined(__x86_64__)
    vectors = __builtin_cpu_supports("avx512bw") ? ", AVX-512"
              : __builtin_cpu_supports("avx2")   ? ", AVX2"
              : __builtin_cpu_supports("avx")    ? ", AVX"
                                                 : "";
#endif
    snprintf(buf, cap, "OpenBLAS %s%s", openblas_get_corename(), vectors);
}

const char *weft_blas_library(void)
{
    return openblas_get_config();
}
