/* sheet.h - a small table of texts from a CSV file or a JSON array of objects, as evaluate and backtest write them. */
#ifndef WEFT_SHEET_H
#define WEFT_SHEET_H

#include <stddef.h>

#include "base/err.h"

enum { WEFT_SHEET_BYTES_MAX = 16 << 20, WEFT_SHEET_COLUMNS_MAX = 256, WEFT_SHEET_ROWS_MAX = 100000 };

struct weft_sheet {
    char **name; /* [columns] */
    char **cell; /* [rows, columns]; NULL: empty */
    size_t columns, rows;
};
/* What begins with [ or { is JSON. A member that the first object has not is left out; a JSON object stands for the
 * first array of objects in it. 65 when it is neither; 66 when it can't be opened. weft_sheet_free also after an error.
 */
int weft_sheet_read(const char *path, struct weft_sheet *s, struct weft_err *e) WEFT_MUST_USE;
void weft_sheet_free(struct weft_sheet *s);
/* The column of this name; SIZE_MAX: none. */
size_t weft_sheet_column(const struct weft_sheet *s, const char *name);
const char *weft_sheet_cell(const struct weft_sheet *s, size_t row, size_t column); /* NULL: empty */

#endif
