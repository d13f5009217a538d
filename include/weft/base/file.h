/* file.h - files that are whole or not there, and what must be cleaned up when a program ends early. */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A file under construction: bytes go to PATH.RANDOM.tmp beside PATH, a new file of our own (O_EXCL); commit fsyncs and
 * renames it over PATH, abort removes it. A file that is replaced keeps its mode. Symbolic links are followed, also to
 * where no file is yet: the link stays. A device or a named pipe is written to as it is. A signal, an exit or an error
 * in between leaves an older PATH untouched and no temporary file. */
struct weft_file;

int weft_file_create(const char *path, struct weft_file **out, struct weft_err *e) WEFT_MUST_USE;
int weft_file_fd(const struct weft_file *f);
/* Could PATH be created? Said hours before it is, when a name is mistyped. A device or a named pipe is left alone. */
int weft_file_check(const char *path, struct weft_err *e) WEFT_MUST_USE;
/* Writes all n bytes; retries on EINTR and short writes. */
int weft_file_write(struct weft_file *f, const void *p, size_t n, struct weft_err *e) WEFT_MUST_USE;
int weft_file_commit(struct weft_file **f, struct weft_err *e) WEFT_MUST_USE;
void weft_file_abort(struct weft_file **f);

/* $TMPDIR, or /tmp. */
const char *weft_temporary_place(void);
/* A directory of our own, under weft_temporary_place, for files that programs which we start shall write; *path is
 * owned by the caller until weft_tempdir_remove, which removes it with the files in it. An early end
 * (weft_file_cleanup) removes it when nothing is in it but files called 0 to 63. */
int weft_tempdir_create(const char *program, char **path, struct weft_err *e) WEFT_MUST_USE;
void weft_tempdir_remove(char **path);
/* A file of $TMPDIR or /tmp that nobody else sees and that is gone with its descriptor. */
int weft_tempfile(int *fd, struct weft_err *e) WEFT_MUST_USE;

/* Removes the temporary files of every open weft_file; async-signal-safe. Called by mem.c, signal handlers and run.c.
 */
void weft_file_cleanup(void);

/* Writes all bytes to a descriptor. 0, or -1 with errno set: EINTR when a signal asks us to end, and nobody reads. */
int weft_write_all(int fd, const void *p, size_t n);

/* The whole of a file in memory (private mapping where it can be, else read): at most max bytes. Release with
 * weft_map_close. */
struct weft_mapping {
    const uint8_t *p;
    size_t n;
    bool mapped;
};
/* A mapped file that somebody cuts short while it is read ends the program with 74 and a line that names it, where
 * weft_map_guard was called (run.c does, once); without it, with SIGBUS. From then on a library that aborts ends it
 * with 75 and a line, too. */
void weft_map_guard(void);
int weft_map_open(const char *path, size_t max, struct weft_mapping *out, struct weft_err *e) WEFT_MUST_USE;
void weft_map_close(struct weft_mapping *m);

/* SHA-256 as 64 hex digits + NUL. */
void weft_sha256_hex(const void *p, size_t n, char out[65]);

#endif
