/* fault.c - a library for LD_PRELOAD that makes one call fail, once: tests/fault/run.sh says of what.
 *
 * A point is a call and the stack that it comes from, as a hash of program, call and return addresses. Programs of the
 * directory FAULT_BIN alone are touched, and those of their calls that come from main or from another thread.
 *   FAULT_LOG=FILE     writes a line "PROGRAM CALL POINT" for every point that is met, once a process
 *   FAULT_POINT=HEX    fails the first call there, and writes its line to FAULT_LOG when it does */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FRAMES = 40, MODULES = 128, SEEN = 1 << 16 };

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static struct {
    uintptr_t from, to;
    bool passed; /* calls from here are let through */
} module[MODULES];
static size_t n_modules;
static char program[64];
static const char *log_path;
static uint64_t wanted;
static bool active, fired;
static uint64_t seen[SEEN];
static int lock;
static __thread bool inside __attribute__((tls_model("initial-exec")));

static int add_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    uintptr_t from = UINTPTR_MAX, to = 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD) {
            uintptr_t at = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            from = at < from ? at : from;
            to = at + info->dlpi_phdr[i].p_memsz > to ? at + info->dlpi_phdr[i].p_memsz : to;
        }
    if (n_modules < MODULES && to > 0) {
        module[n_modules].from = from;
        /* libpgm, which libzmq brings, asks the C library for a protocol by its name, and that (glibc 2.36) does not
         * look whether it got memory for its table. */
        module[n_modules].passed = info->dlpi_name && strstr(info->dlpi_name, "/libpgm");
        module[n_modules++].to = to;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    void *frames[4];
    const char *dir = getenv("FAULT_BIN"), *point = getenv("FAULT_POINT");
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    log_path = getenv("FAULT_LOG");
    if (!dir || !log_path || n <= 0)
        return;
    exe[n] = 0;
    char *slash = strrchr(exe, '/');
    if (!slash || (size_t)(slash - exe) != strlen(dir) || memcmp(exe, dir, strlen(dir)) != 0)
        return;
    snprintf(program, sizeof program, "%s", slash + 1);
    wanted = point ? strtoull(point, NULL, 16) : 0;
    inside = true;
    backtrace(frames, 4); /* loads what it needs */
    dl_iterate_phdr(add_module, NULL);
    inside = false;
    active = true;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* The point, 0: none of ours. The first module is the program itself. */
static uint64_t point_of(const char *call)
{
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);
    bool ours = getpid() != (pid_t)syscall(SYS_gettid);
    bool passed = false;
    uint64_t h = 1;
    for (const char *p = program; *p; p++)
        h = mix(h, (uint8_t)*p);
    for (const char *p = call; *p; p++)
        h = mix(h, (uint8_t)*p);
    for (int i = 2; i < n; i++) { /* after ourselves */
        uintptr_t at = (uintptr_t)frames[i];
        for (size_t m = 0; m < n_modules; m++)
            if (at >= module[m].from && at < module[m].to) {
                h = mix(mix(h, m + 1), at - module[m].from);
                ours |= m == 0;
                passed |= module[m].passed;
                break;
            }
    }
    if (!ours || passed)
        return 0;
    return h ? h : 1;
}

static bool met_before(uint64_t h)
{
    size_t at = h % SEEN;
    bool before = false;
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        ;
    for (size_t tries = 0; tries < SEEN && seen[at] && seen[at] != h; tries++)
        at = (at + 1) % SEEN;
    before = seen[at] == h;
    if (!seen[at])
        seen[at] = h;
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return before;
}

static void note(const char *call, uint64_t h)
{
    char line[160];
    int n = snprintf(line, sizeof line, "%s %s %016llx\n", program, call, (unsigned long long)h);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    syscall(SYS_write, fd, line, (size_t)n);
    syscall(SYS_close, fd);
}

/* Is this call to fail? */
static bool fails(const char *call, int why)
{
    if (!active || inside || (wanted && fired))
        return false;
    inside = true;
    int was = errno;
    uint64_t h = point_of(call);
    bool now = false;
    if (h && wanted && h == wanted)
        now = !__atomic_exchange_n(&fired, true, __ATOMIC_ACQ_REL);
    if (h && (wanted ? now : !met_before(h)))
        note(call, h);
    inside = false;
    errno = now ? why : was;
    return now;
}

#define REAL(type, name, ...)                                                                                          \
    static type (*real)(__VA_ARGS__);                                                                                  \
    if (!real) {                                                                                                       \
        inside = true;                                                                                                 \
        *(void **)(&real) = dlsym(RTLD_NEXT, name);                                                                    \
        inside = false;                                                                                                \
    }

/* --- memory --- */

void *malloc(size_t n)
{
    return fails("malloc", ENOMEM) ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t size)
{
    return fails("calloc", ENOMEM) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t n)
{
    return fails("realloc", ENOMEM) ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return fails("aligned_alloc", ENOMEM) ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    if (fails("posix_memalign", ENOMEM))
        return ENOMEM;
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    if (fails("mmap", ENOMEM))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, offset); /* NOLINT(performance-no-int-to-ptr) */
}

void *mmap64(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    return mmap(at, n, prot, flags, fd, offset);
}

int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)
    return fails("pthread_create", EAGAIN) ? EAGAIN : real(t, a, f, arg);
}

/* --- files --- */

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return fails("open", flags & O_CREAT ? ENOSPC : EMFILE) ? -1
                                                            : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    REAL(FILE *, "fopen", const char *, const char *)
    return fails("open", EMFILE) ? NULL : real(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}

int mkstemp(char *name)
{
    REAL(int, "mkstemp", char *)
    return fails("open", ENOSPC) ? -1 : real(name);
}

char *mkdtemp(char *name)
{
    REAL(char *, "mkdtemp", char *)
    return fails("open", ENOSPC) ? NULL : real(name);
}

ssize_t read(int fd, void *p, size_t n)
{
    return fails("read", EIO) ? -1 : syscall(SYS_read, fd, p, n);
}

ssize_t readv(int fd, const struct iovec *v, int n)
{
    return fails("read", EIO) ? -1 : syscall(SYS_readv, fd, v, n);
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    return fails("read", EIO) ? -1 : syscall(SYS_pread64, fd, p, n, at);
}

ssize_t pread64(int fd, void *p, size_t n, off_t at)
{
    return pread(fd, p, n, at);
}

size_t fread(void *p, size_t size, size_t n, FILE *f)
{
    REAL(size_t, "fread", void *, size_t, size_t, FILE *)
    if (!fails("read", EIO))
        return real(p, size, n, f);
    f->_flags |= 0x20; /* as a failed read leaves it: ferror */
    return 0;
}

ssize_t write(int fd, const void *p, size_t n)
{
    /* What is said on standard error is the thing that is looked at. */
    return fd != STDERR_FILENO && fails("write", ENOSPC) ? -1 : syscall(SYS_write, fd, p, n);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    return fails("write", ENOSPC) ? -1 : syscall(SYS_writev, fd, v, n);
}

int fflush(FILE *f)
{
    REAL(int, "fflush", FILE *)
    if (f == NULL || f == stderr || !fails("write", ENOSPC))
        return real(f);
    f->_flags |= 0x20;
    return EOF;
}

int rename(const char *from, const char *to)
{
    return fails("rename", EACCES) ? -1 : (int)syscall(SYS_rename, from, to);
}

int fsync(int fd)
{
    return fails("fsync", EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

/* --- sockets --- */

int socket(int domain, int type, int protocol)
{
    return fails("socket", EMFILE) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *to, socklen_t n)
{
    return fails("bind", EADDRINUSE) ? -1 : (int)syscall(SYS_bind, fd, to, n);
}

int listen(int fd, int n)
{
    return fails("listen", EADDRINUSE) ? -1 : (int)syscall(SYS_listen, fd, n);
}

int connect(int fd, const struct sockaddr *to, socklen_t n)
{
    return fails("connect", ECONNREFUSED) ? -1 : (int)syscall(SYS_connect, fd, to, n);
}

int accept(int fd, struct sockaddr *from, socklen_t *n)
{
    return fails("accept", EMFILE) ? -1 : (int)syscall(SYS_accept4, fd, from, n, 0);
}

int accept4(int fd, struct sockaddr *from, socklen_t *n, int flags)
{
    return fails("accept", EMFILE) ? -1 : (int)syscall(SYS_accept4, fd, from, n, flags);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    return fails("send", ECONNRESET) ? -1 : syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    return fails("recv", ECONNRESET) ? -1 : syscall(SYS_recvfrom, fd, p, n, flags, NULL, NULL);
}
