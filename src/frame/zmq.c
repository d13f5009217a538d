/* zmq.c - the only file that knows libzmq. */
#include <arpa/inet.h>
#include <zmq.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/par.h"
#include "frame/socket.h"

enum { POLL_MAX = 8, KEY_TEXT = 40, KEY_BYTES = 32, KEY_FILE_MAX = 1 << 20, HANDSHAKE_MS = 10000 };

/* Which connection a listening socket's peer speaks through: monitor events name descriptors, messages name routing
 * ids. A descriptor is soon given to somebody else, so events are taken in their order, and all of them before a peer
 * speaks for the first time. */
struct link {
    int fd;
    bool known, gone; /* who it is; ended before that was known */
    struct weft_peer peer;
};

struct weft_socket {
    void *context, *socket, *monitor;
    bool listens, curve;
    char address[512];
    zmq_msg_t message;
    struct weft_received *news; /* GONE and CONNECTED, in their order */
    size_t n_news, cap_news;
    struct link *links;
    size_t n_links;
    uint64_t refused;
    /* ZAP: who may speak. The handler thread ends with the context. */
    pthread_t zap;
    bool zap_runs;
    uint8_t (*allowed)[KEY_BYTES];
    size_t n_allowed;
};

bool weft_peer_same(const struct weft_peer *a, const struct weft_peer *b)
{
    return a->n == b->n && memcmp(a->id, b->id, a->n) == 0;
}

bool weft_socket_endpoint(const char *endpoint)
{
    if (strncmp(endpoint, "bind+", 5) == 0)
        endpoint += 5;
    return strncmp(endpoint, "tcp://", 6) == 0 || strncmp(endpoint, "ipc://", 6) == 0;
}

static int fail_zmq(struct weft_err *e, int code, const char *what, const char *name)
{
    return weft_fail(e, code, "%s %s: %s", what, name, zmq_strerror(zmq_errno()));
}

/* --- keys --- */

int weft_keypair(char public_key[41], char secret_key[41], struct weft_err *e)
{
    if (zmq_curve_keypair(public_key, secret_key) != 0)
        return weft_fail(e, WEFT_CONFIG, "this libzmq was built without CURVE");
    return 0;
}

/* The Z85 text behind `name` in a key file, or a key alone on its line when name is "". Lines that begin with # are
 * comments. */
static int next_key(const char **at, const char *end, const char *name, char key[KEY_TEXT + 1])
{
    while (*at < end) {
        const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            stop = end;
        *at = stop < end ? stop + 1 : end;
        size_t n = (size_t)(stop - line), skip = strlen(name);
        if (n < skip || memcmp(line, name, skip) != 0 || *line == '#')
            continue;
        line += skip;
        n -= skip;
        while (n && (*line == ' ' || *line == '\t')) {
            line++;
            n--;
        }
        if (n < KEY_TEXT)
            continue;
        if (n > KEY_TEXT && line[KEY_TEXT] != ' ' && line[KEY_TEXT] != '\t' && line[KEY_TEXT] != '\r')
            continue;
        memcpy(key, line, KEY_TEXT);
        key[KEY_TEXT] = 0;
        uint8_t bytes[KEY_BYTES];
        if (zmq_z85_decode(bytes, key))
            return 1;
    }
    return 0;
}

/* A line of a key file is blank, a comment, or a key, alone or after the word that says which. One that is none was
 * meant to be one: the peer whose key it is would be refused, and nobody knew why. */
static void say_broken_lines(const char *path, const struct weft_mapping *m)
{
    const char *end = (const char *)m->p + m->n;
    unsigned number = 1;
    for (const char *line = (const char *)m->p; line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line)), *first = line;
        char key[KEY_TEXT + 1];
        stop = stop ? stop : end;
        while (first < stop && (*first == ' ' || *first == '\t' || *first == '\r'))
            first++;
        bool holds = false;
        static const char *const names[] = {"", "public:", "secret:"};
        for (size_t i = 0; i < sizeof names / sizeof *names && !holds; i++) {
            const char *at = line;
            holds = next_key(&at, stop, names[i], key);
        }
        if (first < stop && *first != '#' && !holds)
            weft_say(weft_program(), "%s:%u is no key: who has it can't talk to us", path, number);
        line = stop < end ? stop + 1 : end;
    }
}

/* A secret that others can read is none. */
static void say_readable(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
        weft_say(weft_program(), "%s is a secret key, and others can read it: chmod 600 %s", path, path);
}

static int own_keys(const char *path, char public_key[41], char secret_key[41], struct weft_err *e)
{
    struct weft_mapping m;
    if (weft_map_open(path, KEY_FILE_MAX, &m, e) < 0)
        return -1;
    const char *a = (const char *)m.p, *b = a, *end = a + m.n;
    int ok = next_key(&a, end, "public:", public_key) && next_key(&b, end, "secret:", secret_key);
    weft_map_close(&m);
    if (ok)
        return 0;
    weft_fail(e, WEFT_CONFIG, "%s holds no key pair", path);
    return weft_fail_hint(e, "make one with `weft keygen NAME`: it writes NAME.key");
}

static int peer_keys(struct weft_socket *s, const char *path, bool say, struct weft_err *e)
{
    struct weft_mapping m;
    char key[KEY_TEXT + 1];
    if (weft_map_open(path, KEY_FILE_MAX, &m, e) < 0)
        return -1;
    if (say)
        say_broken_lines(path, &m);
    /* A line may be a bare key or "public: KEY", so that the public half of a key file can be used as it is. */
    for (int form = 0; form < 2; form++) {
        const char *at = (const char *)m.p, *end = at + m.n;
        while (next_key(&at, end, form ? "public:" : "", key)) {
            s->allowed = weft_xrealloc2(s->allowed, s->n_allowed + 1, sizeof *s->allowed);
            zmq_z85_decode(s->allowed[s->n_allowed++], key);
        }
    }
    weft_map_close(&m);
    return s->n_allowed ? 0 : weft_fail(e, WEFT_CONFIG, "%s holds no public key", path);
}

int weft_key_file_read(const char *path, struct weft_key_file *out, struct weft_err *e)
{
    char secret_key[KEY_TEXT + 1], derived[KEY_TEXT + 1];
    struct weft_err none = {0};
    struct weft_socket s = {0};
    *out = (struct weft_key_file){0};
    struct weft_mapping m;
    if (weft_map_open(path, KEY_FILE_MAX, &m, e) < 0)
        return -1;
    weft_map_close(&m);
    out->pair = own_keys(path, out->public_key, secret_key, &none) == 0;
    out->fits = out->pair && zmq_curve_public(derived, secret_key) == 0 && strcmp(derived, out->public_key) == 0;
    (void)!peer_keys(&s, path, false, &none);
    out->public_keys = s.n_allowed;
    free(s.allowed);
    return 0;
}

bool weft_socket_has_curve(void)
{
    return zmq_has("curve") != 0;
}

const char *weft_socket_library(char *buf, size_t cap)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    snprintf(buf, cap, "%d.%d.%d, %s CURVE", major, minor, patch, weft_socket_has_curve() ? "with" : "without");
    return buf;
}

static bool is_allowed(const struct weft_socket *s, const uint8_t *key)
{
    bool found = false;
    for (size_t i = 0; i < s->n_allowed; i++)
        found |= memcmp(s->allowed[i], key, KEY_BYTES) == 0;
    return found;
}

/* ZAP (RFC 27): answers libzmq's question about each client. */
static void *zap_loop(void *arg)
{
    struct weft_socket *s = arg;
    void *zap = zmq_socket(s->context, ZMQ_REP);
    if (!zap || zmq_bind(zap, "inproc://zeromq.zap.01") != 0) {
        if (zap)
            zmq_close(zap);
        return NULL;
    }
    for (;;) {
        char request[256];
        uint8_t key[KEY_BYTES] = {0};
        size_t request_n = 0;
        bool curve = false;
        int more = 1, rc = 0;
        for (int part = 0; more; part++) {
            uint8_t buf[256];
            size_t size = sizeof more;
            rc = zmq_recv(zap, buf, sizeof buf, 0);
            if (rc < 0)
                break;
            size_t n = (size_t)rc < sizeof buf ? (size_t)rc : sizeof buf;
            if (part == 1)
                memcpy(request, buf, request_n = n);
            else if (part == 5)
                curve = n == 5 && memcmp(buf, "CURVE", 5) == 0;
            else if (part == 6 && n == KEY_BYTES)
                memcpy(key, buf, KEY_BYTES);
            zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size);
        }
        if (rc < 0) {
            if (zmq_errno() == EINTR)
                continue;
            break; /* the context ends */
        }
        bool ok = curve && is_allowed(s, key);
        zmq_send(zap, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(zap, request, request_n, ZMQ_SNDMORE);
        zmq_send(zap, ok ? "200" : "400", 3, ZMQ_SNDMORE);
        zmq_send(zap, "", 0, ZMQ_SNDMORE);
        zmq_send(zap, "", 0, ZMQ_SNDMORE);
        zmq_send(zap, "", 0, 0);
    }
    zmq_close(zap);
    return NULL;
}

static int secure(struct weft_socket *s, const struct weft_socket_opts *o, struct weft_err *e)
{
    char public_key[KEY_TEXT + 1], secret_key[KEY_TEXT + 1];
    int one = 1;
    if (!o->key && !o->peer_keys)
        return 0;
    if (!o->key || !o->peer_keys)
        return weft_fail(e, WEFT_USAGE, "--key and --peer-keys go together: who we are, and who may talk to us");
    if (own_keys(o->key, public_key, secret_key, e) < 0 || peer_keys(s, o->peer_keys, true, e) < 0)
        return -1;
    say_readable(o->key);
    s->curve = true;
    if (s->listens) {
        if (pthread_create(&s->zap, NULL, zap_loop, s) != 0)
            return weft_fail(e, WEFT_TEMPFAIL, "can't start a thread");
        s->zap_runs = true;
        zmq_setsockopt(s->socket, ZMQ_CURVE_SERVER, &one, sizeof one);
        zmq_setsockopt(s->socket, ZMQ_ZAP_DOMAIN, "weft", 4);
    } else {
        zmq_setsockopt(s->socket, ZMQ_CURVE_SERVERKEY, s->allowed[0], KEY_BYTES);
        zmq_setsockopt(s->socket, ZMQ_CURVE_PUBLICKEY, public_key, KEY_TEXT + 1);
    }
    if (zmq_setsockopt(s->socket, ZMQ_CURVE_SECRETKEY, secret_key, KEY_TEXT + 1) != 0)
        return weft_fail(e, WEFT_CONFIG, "this libzmq was built without CURVE");
    return 0;
}

/* Is HOST of "tcp://HOST:PORT" this machine itself? An address of loopback, read as one: "127.example.com" is a name,
 * and anybody's. The last form is how libzmq says 127.0.0.1 when it listens. */
static bool loopback(const char *address)
{
    char host[64];
    const char *begin = address + strlen("tcp://"), *end = strrchr(address, ':');
    if (strncmp(address, "tcp://", 6) != 0 || end < begin || (size_t)(end - begin) >= sizeof host)
        return false;
    if (*begin == '[' && end[-1] == ']') {
        begin++;
        end--;
    }
    snprintf(host, sizeof host, "%.*s", (int)(end - begin), begin);
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
    return strcmp(host, "localhost") == 0;
}

/* Plain TCP leaves the machine only when the user says so. */
static int check_exposure(const char *address, const struct weft_socket_opts *o, struct weft_err *e)
{
    if (o->key || o->insecure || strncmp(address, "ipc://", 6) == 0 || loopback(address))
        return 0;
    weft_fail(e, WEFT_USAGE, "%s is beyond this machine, and without keys anybody may read and write there", address);
    return weft_fail_hint(e,
                          "give --key and --peer-keys (weft keygen makes them), or --insecure on a network you trust");
}

/* --- addresses: what libzmq would only find out while everybody waits --- */

/* The host of "HOST:PORT" to `host`, brackets of IPv6 taken off; false when it is none. A port that listens may be 0 or
 * *: any that is free. */
static bool split_tcp(const char *at, bool listens, char *host, size_t cap)
{
    const char *colon = strrchr(at, ':'), *port = colon ? colon + 1 : "";
    size_t n = colon ? (size_t)(colon - at) : 0;
    char *end;
    long number = strtol(port, &end, 10);
    bool any = listens && (strcmp(port, "*") == 0 || strcmp(port, "0") == 0);
    if (n < 1 || n >= cap || (!any && (*port < '0' || *port > '9' || *end || number < 1 || number > 65535)))
        return false;
    bool brackets = at[0] == '[' && at[n - 1] == ']';
    if (!brackets && memchr(at, ':', n))
        return false;
    snprintf(host, cap, "%.*s", (int)(brackets ? n - 2 : n), at + brackets);
    return true;
}

/* host: of an endpoint that connects. */
static int check_host(const char *host, struct weft_err *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc == 0)
        freeaddrinfo(found);
    if (rc == 0)
        return 0;
    weft_fail(e, WEFT_PEER, "%s does not resolve: %s", host, gai_strerror(rc));
    return weft_fail_hint(e, "is the name right, and known on this machine?");
}

/* A file that stands where a socket is to be: libzmq would remove it. A socket somebody listens on is his. */
static int check_ipc_place(const char *path, struct weft_err *e)
{
    struct stat st;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return weft_fail(e, WEFT_CANTCREAT, "can't listen on ipc://%s: a file is there that is no socket", path);
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool lives = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    if (fd >= 0)
        close(fd);
    return lives ? weft_fail(e, WEFT_CANTCREAT, "can't listen on ipc://%s: somebody else does", path) : 0;
}

/* host [cap]: of a TCP endpoint, else empty. */
static int check_address(const char *address, bool listens, char *host, size_t cap, struct weft_err *e)
{
    *host = 0;
    const char *at = address + 6; /* after tcp:// or ipc:// */
    if (strncmp(address, "tcp://", 6) == 0) {
        if (!split_tcp(at, listens, host, cap))
            return weft_fail(e, WEFT_USAGE, "\"%s\" is no endpoint: tcp://HOST:PORT, with a port of 1 to 65535",
                             address);
        return 0;
    }
    size_t n = strlen(at), most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (n < 1 || n > most)
        return weft_fail(e, WEFT_USAGE, "\"%s\" is no endpoint: ipc://PATH, with a path of 1 to %zu bytes", address,
                         most);
    return listens && *at != '@' && *at != '*' ? check_ipc_place(at, e) : 0;
}

/* --- opening --- */

/* libzmq starts two threads, and aborts where it may not (ulimit -u, -v). */
static int check_threads(struct weft_err *e)
{
    if (weft_par_can_start(2))
        return 0;
    weft_fail(e, WEFT_TEMPFAIL, "can't start the threads that sockets need");
    return weft_fail_hint(e, "ulimit -u and ulimit -v limit them");
}

static void set_int(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static void set_defaults(struct weft_socket *s, const struct weft_socket_opts *o)
{
    int64_t max = (int64_t)o->message_max;
    set_int(s->socket, ZMQ_LINGER, 0);
    set_int(s->socket, ZMQ_SNDHWM, o->high_water);
    set_int(s->socket, ZMQ_RCVHWM, o->high_water);
    set_int(s->socket, ZMQ_IMMEDIATE, 1);
    set_int(s->socket, ZMQ_IPV6, 1);
    set_int(s->socket, ZMQ_HANDSHAKE_IVL, o->timeout_ms < HANDSHAKE_MS ? o->timeout_ms : HANDSHAKE_MS);
    set_int(s->socket, ZMQ_HEARTBEAT_IVL, o->timeout_ms / 3 > 0 ? o->timeout_ms / 3 : 1);
    set_int(s->socket, ZMQ_HEARTBEAT_TIMEOUT, o->timeout_ms);
    set_int(s->socket, ZMQ_HEARTBEAT_TTL, o->timeout_ms);
    set_int(s->socket, ZMQ_RECONNECT_IVL, 100);
    set_int(s->socket, ZMQ_RECONNECT_IVL_MAX, 2000);
    zmq_setsockopt(s->socket, ZMQ_MAXMSGSIZE, &max, sizeof max);
    if (s->listens)
        set_int(s->socket, ZMQ_ROUTER_MANDATORY, 1);
}

static int watch(struct weft_socket *s, struct weft_err *e)
{
    if (zmq_socket_monitor(s->socket, "inproc://weft.monitor",
                           ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) != 0)
        return fail_zmq(e, zmq_errno() == EMFILE ? WEFT_TEMPFAIL : WEFT_BUG, "can't watch", s->address);
    s->monitor = zmq_socket(s->context, ZMQ_PAIR);
    if (!s->monitor)
        return fail_zmq(e, WEFT_TEMPFAIL, "can't make a second socket for", s->address);
    set_int(s->monitor, ZMQ_LINGER, 0);
    if (zmq_connect(s->monitor, "inproc://weft.monitor") != 0)
        return fail_zmq(e, WEFT_BUG, "can't watch", s->address);
    return 0;
}

static int attach(struct weft_socket *s, struct weft_err *e)
{
    if (!s->listens) {
        if (zmq_connect(s->socket, s->address) != 0)
            return fail_zmq(e, WEFT_USAGE, "can't connect to", s->address);
        return 0;
    }
    if (zmq_bind(s->socket, s->address) != 0)
        return fail_zmq(e, zmq_errno() == EADDRINUSE || zmq_errno() == EACCES ? WEFT_CANTCREAT : WEFT_USAGE,
                        "can't listen on", s->address);
    size_t n = sizeof s->address;
    zmq_getsockopt(s->socket, ZMQ_LAST_ENDPOINT, s->address, &n);
    return 0;
}

int weft_socket_open(const char *endpoint, const struct weft_socket_opts *o, struct weft_socket **out,
                     struct weft_err *e)
{
    struct weft_socket *s = WEFT_NEW(struct weft_socket);
    *out = s;
    s->listens = strncmp(endpoint, "bind+", 5) == 0;
    if (s->listens)
        endpoint += 5;
    if (strlen(endpoint) >= sizeof s->address)
        return weft_fail(e, WEFT_USAGE, "an endpoint of more than %zu characters", sizeof s->address - 1);
    snprintf(s->address, sizeof s->address, "%s", endpoint);
    char host[256];
    zmq_msg_init(&s->message);
    if (check_address(endpoint, s->listens, host, sizeof host, e) < 0 || check_exposure(endpoint, o, e) < 0)
        return -1;
    if (*host && !s->listens && check_host(host, e) < 0)
        return -1;
    if (check_threads(e) < 0)
        return -1;
    s->context = zmq_ctx_new();
    s->socket = s->context ? zmq_socket(s->context, s->listens ? ZMQ_ROUTER : ZMQ_DEALER) : NULL;
    if (!s->socket)
        return fail_zmq(e, WEFT_TEMPFAIL, "can't make a socket for", s->address);
    set_defaults(s, o);
    if (secure(s, o, e) < 0 || watch(s, e) < 0)
        return -1;
    return attach(s, e);
}

bool weft_socket_listens(const struct weft_socket *s)
{
    return s->listens;
}

const char *weft_socket_address(const struct weft_socket *s)
{
    return s->address;
}

uint64_t weft_socket_refused(const struct weft_socket *s)
{
    return s->refused;
}

/* --- sending and receiving --- */

int weft_socket_send(struct weft_socket *s, const struct weft_peer *to, const void *p, size_t n, int timeout_ms,
                     struct weft_err *e)
{
    set_int(s->socket, ZMQ_SNDTIMEO, timeout_ms);
    int flags = timeout_ms == 0 ? ZMQ_DONTWAIT : 0, rc = 0;
    if (s->listens)
        rc = zmq_send(s->socket, to->id, to->n, flags | ZMQ_SNDMORE);
    if (rc >= 0)
        rc = zmq_send(s->socket, p, n, flags);
    if (rc >= 0)
        return 1;
    if (zmq_errno() == EAGAIN)
        return 0;
    if (zmq_errno() == EINTR)
        return weft_fail(e, WEFT_TEMPFAIL, "interrupted");
    return fail_zmq(e, zmq_errno() == EHOSTUNREACH ? WEFT_PEER : WEFT_IO, "can't send to", s->address);
}

static struct link *link_of(struct weft_socket *s, int fd)
{
    for (size_t i = 0; i < s->n_links; i++)
        if (s->links[i].fd == fd)
            return &s->links[i];
    return NULL;
}

static struct link *link_new(struct weft_socket *s, int fd)
{
    struct link *l = link_of(s, fd);
    if (!l) {
        s->links = weft_xrealloc2(s->links, s->n_links + 1, sizeof *s->links);
        l = &s->links[s->n_links++];
    }
    *l = (struct link){.fd = fd};
    return l;
}

static void link_drop(struct weft_socket *s, struct link *l)
{
    *l = s->links[--s->n_links];
}

void weft_socket_forget(struct weft_socket *s, const struct weft_peer *peer)
{
    for (size_t i = 0; i < s->n_links; i++)
        if (s->links[i].known && weft_peer_same(&s->links[i].peer, peer)) {
            link_drop(s, &s->links[i]);
            return;
        }
}

static void add_news(struct weft_socket *s, enum weft_socket_event event, const struct weft_peer *peer)
{
    if (s->n_news == s->cap_news) {
        s->cap_news = weft_grow(s->cap_news, s->n_news + 1);
        s->news = weft_xrealloc2(s->news, s->cap_news, sizeof *s->news);
    }
    s->news[s->n_news++] = (struct weft_received){.event = event, .from = *peer};
}

static int refused(struct weft_socket *s, struct weft_err *e)
{
    s->refused++;
    if (s->listens)
        return 0;
    weft_fail(e, WEFT_NOPERM, "key refused by %s", s->address);
    return weft_fail_hint(e, "our public key must be in its --peer-keys, and its key the first in ours");
}

static void ended(struct weft_socket *s, int fd)
{
    struct link *l = s->listens ? link_of(s, fd) : NULL;
    if (!s->listens) {
        add_news(s, WEFT_SOCKET_GONE, &(struct weft_peer){.n = 0});
    } else if (l && l->known) {
        add_news(s, WEFT_SOCKET_GONE, &l->peer);
        link_drop(s, l);
    } else if (l) {
        l->gone = true;
    }
}

/* Takes one event: 1: done; 0: there is none; -1. */
static int take_event(struct weft_socket *s, struct weft_err *e)
{
    uint8_t head[6] = {0}, address[256];
    uint16_t event;
    uint32_t value;
    if (zmq_recv(s->monitor, head, sizeof head, ZMQ_DONTWAIT) != (int)sizeof head)
        return 0;
    (void)zmq_recv(s->monitor, address, sizeof address, 0);
    memcpy(&event, head, sizeof event);
    memcpy(&value, head + 2, sizeof value);
    int rc = 0;
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        rc = refused(s, e);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        /* Who connects with CURVE meets this when the listener can't read it; without keys it is only a peer that went.
         */
        rc = s->curve || s->listens ? refused(s, e) : 0;
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        if (s->listens)
            link_new(s, (int)value);
        else
            add_news(s, WEFT_SOCKET_CONNECTED, &(struct weft_peer){.n = 0});
        break;
    case ZMQ_EVENT_DISCONNECTED:
        ended(s, (int)value);
        break;
    default:
        break;
    }
    return rc < 0 ? -1 : 1;
}

/* All events that are there. */
static int take_events(struct weft_socket *s, struct weft_err *e)
{
    int got;
    while ((got = take_event(s, e)) > 0) {
    }
    return got;
}

/* Notes who speaks through the connection of the message at hand. */
static void remember(struct weft_socket *s, const struct weft_peer *peer)
{
    int fd = zmq_msg_get(&s->message, ZMQ_SRCFD);
    struct link *l = link_of(s, fd);
    struct weft_err ignored = {0};
    if (l && l->known && weft_peer_same(&l->peer, peer))
        return;
    (void)take_events(s, &ignored);
    l = link_of(s, fd);
    if (l && l->known)
        add_news(s, WEFT_SOCKET_GONE, &l->peer); /* the descriptor is somebody else's now */
    bool gone = l && l->gone;
    l = link_new(s, fd);
    l->known = true;
    l->peer = *peer;
    if (gone) {
        add_news(s, WEFT_SOCKET_GONE, peer);
        link_drop(s, l);
    }
}

static int receive_part(struct weft_socket *s)
{
    zmq_msg_close(&s->message);
    zmq_msg_init(&s->message);
    return zmq_msg_recv(&s->message, s->socket, ZMQ_DONTWAIT);
}

/* 1: a message; 0: none; -1. A message of another shape than ours is skipped. */
static int take_message(struct weft_socket *s, struct weft_received *r, struct weft_err *e)
{
    int rc = receive_part(s);
    if (rc < 0)
        return zmq_errno() == EAGAIN || zmq_errno() == EINTR ? 0
                                                             : fail_zmq(e, WEFT_IO, "can't receive from", s->address);
    bool ours = true;
    if (s->listens) {
        size_t n = zmq_msg_size(&s->message);
        ours = n <= sizeof r->from.id && zmq_msg_more(&s->message);
        r->from.n = (uint8_t)(ours ? n : 0);
        if (ours) {
            memcpy(r->from.id, zmq_msg_data(&s->message), n);
            receive_part(s);
            remember(s, &r->from);
        }
    } else {
        r->from.n = 0;
    }
    if (zmq_msg_more(&s->message))
        ours = false;
    while (zmq_msg_more(&s->message))
        if (receive_part(s) < 0)
            break;
    r->event = WEFT_SOCKET_MESSAGE;
    r->p = zmq_msg_data(&s->message);
    r->n = zmq_msg_size(&s->message);
    return ours;
}

static int next_news(struct weft_socket *s, struct weft_received *r)
{
    if (!s->n_news)
        return 0;
    *r = s->news[0];
    memmove(s->news, s->news + 1, --s->n_news * sizeof *s->news);
    return 1;
}

int weft_socket_news(struct weft_socket *s, struct weft_received *r, struct weft_err *e)
{
    return take_events(s, e) < 0 ? -1 : next_news(s, r);
}

int weft_socket_receive(struct weft_socket *s, struct weft_received *r, int timeout_ms, struct weft_err *e)
{
    int64_t until = timeout_ms < 0 ? INT64_MAX : weft_milliseconds() + timeout_ms;
    for (;;) {
        /* Noted first, told last: what a peer sent before it went is delivered before the news that it went. */
        bool noted = s->n_news > 0;
        int got = take_message(s, r, e);
        if (got != 0)
            return got;
        if (noted)
            return next_news(s, r);
        if (take_events(s, e) < 0)
            return -1;
        if (s->n_news)
            continue;
        int64_t left = until - weft_milliseconds();
        if (left <= 0)
            return 0;
        zmq_pollitem_t items[2] = {{s->socket, 0, ZMQ_POLLIN, 0}, {s->monitor, 0, ZMQ_POLLIN, 0}};
        if (zmq_poll(items, 2, left > 60000 ? 60000 : (long)left) < 0 && zmq_errno() == EINTR)
            return weft_fail(e, WEFT_TEMPFAIL, "interrupted");
    }
}

int weft_socket_poll(struct weft_socket *s, struct pollfd *fds, size_t n, int timeout_ms, struct weft_err *e)
{
    zmq_pollitem_t items[2 + POLL_MAX] = {{s->socket, 0, ZMQ_POLLIN, 0}, {s->monitor, 0, ZMQ_POLLIN, 0}};
    for (size_t i = 0; i < n && i < POLL_MAX; i++)
        items[2 + i] = (zmq_pollitem_t){
            NULL, fds[i].fd,
            (short)((fds[i].events & POLLIN ? ZMQ_POLLIN : 0) | (fds[i].events & POLLOUT ? ZMQ_POLLOUT : 0)), 0};
    int rc = zmq_poll(items, (int)(2 + n), s->n_news ? 0 : timeout_ms);
    if (rc < 0)
        return zmq_errno() == EINTR ? weft_fail(e, WEFT_TEMPFAIL, "interrupted")
                                    : weft_fail(e, WEFT_IO, "can't wait: %s", zmq_strerror(zmq_errno()));
    for (size_t i = 0; i < n && i < POLL_MAX; i++) {
        short r = items[2 + i].revents;
        fds[i].revents =
            (short)((r & ZMQ_POLLIN ? POLLIN : 0) | (r & ZMQ_POLLOUT ? POLLOUT : 0) | (r & ZMQ_POLLERR ? POLLERR : 0));
    }
    return 0;
}

void weft_socket_close(struct weft_socket **sp, int linger_ms)
{
    struct weft_socket *s = *sp;
    if (!s)
        return;
    if (s->socket) {
        zmq_socket_monitor(s->socket, NULL, 0);
        set_int(s->socket, ZMQ_LINGER, linger_ms);
    }
    zmq_msg_close(&s->message);
    if (s->monitor)
        zmq_close(s->monitor);
    if (s->socket)
        zmq_close(s->socket);
    if (s->context) {
        zmq_ctx_shutdown(s->context);
        if (s->zap_runs)
            pthread_join(s->zap, NULL);
        zmq_ctx_term(s->context);
    }
    free(s->allowed);
    free(s->links);
    free(s->news);
    free(s);
    *sp = NULL;
}
