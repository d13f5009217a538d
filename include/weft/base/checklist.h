/* checklist.h - how checks came out, as lines for people or one JSON object. */
#ifndef WEFT_CHECKLIST_H
#define WEFT_CHECKLIST_H

#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"

enum weft_verdict { WEFT_CHECK_OK, WEFT_CHECK_WARN, WEFT_CHECK_FAIL, WEFT_VERDICTS };

struct weft_checklist {
    FILE *out;
    weft_json *checks; /* NULL: lines */
    unsigned count[WEFT_VERDICTS];
};
void weft_checklist_begin(struct weft_checklist *c, FILE *out, bool json);
/* One check, in printf's manner. hint: the way out; NULL or empty: none needed. */
void weft_check(struct weft_checklist *c, enum weft_verdict v, const char *check, const char *hint, const char *fmt,
                ...) WEFT_PRINTF(5, 6);
/* After the last one: prints the JSON object {"ok", "warnings", "failures", "checks": [{"check", "status", "what",
 * "hint"}, ...]}, if it is to be one. */
void weft_checklist_end(struct weft_checklist *c);
void weft_checklist_free(struct weft_checklist *c);

#endif
