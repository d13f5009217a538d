/* html.h - text and numbers inside HTML and SVG. */
#ifndef WEFT_HTML_H
#define WEFT_HTML_H

#include <stddef.h>
#include <stdio.h>

/* n bytes as text or as an attribute's value in quotes: & < > " ' become entities, what is not UTF-8 and control
 * characters become U+FFFD, so that no text can end its element or attribute. */
void weft_html_text(FILE *f, const char *p, size_t n);
void weft_html_str(FILE *f, const char *s);
/* A number with so many digits behind the point and commas between thousands; -1: as many as three significant digits
 * need, at least none, at most 3. NaN: an en dash. */
void weft_html_number(FILE *f, double v, int digits);
/* A share of 1 in per cent. */
void weft_html_percent(FILE *f, double v, int digits);

#endif
