/* html.c - text and numbers inside HTML. */
#include "show/html.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"

void weft_html_text(FILE *f, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t length = weft_utf8_length(p + i, n - i);
        unsigned char c = (unsigned char)p[i];
        bool c1 = length == 2 && c == 0xc2 && (unsigned char)p[i + 1] < 0xa0; /* control characters beyond ASCII */
        if (c == '&')
            fputs("&amp;", f);
        else if (c == '<')
            fputs("&lt;", f);
        else if (c == '>')
            fputs("&gt;", f);
        else if (c == '"')
            fputs("&quot;", f);
        else if (c == '\'')
            fputs("&#39;", f);
        else if (c == '\t' || c == '\n' || c == '\r')
            putc(' ', f);
        else if (!length || c < 0x20 || c == 0x7f || c1)
            fputs("\xef\xbf\xbd", f);
        else
            fwrite(p + i, 1, length, f);
        i += length ? length : 1;
    }
}

void weft_html_str(FILE *f, const char *s)
{
    weft_html_text(f, s, strlen(s));
}

void weft_html_number(FILE *f, double v, int digits)
{
    char buf[340];
    if (!isfinite(v)) {
        fputs("\xe2\x80\x93", f);
        return;
    }
    if (digits < 0)
        digits = fabs(v) < 0.995 ? 3 : fabs(v) < 9.995 ? 2 : fabs(v) < 99.95 ? 1 : 0;
    if (fabs(v) >= 1e15) {
        fprintf(f, "%.2e", v);
        return;
    }
    snprintf(buf, sizeof buf, "%.*f", digits, fabs(v));
    size_t whole = strcspn(buf, ".");
    if (v < 0 && strspn(buf, "0.") != strlen(buf))
        fputs("\xe2\x88\x92", f); /* a minus, as wide as a plus */
    for (size_t i = 0; buf[i]; i++) {
        if (i && i < whole && (whole - i) % 3 == 0)
            putc(',', f);
        putc(buf[i], f);
    }
}

void weft_html_percent(FILE *f, double v, int digits)
{
    weft_html_number(f, v * 100, digits);
    if (isfinite(v))
        putc('%', f);
}
