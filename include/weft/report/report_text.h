/* report_text.h - the words of a report in each language, and its style. */
#ifndef WEFT_REPORT_TEXT_H
#define WEFT_REPORT_TEXT_H

#include "report/report.h"

/* Labels; some are formats, with the same conversions in every language. From L_READ_FIRST to L_READ_LAST a term and its explanation by turns. */
enum weft_report_label {
    L_NONE, L_TITLE, L_MAJOR, L_MIDDLE, L_MINOR, L_BRAND, L_ITEM, L_FORECAST_OF, L_MODEL, L_FACTS, L_FACT_GROWTH, L_FACT_BEYOND, L_FACT_CHANCE,
    L_FACT_EACH, L_FACT_VOLUME, L_GROWTH, L_GROWTH_NOTE, L_INTERVAL, L_BEYOND, L_CHARTS, L_HISTORY_LINE, L_FORECAST, L_YEAR_LINE, L_DAYS, L_TABLE,
    L_TABLE_CAPTION, L_YEAR_GROWTH, L_CHANCE, L_VOLUME, L_NOW, L_NEAR, L_FAR, L_QUALITY, L_WHY, L_GOOD, L_FAIR, L_POOR, L_REASON, L_REASON_WEEKDAY,
    L_REASON_MONTH, L_REASON_QUARTER, L_REASON_YEAR, L_REASON_REST, L_MARKET, L_MARKET_CAPTION, L_ACTIVE, L_BRANDS, L_EACH, L_HHI, L_TOP_BRAND,
    L_BRAND_NAME, L_SHARE, L_PRICE, L_MENTIONS, L_HISTORY, L_ZEROS, L_GAPS, L_ACCURACY, L_ACCURACY_CAPTION, L_COVERAGE, L_SKILL, L_SKILL_SEASONAL, L_SKILL_LAG_GROWTH, L_BIAS, L_READ, L_READ_FIRST,
    L_READ_FIRST_2, L_READ_BEYOND, L_READ_BEYOND_2, L_READ_CHANCE, L_READ_CHANCE_2, L_READ_NOW, L_READ_NOW_2, L_READ_HHI, L_READ_HHI_2, L_READ_DATA,
    L_READ_DATA_2, L_READ_WHY, L_READ_WHY_2, L_READ_LAST,
    L_LABELS
};
const char *weft_report_text(enum weft_report_lang lang, enum weft_report_label label);
extern const char weft_report_style[]; /* CSS */

#endif
