/* wordpiece_ids DIR: reads texts from stdin, each a little-endian u32 of its length and its bytes; prints the ids of
 * each on a line. For tests/peer/wordpiece.mjs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "text/wordpiece.h"

enum { MOST = 512, TEXT_MAX = 1 << 24 };

int main(int argc, char **argv)
{
    struct weft_wordpiece *w;
    struct weft_err e = {0};
    if (argc != 2 || weft_wordpiece_open(argv[1], false, &w, &e) < 0) {
        weft_err_print("wordpiece_ids", &e);
        return 65;
    }
    unsigned char head[4];
    int32_t ids[MOST];
    while (fread(head, 1, 4, stdin) == 4) {
        size_t n = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
        if (n > TEXT_MAX)
            return 65;
        char *text = weft_xmalloc(n + 1);
        if (fread(text, 1, n, stdin) != n)
            return 65;
        size_t count = weft_wordpiece_encode(w, text, n, MOST, ids);
        for (size_t i = 0; i < count; i++)
            printf("%s%d", i ? " " : "", ids[i]);
        putchar('\n');
        free(text);
    }
    weft_wordpiece_free(&w);
    return 0;
}
