/* products.c - one row a product: its name, what is known of it, what is to be learned about it, and a picture that
 * lies in a file. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "base/stop.h"
#include "ingest/ingest.h"
#include "ingest/product_words.h"
#include "ingest/rows.h"
#include "base/mem.h"
#include "record/products.h"
#include "base/progress.h"

enum { NAMES = 40, PATH_MAX_BYTES = 4096 };

/* Columns in the wild, as exports and crawlers name them; case, blanks, "_" and "-" play no part (productName is
 * product_name). Those of a list stand in the order of preference. */
struct known {
    const char *name;
    const char *headers[NAMES];
};
static const struct known id_column = {
    "id",
    {"id",         "product_id", "product_code", "sku",      "goods_id", "item_id", "asin",       "article_id",
     "article_no", "style_id",   "style_code",   "style_no", "prod_id",  "pid",     "goods_code", "item_code",
     "상품코드",   "상품id",     "제품코드",     "제품",     "상품",     "번호",    "product_no", "product_number",
     "goods_no",   "item_no",    "상품번호",     "제품번호", "품번"}};
static const struct known name_column = {"name",
                                         {"name", "product_name", "productDisplayName", "title", "goods_name",
                                          "item_name", "product_title", "prod_name", "product_nm", "goods_nm",
                                          "item_title", "상품명", "제품명", "이름", "상품이름", "품명"}};
static const struct known image_column = {
    "image", {"image", "image_path", "image_file", "img", "photo", "picture", "filename", "이미지", "사진"}};
static const struct known number_columns[] = {
    {"price", {"price",         "product_price",  "unit_price",    "sale_price",   "sales_price",    "sell_price",
               "selling_price", "final_price",    "current_price", "now_price",    "discount_price", "discounted_price",
               "special_price", "offer_price",    "price_krw",     "price_usd",    "price_eur",      "retail_price",
               "list_price",    "original_price", "regular_price", "normal_price", "consumer_price", "mrp",
               "가격",          "판매가",         "판매가격",      "할인가",       "할인가격",       "할인판매가",
               "현재가",        "최종가",         "정가",          "정상가",       "소비자가",       "소비자가격",
               "단가"}},
    {"number", {"number", "product_number", "product_no", "goods_no", "item_no", "상품번호", "제품번호", "품번"}},
};
static const struct known key_columns[] = {
    {"gender", {"gender", "sex", "product_gender", "성별", "대상성별"}},
    {"category",
     {"category", "product_category", "category_sub", "sub_category", "category_name", "category_main", "카테고리",
      "분류", "상품분류", "소분류", "중분류", "대분류"}},
    {"brand", {"brand", "product_brand", "product_brand_name", "brand_name", "브랜드", "브랜드명", "제조사"}},
    {"date", {"date",           "release_date",  "launch_date", "registered_date", "crawled_at",   "crawl_date",
              "crawled_date",   "crawl_time",    "scraped_at",  "scrape_date",     "scraped_date", "collected_at",
              "collected_date", "snapshot_date", "reg_date",    "등록일",          "등록일자",     "출시일",
              "수집일",         "수집일자",      "수집날짜",    "크롤링일",        "크롤링일자",   "크롤링날짜"}},
};
static const struct known class_labels[] = {
    {"gender", {"preferred_gender", "선호성별"}},
    {"age", {"age", "age_group", "preferred_age", "연령", "연령대", "나이", "선호연령"}},
};
static const struct known quantity_labels[] = {
    {"views",
     {"views", "view_count", "num_views", "total_views", "view", "page_views", "조회수", "조회", "누적조회수"}},
    {"sales",
     {"sales", "sales_count", "total_sales", "cumulative_sales", "num_sales", "sold", "sold_count", "units_sold",
      "quantity_sold", "판매량", "누적판매량", "누적판매", "총판매량", "판매수", "판매수량", "구매수"}},
    {"likes",
     {"likes", "like_count", "num_likes", "total_likes", "wish_count", "favorites", "좋아요", "좋아요수", "찜", "찜수",
      "관심수"}},
    {"reviews",
     {"reviews", "review_count", "num_reviews", "total_reviews", "후기수", "리뷰수", "후기", "리뷰", "상품평수"}},
};
enum { KEY_CATEGORY = 1, KEY_BRAND = 2 };
enum { NUMBERS = 2, KEYS = 4, CLASSES = 2, QUANTITIES = 4 };

/* A column under its name. quantity: its cells must be numbers; otherwise a label is a number where it looks like one.
 */
struct column {
    char *name;
    size_t at;
    bool quantity;
};
struct columns {
    struct column of[WEFT_PRODUCT_FIELDS];
    char *names[WEFT_PRODUCT_FIELDS]; /* the same names, as attrs have them */
    size_t n;
};

/* A product until all rows are there: the newest row of its id, without the picture. */
struct held {
    struct weft_pack frame;
    char *picture;       /* path; NULL: none */
    int64_t day;         /* of the key "date"; INT64_MIN: none */
    uint32_t unlabelled; /* bits of labels that are missing */
};

struct products {
    struct weft_run *run;
    struct weft_rows *kept_rows; /* --drop and --fill-down */
    const struct weft_ingest *o;
    struct weft_csv *csv; /* the file at hand */
    const struct weft_header *h;
    size_t id, name, image; /* columns; SIZE_MAX: none */
    struct columns numbers, keys, labels;
    bool *taken; /* [columns]: is a label or has a part by name */
    struct weft_products_attrs attrs;
    struct weft_product product;
    struct weft_ids ids; /* to 1 + their places in `held` */
    struct held *held;
    size_t n, cap_held;
    uint64_t again, older; /* rows of an id that was there already; those of them that are older than what is kept */
    size_t date;           /* among the keys; SIZE_MAX: none */
    char *directory;
    uint8_t *bytes; /* of one picture */
    size_t cap;
    struct weft_pack frame;
    uint64_t without_image, without_label[WEFT_PRODUCT_FIELDS];
    char first_missing[120];
};

/* --- columns --- */

/* The next character that counts, in lower case. */
static int next_of(const char **s)
{
    while (**s == '_' || **s == ' ' || **s == '-')
        ++*s;
    int c = (unsigned char)**s;
    *s += c != 0;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool same_header(const char *a, const char *b)
{
    int c;
    do
        if ((c = next_of(&a)) != next_of(&b))
            return false;
    while (c);
    return true;
}

static size_t find_known(const struct products *p, const struct known *k)
{
    for (size_t a = 0; a < NAMES && k->headers[a]; a++)
        for (size_t i = 0; i < p->h->n; i++)
            if (!p->taken[i] && same_header(p->h->name[i], k->headers[a]))
                return i;
    return SIZE_MAX;
}

/* By the words of headers: the one column that counts this. */
static size_t find_counted(const struct products *p, const char *label)
{
    for (size_t i = 0; i < p->h->n; i++) {
        const char *counts = p->taken[i] ? NULL : weft_product_counts(p->h->name[i]);
        if (counts && strcmp(counts, label) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* The only column with this word; SIZE_MAX: none, or several, which are named as not used. */
static size_t find_named(const struct products *p, const char *const *words)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < p->h->n; i++)
        for (const char *const *w = words; *w; w++) {
            if (p->taken[i] || !weft_product_names(p->h->name[i], *w))
                continue;
            if (found != SIZE_MAX && found != i)
                return SIZE_MAX;
            found = i;
        }
    return found;
}

static size_t find_otherwise(const struct products *p, const struct known *k, bool quantity)
{
    static const char *const brands[] = {"brand", "브랜드", NULL}, *const categories[] = {"category", "카테고리", NULL};
    if (quantity)
        return find_counted(p, k->name);
    if (k == &key_columns[KEY_BRAND])
        return find_named(p, brands);
    return k == &key_columns[KEY_CATEGORY] ? find_named(p, categories) : SIZE_MAX;
}

/* The column that an option names, else the one that is known; SIZE_MAX: neither. */
static int find_column(struct products *p, const char *option, const struct known *k, size_t *at, struct weft_err *e)
{
    if (option && weft_header_need(p->h, option, at, e) < 0)
        return -1;
    if (!option)
        *at = find_known(p, k);
    return 0;
}

static int add_column(struct columns *c, const char *name, size_t at, bool quantity, struct weft_err *e)
{
    if (c->n == WEFT_PRODUCT_FIELDS)
        return weft_fail(e, WEFT_USAGE, "more than %d columns of a kind", WEFT_PRODUCT_FIELDS);
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->of[i].name, name) == 0)
            return weft_fail(e, WEFT_USAGE,
                             "two columns are called \"%s\"; give one of them another name, as NAME=COLUMN", name);
    c->of[c->n] = (struct column){weft_xstrdup(name), at, quantity};
    c->names[c->n] = c->of[c->n].name;
    c->n++;
    return 0;
}

static bool is_quantity(const char *label)
{
    for (size_t i = 0; i < QUANTITIES; i++)
        if (strcmp(quantity_labels[i].name, label) == 0)
            return true;
    return false;
}

/* It is there anyway. */
static bool has_column(const struct columns *c, const char *name, size_t at)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->of[i].at == at && strcmp(c->of[i].name, name) == 0)
            return true;
    return false;
}

/* Does an option give this name to a column? Then no other column gets it. */
static bool is_given(const struct weft_list *items, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < items->n; i++)
        if (strncmp(items->items[i], name, n) == 0 && (items->items[i][n] == '=' || !items->items[i][n]))
            return true;
    return false;
}

static bool is_none(const struct weft_list *items)
{
    return items->n == 1 && strcmp(items->items[0], "none") == 0;
}

/* NAME=COLUMN, or a column that is called as it is. */
static int add_given(struct products *p, struct columns *c, const char *item, bool labels, struct weft_err *e)
{
    const char *eq = strchr(item, '=');
    char *name = eq ? weft_xstrndup(item, (size_t)(eq - item)) : weft_xstrdup(item);
    size_t at;
    int rc = *name ? weft_header_need(p->h, eq ? eq + 1 : item, &at, e)
                   : weft_fail(e, WEFT_USAGE, "\"%s\": a name is missing before =", item);
    if (rc == 0 && !has_column(c, name, at))
        rc = add_column(c, name, at, labels && is_quantity(name), e);
    if (rc == 0 && labels)
        p->taken[at] = true;
    free(name);
    return rc;
}

static int add_known(struct products *p, struct columns *c, const char *option, const struct known *k, bool quantity,
                     struct weft_err *e)
{
    size_t at;
    if (find_column(p, option, k, &at, e) < 0)
        return -1;
    if (at == SIZE_MAX)
        at = find_otherwise(p, k, quantity);
    return at == SIZE_MAX ? 0 : add_column(c, k->name, at, quantity, e);
}

static int find_labels(struct products *p, struct weft_err *e)
{
    int rc = 0;
    if (is_none(&p->o->labels))
        return 0;
    for (size_t i = 0; i < p->o->labels.n && rc == 0; i++)
        rc = add_given(p, &p->labels, p->o->labels.items[i], true, e);
    for (size_t i = 0; i < CLASSES && rc == 0 && !p->o->labels.n; i++)
        rc = add_known(p, &p->labels, NULL, &class_labels[i], false, e);
    for (size_t i = 0; i < QUANTITIES && rc == 0 && !p->o->labels.n; i++)
        rc = add_known(p, &p->labels, NULL, &quantity_labels[i], true, e);
    for (size_t i = 0; i < p->labels.n; i++)
        p->taken[p->labels.of[i].at] = true;
    return rc;
}

static int find_keys(struct products *p, struct weft_err *e)
{
    const struct weft_ingest *o = p->o;
    const char *given[KEYS] = {o->gender, o->category, NULL, NULL};
    int rc = 0;
    for (size_t i = 0; i < KEYS && rc == 0; i++)
        if (given[i] || !(is_none(&o->keys) || is_given(&o->keys, key_columns[i].name)))
            rc = add_known(p, &p->keys, given[i], &key_columns[i], false, e);
    for (size_t i = 0; i < o->keys.n && rc == 0 && !is_none(&o->keys); i++)
        rc = add_given(p, &p->keys, o->keys.items[i], false, e);
    for (p->date = 0; p->date < p->keys.n && strcmp(p->keys.names[p->date], "date") != 0;)
        p->date++;
    if (p->date == p->keys.n)
        p->date = SIZE_MAX;
    return rc;
}

/* Labels first: a column to be learned is not among what is known unless an option says so. */
static int find_columns(struct products *p, struct weft_err *e)
{
    const struct weft_ingest *o = p->o;
    const char *numbers[NUMBERS] = {o->price, o->number};
    p->taken = WEFT_ARRAY(bool, p->h->n + 1);
    if (o->id.n > 1)
        return weft_fail(e, WEFT_USAGE, "--id: in the products layout one column names a product");
    if (find_labels(p, e) < 0 || find_column(p, o->id.n ? o->id.items[0] : NULL, &id_column, &p->id, e) < 0)
        return -1;
    if (p->id == SIZE_MAX) {
        weft_fail(e, WEFT_DATA, "%s: no column names the products", p->h->file);
        return weft_fail_hint(e, "say which with --id COLUMN");
    }
    p->taken[p->id] = true;
    if (find_column(p, o->name, &name_column, &p->name, e) < 0 ||
        find_column(p, o->image, &image_column, &p->image, e) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < NUMBERS && rc == 0; i++)
        rc = add_known(p, &p->numbers, numbers[i], &number_columns[i], true, e);
    return rc == 0 ? find_keys(p, e) : rc;
}

static bool is_used(const struct products *p, size_t at)
{
    bool used = at == p->id || at == p->name || at == p->image;
    const struct columns *const all[] = {&p->numbers, &p->keys, &p->labels};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < all[k]->n; i++)
            used = used || all[k]->of[i].at == at;
    return used;
}

/* The columns that nothing came of, as "a", "b": how many. */
static size_t list_unused(const struct products *p, char *text, size_t cap)
{
    size_t n = 0, at = 0;
    *text = 0;
    for (size_t i = 0; i < p->h->n; i++) {
        if (is_used(p, i) || !*p->h->name[i])
            continue;
        if (at + 1 < cap)
            at += (size_t)snprintf(text + at, cap - at, "%s\"%.60s\"", n ? ", " : "", p->h->name[i]);
        n++;
    }
    return n;
}

/* A table whose labels were not recognised would be learned from in vain. */
static int need_labels(const struct products *p, struct weft_err *e)
{
    char unused[400];
    if (p->labels.n || p->o->labels.n || !list_unused(p, unused, sizeof unused))
        return 0;
    weft_fail(
        e, WEFT_DATA,
        "%s: no column is known as a label (views, sales, likes, reviews, age, preferred_gender, ...); candidates: %s",
        p->h->file, unused);
    return weft_fail_hint(e, "--label NAME=COLUMN says which are, --label none that there are none");
}

static void free_columns(struct columns *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->of[i].name);
    c->n = 0;
}

bool weft_ingest_has_products(const struct weft_header *h)
{
    bool *taken = WEFT_ARRAY(bool, h->n + 1);
    struct products p = {.h = h, .taken = taken};
    bool found = find_known(&p, &image_column) != SIZE_MAX ||
                 (find_known(&p, &name_column) != SIZE_MAX && (find_known(&p, &number_columns[0]) != SIZE_MAX ||
                                                               find_known(&p, &key_columns[KEY_BRAND]) != SIZE_MAX));
    for (size_t i = 0; i < h->n && !found && find_known(&p, &name_column) != SIZE_MAX; i++)
        found = weft_product_counts(h->name[i]) != NULL;
    free(taken);
    return found;
}

bool weft_ingest_has_crawled(const struct weft_header *h, size_t *id)
{
    bool *taken = WEFT_ARRAY(bool, h->n + 1), seen = false;
    struct products p = {.h = h, .taken = taken};
    *id = find_known(&p, &id_column);
    for (size_t i = 0; i < h->n; i++) {
        const char *counts = weft_product_counts(h->name[i]);
        seen = seen || (counts && strcmp(counts, "sales") != 0);
    }
    for (size_t i = 0; i < QUANTITIES; i++)
        seen =
            seen || (strcmp(quantity_labels[i].name, "sales") != 0 && find_known(&p, &quantity_labels[i]) != SIZE_MAX);
    seen = seen && *id != SIZE_MAX && find_known(&p, &name_column) != SIZE_MAX &&
           find_known(&p, &number_columns[0]) != SIZE_MAX;
    free(taken);
    return seen;
}

/* --- pictures --- */

/* Leads a path out of the directory it is looked up in? A table from elsewhere must not read files from everywhere. */
static bool leads_out(const char *path)
{
    if (*path == '/')
        return true;
    for (const char *part = path; part; part = strchr(part, '/'), part += part != NULL)
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || !part[2]))
            return true;
    return false;
}

static int read_bytes(struct products *p, int fd, size_t n)
{
    if (n > p->cap) {
        p->cap = weft_grow(p->cap, n);
        p->bytes = weft_xrealloc(p->bytes, p->cap);
    }
    for (size_t at = 0; at < n;) {
        ssize_t got = read(fd, p->bytes + at, n - at);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return -1;
        at += got > 0 ? (size_t)got : 0;
    }
    p->product.image = (struct weft_span){p->bytes, n};
    return 0;
}

/* The file becomes the product's image. 1; 0: there is none; -1: `why` is a text that says what is wrong with it. */
static int read_file(struct products *p, const char *path, bool bytes, const char **why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 1;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG))
        return 0;
    *why = NULL;
    if (fd < 0 || fstat(fd, &st) < 0)
        *why = strerror(errno);
    else if (!S_ISREG(st.st_mode))
        *why = "not a file";
    else if ((uint64_t)st.st_size > p->o->image_max)
        *why = "larger than --max-image";
    else if (st.st_size == 0)
        rc = 0;
    else if (bytes && read_bytes(p, fd, (size_t)st.st_size) < 0)
        *why = "can't be read";
    if (fd >= 0)
        close(fd);
    return *why ? -1 : rc;
}

static void count_missing(struct products *p, const char *path)
{
    if (!p->without_image++)
        snprintf(p->first_missing, sizeof p->first_missing, "%.100s", path);
}

/* 1 (*out: the file's path, or NULL), 0: rejected, -1. The file is looked at now, so that a bad one is named with its
 * row, and read when it is needed. */
static int take_image(struct products *p, const struct weft_csv_row *row, char **out, struct weft_err *e)
{
    struct weft_csv_text t = weft_csv_field(row, p->image);
    char path[PATH_MAX_BYTES], cell[PATH_MAX_BYTES];
    const char *why = NULL;
    *out = NULL;
    if (!t.n)
        return 1;
    if (t.n >= sizeof cell || memchr(t.p, 0, t.n))
        return weft_rejects_row(p->o->rejected, p->csv, row, p->image + 1, e, "the image's path is no path");
    memcpy(cell, t.p, t.n);
    cell[t.n] = 0;
    bool anywhere = strcmp(p->directory, "/") == 0;
    if (!anywhere && leads_out(cell))
        return weft_rejects_row(p->o->rejected, p->csv, row, p->image + 1, e,
                                "image \"%.60s\" lies outside %s (--images / allows every place)", cell, p->directory);
    int n = snprintf(path, sizeof path, "%s/%s", anywhere && *cell == '/' ? "" : p->directory, cell);
    int got = n > 0 && (size_t)n < sizeof path ? read_file(p, path, false, &why) : 0;
    if (got < 0)
        return weft_rejects_row(p->o->rejected, p->csv, row, p->image + 1, e, "image %.100s: %s", path, why);
    *out = weft_xstrdup(path);
    return 1;
}

/* --- rows --- */

static int check_text(struct products *p, const struct weft_csv_row *row, size_t column, struct weft_span *out,
                      struct weft_err *e)
{
    struct weft_csv_text t = weft_csv_field(row, column);
    *out = (struct weft_span){t.n ? (const uint8_t *)t.p : NULL, t.n};
    return weft_ingest_utf8(p->o, p->csv, row, column, e);
}

static int bad_number(struct products *p, const struct weft_csv_row *row, size_t column, struct weft_err *e)
{
    struct weft_csv_text t = weft_csv_field(row, column);
    return weft_rejects_row(p->o->rejected, p->csv, row, column + 1, e, "not a number: \"%.*s\"",
                            t.n < 60 ? (int)t.n : 60, t.p);
}

static int take_number(struct products *p, const struct weft_csv_row *row, size_t i, struct weft_err *e)
{
    size_t column = p->numbers.of[i].at;
    return weft_ingest_number(weft_csv_field(row, column), &p->product.number[i]) ? 1 : bad_number(p, row, column, e);
}

/* "20대": twenty machines, or an age group. What is no quantity by its name is an age group then. */
static bool is_decade(struct weft_csv_text t)
{
    static const char decade[] = "대";
    size_t n = sizeof decade - 1;
    return t.n > n && memcmp(t.p + t.n - n, decade, n) == 0;
}

static int take_label(struct products *p, const struct weft_csv_row *row, size_t i, struct weft_err *e)
{
    const struct column *c = &p->labels.of[i];
    struct weft_product_label *l = &p->product.label[i];
    *l = (struct weft_product_label){.number = NAN};
    struct weft_csv_text t = weft_csv_field(row, c->at);
    if ((c->quantity || !is_decade(t)) && weft_ingest_number(t, &l->number))
        return 1;
    l->number = NAN;
    return c->quantity ? bad_number(p, row, c->at, e) : check_text(p, row, c->at, &l->text, e);
}

static int take_fields(struct products *p, const struct weft_csv_row *row, struct weft_err *e)
{
    int rc = check_text(p, row, p->id, &p->product.id, e);
    if (rc == 1 && !p->product.id.n)
        rc = weft_rejects_row(p->o->rejected, p->csv, row, p->id + 1, e, "no id");
    if (rc == 1 && p->name != SIZE_MAX)
        rc = check_text(p, row, p->name, &p->product.name, e);
    for (size_t i = 0; i < p->numbers.n && rc == 1; i++)
        rc = take_number(p, row, i, e);
    for (size_t i = 0; i < p->keys.n && rc == 1; i++)
        rc = check_text(p, row, p->keys.of[i].at, &p->product.key[i], e);
    for (size_t i = 0; i < p->labels.n && rc == 1; i++)
        rc = take_label(p, row, i, e);
    return rc;
}

static int64_t day_of(const struct products *p, const struct weft_product *x)
{
    int64_t day;
    struct weft_span t = p->date == SIZE_MAX ? (struct weft_span){0} : x->key[p->date];
    return t.p && weft_dates_read(&p->o->dates, (const char *)t.p, t.n, &day) ? day : INT64_MIN;
}

/* The place for this row: a new one, or that of its id when the row is at least as new; NULL: it is older than what is
 * kept. */
static struct held *place_for(struct products *p, const struct weft_product *x, int64_t day)
{
    uint64_t before = weft_ids_add(&p->ids, x->id.p, x->id.n, p->n + 1);
    if (before) {
        struct held *kept = &p->held[before - 1];
        p->again++;
        if (day < kept->day) {
            p->older++;
            return NULL;
        }
        free(kept->picture);
        return kept;
    }
    if (p->n == p->cap_held) {
        p->cap_held = weft_grow(p->cap_held, p->n + 1);
        p->held = weft_xrealloc2(p->held, p->cap_held, sizeof *p->held);
    }
    p->held[p->n] = (struct held){.day = day};
    return &p->held[p->n++];
}

static void keep_row(struct products *p, const struct weft_product *x, char *picture)
{
    int64_t day = day_of(p, x);
    struct held *h = place_for(p, x, day);
    if (!h) {
        free(picture);
        return;
    }
    weft_product_write(x, &p->attrs, &p->frame);
    weft_pack_free(&h->frame);
    h->frame = (struct weft_pack){0};
    weft_pack_raw(&h->frame, weft_pack_span(&p->frame));
    h->picture = picture;
    h->day = day;
    h->unlabelled = 0;
    for (size_t i = 0; i < p->labels.n; i++)
        if (!x->label[i].text.p && isnan(x->label[i].number))
            h->unlabelled |= 1u << i;
}

static int take_row(struct products *p, const struct weft_csv_row *given, struct weft_err *e)
{
    struct weft_product *x = &p->product;
    struct weft_csv_row now = *given;
    const struct weft_csv_row *row = &now;
    memset(x, 0, sizeof *x);
    int rc = weft_ingest_row_check(p->o->rejected, p->csv, p->h, row, e);
    if (rc == 1 && !weft_rows_take(p->kept_rows, &now))
        return 0;
    if (rc == 1)
        rc = take_fields(p, row, e);
    char *picture = NULL;
    if (rc == 1 && p->image != SIZE_MAX)
        rc = take_image(p, row, &picture, e);
    if (rc == 1)
        keep_row(p, x, picture);
    return rc;
}

static int read_rows(struct products *p, struct weft_err *e)
{
    struct weft_csv_row row;
    struct weft_progress progress;
    int rc = weft_rows_file(p->kept_rows, p->h, SIZE_MAX, SIZE_MAX, (size_t[]){0}, 0, e), got = 0;
    weft_progress_start(&progress, weft_run_program(p->run), weft_run_progress(p->run));
    while (rc >= 0 && (got = weft_csv_next(p->csv, &row, e)) == 1) {
        uint64_t read, size;
        weft_run_read(p->run, 1);
        rc = weft_stop_check(e) < 0 ? -1 : take_row(p, &row, e);
        weft_csv_position(p->csv, &read, &size);
        weft_progress_at(&progress, read >> 10, size >> 10, "kB", "%zu products", p->ids.n);
    }
    weft_progress_end(&progress);
    return rc < 0 || got < 0 ? -1 : 0;
}

/* All rows are there: pictures are read, and the products go out in the order in which their ids came first. */
static int emit_all(struct products *p, struct weft_err *e)
{
    struct weft_products_attrs a = p->attrs;
    int rc =
        p->n ? 0 : weft_fail(e, WEFT_DATA, "%s has a header and no %srow", p->h->file, p->o->rejects ? "good " : "");
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        struct held *h = &p->held[i];
        const char *why = NULL;
        rc = weft_product_read(weft_pack_span(&h->frame), &a, &p->product, e);
        if (rc < 0)
            break;
        p->product.image = (struct weft_span){0};
        int got = h->picture ? read_file(p, h->picture, true, &why) : 0;
        if (got < 0)
            return weft_fail(e, WEFT_IO, "image %.100s: %s", h->picture, why);
        if (got == 0 && p->image != SIZE_MAX)
            count_missing(p, h->picture ? h->picture : "");
        for (size_t k = 0; k < p->labels.n; k++)
            p->without_label[k] += h->unlabelled >> k & 1;
        weft_product_write(&p->product, &a, &p->frame);
        rc = weft_stop_check(e) < 0 ? -1 : weft_run_emit(p->run, weft_pack_span(&p->frame), e);
        weft_pack_free(&h->frame);
        h->frame = (struct weft_pack){0};
    }
    return rc;
}

/* --- the layout --- */

static int write_head(struct products *p, struct weft_err *e)
{
    struct weft_pack b = {0};
    p->attrs = (struct weft_products_attrs){.keys = p->keys.names,
                                            .n_keys = p->keys.n,
                                            .numbers = p->numbers.names,
                                            .n_numbers = p->numbers.n,
                                            .labels = p->labels.names,
                                            .n_labels = p->labels.n};
    weft_products_attrs_write(&p->attrs, (struct weft_span){0}, &b);
    int rc = weft_ingest_head(p->run, p->o, WEFT_PRODUCTS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

/* Where images are: --images, else beside the table. */
static char *directory_of(const struct weft_ingest *o, const char *table)
{
    const char *slash = strrchr(table, '/');
    if (o->images)
        return weft_xstrdup(o->images);
    return slash ? weft_xstrndup(table, slash == table ? 1 : (size_t)(slash - table)) : weft_xstrdup(".");
}

static void say_counts(const struct products *p)
{
    size_t n = p->n;
    char unused[400];
    if (p->again)
        weft_run_warn(p->run, "%llu rows are of ids that came before: of each the newest row is kept (%s)",
                      (unsigned long long)p->again,
                      p->date == SIZE_MAX ? "the last; a key \"date\" would say it better"
                                          : "by \"date\", else the last");
    if (list_unused(p, unused, sizeof unused))
        weft_run_warn(p->run, "columns that are not used: %s; --keys and --label take them", unused);
    weft_run_info(p->run, "%zu products, %llu of them without an image", n, (unsigned long long)p->without_image);
    if (p->image != SIZE_MAX && p->without_image == n)
        weft_run_warn(p->run,
                      "none of the %zu products has an image (the first was looked for at \"%s\"); --images DIR says "
                      "where they are",
                      n, p->first_missing);
    else if (p->without_image)
        weft_run_warn(p->run, "%llu of %zu products have no image, the first \"%s\"",
                      (unsigned long long)p->without_image, n, p->first_missing);
    char text[400] = "";
    for (size_t i = 0; i < p->labels.n; i++)
        if (p->without_label[i] && strlen(text) < 300)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%llu without \"%.40s\"", *text ? ", " : "",
                     (unsigned long long)p->without_label[i], p->labels.names[i]);
    if (*text)
        weft_run_warn(p->run, "labels of the %zu products: %s", n, text);
}

static int check_images(const struct products *p, struct weft_err *e)
{
    if (p->image != SIZE_MAX || !p->o->images)
        return 0;
    weft_fail(e, WEFT_USAGE, "--images, and no column of %s names an image", p->h->file);
    return weft_fail_hint(e, "say which with --image COLUMN");
}

/* The columns of a further file, which has to have the same ones, in any order and under any of their names. */
static int same_columns(struct products *p, const struct products *first, struct weft_err *e)
{
    const struct columns *const want[] = {&first->numbers, &first->keys, &first->labels}, *const got[] = {&p->numbers,
                                                                                                          &p->keys,
                                                                                                          &p->labels};
    static const char *const what[] = {"number", "key", "label"};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < want[k]->n || i < got[k]->n; i++) {
            const char *a = i < want[k]->n ? want[k]->names[i] : NULL, *b = i < got[k]->n ? got[k]->names[i] : NULL;
            if (a && b && strcmp(a, b) == 0)
                continue;
            weft_fail(e, WEFT_DATA, "%s: %s \"%s\" stands in %s alone", p->h->file, what[k], a ? a : b,
                      a ? first->h->file : p->h->file);
            return weft_fail_hint(e, "files of one run have the same columns; --keys and --label name them");
        }
    return 0;
}

static int read_more(struct products *p, const char *path, struct weft_err *e)
{
    struct products first = *p;
    struct weft_csv *csv = NULL;
    struct weft_header h = {0};
    int rc = weft_csv_open(path, &p->o->csv, &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &h, e);
    if (rc == 0) {
        p->csv = csv;
        p->h = &h;
        p->numbers = p->keys = p->labels = (struct columns){.n = 0};
        p->directory = directory_of(p->o, weft_csv_name(csv));
        rc = find_columns(p, e);
        if (rc == 0)
            rc = same_columns(p, &first, e);
        if (rc == 0)
            rc = read_rows(p, e);
        free_columns(&p->numbers);
        free_columns(&p->keys);
        free_columns(&p->labels);
        free(p->taken);
        free(p->directory);
    }
    weft_header_free(&h);
    weft_csv_close(&csv);
    p->csv = first.csv;
    p->h = first.h;
    p->id = first.id;
    p->name = first.name;
    p->image = first.image;
    p->numbers = first.numbers;
    p->keys = first.keys;
    p->labels = first.labels;
    p->taken = first.taken;
    p->directory = first.directory;
    return rc;
}

static void free_products(struct products *p)
{
    for (size_t i = 0; i < p->n; i++) {
        weft_pack_free(&p->held[i].frame);
        free(p->held[i].picture);
    }
    free(p->held);
    free_columns(&p->numbers);
    free_columns(&p->keys);
    free_columns(&p->labels);
    weft_product_free(&p->product);
    weft_ids_free(&p->ids);
    weft_pack_free(&p->frame);
    free(p->directory);
    free(p->taken);
    free(p->bytes);
}

int weft_ingest_products(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                         const struct weft_header *h, struct weft_err *e)
{
    struct products p = {.run = run, .o = o, .csv = csv, .h = h, .directory = directory_of(o, weft_csv_name(csv))};
    p.kept_rows = weft_rows_new(o);
    int rc = find_columns(&p, e);
    if (rc == 0)
        rc = check_images(&p, e);
    if (rc == 0)
        rc = need_labels(&p, e);
    if (rc == 0)
        rc = write_head(&p, e);
    if (rc == 0)
        rc = read_rows(&p, e);
    for (int i = 1; i < weft_run_n_operands(run) && rc == 0; i++)
        rc = read_more(&p, weft_run_operand(run, i), e);
    if (rc == 0)
        rc = emit_all(&p, e);
    if (rc == 0) {
        weft_rows_say(p.kept_rows, run);
        say_counts(&p);
    }
    weft_rows_free(&p.kept_rows);
    free_products(&p);
    return rc;
}
