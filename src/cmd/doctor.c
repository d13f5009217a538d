/* doctor.c - what works here, what does not, and the way out. */
#include <langinfo.h>
#include <locale.h>
#include <stddef.h>
#include <string.h>

#include "base/stop.h"
#include "nn/blas.h"
#include "text/csv.h"
#include "nn/dnn.h"
#include "base/file.h"
#include "base/inflate.h"
#include "base/machine.h"
#include "frame/run.h"
#include "record/schema.h"
#include "cluster/socket_check.h"
#include "text/transcode.h"
#include "text/unicode.h"
#include "frame/version.h"

struct state {
    int format;
    struct weft_checklist list;
};

static const struct weft_opt opts[] = {
    {WEFT_OPT_CHOICE, 0, "format", WEFT_OPT_AT(struct state, CHOICE, format), "text", 0, 0, "text|json",
     "lines for people, or one JSON object", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* --- what was linked --- */

static void libraries(struct weft_checklist *c)
{
    char buf[256];
    weft_check(c, WEFT_CHECK_OK, "weft", NULL, "%s", WEFT_VERSION);
    weft_check(c, weft_socket_has_curve() ? WEFT_CHECK_OK : WEFT_CHECK_WARN, "libzmq",
               weft_socket_has_curve() ? NULL
                                       : "sockets beyond this machine then need --insecure; Debian's libzmq5 has CURVE",
               "%s", weft_socket_library(buf, sizeof buf));
    weft_check(c, WEFT_CHECK_OK, "msgpack-c", NULL, "%s", weft_pack_library());
    weft_blas_kernels(buf, sizeof buf);
    weft_check(c, WEFT_CHECK_OK, "OpenBLAS", NULL, "%s; kernels: %s", weft_blas_library(), buf);
    weft_check(c, WEFT_CHECK_OK, "oneDNN", NULL, "%s", weft_dnn_about(buf, sizeof buf));
    weft_check(c, WEFT_CHECK_OK, "libcsv", NULL, "%s", weft_csv_library());
    weft_check(c, WEFT_CHECK_OK, "utf8proc", NULL, "%s", weft_unicode_library());
    weft_check(c, WEFT_CHECK_OK, "zlib", NULL, "%s", weft_inflate_library());
    weft_check(c, WEFT_CHECK_OK, "jansson", NULL, "%s", weft_json_library());
}

static void schemas(struct weft_checklist *c)
{
    struct weft_err e = {0};
    size_t n;
    if (weft_schemas_check(&n, &e) < 0)
        weft_check(c, WEFT_CHECK_FAIL, "schemas", "build it again: make clean all", "%s", e.what);
    else
        weft_check(c, WEFT_CHECK_OK, "schemas", NULL, "%zu, compiled in", n);
}

static void character_sets(struct weft_checklist *c)
{
    static const char *const names[] = {"cp949", "euc-kr", "utf-16le", "latin1"};
    char missing[64] = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct weft_transcode *t = NULL;
        struct weft_err e = {0};
        if (weft_transcode_open(names[i], &t, &e) < 0)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " %s", names[i]);
        weft_transcode_close(&t);
    }
    if (*missing)
        weft_check(
            c, WEFT_CHECK_WARN, "character sets",
            "weft ingest --encoding can't read them: install the C library's gconv modules (Debian: libc6, libc-bin)",
            "missing:%s", missing);
    else
        weft_check(c, WEFT_CHECK_OK, "character sets", NULL, "CP949, EUC-KR, UTF-16, Latin-1");
}

/* --- the machine --- */

static void cpu(const struct weft_machine *m, struct weft_checklist *c)
{
    char hint[128];
    if (m->x86)
        weft_check(c, m->avx2 ? WEFT_CHECK_OK : WEFT_CHECK_WARN, "CPU",
                   m->avx2 ? NULL : "everything works, several times slower: choose a machine with AVX2",
                   "AVX2 %s, AVX-512 %s, AVX-512 BF16 %s, AMX %s", m->avx2 ? "yes" : "no", m->avx512 ? "yes" : "no",
                   m->avx512_bf16 ? "yes" : "no", m->amx ? "yes" : "no");
    else
        weft_check(c, WEFT_CHECK_OK, "CPU", NULL, "not x86-64: baseline kernels");
    int granted = m->quota > 0 && m->quota < m->cores ? (int)(m->quota + 0.5) : 0;
    snprintf(hint, sizeof hint, "trainers start a thread a core: give them --threads %d", granted > 1 ? granted : 1);
    if (granted || (m->quota > 0 && m->quota < m->cores))
        weft_check(c, WEFT_CHECK_WARN, "cores", hint, "%d, and the cgroup grants the time of %.2g", m->cores, m->quota);
    else
        weft_check(c, WEFT_CHECK_OK, "cores", NULL, "%d", m->cores);
}

static void memory(const struct weft_machine *m, struct weft_checklist *c)
{
    uint64_t have = m->free;
    if (m->memory_limit && m->memory_limit < have)
        have = m->memory_limit;
    char limit[64] = "";
    if (m->memory_limit)
        snprintf(limit, sizeof limit, ", the cgroup's limit is %llu MB", (unsigned long long)(m->memory_limit >> 20));
    bool little = m->memory && have < (uint64_t)256 << 20;
    weft_check(c, little ? WEFT_CHECK_WARN : WEFT_CHECK_OK, "memory",
               little ? "filters run in 256 MB; training of pictures needs gigabytes" : NULL,
               "%llu MB, %llu MB of it available%s", (unsigned long long)(m->memory >> 20),
               (unsigned long long)(m->free >> 20), limit);
}

static void machine(struct weft_checklist *c)
{
    struct weft_machine m;
    weft_machine_look(&m);
    cpu(&m, c);
    memory(&m, c);
}

static void character_coding(struct weft_checklist *c)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    const char *name = locale ? nl_langinfo_l(CODESET, locale) : "unknown";
    bool good = strcmp(name, "UTF-8") == 0;
    weft_check(c, good ? WEFT_CHECK_OK : WEFT_CHECK_WARN, "locale",
               good ? NULL
                    : "what is read and written is UTF-8 all the same, but the terminal may not show Korean: export "
                      "LC_ALL=C.UTF-8",
               "%s", name);
    if (locale)
        freelocale(locale);
}

static void directory(struct weft_checklist *c, const char *check, const char *dir, enum weft_verdict without,
                      const char *hint)
{
    struct weft_err e = {0};
    uint64_t left = 0;
    if (weft_machine_try_directory(dir, &left, &e) < 0)
        weft_check(c, without, check, hint, "%s", e.what);
    else if (left < (uint64_t)64 << 20)
        weft_check(c, WEFT_CHECK_WARN, check, "remove something, or choose another directory with TMPDIR",
                   "%s is writable, %llu MB are left", dir, (unsigned long long)(left >> 20));
    else
        weft_check(c, WEFT_CHECK_OK, check, NULL, "%s is writable, %llu MB are left", dir,
                   (unsigned long long)(left >> 20));
}

static void resources(struct weft_checklist *c)
{
    struct weft_machine m;
    weft_machine_look(&m);
    directory(c, "temporary files", weft_temporary_place(), WEFT_CHECK_FAIL,
              "set TMPDIR to a directory that can be written, as export TMPDIR=$HOME/tmp");
    directory(c, "shared memory", "/dev/shm", WEFT_CHECK_WARN,
              "mount it (docker run --shm-size=64m); programs other than weft's own need it");
    bool few = m.files < 1024;
    weft_check(c, few ? WEFT_CHECK_WARN : WEFT_CHECK_OK, "open files",
               few ? "scatter needs one a worker: ulimit -n 4096" : NULL, "up to %llu", (unsigned long long)m.files);
}

static void programs(struct weft_checklist *c)
{
    static const struct {
        const char *name, *what, *package;
        bool needed;
    } known[] = {
        {"bash", "every pipeline", "bash", true},
        {"awk", "every pipeline", "mawk", true},
        {"sort", "every pipeline", "coreutils", true},
        {"iconv", "other encodings", "libc-bin", true},
        {"column", "tables of daily.sh", "bsdextrautils", true},
        {"flock", "daily.sh", "util-linux", true},
        {"zcat", "compressed dumps", "gzip", true},
        {"ssh", "cluster-ssh.sh", "openssh-client", false},
        {"psql", "from-postgres.sh", "postgresql-client", false},
        {"jq", "JSON output", "jq", false},
        {"sbatch", "slurm.sh", "slurm-client", false},
        {"kubectl", "k8s.yaml", "kubectl", false},
    };
    char here[256] = "", other[256] = "";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool there = weft_machine_has_program(known[i].name);
        char hint[128];
        snprintf(hint, sizeof hint, "apt-get install %s", known[i].package);
        if (!there && known[i].needed)
            weft_check(c, WEFT_CHECK_WARN, "programs", hint, "%s is not on PATH: for %s", known[i].name, known[i].what);
        else if (there)
            snprintf(here + strlen(here), sizeof here - strlen(here), "%s%s", *here ? ", " : "", known[i].name);
        else
            snprintf(other + strlen(other), sizeof other - strlen(other), "%s%s (%s)", *other ? ", " : "",
                     known[i].name, known[i].what);
    }
    weft_check(c, WEFT_CHECK_OK, "programs", NULL, "%s%s%s", here,
               *other ? "; not here, and needed only for their purpose: " : "", other);
}

/* --- all of it --- */

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    static void (*const checks[])(struct weft_checklist * c) = {libraries,        schemas,   character_sets, machine,
                                                                character_coding, resources, programs};
    struct state *s = state;
    weft_checklist_begin(&s->list, weft_run_text(run), s->format);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (weft_stop_check(e) < 0)
            return -1;
        checks[i](&s->list);
    }
    if (weft_stop_check(e) < 0)
        return -1;
    weft_check_sockets(&weft_run_stream_opts(run)->wire.socket, &s->list);
    weft_checklist_end(&s->list);
    if (s->list.count[WEFT_CHECK_FAIL])
        weft_run_exit_with(run, WEFT_NO);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    (void)run;
    weft_checklist_free(&((struct state *)state)->list);
}

static const struct weft_filter filter = {
    .usage = {.name = "doctor",
              .summary = "says what works on this machine, what does not, and the way out",
              .synopsis = "doctor [--format text|json] [--key FILE --peer-keys FILE]",
              .reads = "nothing",
              .writes = "a line a check: ok, warn or fail",
              .examples = "weft doctor\n"
                          "weft doctor --key head.key --peer-keys workers.pub\n"
                          "weft doctor --format json | jq '.checks[] | select(.status != \"ok\")'",
              .see_also = "keygen, scatter, work, frames",
              .notes =
                  "Looks at the libraries and the CPU kernels that they chose, cores and memory that the cgroup "
                  "grants, locale, temporary directory, shared memory, "
                  "open files, programs that the pipelines call, the keys given, and sends a message there and back "
                  "over ipc and loopback TCP, plain and "
                  "encrypted, each within 3 seconds. It opens nothing beyond this machine and runs no other program.\n"
                  "Exits 0 when nothing fails, 1 otherwise; a warning is no failure."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_TEXT,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
