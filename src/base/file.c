/* file.c - files that are whole or not there. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/stop.h"

/* Names of the temporary files, where a signal handler finds them: fixed places, filled before the file exists and
 * emptied after it is gone. */
enum {
    OPEN_MAX_FILES = 16,
    NAME_BYTES = 4096,
    DIRECTORY_FILES = 64,
    LINKS_MAX = 40,
    NAME_TRIES = 100,
    MAPPINGS_MAX = 32,
    MAP_BYTES = 1 << 20
};
static char names[OPEN_MAX_FILES][NAME_BYTES];
static volatile sig_atomic_t used[OPEN_MAX_FILES]; /* 1: a file; 2: a directory */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct weft_file {
    int fd, slot; /* slot < 0: a device or a pipe, which is written to and not replaced */
    int mode;     /* of the file that is replaced; -1: there is none */
    char *path;
};

static int take_slot(void)
{
    int slot = -1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < OPEN_MAX_FILES && slot < 0; i++)
        if (!used[i])
            slot = i;
    if (slot >= 0) {
        names[slot][0] = 0;
        used[slot] = 1;
    }
    pthread_mutex_unlock(&lock);
    return slot;
}

static struct weft_file *new_file(int fd, int slot, int mode, char *path)
{
    struct weft_file *f = WEFT_NEW(struct weft_file);
    f->fd = fd;
    f->slot = slot;
    f->mode = mode;
    f->path = path;
    return f;
}

/* "PATH.RANDOM.tmp" in `name`, created: no name that somebody else could have foreseen, and never a file that is there
 * already. Process numbers do not do: two containers on one volume have the same one. What replaces a private file is
 * private from the start. */
static int create_temporary(const char *path, bool private, char *name)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    for (int try = 0; try < NAME_TRIES; try++) {
        uint8_t random[10];
        char text[sizeof random + 1] = "";
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        for (size_t i = 0; i < sizeof random; i++)
            text[i] = digits[random[i] & 31];
        snprintf(name, NAME_BYTES, "%s.%s.tmp", path, text);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, private ? 0600 : 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* mode: of the file that is replaced; -1: there is none. */
static int create_regular(const char *path, int mode, struct weft_file **out, struct weft_err *e)
{
    char name[NAME_BYTES];
    if (strlen(path) + 32 > NAME_BYTES)
        return weft_fail(e, WEFT_CANTCREAT, "the name of %s is too long", path);
    int slot = take_slot();
    if (slot < 0)
        return weft_fail(e, WEFT_BUG, "more than %d output files at once", OPEN_MAX_FILES);
    /* A signal between the file and its name in the list would leave the file for ever. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fd = create_temporary(path, mode >= 0, name), why = errno;
    if (fd >= 0)
        memcpy(names[slot], name, strlen(name) + 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (fd < 0) {
        used[slot] = 0;
        errno = why;
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", path);
    }
    *out = new_file(fd, slot, mode, weft_xstrdup(path));
    return 0;
}

/* A device, a named pipe: a rename would put a file in its place. */
static int open_special(const char *path, struct weft_file **out, struct weft_err *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't write to %s", path);
    *out = new_file(fd, -1, -1, weft_xstrdup(path));
    return 0;
}

/* Where the symbolic link `path` leads, one step, relative to its own directory; owned by the caller. NULL: can't be
 * read. */
static char *follow_once(const char *path)
{
    char to[NAME_BYTES];
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n < 0)
        return NULL;
    to[n] = 0;
    const char *slash = strrchr(path, '/');
    size_t dir = to[0] == '/' || !slash ? 0 : (size_t)(slash + 1 - path);
    char *out = weft_xmalloc(dir + (size_t)n + 1);
    memcpy(out, path, dir);
    memcpy(out + dir, to, (size_t)n + 1);
    return out;
}

/* What a path means once its symbolic links are followed, whether a file is there or not yet; owned by the caller. */
static int resolve(const char *path, char **out, struct weft_err *e)
{
    struct stat st;
    char *at = weft_xstrdup(path);
    for (int links = 0; lstat(at, &st) == 0 && S_ISLNK(st.st_mode); links++) {
        char *next = links < LINKS_MAX ? follow_once(at) : NULL;
        if (links == LINKS_MAX)
            errno = ELOOP;
        free(at);
        if (!next)
            return weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", path);
        at = next;
    }
    *out = at;
    return 0;
}

int weft_file_create(const char *path, struct weft_file **out, struct weft_err *e)
{
    *out = NULL;
    struct stat st;
    char *real = NULL;
    int rc;
    if (resolve(path, &real, e) < 0)
        return -1;
    bool there = stat(real, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
        rc = weft_fail(e, WEFT_CANTCREAT, "%s is a directory", path);
    else if (there && !S_ISREG(st.st_mode))
        rc = open_special(real, out, e);
    else
        rc = create_regular(real, there ? (int)(st.st_mode & 0777) : -1, out, e);
    free(real);
    return rc;
}

int weft_file_check(const char *path, struct weft_err *e)
{
    struct stat st;
    struct weft_file *f;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    if (weft_file_create(path, &f, e) < 0)
        return -1;
    weft_file_abort(&f);
    return 0;
}

int weft_file_fd(const struct weft_file *f)
{
    return f->fd;
}

int weft_write_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t wrote = weft_stop_write(fd, at, n);
        if (wrote < 0 && errno == EINTR && !weft_stop_signal())
            continue;
        if (wrote < 0)
            return -1;
        at += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

int weft_file_write(struct weft_file *f, const void *p, size_t n, struct weft_err *e)
{
    if (weft_write_all(f->fd, p, n) < 0)
        return weft_stop_check(e) < 0 ? -1 : weft_fail_errno(e, WEFT_IO, "can't write %s", f->path);
    return 0;
}

static void release(struct weft_file **f)
{
    if ((*f)->slot >= 0)
        used[(*f)->slot] = 0;
    free((*f)->path);
    free(*f);
    *f = NULL;
}

void weft_file_abort(struct weft_file **f)
{
    if (!*f)
        return;
    close((*f)->fd);
    if ((*f)->slot >= 0)
        unlink(names[(*f)->slot]);
    release(f);
}

/* A directory entry lasts only when the directory is synced too. */
static void sync_directory(const char *path)
{
    char *dir = weft_xstrdup(path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir ? 1 : 0] = 0;
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(dir);
}

int weft_file_commit(struct weft_file **f, struct weft_err *e)
{
    int rc = 0;
    if ((*f)->mode >= 0 && fchmod((*f)->fd, (mode_t)(*f)->mode) < 0)
        rc = weft_fail_errno(e, WEFT_CANTCREAT, "can't give %s the mode of the file that it replaces", (*f)->path);
    if (rc == 0 && fsync((*f)->fd) < 0 && errno != EINVAL && errno != EROFS)
        rc = weft_fail_errno(e, WEFT_IO, "can't write %s", (*f)->path);
    if (close((*f)->fd) < 0 && rc == 0)
        rc = weft_fail_errno(e, WEFT_IO, "can't write %s", (*f)->path);
    bool special = (*f)->slot < 0;
    if (rc == 0 && !special && rename(names[(*f)->slot], (*f)->path) < 0)
        rc = weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", (*f)->path);
    if (rc < 0 && !special)
        unlink(names[(*f)->slot]);
    else if (rc == 0 && !special)
        sync_directory((*f)->path);
    release(f);
    return rc;
}

/* The files 0 to 63 of a directory, and itself: with what a signal handler may call. */
static void remove_numbered(const char *dir)
{
    char path[NAME_BYTES + 4];
    size_t n = strlen(dir);
    /* A number and the end of the text are written after it. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(path, dir, n);
    for (int i = 0; i < DIRECTORY_FILES; i++) {
        char *to = path + n;
        *to++ = '/';
        if (i >= 10)
            *to++ = (char)('0' + i / 10);
        *to++ = (char)('0' + i % 10);
        *to = 0;
        unlink(path);
    }
    rmdir(dir);
}

void weft_file_cleanup(void)
{
    for (int i = 0; i < OPEN_MAX_FILES; i++)
        if (used[i] && names[i][0]) {
            if (used[i] == 2)
                remove_numbered(names[i]);
            else
                unlink(names[i]);
        }
}

/* --- what other programs write for us --- */

const char *weft_temporary_place(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

int weft_tempdir_create(const char *program, char **path, struct weft_err *e)
{
    *path = NULL;
    int slot = take_slot();
    if (slot < 0)
        return weft_fail(e, WEFT_BUG, "more than %d output files at once", OPEN_MAX_FILES);
    int n = snprintf(names[slot], NAME_BYTES, "%s/%s.XXXXXX", weft_temporary_place(), program);
    used[slot] = 2;
    if (n < 0 || n >= NAME_BYTES || !mkdtemp(names[slot])) {
        used[slot] = 0;
        weft_fail_errno(e, WEFT_CANTCREAT, "can't create a directory in %s", weft_temporary_place());
        return weft_fail_hint(e, "set TMPDIR to a place with room");
    }
    *path = weft_xstrdup(names[slot]);
    return 0;
}

void weft_tempdir_remove(char **path)
{
    if (!*path)
        return;
    DIR *d = opendir(*path);
    for (struct dirent *f; d && (f = readdir(d));)
        if (strcmp(f->d_name, ".") != 0 && strcmp(f->d_name, "..") != 0)
            unlinkat(dirfd(d), f->d_name, 0);
    if (d)
        closedir(d);
    rmdir(*path);
    for (int i = 0; i < OPEN_MAX_FILES; i++)
        if (used[i] == 2 && strcmp(names[i], *path) == 0)
            used[i] = 0;
    free(*path);
    *path = NULL;
}

int weft_tempfile(int *fd, struct weft_err *e)
{
    char name[NAME_BYTES];
    int n = snprintf(name, sizeof name, "%s/weft.XXXXXX", weft_temporary_place());
    *fd = n > 0 && n < NAME_BYTES ? mkstemp(name) : -1;
    if (*fd < 0) {
        weft_fail_errno(e, WEFT_CANTCREAT, "can't create a file in %s", weft_temporary_place());
        return weft_fail_hint(e, "set TMPDIR to a place with room");
    }
    unlink(name);
    fcntl(*fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

/* --- mappings --- */

/* Mapped files, where the handler of SIGBUS finds them: touching a page that somebody has cut off is a signal, and no
 * error. */
static struct {
    const uint8_t *volatile p;
    volatile size_t n;
    char name[256];
} mapped[MAPPINGS_MAX];

static void list_mapping(const uint8_t *p, size_t n, const char *path)
{
    size_t at = strlen(path), keep = sizeof mapped->name - 1;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAPPINGS_MAX; i++)
        if (!mapped[i].p) {
            snprintf(mapped[i].name, sizeof mapped[i].name, "%s", at > keep ? path + at - keep : path);
            mapped[i].n = n;
            mapped[i].p = p;
            break;
        }
    pthread_mutex_unlock(&lock);
}

static void unlist_mapping(const uint8_t *p)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < MAPPINGS_MAX; i++)
        if (mapped[i].p == p)
            mapped[i].p = NULL;
    pthread_mutex_unlock(&lock);
}

static void say_raw(const char *text)
{
    ssize_t wrote = write(STDERR_FILENO, text, strlen(text));
    (void)wrote;
}

static void on_bus(int sig, siginfo_t *info, void *context)
{
    const uint8_t *at = info->si_addr;
    (void)context;
    for (int i = 0; i < MAPPINGS_MAX; i++)
        if (mapped[i].p && at >= mapped[i].p && at < mapped[i].p + mapped[i].n) {
            say_raw(weft_program());
            say_raw(": ");
            say_raw(mapped[i].name);
            say_raw(" was cut short while it was read; replace files by renaming over them (mv), not by writing into "
                    "them\n");
            weft_file_cleanup();
            _exit(WEFT_IO);
        }
    signal(sig, SIG_DFL); /* a fault of ours: it happens again, without us */
}

/* We never abort. libzmq and the C++ library below it do, where memory, threads or descriptors run out: they have no
 * other way to say so. */
static void on_abort(int sig)
{
    (void)sig;
    say_raw(weft_program());
    say_raw(": a library gave up (above this line it says where): memory, threads or descriptors ran out\n");
    weft_file_cleanup();
    _exit(WEFT_TEMPFAIL);
}

/* Under ulimit -v a library that writes machine code (oneDNN) runs into memory that it did not get. Else it is a bug,
 * and shall be seen as one: the signal ends the program. */
static void on_fault(int sig)
{
    struct rlimit limit;
    weft_file_cleanup();
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        signal(sig, SIG_DFL);
        raise(sig); /* delivered when this handler returns */
        return;
    }
    say_raw(weft_program());
    say_raw(": out of memory in a library; ulimit -v limits it\n");
    _exit(WEFT_TEMPFAIL);
}

void weft_map_guard(void)
{
    struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO}, gave_up = {.sa_handler = on_abort},
                     fault = {.sa_handler = on_fault}, was;
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGABRT, &gave_up, NULL);
    if (sigaction(SIGSEGV, NULL, &was) == 0 && was.sa_handler == SIG_DFL) /* sanitizers have their own */
        sigaction(SIGSEGV, &fault, NULL);
}

static int read_whole(int fd, const char *path, size_t max, struct weft_mapping *out, struct weft_err *e)
{
    size_t cap = 0, n = 0;
    uint8_t *p = NULL;
    for (;;) {
        if (n == cap) {
            cap = weft_grow(cap, n + 65536);
            p = weft_xrealloc(p, cap);
        }
        ssize_t got = weft_stop_read(fd, p + n, cap - n);
        if (got < 0) {
            free(p);
            return weft_stop_check(e) < 0 ? -1 : weft_fail_errno(e, WEFT_IO, "can't read %s", path);
        }
        if (got == 0)
            break;
        n += (size_t)got;
        if (n > max) {
            free(p);
            return weft_fail(e, WEFT_DATA, "%s is larger than %zu bytes", path, max);
        }
    }
    *out = (struct weft_mapping){p, n, false};
    return 0;
}

int weft_map_open(const char *path, size_t max, struct weft_mapping *out, struct weft_err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", path);
    int rc = -1;
    if (fstat(fd, &st) < 0) {
        weft_fail_errno(e, WEFT_IO, "can't read %s", path);
    } else if (S_ISDIR(st.st_mode)) {
        weft_fail(e, WEFT_NOINPUT, "%s is a directory", path);
    } else if (S_ISREG(st.st_mode) &&
               st.st_size >= MAP_BYTES) { /* less is read at once: nobody can cut it short under us */
        if ((uint64_t)st.st_size > max) {
            weft_fail(e, WEFT_DATA, "%s is larger than %zu bytes", path, max);
        } else {
            void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
            if (p == MAP_FAILED) {
                weft_fail_errno(e, WEFT_IO, "can't map %s", path);
            } else {
                list_mapping(p, (size_t)st.st_size, path);
                *out = (struct weft_mapping){p, (size_t)st.st_size, true};
                rc = 0;
            }
        }
    } else {
        rc = read_whole(fd, path, max, out, e);
    }
    close(fd);
    return rc;
}

void weft_map_close(struct weft_mapping *m)
{
    if (m->mapped) {
        unlist_mapping(m->p);
        munmap((void *)(uintptr_t)m->p, m->n);
    } else {
        free((void *)(uintptr_t)m->p);
    }
    *m = (struct weft_mapping){0};
}
