/* machine.c - what this process has to work with. */
#include "base/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/file.h"
#include "base/par.h"

enum { PATH_ROOM = 4096 };

/* --- small files of the kernel --- */

/* The beginning of a file as text; false when it is not there. */
static bool read_text(const char *path, char *buf, size_t cap)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    size_t n = fread(buf, 1, cap - 1, f);
    buf[n] = 0;
    fclose(f);
    return n > 0;
}

/* A line "NAME:   12345 kB" in bytes; 0: none. */
static uint64_t kilobytes(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* This process's own cgroup (v2), and those above it: the narrowest limit counts. Calls fn on every "cpu.max" or
 * "memory.max". */
static void each_limit(const char *file, void (*fn)(struct weft_machine *m, const char *text), struct weft_machine *m)
{
    char cgroup[PATH_ROOM], path[2 * PATH_ROOM], text[256];
    const char *line = read_text("/proc/self/cgroup", cgroup, sizeof cgroup) ? strstr(cgroup, "0::") : NULL;
    char *own = line ? (char *)(uintptr_t)line + 3 : cgroup;
    if (!line)
        *cgroup = 0;
    own[strcspn(own, "\n")] = 0;
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", strcmp(own, "/") == 0 ? "" : own, file);
        if (read_text(path, text, sizeof text))
            fn(m, text);
        char *last = strrchr(own, '/');
        if (!last)
            return;
        *last = 0;
    }
}

static void cpu_limit(struct weft_machine *m, const char *text)
{
    double quota = strtod(text, NULL), period = 0; /* "max 100000" or "150000 100000" */
    const char *space = strchr(text, ' ');
    if (space)
        period = strtod(space, NULL);
    if (quota > 0 && period > 0 && (m->quota == 0 || quota / period < m->quota))
        m->quota = quota / period;
}

static void memory_limit(struct weft_machine *m, const char *text)
{
    uint64_t limit = strtoull(text, NULL, 10); /* "max" gives 0 */
    if (limit && (!m->memory_limit || limit < m->memory_limit))
        m->memory_limit = limit;
}

static void old_cgroups(struct weft_machine *m)
{
    char quota[64], period[64];
    if (m->quota == 0 && read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) &&
        read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period) && strtod(quota, NULL) > 0 &&
        strtod(period, NULL) > 0)
        m->quota = strtod(quota, NULL) / strtod(period, NULL);
    if (!m->memory_limit && read_text("/sys/fs/cgroup/memory/memory.limit_in_bytes", quota, sizeof quota)) {
        uint64_t limit = strtoull(quota, NULL, 10);
        m->memory_limit = limit < (uint64_t)1 << 60 ? limit : 0; /* "no limit" is a huge number there */
    }
}

/* --- CPU --- */

static void look_at_cpu(struct weft_machine *m)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    m->x86 = true;
    m->avx2 = __builtin_cpu_supports("avx2");
    m->avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
    /* Intel's manual, CPUID leaf 7: subleaf 1, EAX bit 5: AVX512_BF16; subleaf 0, EDX bit 22: AMX-BF16, bit 24:
     * AMX-TILE. */
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d))
        m->avx512_bf16 = m->avx512 && (a >> 5 & 1);
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        m->amx = (d >> 22 & 1) && (d >> 24 & 1);
#else
    (void)m;
#endif
}

void weft_machine_look(struct weft_machine *m)
{
    char text[4096];
    struct rlimit files;
    *m = (struct weft_machine){.cores = weft_par_cores()};
    each_limit("cpu.max", cpu_limit, m);
    each_limit("memory.max", memory_limit, m);
    old_cgroups(m);
    if (read_text("/proc/meminfo", text, sizeof text)) {
        m->memory = kilobytes(text, "MemTotal:");
        m->free = kilobytes(text, "MemAvailable:");
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        m->files = files.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)files.rlim_cur;
    look_at_cpu(m);
}

/* --- directories and programs --- */

int weft_machine_try_directory(const char *dir, uint64_t *free_bytes, struct weft_err *e)
{
    char path[PATH_ROOM], page[4096] = {0};
    struct statvfs fs;
    if (snprintf(path, sizeof path, "%s/weft-XXXXXX", dir) >= (int)sizeof path)
        return weft_fail(e, WEFT_CANTCREAT, "%.60s...: a path too long", dir);
    int fd = mkstemp(path);
    if (fd < 0)
        return weft_fail_errno(e, WEFT_CANTCREAT, "no file can be made in %s", dir);
    int rc = weft_write_all(fd, page, sizeof page) < 0
                 ? weft_fail_errno(e, WEFT_IO, "nothing can be written in %s", dir)
                 : 0;
    if (free_bytes)
        *free_bytes = fstatvfs(fd, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
    close(fd);
    unlink(path);
    return rc;
}

bool weft_machine_has_program(const char *name)
{
    char path[PATH_ROOM];
    struct stat st;
    for (const char *at = getenv("PATH"); at; at = strchr(at, ':'), at += at != NULL) {
        size_t n = strcspn(at, ":");
        if (n && snprintf(path, sizeof path, "%.*s/%s", (int)n, at, name) < (int)sizeof path && stat(path, &st) == 0 &&
            S_ISREG(st.st_mode) && access(path, X_OK) == 0)
            return true;
    }
    return false;
}
