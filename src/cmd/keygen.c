/* keygen.c - makes a key pair for encrypted sockets. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "frame/run.h"
#include "frame/socket.h"

struct state {
    bool force;
};

static const struct weft_opt opts[] = {
    {WEFT_OPT_FLAG, 0, "force", WEFT_OPT_AT(struct state, FLAG, force), NULL, 0, 0, NULL,
     "replace a key pair that is there", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int write_key(const char *path, const char *text, unsigned mode, struct weft_err *e)
{
    struct weft_file *f;
    if (weft_file_create(path, &f, e) < 0)
        return -1;
    int rc = fchmod(weft_file_fd(f), mode) == 0 ? weft_file_write(f, text, strlen(text), e)
                                                : weft_fail_errno(e, WEFT_IO, "can't write %s", path);
    if (rc == 0)
        return weft_file_commit(&f, e);
    weft_file_abort(&f);
    return rc;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    const struct state *s = state;
    char public_key[41], secret_key[41], text[256], path[4000], public_path[4000];
    struct stat st;
    snprintf(path, sizeof path, "%.3900s.key", weft_run_operand(run, 0));
    snprintf(public_path, sizeof public_path, "%.3900s.pub", weft_run_operand(run, 0));
    if (!s->force && stat(path, &st) == 0) {
        weft_fail(e, WEFT_CANTCREAT, "%s is there already", path);
        return weft_fail_hint(e, "whoever knows it would no longer be let in; --force replaces it all the same");
    }
    if (weft_keypair(public_key, secret_key, e) < 0)
        return -1;
    snprintf(text, sizeof text, "# a weft key pair: keep it to yourself\npublic: %s\nsecret: %s\n", public_key,
             secret_key);
    if (write_key(path, text, 0600, e) < 0)
        return -1;
    snprintf(text, sizeof text, "%s\n", public_key);
    if (write_key(public_path, text, 0644, e) < 0)
        return -1;
    fprintf(weft_run_text(run), "%s (secret: --key), %s (for the others' --peer-keys)\n", path, public_path);
    return 0;
}

static const struct weft_filter filter = {
    .usage = {.name = "keygen",
              .summary = "makes a key pair for encrypted sockets",
              .synopsis = "keygen [--force] NAME",
              .reads = "nothing",
              .writes = "NAME.key, the key pair for --key, and NAME.pub, its public half for the others' --peer-keys",
              .examples = "weft keygen head; weft keygen worker\n"
                          "weft scatter --bind tcp://*:5570 --key head.key --peer-keys worker.pub -i products.weft -o "
                          "features.weft\n"
                          "weft work --connect tcp://head:5570 --key worker.key --peer-keys head.pub -- encode-image "
                          "-m resnet18.safetensors",
              .see_also = "scatter, work",
              .notes =
                  "Keys are CurveZMQ's (Curve25519). A file for --peer-keys may hold any number of public keys, one a "
                  "line; cat joins them."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_TEXT,
    .min_operands = 1,
    .max_operands = 1,
    .drain = drain,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
