/* garments.c - made-up clothes: DIR/garments.csv and DIR/images/NNNN.png, the same bytes for the same options on every
 * machine.
 *
 *     garments DIR [PRODUCTS [SEED]]
 *
 * The law (fixed before anything was tuned on it). A brand has a public (women, men, both), an age, a style and
 * a pull on quantities; a garment keeps to its brand's style seven times in ten. Names carry one or two words of
 * the style, or none. Preferred gender follows from brand, kind and colour (image); age group from brand, style
 * and pattern (image); views and sales are log-normal about a level of brand, style, colour, price and pattern,
 * and a twelfth of all garments sold nothing. So image, name and brand each say something that the others do
 * not. Counts are written as shops write them (4.2천, 1.5만); here and there an image or a label is missing. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "base/rng.h"

enum { SIDE = 64, ROW = 1 + 3 * SIDE, RAW = ROW * SIDE, PRODUCTS_MAX = 1000000 };
_Static_assert(RAW <= 65535, "a picture is one stored block");
enum kind { TEE, DRESS, TROUSERS, SKIRT, COAT, KINDS };
enum colour { RED, PINK, BLUE, GREEN, BLACK, WHITE, COLOURS };
enum pattern { PLAIN, STRIPES, DOTS, CHECKS, PATTERNS };
enum style { STREET, CLASSIC, ROMANTIC, SPORTY, BASIC, STYLES };
enum public { BOTH, WOMEN, MEN };
enum { BRANDS = 24, STYLE_WORDS = 4, OCTAVE = 16 }; /* quantities are counted in sixteenths of a doubling */

static const char *const kind_names[KINDS][2] = {
    {"티셔츠", "Tee"}, {"원피스", "Dress"}, {"팬츠", "Trousers"}, {"스커트", "Skirt"}, {"코트", "Coat"}};
static const char *const colour_names[COLOURS][2] = {{"레드", "Red"},   {"핑크", "Pink"},  {"블루", "Blue"},
                                                     {"그린", "Green"}, {"블랙", "Black"}, {"화이트", "White"}};
static const char *const style_words[STYLES][STYLE_WORDS] = {{"그래픽", "오버핏", "크롭", "빈티지워싱"},
                                                             {"클래식", "테일러드", "울블렌드", "하운드투스"},
                                                             {"플라워", "레이스", "셔링", "리본"},
                                                             {"트레이닝", "나일론", "에어핏", "집업"},
                                                             {"베이직", "데일리", "[2PACK]", "NEW"}};
static const struct brand {
    const char *name;
    enum public public;
    int age;
    enum style style;
    int pull;
} brands[BRANDS] = {{"무지개", WOMEN, 1, ROMANTIC, 6},   {"Northline", MEN, 2, SPORTY, 14},
                    {"하루", WOMEN, 2, BASIC, -4},       {"Atelier K", WOMEN, 3, CLASSIC, -12},
                    {"스튜디오 온", BOTH, 1, BASIC, 20}, {"Mono Lab", MEN, 1, STREET, 9},
                    {"바람결", WOMEN, 3, CLASSIC, -20},  {"Rough Note", MEN, 0, STREET, 3},
                    {"소소한", WOMEN, 0, ROMANTIC, -7},  {"Field Days", BOTH, 2, SPORTY, -2},
                    {"연두", WOMEN, 1, BASIC, 11},       {"Harbor Tailor", MEN, 3, CLASSIC, -15},
                    {"도시락", BOTH, 0, STREET, 17},     {"Petit Jour", WOMEN, 2, ROMANTIC, 0},
                    {"한낮", BOTH, 1, BASIC, -9},        {"Kite Club", BOTH, 0, SPORTY, 7},
                    {"라온", WOMEN, 1, CLASSIC, 2},      {"Oak & Pine", MEN, 2, BASIC, -17},
                    {"별다방", BOTH, 0, STREET, -11},    {"Velvet Hour", WOMEN, 3, ROMANTIC, -24},
                    {"동네", MEN, 1, BASIC, 24},         {"Slow Motion", BOTH, 2, CLASSIC, -6},
                    {"첫눈", WOMEN, 0, ROMANTIC, 13},    {"Track One", MEN, 1, SPORTY, 5}};
static const char *const age_names[] = {"10대", "20대", "30대", "40대"};
static const uint8_t rgb_of[COLOURS][3] = {{200, 30, 40}, {240, 150, 180}, {40, 70, 180},
                                           {50, 140, 70}, {30, 30, 35},    {245, 245, 240}};

struct garment {
    enum kind kind;
    enum colour colour;
    enum pattern pattern;
    enum style style;
    const struct brand *brand;
    unsigned price, turn; /* turn: moves pattern and shape about */
    bool english;
};

/* --- the picture --- */

/* Is the pixel on the garment? x from its middle, y from the top. */
static bool inside(const struct garment *g, int x, int y)
{
    int ax = x < 0 ? -x : x;
    switch (g->kind) {
    case TEE:
        return (y > 12 && y < 50 && ax < 14) || (y > 12 && y < 26 && ax < 25);
    case DRESS:
        return y > 8 && y < 60 && ax < (y < 28 ? 10 : 10 + (y - 28) / 2);
    case TROUSERS:
        return y > 8 && y < 60 && ax < 14 && (y < 22 || ax > 2);
    case SKIRT:
        return y > 18 && y < 48 && ax < 9 + (y - 18) / 2;
    default:
        return (y > 6 && y < 58 && ax < 16 && ax > 0) || (y > 6 && y < 44 && ax < 26 && ax > 18);
    }
}

static bool marked(const struct garment *g, int x, int y)
{
    int u = x + 32 + (int)g->turn, v = y + (int)g->turn;
    switch (g->pattern) {
    case STRIPES:
        return v % 8 < 3;
    case DOTS:
        return u % 8 < 3 && v % 8 < 3;
    case CHECKS:
        return (u / 6 + v / 6) % 2;
    default:
        return false;
    }
}

static void draw(const struct garment *g, struct weft_rng *r, uint8_t *rgb)
{
    int shift = (int)weft_rng_below(r, 7) - 3, light = (int)weft_rng_below(r, 41) - 20;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            bool on = inside(g, x - SIDE / 2 + shift, y);
            for (int c = 0; c < 3; c++) {
                int v = on ? rgb_of[g->colour][c] : 215;
                if (on && marked(g, x, y))
                    v = 255 - v;
                v += light + (int)weft_rng_below(r, 13) - 6;
                *rgb++ = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
            }
        }
}

/* --- PNG, stored without compression --- */

static uint32_t crc(uint32_t c, const uint8_t *p, size_t n)
{
    c = ~c;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    for (int k = 24; k >= 0; k -= 8)
        *p++ = (uint8_t)(v >> k);
    return p;
}

static void chunk(FILE *f, const char *type, const uint8_t *p, size_t n)
{
    uint8_t word[4];
    put32(word, (uint32_t)n);
    fwrite(word, 1, 4, f);
    fwrite(type, 1, 4, f);
    fwrite(p, 1, n, f);
    put32(word, crc(crc(0, (const uint8_t *)type, 4), p, n));
    fwrite(word, 1, 4, f);
}

static void png(FILE *f, const uint8_t *rgb)
{
    static uint8_t data[2 + 5 + RAW + 4];
    uint8_t head[13] = {0}, *p = data;
    uint32_t a = 1, b = 0;
    p = put32(put32(head, SIDE), SIDE);
    p[0] = 8; /* bits */
    p[1] = 2; /* RGB */
    p = data;
    *p++ = 0x78;
    *p++ = 0x01;
    *p++ = 1; /* the last block, stored */
    *p++ = RAW & 255;
    *p++ = RAW >> 8;
    *p++ = ~RAW & 255;
    *p++ = ~RAW >> 8 & 255;
    for (int y = 0; y < SIDE; y++) {
        *p++ = 0; /* no filter */
        memcpy(p, rgb + 3 * SIDE * y, 3 * SIDE);
        p += 3 * SIDE;
    }
    for (const uint8_t *q = p - RAW; q < p; q++) {
        a = (a + *q) % 65521;
        b = (b + a) % 65521;
    }
    put32(p, b << 16 | a);
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, f);
    chunk(f, "IHDR", head, sizeof head);
    chunk(f, "IDAT", data, sizeof data);
    chunk(f, "IEND", data, 0);
}

/* --- the table --- */

/* 2^(level / OCTAVE), below 1 nothing: no result hangs on a libm's last digit. */
static uint64_t count_of(int level)
{
    static const unsigned thousandths[OCTAVE] = {1000, 1044, 1091, 1139, 1189, 1242, 1297, 1354,
                                                 1414, 1477, 1542, 1610, 1682, 1756, 1834, 1915};
    return level < 0 ? 0 : ((uint64_t)thousandths[level % OCTAVE] << level / OCTAVE) / 1000;
}

static void print_count(FILE *f, uint64_t n)
{
    if (n >= 10000)
        fprintf(f, "%" PRIu64 ".%" PRIu64 "만", n / 10000, n / 1000 % 10);
    else if (n >= 1000)
        fprintf(f, "%" PRIu64 ".%" PRIu64 "천", n / 1000, n / 100 % 10);
    else
        fprintf(f, "%" PRIu64, n);
}

static void print_name(FILE *f, const struct garment *g, struct weft_rng *r)
{
    uint64_t first = weft_rng_below(r, STYLE_WORDS + 1), second = weft_rng_below(r, 3 * STYLE_WORDS);
    bool says_brand = weft_rng_below(r, 2) == 0, says_colour = weft_rng_below(r, 2) == 0;
    if (says_brand)
        fprintf(f, "%s ", g->brand->name);
    if (first < STYLE_WORDS)
        fprintf(f, "%s ", style_words[g->style][first]);
    if (second < STYLE_WORDS && second != first)
        fprintf(f, "%s ", style_words[g->style][second]);
    fprintf(f, "%s%s%s", says_colour ? colour_names[g->colour][g->english] : "", says_colour ? " " : "",
            kind_names[g->kind][g->english]);
}

static int noise(struct weft_rng *r, int width)
{
    return (int)weft_rng_below(r, (uint64_t)(2 * width + 1)) - width;
}

/* Nearly normal: a sum of four. Its standard deviation is width times 1.15. */
static int bell(struct weft_rng *r, int width)
{
    return noise(r, width) + noise(r, width) + noise(r, width) + noise(r, width);
}

static void print_labels(FILE *f, const struct garment *g, struct weft_rng *r)
{
    static const int women[KINDS] = {0, 4, -2, 4, -1}, warm[COLOURS] = {1, 3, -2, -1, -1, 1}, public[] = {0, 5, -6},
                     young[PATTERNS] = {0, 0, -1, 1};
    static const int ages[STYLES] = {-1, 1, 0, -1, 0}, draws[STYLES] = {10, -8, 4, 0, -3},
                     colour_draws[COLOURS] = {8, 5, -2, -8, 3, 0};
    static const int pattern_sells[PATTERNS] = {9, 2, -9, 0};
    bool woman = women[g->kind] + warm[g->colour] + public[g->brand->public] + noise(r, 2) > 0;
    int age = g->brand->age + ages[g->style] - young[g->pattern] + (noise(r, 4) == 4), views, sales;
    views =
        9 * OCTAVE + g->brand->pull + draws[g->style] + colour_draws[g->colour] - (int)(g->price / 5000) + bell(r, 11);
    sales = views - 5 * OCTAVE + pattern_sells[g->pattern] + bell(r, 8);
    fprintf(f, ",%s,", weft_rng_below(r, 50) == 0 ? "" : woman ? "여성" : "남성");
    fprintf(f, "%s,", weft_rng_below(r, 50) == 0 ? "" : age_names[age < 0 ? 0 : age > 3 ? 3 : age]);
    print_count(f, count_of(views));
    putc(',', f);
    bool sold = weft_rng_below(r, 12) > 0;
    if (weft_rng_below(r, 50) > 0)
        print_count(f, sold ? count_of(sales) : 0);
}

static bool write_image(const char *dir, uint64_t id, const struct garment *g, struct weft_rng *r)
{
    static uint8_t rgb[3 * SIDE * SIDE];
    char path[4096];
    draw(g, r, rgb);
    snprintf(path, sizeof path, "%s/images/%05" PRIu64 ".png", dir, id);
    if (weft_rng_below(r, 60) == 0) /* lost */
        return true;
    FILE *f = fopen(path, "wb");
    if (f)
        png(f, rgb);
    return f && fclose(f) == 0;
}

static bool write_product(FILE *f, const char *dir, uint64_t id, uint64_t seed)
{
    struct weft_rng r = weft_rng(seed, id);
    const struct brand *brand = &brands[weft_rng_below(&r, BRANDS)];
    struct garment g = {.kind = (enum kind)weft_rng_below(&r, KINDS),
                        .colour = (enum colour)weft_rng_below(&r, COLOURS),
                        .pattern = (enum pattern)weft_rng_below(&r, PATTERNS),
                        .style = brand->style,
                        .brand = brand,
                        .turn = (unsigned)weft_rng_below(&r, 8)};
    g.english = weft_rng_below(&r, 2) == 0;
    if (weft_rng_below(&r, 10) >= 7)
        g.style = (enum style)weft_rng_below(&r, STYLES);
    g.price = (unsigned)(9900 + 1000 * weft_rng_below(&r, 90));
    fprintf(f, "%" PRIu64 ",", id);
    print_name(f, &g, &r);
    fprintf(f, ",\"%u,%03u\",%" PRIu64 ",%s,%s,%s,images/%05" PRIu64 ".png", g.price / 1000, g.price % 1000,
            100000 + 7 * id, brand->name, (const char *[]){"남녀공용", "여성", "남성"}[weft_rng_below(&r, 3)],
            kind_names[g.kind][0], id);
    print_labels(f, &g, &r);
    putc('\n', f);
    return write_image(dir, id, &g, &r);
}

int main(int argc, char **argv)
{
    int64_t products = 400, seed = 1;
    char path[4000];
    if (argc < 2 || argc > 4 || argv[1][0] == '-' || (argc > 2 && !weft_num_int(argv[2], 1, PRODUCTS_MAX, &products)) ||
        (argc > 3 && !weft_num_int(argv[3], 0, INT64_MAX, &seed))) {
        fprintf(stderr, "garments DIR [PRODUCTS [SEED]]\n");
        return 64;
    }
    snprintf(path, sizeof path, "%s/images", argv[1]);
    if ((mkdir(argv[1], 0777) < 0 && errno != EEXIST) || (mkdir(path, 0777) < 0 && errno != EEXIST)) {
        perror(path);
        return 73;
    }
    snprintf(path, sizeof path, "%s/garments.csv", argv[1]);
    FILE *f = fopen(path, "w");
    bool good = f != NULL;
    if (good)
        fprintf(f, "product_id,product_name,product_price,product_number,brand,gender,category,image,preferred_gender,"
                   "age,views,sales\n");
    for (int64_t id = 1; id <= products && good; id++)
        good = write_product(f, argv[1], (uint64_t)id, (uint64_t)seed);
    if (f && fclose(f) != 0)
        good = false;
    if (!good)
        perror(path);
    return good ? 0 : 74;
}
