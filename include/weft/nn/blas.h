/* blas.h - dense linear algebra, row-major, on one thread (OpenBLAS and LAPACKE behind it; the only door to them).
 *
 * Sizes must fit in an int. Where OpenBLAS would pick kernels that the processor lacks (AMD without AVX), a program
 * begins anew with Prescott's. OpenBLAS picks its kernels by CPU type, so the last bits may differ between types of
 * CPU, never between runs. */
#ifndef WEFT_BLAS_H
#define WEFT_BLAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Sets OpenBLAS to one thread. Every function below does this by itself. */
void weft_blas_one_thread(void);

/* C[m,n] = alpha * op(A)[m,k] * op(B)[k,n] + beta * C; op is the transpose when ta or tb. ld*: doubles from row to row.
 */
void weft_dgemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a, size_t lda,
                const double *b, size_t ldb, double beta, double *c, size_t ldc);

/* Upper triangle of C[n,n] = alpha * op(A) * op(A)' + beta * C; op(A) is [n,k]: A' when `trans`. */
void weft_dsyrk(bool trans, size_t n, size_t k, double alpha, const double *a, size_t lda, double beta, double *c,
                size_t ldc);

/* C[n,m] = A B for a symmetric A[n,n], of which the upper triangle is read. */
void weft_dsymm(size_t n, size_t m, const double *a, size_t lda, const double *b, size_t ldb, double *c, size_t ldc);

/* A = U' U of a symmetric positive definite A[n,n]: its upper triangle is read and becomes U; the lower one is left
 * alone. False, and no U, when A is not positive definite. */
bool weft_cholesky(size_t n, double *a);
/* B[n,m] becomes U'^-1 B (trans), or U^-1 B. */
void weft_cholesky_half(bool trans, size_t n, size_t m, const double *u, size_t ldu, double *b, size_t ldb);
/* B[n,m] becomes U' B (trans), or U B, for the upper triangle U[n,n]. */
void weft_dtrmm(bool trans, size_t n, size_t m, const double *u, size_t ldu, double *b, size_t ldb);
/* The symmetric A[n,n], of which the upper triangle is read, becomes U'^-1 A U^-1 (upper triangle; dsygst). */
void weft_congruence(size_t n, double *a, const double *u);

/* Eigenvalues of the symmetric a[n,n] in ascending order in w[n]; row i of a becomes the unit eigenvector of w[i]. 65
 * when there are none (values that are not finite). */
int weft_eigh(size_t n, double *a, double *w, struct weft_err *e) WEFT_MUST_USE;

/* Solves A X = B for a symmetric positive definite A[n,n] (destroyed) and B[n,m], which becomes X. 65 when A is not
 * positive definite. */
int weft_cholesky_solve(size_t n, size_t m, double *a, double *b, struct weft_err *e) WEFT_MUST_USE;

/* Least squares of smallest norm by singular values (dgelsd): a[rows,cols] (destroyed), b[max(rows,cols),m]: its first
 * `cols` rows become the solution. Singular values below rcond * the largest count as zero. */
int weft_lstsq(size_t rows, size_t cols, size_t m, double *a, double *b, double rcond,
               struct weft_err *e) WEFT_MUST_USE;

/* Which kernels this process computes with: OpenBLAS's core name and the CPU's vector extensions. Machines that differ
 * in it round differently. */
void weft_blas_kernels(char *buf, size_t cap);

/* "OpenBLAS 0.3.21 ... Haswell MAX_THREADS=64": its version, how it was built, and the kernels it chose for this CPU.
 */
const char *weft_blas_library(void);

#endif
