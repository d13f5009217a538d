/* transcode.h - bytes of a source, turned into UTF-8 on the way. */
#ifndef WEFT_TRANSCODE_H
#define WEFT_TRANSCODE_H

#include <stddef.h>

#include "base/err.h"
#include "text/unpack.h"

struct weft_transcode;
/* encoding: a name that iconv knows ("cp949", "euc-kr", "utf-16le", "latin1"). 64 when it does not. */
int weft_transcode_open(const char *encoding, struct weft_transcode **out, struct weft_err *e) WEFT_MUST_USE;
/* Reads from the source: > 0 bytes of UTF-8 in p (cap at least 64), 0 at the end, -1 on errors and on bytes that are no
 * text in the encoding. */
long weft_transcode_read(struct weft_transcode *t, struct weft_unpack *from, char *p, size_t cap,
                         struct weft_err *e) WEFT_MUST_USE;
void weft_transcode_close(struct weft_transcode **t);

#endif
