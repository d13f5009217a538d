/* shop.c - a made-up online shop as CSV: the same bytes for the same options on every machine.
 *
 * Categories (5 major, 11 middle, 53 minor) differ in yearly season and in growth; products have promotions with a
 * price cut and an uplift, launches, ends, sold-out gaps, and mostly sell little. A day's sales are Poisson; its mean
 * is 2^(level / 16) with integer levels that add up: product + category's season and growth + weekday + promotion. So a
 * day costs a table look-up, and no result hangs on a libm's last digit. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAJORS = 5,
    MIDDLES = 11,
    MINORS = 53,
    OCTAVE = 16,
    LEVELS = 14 * OCTAVE,
    LOWEST = -7 * OCTAVE,
    COUNTS = 320,
    DAYS_MAX = 100000
};
enum table { SALES, AMOUNTS, MENTIONS, STOCK };

static const char *const major_names[MAJORS] = {"Fashion", "Beauty", "Living", "Food", "Digital"};
static const char *const middle_names[MIDDLES] = {"Women", "Men",    "Skincare", "Makeup", "Kitchen", "Furniture",
                                                  "Fresh", "Snacks", "Audio",    "Mobile", "Gaming"};
static const int middle_major[MIDDLES] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

struct shop {
    uint64_t products, seed;
    int days, plan;    /* plan: days behind the last one of which price and promotion alone are known (long layout) */
    int64_t first_day; /* since 1970-01-01 */
    enum table table;
    bool is_long, truth; /* truth: columns demand and stock, too (long layout) */
    uint32_t brands;
    uint32_t below[LEVELS][COUNTS]; /* P(sales <= k) * 2^32 */
    uint16_t guide[LEVELS][256];    /* where to begin the search, by the random number's first byte */
    int16_t *shape;                 /* [MINORS, days]: season + growth + weekday, in levels */
};

static void *need(void *p)
{
    if (!p) {
        fprintf(stderr, "shop: out of memory\n");
        exit(71);
    }
    return p;
}

/* --- random numbers: SplitMix64, one state a product --- */

static uint64_t next(uint64_t *s)
{
    uint64_t z = (*s += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *s, uint32_t n)
{
    return (uint32_t)((next(s) >> 32) * n >> 32);
}

static uint64_t stream(uint64_t seed, uint64_t kind, uint64_t i)
{
    uint64_t s = seed * 0xd1342543de82ef95u + kind;
    s = next(&s) + i;
    next(&s);
    return s;
}

/* --- the shape of demand --- */

/* 2^(i / 16) by squaring, with additions and products alone. */
static double power(int i)
{
    double root = 1.0442737824274138, x = 1; /* 2^(1/16) */
    for (int k = i < 0 ? -i : i; k; k >>= 1, root *= root)
        if (k & 1)
            x *= root;
    return i < 0 ? 1 / x : x;
}

static double exp_minus(double x)
{
    double y = x / 1024, sum = 1, term = 1;
    for (int k = 1; k < 12; k++) {
        term *= -y / k;
        sum += term;
    }
    for (int k = 0; k < 10; k++)
        sum *= sum;
    return sum;
}

static void fill_poisson(struct shop *s)
{
    for (int i = 0; i < LEVELS; i++) {
        double mean = power(LOWEST + i), p = exp_minus(mean), sum = 0;
        for (int k = 0; k < COUNTS; k++) {
            sum += p;
            p *= mean / (k + 1);
            s->below[i][k] = sum >= 1 ? UINT32_MAX : (uint32_t)(sum * 4294967295.0);
        }
        s->below[i][COUNTS - 1] = UINT32_MAX;
        for (uint32_t b = 0, k = 0; b < 256; b++) {
            while (b << 24 > s->below[i][k])
                k++;
            s->guide[i][b] = (uint16_t)k;
        }
    }
}

/* sin(2 pi t) * 1000 by Bhaskara's formula: smooth enough for a season. */
static int sine(double t)
{
    t -= (double)(long)t;
    double x = t < 0.5 ? t * 2 : t * 2 - 1, y = 16 * x * (1 - x) / (5 - 4 * x * (1 - x));
    return (int)(1000 * (t < 0.5 ? y : -y));
}

static void fill_shape(struct shop *s)
{
    static const int weekday[7] = {0, -1, -1, 0, 2, 5, 4};
    s->shape = need(calloc((size_t)MINORS * (size_t)s->days, sizeof *s->shape));
    for (int c = 0; c < MINORS; c++) {
        uint64_t r = stream(s->seed, 1, (uint64_t)c);
        int amplitude = 2 + (int)below(&r, 14), growth = (int)below(&r, 25) - 10,
            swing = 50 + (int)below(&r, 100); /* growth: levels a year */
        double phase = below(&r, 365) / 365.0;
        for (int d = 0; d < s->days; d++) {
            int64_t day = s->first_day + d;
            int level = amplitude * sine((double)day / 365.25 + phase + 1) + 1000 * growth * d / 365 +
                        10 * swing * weekday[(day + 3) % 7];
            s->shape[(size_t)c * (size_t)s->days + (size_t)d] = (int16_t)((level + (level < 0 ? -500 : 500)) / 1000);
        }
    }
}

/* --- a product --- */

struct product {
    int minor, middle, level, launch, end, promo_period, promo_offset, gap[3], gap_length[3];
    uint32_t brand, price;
    int promo_day; /* of the current day: a counter, since a division a day would cost more than all the rest */
    uint64_t rng;
};

static struct product make_product(const struct shop *s, uint64_t i)
{
    uint64_t r = stream(s->seed, 2, i);
    struct product p = {.minor = (int)below(&r, MINORS)};
    p.middle = p.minor < 45 ? p.minor / 5 : 9 + (p.minor - 45) / 4;
    /* The sum of three is a bell: most products sell little, a few much. */
    p.level = -5 * OCTAVE / 2 + (int)(below(&r, 40) + below(&r, 40) + below(&r, 40));
    p.brand = (uint32_t)p.minor * 1000 + below(&r, s->brands / MINORS + 1);
    p.price = 100 * (30 + below(&r, 100) * below(&r, 20));
    p.launch = below(&r, 4) ? 0 : (int)below(&r, (uint32_t)s->days);
    p.end = below(&r, 12) ? s->days : p.launch + (int)below(&r, (uint32_t)s->days);
    p.promo_period = below(&r, 5) < 3 ? 40 + (int)below(&r, 50) : 0;
    p.promo_offset = (int)below(&r, 90);
    p.promo_day = p.promo_period ? p.promo_offset % p.promo_period - 1 : 1000;
    for (int k = 0; k < 3; k++) {
        p.gap[k] = (int)below(&r, 2 * (uint32_t)s->days);
        p.gap_length[k] = 3 + (int)below(&r, 15);
    }
    p.rng = r;
    return p;
}

/* Every product's days are gone through once, in order. */
static void next_day(struct product *p)
{
    if (p->promo_period && ++p->promo_day == p->promo_period)
        p->promo_day = 0;
}

static bool on_promotion(const struct product *p)
{
    return p->promo_day < 7;
}

static uint32_t price_now(const struct product *p)
{
    return on_promotion(p) ? p->price * 8 / 10 : p->price;
}

static bool is_active(const struct product *p, int d)
{
    return d >= p->launch && d < p->end;
}

static bool sold_out(const struct product *p, int d)
{
    bool gap = false;
    for (int k = 0; k < 3; k++)
        gap |= (unsigned)(d - p->gap[k]) < (unsigned)p->gap_length[k];
    return gap;
}

/* What would be bought if there were enough. */
static uint32_t demand(const struct shop *s, struct product *p, int d)
{
    next_day(p);
    if (!is_active(p, d))
        return 0;
    uint32_t u = (uint32_t)(next(&p->rng) >> 32);
    int level =
        p->level + s->shape[(size_t)p->minor * (size_t)s->days + (size_t)d] + (on_promotion(p) ? 14 : 0) - LOWEST;
    level = level < 0 ? 0 : level < LEVELS ? level : LEVELS - 1;
    uint32_t k = s->guide[level][u >> 24];
    while (u > s->below[level][k])
        k++;
    return k;
}

static uint32_t sold(const struct shop *s, struct product *p, int d)
{
    uint32_t k = demand(s, p, d);
    return sold_out(p, d) ? 0 : k;
}

/* --- text --- */

static char *put_uint(char *to, uint64_t v)
{
    char digits[24];
    int n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *to++ = digits[--n];
    return to;
}

static void date_text(int64_t day, char out[11])
{
    /* Civil date of a day (Hinnant's algorithm). */
    int64_t z = day + 719468, era = z / 146097, of_era = z % 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365,
            of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t m = (5 * of_year + 2) / 153, d = of_year - (153 * m + 2) / 5 + 1, month = m < 10 ? m + 3 : m - 9;
    int y = (int)(year + era * 400 + (month <= 2));
    out[0] = (char)('0' + y / 1000 % 10);
    out[1] = (char)('0' + y / 100 % 10);
    out[2] = (char)('0' + y / 10 % 10);
    out[3] = (char)('0' + y % 10);
    out[4] = out[7] = '-';
    out[5] = (char)('0' + month / 10);
    out[6] = (char)('0' + month % 10);
    out[8] = (char)('0' + d / 10);
    out[9] = (char)('0' + d % 10);
    out[10] = 0;
}

static char *put_keys(char *to, const struct shop *s, const struct product *p, uint64_t i)
{
    const char *major = major_names[middle_major[p->middle]], *middle = middle_names[p->middle];
    (void)s;
    return to + sprintf(to, "%" PRIu64 ",P%07" PRIu64 ",%s,%s-%s,%s-%s-%02d,brand%05u", i, i, major, major, middle,
                        major, middle, p->minor < 45 ? p->minor % 5 + 1 : (p->minor - 45) % 4 + 1, (unsigned)p->brand);
}

static void put_days(const struct shop *s, const char *front)
{
    char date[11];
    fputs(front, stdout);
    for (int d = 0; d < s->days; d++) {
        date_text(s->first_day + d, date);
        printf(",%s", date);
    }
    putchar('\n');
}

static void wide(struct shop *s)
{
    char *line = need(malloc((size_t)s->days * 14 + 400));
    put_days(s, "ID,제품,대분류,중분류,소분류,브랜드");
    for (uint64_t i = 0; i < s->products; i++) {
        struct product p = make_product(s, i);
        char *to = put_keys(line, s, &p, i);
        for (int d = 0; d < s->days; d++) {
            uint64_t n = sold(s, &p, d), v = s->table == AMOUNTS ? n * price_now(&p) : n;
            *to++ = ',';
            if (v < 10)
                *to++ = (char)('0' + v);
            else
                to = put_uint(to, v);
        }
        *to++ = '\n';
        fwrite(line, 1, (size_t)(to - line), stdout);
    }
    free(line);
}

static void as_long(struct shop *s)
{
    char line[500], date[11];
    printf("date,id,product,major,middle,minor,brand,%sunits,price,promotion%s\n", s->plan ? "promoted," : "",
           s->truth ? ",demand,stock" : "");
    for (uint64_t i = 0; i < s->products; i++) {
        struct product p = make_product(s, i);
        char keys[400];
        strcpy(put_keys(keys, s, &p, i), !s->plan ? "" : p.promo_period ? ",yes" : ",no");
        for (int d = 0; d < s->days; d++) {
            uint32_t asked = demand(s, &p, d), n = sold_out(&p, d) ? 0 : asked;
            char truth[40] = "";
            if (!is_active(&p, d))
                continue;
            date_text(s->first_day + d, date);
            if (s->truth) /* in the evening: what the next days may sell; 0 when sold out */
                snprintf(truth, sizeof truth, ",%u,%u", (unsigned)asked, sold_out(&p, d) ? 0U : 5 + 3 * (unsigned)n);
            fwrite(line, 1,
                   (size_t)snprintf(line, sizeof line, "%s,%s,%u,%u,%d%s\n", date, keys, (unsigned)n,
                                    (unsigned)price_now(&p), on_promotion(&p), truth),
                   stdout);
        }
        for (int d = s->days; d < s->days + s->plan; d++) {
            next_day(&p);
            date_text(s->first_day + d, date);
            if (p.end >= s->days)
                fwrite(line, 1,
                       (size_t)snprintf(line, sizeof line, "%s,%s,,%u,%d\n", date, keys, (unsigned)price_now(&p),
                                        on_promotion(&p)),
                       stdout);
        }
    }
}

/* A table of the evening of the last day, for `order`: costs are 60 % of the price. */
static void stock(struct shop *s)
{
    static const int packs[] = {1, 1, 6, 12, 24};
    puts("id,on_hand,on_order,lead_days,review_days,pack,moq,price,cost");
    for (uint64_t i = 0; i < s->products; i++) {
        struct product p = make_product(s, i);
        uint32_t last = 0;
        uint64_t r = stream(s->seed, 4, i);
        for (int d = 0; d < s->days; d++)
            last += d + 14 >= s->days ? sold(s, &p, d) : (sold(s, &p, d), 0);
        if (p.end < s->days)
            continue;
        printf("%" PRIu64 ",%u,%u,%u,7,%d,%d,%u,%u\n", i, (unsigned)below(&r, last + 5),
               (unsigned)(below(&r, 4) ? 0 : below(&r, last + 5)), (unsigned)(2 + below(&r, 6)), packs[below(&r, 5)],
               below(&r, 5) ? 0 : 24, (unsigned)p.price, (unsigned)(p.price * 6 / 10));
    }
}

/* Mentions follow the season of the brand's category, with noise: what is talked about is bought. */
static void mentions(struct shop *s)
{
    put_days(s, "브랜드");
    for (int c = 0; c < MINORS; c++)
        for (uint32_t b = 0; b <= s->brands / MINORS; b++) {
            uint64_t r = stream(s->seed, 3, (uint64_t)c * 1000 + b);
            int level = 20 + (int)below(&r, 60);
            printf("brand%05u", (unsigned)(c * 1000) + b);
            for (int d = 0; d < s->days; d++) {
                double v = power(level + s->shape[(size_t)c * (size_t)s->days + (size_t)d]) *
                           (0.5 + below(&r, 1000) / 1000.0) / 100;
                printf(",%.5f", v);
            }
            putchar('\n');
        }
}

static int64_t days_of(int y, int m, int d)
{
    int64_t yy = y - (m <= 2), era = yy / 400, of_era = yy - era * 400,
            of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int usage(int rc)
{
    fprintf(rc ? stderr : stdout, "usage: shop [--products N] [--days N] [--seed N] [--start YYYY-MM-DD] [--layout "
                                  "wide|long] [--plan N] [--truth 0|1] [--table sales|amounts|mentions|stock]\n"
                                  "            [--brands N] [-o FILE]\n"
                                  "Writes a made-up shop as CSV, on standard output unless told otherwise. The long "
                                  "layout has units, price and promotion of each day, with --plan N also\n"
                                  "the price and promotion of N days more without units, and a column that says which "
                                  "products have promotions; --truth 1 adds what was asked for, sold or not, and what "
                                  "was in stock. Table stock is a snapshot for order.\n");
    return rc;
}

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *out >= least && *out <= most;
}

/* choice TEXT among the names: its place, or -1. */
static int choice(const char *text, const char *const names[], int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -1;
}

static bool parse_date(const char *text, int64_t *day)
{
    int y, m, d, n = 0;
    char back[11];
    if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || n != 10 || text[n] || y < 1)
        return false;
    date_text(*day = days_of(y, m, d), back);
    return strcmp(text, back) == 0;
}

static bool set_option(struct shop *s, const char *o, const char *v)
{
    static const char *const layouts[] = {"wide", "long"}, *const tables[] = {"sales", "amounts", "mentions", "stock"};
    uint64_t n = 0;
    int at = 0;
    bool ok;
    if (strcmp(o, "--products") == 0)
        return number(v, 1, UINT32_MAX, &s->products);
    if (strcmp(o, "--seed") == 0)
        return number(v, 0, UINT64_MAX, &s->seed);
    if (strcmp(o, "--days") == 0) {
        ok = number(v, 1, DAYS_MAX, &n);
        s->days = (int)n;
    } else if (strcmp(o, "--plan") == 0) {
        ok = number(v, 0, DAYS_MAX, &n);
        s->plan = (int)n;
    } else if (strcmp(o, "--truth") == 0) {
        ok = number(v, 0, 1, &n);
        s->truth = n == 1;
    } else if (strcmp(o, "--brands") == 0) {
        ok = number(v, 1, 50000, &n);
        s->brands = (uint32_t)n;
    } else if (strcmp(o, "--layout") == 0) {
        ok = (at = choice(v, layouts, 2)) >= 0;
        s->is_long = at == 1;
    } else if (strcmp(o, "--table") == 0) {
        ok = (at = choice(v, tables, 4)) >= 0;
        s->table = ok ? (enum table)at : SALES;
    } else if (strcmp(o, "--start") == 0)
        ok = parse_date(v, &s->first_day);
    else
        ok = strcmp(o, "-o") == 0 && (strcmp(v, "-") == 0 || freopen(v, "w", stdout));
    return ok;
}

int main(int argc, char **argv)
{
    static struct shop s = {.products = 500, .days = 730, .seed = 1, .brands = 300};
    s.first_day = days_of(2022, 1, 1);
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(0);
        if (i + 1 == argc || !set_option(&s, argv[i], argv[i + 1])) {
            fprintf(stderr, "shop: %s: not what this option takes, or no such option\n", argv[i]);
            return usage(64);
        }
    }
    if (s.is_long && s.table != SALES) {
        fprintf(stderr, "shop: the long layout has all columns in one table; leave --table out\n");
        return 64;
    }
    if (s.plan && !s.is_long) {
        fprintf(stderr, "shop: --plan goes with --layout long\n");
        return 64;
    }
    setvbuf(stdout, NULL, _IOFBF, 1 << 18);
    fill_poisson(&s);
    fill_shape(&s);
    if (s.is_long)
        as_long(&s);
    else if (s.table == MENTIONS)
        mentions(&s);
    else if (s.table == STOCK)
        stock(&s);
    else
        wide(&s);
    free(s.shape);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 74;
}
