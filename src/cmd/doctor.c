/* doctor.c - what works here, what does not, and the way out. */
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft/blas.h"
#include "weft/csv.h"
#include "weft/dnn.h"
#include "weft/file.h"
#include "weft/json.h"
#include "weft/machine.h"
#include "weft/roundtrip.h"
#include "weft/run.h"
#include "weft/schema.h"
#include "weft/transcode.h"
#include "weft/unicode.h"
#include "weft/version.h"

enum { TIME_LIMIT_MS = 3000, MESSAGE_BYTES = 100000, ROOM = 512 };
enum verdict { OK, WARN, FAIL };
static const char *const verdicts[] = {"ok", "warn", "fail"};

struct state {
    int format;
    const struct weft_run *run;
    weft_json *checks; /* NULL: text */
    FILE *out;
    unsigned count[3];
    struct weft_machine machine;
    char dir[ROOM]; /* a directory of our own for sockets and keys */
};

static const struct weft_opt opts[] = {
    {WEFT_OPT_CHOICE, 0, "format", offsetof(struct state, format), "text", 0, 0, "text|json", "lines for people, or one JSON object", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* One line. hint: the way out; NULL: none needed. */
static void say(struct state *s, enum verdict v, const char *check, const char *hint, const char *fmt, ...) WEFT_PRINTF(5, 6);
static void say(struct state *s, enum verdict v, const char *check, const char *hint, const char *fmt, ...)
{
    char what[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    s->count[v]++;
    if (!s->checks) {
        fprintf(s->out, "%-5s %s: %s%s%s\n", verdicts[v], check, what, hint && *hint ? " - " : "", hint ? hint : "");
        return;
    }
    weft_json *j = weft_json_new_object();
    weft_json_set(j, "check", weft_json_new_str(check, strlen(check)));
    weft_json_set(j, "status", weft_json_new_str(verdicts[v], strlen(verdicts[v])));
    weft_json_set(j, "what", weft_json_new_str(what, strlen(what)));
    weft_json_set(j, "hint", hint && *hint ? weft_json_new_str(hint, strlen(hint)) : weft_json_new_null());
    weft_json_push(s->checks, j);
}

/* --- what was linked --- */

static void libraries(struct state *s)
{
    char buf[256];
    say(s, OK, "weft", NULL, "%s", WEFT_VERSION);
    say(s, weft_socket_has_curve() ? OK : WARN, "libzmq", weft_socket_has_curve() ? NULL : "sockets beyond this machine then need --insecure; Debian's libzmq5 has CURVE", "%s",
        weft_socket_library(buf, sizeof buf));
    say(s, OK, "msgpack-c", NULL, "%s", weft_pack_library());
    weft_blas_kernels(buf, sizeof buf);
    say(s, OK, "OpenBLAS", NULL, "%s; kernels: %s", weft_blas_library(), buf);
    say(s, OK, "oneDNN", NULL, "%s", weft_dnn_about(buf, sizeof buf));
    say(s, OK, "libcsv", NULL, "%s", weft_csv_library());
    say(s, OK, "utf8proc", NULL, "%s", weft_unicode_library());
    say(s, OK, "jansson", NULL, "%s", weft_json_library());
}

static void schemas(struct state *s)
{
    static const char *const ids[] = {"series/1", "windows/1", "forecasts/1", "products/1", "demand/1", "metrics/1", "ranking/1", "gram/1", "examples/1"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct weft_err e = {0};
        struct weft_schema *schema = weft_schema_find(ids[i], &e);
        n += schema != NULL;
        if (!schema)
            say(s, FAIL, "schemas", "build it again: make clean all", "%s: %s", ids[i], e.what);
        weft_schema_free(&schema);
    }
    if (n == sizeof ids / sizeof *ids)
        say(s, OK, "schemas", NULL, "%zu, compiled in", n);
}

static void character_sets(struct state *s)
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
        say(s, WARN, "character sets", "ingest --encoding can't read them: install the C library's gconv modules (Debian: libc6, libc-bin)", "missing:%s", missing);
    else
        say(s, OK, "character sets", NULL, "CP949, EUC-KR, UTF-16, Latin-1");
}

/* --- the machine --- */

static void cpu(struct state *s)
{
    const struct weft_machine *m = &s->machine;
    char hint[128];
    if (m->x86)
        say(s, m->avx2 ? OK : WARN, "CPU", m->avx2 ? NULL : "everything works, several times slower: choose a machine with AVX2",
            "AVX2 %s, AVX-512 %s, AVX-512 BF16 %s, AMX %s", m->avx2 ? "yes" : "no", m->avx512 ? "yes" : "no", m->avx512_bf16 ? "yes" : "no", m->amx ? "yes" : "no");
    else
        say(s, OK, "CPU", NULL, "not x86-64: baseline kernels");
    int granted = m->quota > 0 && m->quota < m->cores ? (int)(m->quota + 0.5) : 0;
    snprintf(hint, sizeof hint, "trainers start a thread a core: give them --threads %d", granted > 1 ? granted : 1);
    if (granted || (m->quota > 0 && m->quota < m->cores))
        say(s, WARN, "cores", hint, "%d, and the cgroup grants the time of %.2g", m->cores, m->quota);
    else
        say(s, OK, "cores", NULL, "%d", m->cores);
}

static void memory(struct state *s)
{
    const struct weft_machine *m = &s->machine;
    uint64_t have = m->free;
    if (m->memory_limit && m->memory_limit < have)
        have = m->memory_limit;
    char limit[64] = "";
    if (m->memory_limit)
        snprintf(limit, sizeof limit, ", the cgroup's limit is %llu MB", (unsigned long long)(m->memory_limit >> 20));
    bool little = m->memory && have < (uint64_t)256 << 20;
    say(s, little ? WARN : OK, "memory", little ? "filters run in 256 MB; training of pictures needs gigabytes" : NULL, "%llu MB, %llu MB of it available%s",
        (unsigned long long)(m->memory >> 20), (unsigned long long)(m->free >> 20), limit);
}

static void character_coding(struct state *s)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    const char *name = locale ? nl_langinfo_l(CODESET, locale) : "unknown";
    bool good = strcmp(name, "UTF-8") == 0;
    say(s, good ? OK : WARN, "locale", good ? NULL : "what is read and written is UTF-8 all the same, but the terminal may not show Korean: export LC_ALL=C.UTF-8", "%s", name);
    if (locale)
        freelocale(locale);
}

static void directory(struct state *s, const char *check, const char *dir, enum verdict without, const char *hint)
{
    struct weft_err e = {0};
    uint64_t left = 0;
    if (weft_machine_try_directory(dir, &left, &e) < 0)
        say(s, without, check, hint, "%s", e.what);
    else if (left < (uint64_t)64 << 20)
        say(s, WARN, check, "remove something, or choose another directory with TMPDIR", "%s is writable, %llu MB are left", dir, (unsigned long long)(left >> 20));
    else
        say(s, OK, check, NULL, "%s is writable, %llu MB are left", dir, (unsigned long long)(left >> 20));
}

static void resources(struct state *s)
{
    directory(s, "temporary files", weft_temporary_place(), FAIL, "set TMPDIR to a directory that can be written, as export TMPDIR=$HOME/tmp");
    directory(s, "shared memory", "/dev/shm", WARN, "mount it (docker run --shm-size=64m); programs other than weft's own need it");
    bool few = s->machine.files < 1024;
    say(s, few ? WARN : OK, "open files", few ? "scatter needs one a worker: ulimit -n 4096" : NULL, "up to %llu", (unsigned long long)s->machine.files);
}

static void programs(struct state *s)
{
    static const struct {
        const char *name, *what, *package;
        bool needed;
    } known[] = {
        {"bash", "every pipeline", "bash", true},        {"awk", "every pipeline", "mawk", true},     {"sort", "every pipeline", "coreutils", true},
        {"gnuplot", "plots", "gnuplot-nox", true},       {"iconv", "other encodings", "libc-bin", true}, {"column", "tables of daily.sh", "bsdextrautils", true},
        {"flock", "daily.sh", "util-linux", true},       {"zcat", "compressed dumps", "gzip", true},  {"ssh", "cluster-ssh.sh", "openssh-client", false},
        {"psql", "from-postgres.sh", "postgresql-client", false}, {"jq", "JSON output", "jq", false}, {"sbatch", "slurm.sh", "slurm-client", false},
        {"kubectl", "k8s.yaml", "kubectl", false},
    };
    char here[256] = "", other[256] = "";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        bool there = weft_machine_has_program(known[i].name);
        char hint[128];
        snprintf(hint, sizeof hint, "apt-get install %s", known[i].package);
        if (!there && known[i].needed)
            say(s, WARN, "programs", hint, "%s is not on PATH: for %s", known[i].name, known[i].what);
        else if (there)
            snprintf(here + strlen(here), sizeof here - strlen(here), "%s%s", *here ? ", " : "", known[i].name);
        else
            snprintf(other + strlen(other), sizeof other - strlen(other), "%s%s (%s)", *other ? ", " : "", known[i].name, known[i].what);
    }
    say(s, OK, "programs", NULL, "%s%s%s", here, *other ? "; not here, and needed only for their purpose: " : "", other);
}

/* --- keys and sockets --- */

/* A regular file that can be read, or a line that says why not. */
static bool readable(struct state *s, const char *check, const char *path, bool secret)
{
    struct stat st;
    char hint[ROOM];
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, R_OK) < 0) {
        say(s, FAIL, check, "weft keygen NAME makes NAME.key and NAME.pub", "%s is no file that can be read", path);
        return false;
    }
    snprintf(hint, sizeof hint, "chmod 600 %.400s", path);
    if (secret && (st.st_mode & 077))
        say(s, WARN, check, hint, "others on this machine may read or change %s", path);
    return true;
}

/* Is the pair in this file good? */
static bool own_key(struct state *s, const char *path)
{
    struct weft_key_file k;
    struct weft_err e = {0};
    if (!readable(s, "key", path, true))
        return false;
    if (weft_key_file_read(path, &k, &e) < 0 || !k.pair || !k.fits) {
        say(s, FAIL, "key", "weft keygen NAME makes NAME.key and NAME.pub", "%s holds %s", path, k.pair ? "a public and a secret key that do not belong together" : "no key pair");
        return false;
    }
    say(s, OK, "key", NULL, "%s holds a key pair; its public half is %s", path, k.public_key);
    return true;
}

static void peer_keys(struct state *s, const char *path)
{
    struct weft_key_file k;
    struct weft_err e = {0};
    if (!readable(s, "peer keys", path, false))
        return;
    bool good = weft_key_file_read(path, &k, &e) == 0 && k.public_keys > 0;
    bool secret = good && k.pair;
    say(s, !good ? FAIL : secret ? WARN : OK, "peer keys",
        !good ? "put the others' NAME.pub into it, one a line (cat *.pub)" : secret ? "give the others' NAME.pub instead: secret keys stay with their owners" : NULL,
        "%s holds %zu public key%s%s", path, good ? k.public_keys : 0, good && k.public_keys == 1 ? "" : "s", secret ? ", and a secret one" : "");
}

/* Writes a text into our directory; the name goes to path. */
static int write_file(const struct state *s, const char *name, const char *text, char path[ROOM], struct weft_err *e)
{
    snprintf(path, ROOM, "%.400s/%s", s->dir, name);
    FILE *f = fopen(path, "we");
    bool good = f && fchmod(fileno(f), 0600) == 0 && fputs(text, f) >= 0;
    good &= f && fclose(f) == 0;
    return good ? 0 : weft_fail_errno(e, WEFT_CANTCREAT, "can't write %s", path);
}

static void round_trip(struct state *s, const char *check, const char *endpoint, const char *key, const char *peers)
{
    struct weft_socket_opts o = {.key = key, .peer_keys = peers, .timeout_ms = TIME_LIMIT_MS, .high_water = 4, .message_max = 1 << 20};
    struct weft_err e = {0};
    double ms = 0;
    if (weft_roundtrip(endpoint, &o, &o, MESSAGE_BYTES, TIME_LIMIT_MS, &ms, &e) == 0)
        say(s, OK, check, NULL, "%d bytes there and back in %.1f ms", MESSAGE_BYTES, ms);
    else
        say(s, FAIL, check, *e.hint ? e.hint : "is the loopback interface up (ip link set lo up), or does a sandbox forbid sockets? Pipes and files work without",
            "%s", e.what);
}

/* own: a key file of the user, or NULL. */
static void sockets(struct state *s, const char *own)
{
    char key[ROOM], peers[ROOM], ipc[ROOM], text[256], public_key[41], secret_key[41];
    struct weft_key_file k;
    struct weft_err e = {0};
    snprintf(s->dir, sizeof s->dir, "%.60s/weft-doctor-XXXXXX", strlen(weft_temporary_place()) < 60 ? weft_temporary_place() : "/tmp"); /* sockets have short names */
    if (!mkdtemp(s->dir)) {
        *s->dir = 0;
        say(s, FAIL, "sockets", "set TMPDIR to a directory that can be written", "not tried: no directory for them can be made in %s", weft_temporary_place());
        return;
    }
    snprintf(ipc, sizeof ipc, "bind+ipc://%.100s/socket", s->dir);
    round_trip(s, "socket, ipc", ipc, NULL, NULL);
    round_trip(s, "socket, loopback TCP", "bind+tcp://127.0.0.1:*", NULL, NULL);
    if (!weft_socket_has_curve())
        return;
    int rc = weft_keypair(public_key, secret_key, &e);
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_key, secret_key);
    rc = rc == 0 ? write_file(s, "key", text, key, &e) : rc;
    if (rc == 0 && own && weft_key_file_read(own, &k, &e) == 0)
        snprintf(public_key, sizeof public_key, "%s", k.public_key);
    snprintf(text, sizeof text, "%s\n", public_key);
    rc = rc == 0 ? write_file(s, "peers", text, peers, &e) : rc;
    if (rc < 0)
        say(s, FAIL, "socket, encrypted TCP", NULL, "%s", e.what);
    else
        round_trip(s, own ? "socket, encrypted TCP with this key" : "socket, encrypted TCP", "bind+tcp://127.0.0.1:*", own ? own : key, peers);
}

static void clean_up(struct state *s)
{
    static const char *const names[] = {"socket", "key", "peers"};
    char path[ROOM];
    for (size_t i = 0; *s->dir && i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%.400s/%s", s->dir, names[i]);
        unlink(path);
    }
    if (*s->dir)
        rmdir(s->dir);
    *s->dir = 0;
}

static void keys_and_sockets(struct state *s)
{
    const struct weft_socket_opts *o = &weft_run_stream_opts(s->run)->wire.socket;
    bool own = o->key && own_key(s, o->key);
    if (o->peer_keys)
        peer_keys(s, o->peer_keys);
    if (!o->key != !o->peer_keys)
        say(s, WARN, "keys", "give both: who we are, and who may talk to us", "--%s alone", o->key ? "key" : "peer-keys");
    sockets(s, own ? o->key : NULL);
}

/* --- all of it --- */

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    static void (*const checks[])(struct state *s) = {libraries, schemas, character_sets, cpu, memory, character_coding, resources, programs, keys_and_sockets};
    struct state *s = state;
    s->run = run;
    s->out = weft_run_text(run);
    s->checks = s->format ? weft_json_new_array() : NULL;
    weft_machine_look(&s->machine);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (weft_run_stopping(run))
            return weft_run_interrupted(e);
        checks[i](s);
    }
    if (s->checks) {
        weft_json *j = weft_json_new_object();
        weft_json_set(j, "ok", weft_json_new_bool(!s->count[FAIL]));
        weft_json_set(j, "warnings", weft_json_new_int(s->count[WARN]));
        weft_json_set(j, "failures", weft_json_new_int(s->count[FAIL]));
        weft_json_set(j, "checks", s->checks);
        char *text = weft_json_text(j);
        fprintf(s->out, "%s\n", text);
        free(text);
        s->checks = NULL; /* j's */
        weft_json_free(&j);
    }
    if (s->count[FAIL])
        weft_run_exit_with(run, WEFT_NO);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    clean_up(s);
    weft_json_free(&s->checks);
}

static const struct weft_filter filter = {
    .usage = {.name = "doctor",
              .summary = "says what works on this machine, what does not, and the way out",
              .synopsis = "doctor [--format text|json] [--key FILE --peer-keys FILE]",
              .reads = "nothing",
              .writes = "a line a check: ok, warn or fail",
              .examples = "doctor\n"
                          "doctor --key head.key --peer-keys workers.pub\n"
                          "doctor --format json | jq '.checks[] | select(.status != \"ok\")'",
              .see_also = "keygen, scatter, work, frames",
              .notes = "Looks at the libraries and the CPU kernels that they chose, cores and memory that the cgroup grants, locale, temporary directory, shared memory, "
                       "open files, programs that the pipelines call, the keys given, and sends a message there and back over ipc and loopback TCP, plain and "
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
