/* overlap.h - several files of one table: which of them a day's rows come from, and whether one of them is there twice.
 */
#ifndef WEFT_OVERLAP_H
#define WEFT_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Two files hold the same day. DEFAULT: their rows are added up unless a series has rows of that day in both: that is
 * refused, since nobody but the user knows whether they are further sales or the same ones again. ADD adds all.
 * REPLACE: the later file's rows of a day replace those of earlier files. REFUSE: no day may be in two files. */
enum weft_overlap_rule { WEFT_OVERLAP_DEFAULT, WEFT_OVERLAP_ADD, WEFT_OVERLAP_REPLACE, WEFT_OVERLAP_REFUSE };

struct weft_overlap;
/* n files; with REPLACE they are to be read from the last to the first. names must live on. */
struct weft_overlap *weft_overlap_new(enum weft_overlap_rule rule, int n);
void weft_overlap_free(struct weft_overlap **o);
/* The file that is read now, from 0. 65 when it was read already, under this name, by a link, or as a copy with the
 * same content (a copy without rows is none, and ADD and REPLACE take copies: there the user has said what is meant).
 */
int weft_overlap_file(struct weft_overlap *o, int file, const char *path, struct weft_err *e) WEFT_MUST_USE;
/* The last day of a file that counts, before the file is read. By default all count. */
void weft_overlap_until(struct weft_overlap *o, int file, int64_t seconds);
/* This time lies after that day of the current file. */
bool weft_overlap_after(const struct weft_overlap *o, int64_t seconds);
/* Rows that came from the current file: a file without rows is no copy of another one. */
void weft_overlap_rows(struct weft_overlap *o, uint64_t rows);
/* A row of the current file at this time. 1: it counts; 0: a later file holds its day (REPLACE); -1: refused (65), with
 * both names and the day. *shared: another file has the day, too. */
int weft_overlap_day(struct weft_overlap *o, int64_t seconds, bool *shared, struct weft_err *e) WEFT_MUST_USE;
/* The name of file i. */
const char *weft_overlap_name(const struct weft_overlap *o, int i);

#endif
