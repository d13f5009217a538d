/* explained.h - which model a model file has reasons for: the one that is in it, or a member of an ensemble. */
#ifndef WEFT_EXPLAINED_H
#define WEFT_EXPLAINED_H

#include <stdbool.h>

#include "model/model.h"

struct weft_explained_model {
    struct weft_forecaster *forecaster, *whole; /* whole: the ensemble that it is a member of, or NULL */
    char *member;                               /* its name there, or NULL */
};
/* Opens the model; of an ensemble the member that can be explained, the best first: of its factors any, of its
 * forecasts the one that is alone. A model that can't be explained is open as it is. weft_explained_close either way.
 */
int weft_explained_open(const char *path, bool factors, struct weft_explained_model *out,
                        struct weft_err *e) WEFT_MUST_USE;
void weft_explained_close(struct weft_explained_model *x);

#endif
