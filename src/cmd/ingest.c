/* ingest.c - CSV becomes streams.
 *
 * In: CSV files. Out: series/1, or products/1. The layouts are in src/ingest. */
#include <stddef.h>

#include "ingest/ingest.h"

#define AT(type, member) WEFT_OPT_AT(struct weft_ingest, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_CHOICE, 0, "layout", AT(CHOICE, layout), "auto", 0, 0, "auto|wide|long|matrix|products",
     "wide: a row a series, a column a day; long: a row a sale or a day; matrix: a row a time, a column a series; "
     "products: a row a product, its image "
     "in a file; auto: as the header looks",
     0},
    {WEFT_OPT_LIST, 0, "id", AT(LIST, id), NULL, 0, 0, "COLUMN",
     "columns that name a series together (wide and long), or the one that names a product", 0,
     .not_with = "layout=matrix"},
    {WEFT_OPT_LIST, 0, "keys", AT(LIST, keys), NULL, 0, 0, "[NAME=]COLUMN",
     "columns to group by later: category, brand, store; all that are known by default (products: gender and category)",
     0, .not_with = "layout=matrix"},
    {WEFT_OPT_STR, 0, "date", AT(STR, date), NULL, 0, 0, "COLUMN",
     "column of the date (long and matrix; \"date\" by default)", 0, .not_with = "layout=products"},
    {WEFT_OPT_STR, 0, "date-format", AT(STR, date_format), NULL, 0, 0, "FORMAT",
     "how dates are written where they do not say it themselves: %m/%d/%Y, %d/%m/%Y or another format of strptime; "
     "excel: Excel's numbers of days; unix: seconds since 1970; decimal-year: 1949.083 for February 1949, as R has it",
     0},
    {WEFT_OPT_STR, 0, "timezone", AT(STR, timezone), NULL, 0, 0, "ZONE",
     "whose days are counted, for times in UTC or with an offset: Asia/Seoul, +09:00, UTC", 0},
    {WEFT_OPT_FLAG, 0, "date-from-name", AT(FLAG, date_from_name), NULL, 0, 0, NULL,
     "the rows have no day, their file's name has it: 2025-03-01, 20250301 or 250301 (long)", 0, .needs = "layout=long",
     .not_with = "date"},
    {WEFT_OPT_LIST, 0, "value", AT(LIST, values), NULL, 0, 0, "[NAME=]COLUMN",
     "columns to forecast, each a channel (long)", 0, .needs = "layout=long"},
    {WEFT_OPT_FLAG, 0, "count-rows", AT(FLAG, count_rows), NULL, 0, 0, NULL,
     "each row is one unit, where no column says how many were sold (long)", 0, .needs = "layout=long",
     .not_with = "value"},
    {WEFT_OPT_LIST, 0, "reduce", AT(LIST, reduce), NULL, 0, 0, "sum|mean|last",
     "what becomes of rows of one series and time, one for all or one a value; sum by default, mean for prices and in "
     "a matrix",
     0, .needs = "layout=long|matrix"},
    {WEFT_OPT_LIST, 0, "past", AT(LIST, past), NULL, 0, 0, "CHANNEL",
     "channels that are not forecast but help to, known up to the origin: mentions, weather", 0,
     .needs = "layout=wide|long"},
    {WEFT_OPT_LIST, 0, "future", AT(LIST, future), NULL, 0, 0, "CHANNEL",
     "the same, known ahead: a price plan, promotions; rows may go on after the last sales", 0,
     .needs = "layout=wide|long"},
    {WEFT_OPT_LIST, 0, "static", AT(LIST, constant), NULL, 0, 0, "CHANNEL", "the same, a constant of each series", 0,
     .needs = "layout=wide|long"},
    {WEFT_OPT_STR, 0, "amounts", AT(STR, amounts), NULL, 0, 0, "FILE",
     "wide table of the same products in the same order: channel amounts", WEFT_OPT_FILE, .needs = "layout=wide"},
    {WEFT_OPT_STR, 0, "mentions", AT(STR, mentions), NULL, 0, 0, "FILE",
     "wide table with a row a brand: channel mentions", WEFT_OPT_FILE, .needs = "layout=wide"},
    {WEFT_OPT_STR, 0, "name", AT(STR, name), NULL, 0, 0, "COLUMN", "products: the name", 0, .needs = "layout=products"},
    {WEFT_OPT_STR, 0, "price", AT(STR, price), NULL, 0, 0, "COLUMN", "products: the price, a number", 0,
     .needs = "layout=products"},
    {WEFT_OPT_STR, 0, "number", AT(STR, number), NULL, 0, 0, "COLUMN", "products: the product number, a number", 0,
     .needs = "layout=products"},
    {WEFT_OPT_STR, 0, "gender", AT(STR, gender), NULL, 0, 0, "COLUMN", "products: whom it is made for, a key", 0,
     .needs = "layout=products"},
    {WEFT_OPT_STR, 0, "category", AT(STR, category), NULL, 0, 0, "COLUMN", "products: what it is, a key", 0,
     .needs = "layout=products"},
    {WEFT_OPT_STR, 0, "image", AT(STR, image), NULL, 0, 0, "COLUMN", "products: path of the image file, JPEG or PNG", 0,
     .needs = "layout=products"},
    {WEFT_OPT_STR, 0, "images", AT(STR, images), NULL, 0, 0, "DIR",
     "products: where image files are; beside the table by default", WEFT_OPT_FILE, .needs = "layout=products"},
    {WEFT_OPT_LIST, 0, "label", AT(LIST, labels), NULL, 0, 0, "[NAME=]COLUMN",
     "products: what is to be learned; numbers are quantities, other texts are classes; age, views, sales, likes, "
     "preferred_gender by default",
     0, .needs = "layout=products"},
    {WEFT_OPT_CHOICE, 0, "missing", AT(CHOICE, fill), "default", 0, 0, "default|zero|nan",
     "what an empty cell and a day of a series without a row become; by default zero, in a matrix and for means a "
     "missing value (nan), and a day on which no "
     "series has a row is missing",
     0},
    {WEFT_OPT_CHOICE, 0, "overlap", AT(CHOICE, overlap), "default", 0, 0, "default|add|replace|refuse",
     "several files that hold the same day: add their rows up, replace the earlier file's rows of that day by the "
     "later one's, or refuse; by default they are "
     "added, and refused when a series has rows of a day in two files",
     0},
    {WEFT_OPT_LIST, 0, "drop", AT(LIST, drop), NULL, 0, 0, "COLUMN=VALUE",
     "rows that are no sales: COLUMN=VALUE,VALUE,... with * for any text at the end; without it, what a column of "
     "states calls cancelled, returned or not "
     "paid; none: nothing",
     0},
    {WEFT_OPT_LIST, 0, "fill-down", AT(LIST, fill_down), NULL, 0, 0, "COLUMN",
     "columns in which an empty cell means the one above: merged cells of a spreadsheet", 0},
    {WEFT_OPT_CHOICE, 0, "totals", AT(CHOICE, totals), "leave-out", 0, 0, "leave-out|keep",
     "rows and columns called total, \xed\x95\xa9\xea\xb3\x84, ...: leave out, or series like others", 0},
    {WEFT_OPT_STR, 0, "step", AT(STR, step), NULL, 0, 0, "STEP",
     "length of a step: hour, day, business-day, week, month, quarter, Ns (seconds); as the dates have it by default",
     0, .not_with = "layout=products"},
    {WEFT_OPT_INT, 0, "skip", AT(INT, skip), "-1", -1, 1e6, "LINES",
     "lines above the header; by default titles and comments are found by themselves", 0},
    {WEFT_OPT_STR, 0, "from", AT(STR, from), NULL, 0, 0, "DATE", "leave out what is earlier", 0,
     .not_with = "layout=products"},
    {WEFT_OPT_STR, 0, "to", AT(STR, to), NULL, 0, 0, "DATE",
     "leave out what is later; of channels of --future it stays, as the plan that was known", 0,
     .not_with = "layout=products"},
    {WEFT_OPT_LIST, 0, "until", AT(LIST, until), NULL, 0, 0, "DATE",
     "the same for each file: its last day that counts, one date a file (long)", 0, .needs = "layout=long"},
    {WEFT_OPT_LIST, 0, "closed", AT(LIST, closed), NULL, 0, 0, "DATE",
     "days on which nothing was sold: 0 where no series has a row, and not missing (long)", 0, .needs = "layout=long"},
    {WEFT_OPT_CHOICE, 0, "decimal", AT(CHOICE, decimal), "auto", 0, 0, "auto|point|comma",
     "the sign before decimals, the other one stands between thousands; by default as the numbers say", 0},
    {WEFT_OPT_STR, 0, "encoding", AT(STR, encoding), NULL, 0, 0, "NAME",
     "of the files, when it is not UTF-8: cp949, utf-16le, ...", 0},
    {WEFT_OPT_STR, 0, "delimiter", AT(STR, delimiter), NULL, 0, 0, "C",
     "between fields; by default the one of , ; tab | that the first line has most of", 0},
    {WEFT_OPT_STR, 0, "rejects", AT(STR, rejects), NULL, 0, 0, "FILE",
     "set bad rows aside there, a CSV of file, line, column, reason and row, instead of stopping at the first",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_SIZE, 0, "max-field", AT(SIZE, field_max), "1M", 0, 1e9, "BYTES", "longest field accepted",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_SIZE, 0, "max-unpacked", AT(SIZE, unpacked_max), "64G", 0, 1e15, "BYTES", "what a .gz file may unpack to",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_SIZE, 0, "max-image", AT(SIZE, image_max), "64M", 0, 2e9, "BYTES",
     "products: largest image file accepted", WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {.type = WEFT_OPT_END},
};

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    return weft_ingest_run(run, state, e);
}

static void stop(struct weft_run *run, void *state)
{
    struct weft_ingest *o = state;
    (void)run;
    weft_rejects_abort(&o->rejected);
}

static const struct weft_filter filter = {
    .usage = {.name = "ingest",
              .summary = "turns CSV tables of sales into a series stream, or of products into a products stream",
              .synopsis = "ingest [OPTION...] [FILE...]",
              .reads = "CSV files (or Arrow IPC streams), or standard input",
              .writes = "a series stream, or a products stream",
              .examples = "weft ingest sales.csv --amounts amounts.csv --mentions mentions.csv -o series.weft\n"
                          "weft ingest --layout long --id store,item --date date --value sales dumps/*.csv | weft "
                          "aggregate --by item | weft frames count\n"
                          "weft ingest --layout long --value units,price,promotion --future price,promotion plan.csv "
                          "-o series.weft\n"
                          "weft ingest --layout matrix ETTh1.csv | weft window --lookback 336 --horizon 96 --scale "
                          "standard -o windows.weft\n"
                          "weft ingest sales.csv.gz --rejects bad.csv -o series.weft\n"
                          "weft ingest --layout products garments.csv --images photos -o products.weft\n"
                          "weft ingest --layout products styles.csv --label gender,usage | weft frames count",
              .see_also = "aggregate, covariates, window, encode-image, embed-text, frames",
              .notes =
                  "What a table is taken for is said in one line: layout, the columns of date, id and value, the step; "
                  "where two readings fit, it stops and prints the commands to choose from. --layout, --date, --id, "
                  "--value, --count-rows (a row is one unit), --step and --skip LINES (above the header) say it. Of "
                  "weeks and months, the first and last that are not whole are left out.\n"
                  "A day without any row is missing, a series without a row on a day that others have sold 0: "
                  "--missing zero|nan. Days that two files hold are refused where a series would count twice: "
                  "--overlap. A file with no column of days has its day in its name: --date-from-name.\n"
                  "Cancelled, returned and unpaid orders, and rows and columns of totals, are left out and counted: "
                  "--drop COLUMN=VALUE or --drop none, --totals keep. Merged cells: --fill-down COLUMN.\n"
                  "1.250 beside 980 is 1250, and 1,250 is, too: --decimal point|comma. 3/1/2024 and 24.03.01 are read "
                  "when other rows prove the order, 202403, 2024\xeb\x85\x84 10\xec\xa3\xbc, 1Q24 and 1949.083 in a "
                  "column of dates: --date-format. Times in UTC need --timezone.\n"
                  "UTF-8, UTF-16, CP949 under a Korean header, .gz and Arrow IPC streams are read by themselves; "
                  "others by --encoding.\n"
                  "Dates: 2023-01-31, 20230131, 2023/1/31, 2023.1.31, with or without a time. Numbers: plain ones, "
                  "12,300, 4.2\xec\xb2\x9c, 1.5\xeb\xa7\x8c, 1.2\xec\x96\xb5, 3.4k, with the words that stand around "
                  "counts. Headers such as \xeb\x8c\x80\xeb\xb6\x84\xeb\xa5\x98 or major_category are known; see the "
                  "keys with `weft frames show`.\n"
                  "A bad row stops the program with its place, file:line:column, unless --rejects FILE is given; both "
                  "count it. A duplicate id in a wide table is a bad row. Values below 0 are kept and counted.\n"
                  "Products: columns are found by their names, as product_name or "
                  "\xec\x83\x81\xed\x92\x88\xeb\xaa\x85, product_price, gender, category, image; a column that is a "
                  "label is nothing else unless an option says so. An empty cell, and an image file that is not there, "
                  "are missing values, counted. Paths of images may not lead out of their directory.\n"
                  "With --future, days after the last one that has a value of a target belong to the future: targets "
                  "are missing there. A channel that is --past, --future or --static is averaged over rows of one day "
                  "like a price, and missing where no row has it, unless --reduce says otherwise.\n"
                  "Memory: wide and products hold 24 bytes a row; long and matrix hold the table."},
    .opts = opts,
    .state_size = sizeof(struct weft_ingest),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_STREAM,
    .max_operands = -1,
    .threads_are_cores = true,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
