/* product_words.h - what a column of a table of products is, by the words of its header, where no list has it whole. */
#ifndef WEFT_PRODUCT_WORDS_H
#define WEFT_PRODUCT_WORDS_H

#include <stdbool.h>

/* "views", "sales", "likes" or "reviews" when every word of the header says that it counts one of them (viewCnt,
 * num_of_hearts, wishlist_count, 누적 후기 수); NULL: it does not. A word that is none of these (avg, rate, 30d) ends
 * it. */
const char *weft_product_counts(const char *header);
/* Is `word` (lower case) one of the header's words, or in its text where that is no ASCII, and none that makes it a
 * code or an address (id, code, no, url, link, logo)? */
bool weft_product_names(const char *header, const char *word);

#endif
