/* texts.h - texts of a table as they become ids, keys and names: without blanks at the ends, composed (NFC), so that
 * what looks the same is the same. */
#ifndef WEFT_TEXTS_H
#define WEFT_TEXTS_H

#include <stddef.h>

#include "frame/pack.h"
#include "text/csv.h"

/* What stands in ="...", or else the text, without blanks at its ends (also no-break ones and line ends), in NFC: a
 * view into it, or into room when it had to be composed. */
struct weft_csv_text weft_text_clean(struct weft_csv_text t, struct weft_pack *room);
/* The same as a string of its own. */
char *weft_text_clean_dup(const char *p, size_t n);

#endif
