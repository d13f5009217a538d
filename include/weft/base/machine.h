/* machine.h - what this process has to work with: cores, memory, directories, programs. */
#ifndef WEFT_MACHINE_H
#define WEFT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct weft_machine {
    int cores;             /* that this process may run on */
    double quota;          /* cores' worth of time that its cgroup grants; 0: no limit */
    uint64_t memory, free; /* bytes of the machine; available now. 0: not known */
    uint64_t memory_limit; /* of its cgroup; 0: none */
    uint64_t files;        /* descriptors that it may open */
    bool x86, avx2, avx512, avx512_bf16, amx;
};
/* Linux: /proc, cgroup v2 (v1 as a fallback), cpuid. What can't be found out stays 0. */
void weft_machine_look(struct weft_machine *m);

/* Makes a file of a page in the directory and removes it: 73 or 74 when that fails. *free (may be NULL): bytes left
 * there. */
int weft_machine_try_directory(const char *dir, uint64_t *free, struct weft_err *e) WEFT_MUST_USE;

/* Is the program on PATH? It is not run. */
bool weft_machine_has_program(const char *name);

#endif
