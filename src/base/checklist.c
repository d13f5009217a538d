/* checklist.c - how checks came out. */
#include "base/checklist.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdicts[WEFT_VERDICTS] = {"ok", "warn", "fail"};

void weft_checklist_begin(struct weft_checklist *c, FILE *out, bool json)
{
    *c = (struct weft_checklist){.out = out, .checks = json ? weft_json_new_array() : NULL};
}

static weft_json *text_json(const char *s)
{
    return weft_json_new_str(s, strlen(s));
}

void weft_check(struct weft_checklist *c, enum weft_verdict v, const char *check, const char *hint, const char *fmt,
                ...)
{
    char what[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    bool hinted = hint && *hint;
    c->count[v]++;
    if (!c->checks) {
        fprintf(c->out, "%-5s %s: %s%s%s\n", verdicts[v], check, what, hinted ? " - " : "", hinted ? hint : "");
        return;
    }
    weft_json *j = weft_json_new_object();
    weft_json_set(j, "check", text_json(check));
    weft_json_set(j, "status", text_json(verdicts[v]));
    weft_json_set(j, "what", text_json(what));
    weft_json_set(j, "hint", hinted ? text_json(hint) : weft_json_new_null());
    weft_json_push(c->checks, j);
}

void weft_checklist_end(struct weft_checklist *c)
{
    if (!c->checks)
        return;
    weft_json *j = weft_json_new_object();
    weft_json_set(j, "ok", weft_json_new_bool(!c->count[WEFT_CHECK_FAIL]));
    weft_json_set(j, "warnings", weft_json_new_int(c->count[WEFT_CHECK_WARN]));
    weft_json_set(j, "failures", weft_json_new_int(c->count[WEFT_CHECK_FAIL]));
    weft_json_set(j, "checks", c->checks);
    c->checks = NULL; /* j's */
    char *text = weft_json_text(j);
    fprintf(c->out, "%s\n", text);
    free(text);
    weft_json_free(&j);
}

void weft_checklist_free(struct weft_checklist *c)
{
    weft_json_free(&c->checks);
}
