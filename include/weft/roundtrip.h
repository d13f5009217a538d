/* roundtrip.h - do sockets work here? */
#ifndef WEFT_ROUNDTRIP_H
#define WEFT_ROUNDTRIP_H

#include "weft/socket.h"

/* Listens at `endpoint` (bind+...), connects to it, and sends a message of `n` bytes there and back, all in this process. At most about timeout_ms. *ms: how
 * long it took. 69 when nothing came back, or the error of the socket. */
int weft_roundtrip(const char *endpoint, const struct weft_socket_opts *listener, const struct weft_socket_opts *other, size_t n, int timeout_ms, double *ms,
                   struct weft_err *e) WEFT_MUST_USE;

#endif
