/* replay.c - stock, day by day. */
#include "order/replay.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

void weft_replay_run(const float *demand, size_t lead, size_t review, const double *level, size_t orders,
                     struct weft_replay *out)
{
    size_t days = (orders - 1) * review + lead + review;
    double *arrives = WEFT_ARRAY(double, days + lead + 1), stock = level[0], coming = 0;
    bool out_of_stock = false;
    for (size_t t = 0; t < days; t++) {
        size_t k = t / review;
        if (t % review == 0 && k > 0 && k < orders && level[k] > stock + coming) {
            arrives[t + lead] = level[k] - stock - coming;
            coming += arrives[t + lead];
        }
        stock += arrives[t];
        coming -= arrives[t];
        double asked = demand[t] > 0 ? demand[t] : 0, sold = fmin(asked, stock);
        stock -= sold;
        out_of_stock |= asked > sold;
        if (t < lead)
            continue;
        out->demand += asked;
        out->sold += sold;
        if ((t - lead + 1) % review)
            continue;
        out->cycles++;
        out->whole += !out_of_stock;
        out->left += stock;
        out_of_stock = false;
    }
    free(arrives);
}
