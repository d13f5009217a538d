/* socket_check.h - are these keys good, and do sockets work here? */
#ifndef WEFT_SOCKET_CHECK_H
#define WEFT_SOCKET_CHECK_H

#include "base/checklist.h"
#include "frame/socket.h"

/* Looks at the key files of o, if any are named, and sends a message there and back over ipc, loopback TCP and, with
 * CURVE, encrypted TCP (with our key when it is good, else with one made for it), all in this process and each within 3
 * seconds. What it needs for that lies in a directory of its own under TMPDIR, which it removes. */
void weft_check_sockets(const struct weft_socket_opts *o, struct weft_checklist *c);

#endif
