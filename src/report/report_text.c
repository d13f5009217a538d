/* report_text.c - the words of a report, English and Korean side by side, and its style. */
#include "report/report_text.h"

#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "frame/pack.h"

static const char *const texts[L_LABELS][2] = {
    [L_NONE] = {"", ""},
    [L_TITLE] = {"Where demand is growing", "수요가 커지는 곳"},
    [L_MAJOR] = {"Major category", "대분류"},
    [L_MIDDLE] = {"Middle category", "중분류"},
    [L_MINOR] = {"Minor category", "소분류"},
    [L_BRAND] = {"Brand", "브랜드"},
    [L_ITEM] = {"Product", "상품"},
    [L_FORECAST_OF] = {"forecast", "예측"},
    [L_MODEL] = {"Model", "모델"},
    [L_FACTS] = {"At a glance", "한눈에 보기"},
    [L_FACT_GROWTH] = {"Highest growth", "성장률 1위"},
    [L_FACT_BEYOND] = {"Most beyond the season", "계절 제외 성장 1위"},
    [L_FACT_CHANCE] = {"Most likely in the top %lld", "상위 %lld위 확률 1위"},
    [L_FACT_EACH] = {"Most sales per active product", "활동 상품당 판매 1위"},
    [L_FACT_VOLUME] = {"Largest volume", "판매량 1위"},
    [L_GROWTH] = {"Growth", "성장 지수"},
    [L_GROWTH_NOTE] =
        {"Forecast sales of {days} %lld–%lld ahead over those of {days} %lld–%lld. Above 1, demand grows.",
         "예측 판매량의 비: %lld–%lld{일} 뒤 ÷ %lld–%lld{일} 뒤. 1보다 크면 수요가 늘어납니다."},
    [L_INTERVAL] = {"%g%% interval", "%g%% 구간"},
    [L_BEYOND] = {"Beyond the season", "계절 제외"},
    [L_CHARTS] = {"History and forecast", "과거와 예측"},
    [L_HISTORY_LINE] = {"sales (thin: by {day}, thick: mean of %zu)",
                        "판매량 (가는 선: {매일}, 굵은 선: %zu{일} 평균)"},
    [L_HISTORY_PLAIN] = {"sales by {day}", "{하루} 판매량"},
    [L_FORECAST] = {"forecast", "예측"},
    [L_YEAR_LINE] = {"same {days} a year before", "1년 전 같은 {날}"},
    [L_DAYS] = {"near and far {days}", "가까운 {날}, 먼 {날}"},
    [L_TABLE] = {"Growth and season", "성장과 계절"},
    [L_TABLE_CAPTION] = {"How much is sold {a day}, how it grows, and how much of that is only the season",
                         "{하루} 판매량과 그 성장, 그리고 그중 계절의 몫"},
    [L_YEAR_GROWTH] = {"A year before", "1년 전"},
    [L_CHANCE] = {"P(top %lld)", "상위 %lld위 확률"},
    [L_VOLUME] = {"Sales {a day}", "{하루} 판매량"},
    [L_NOW] = {"now", "현재"},
    [L_NEAR] = {"near", "가까운 {날}"},
    [L_FAR] = {"far", "먼 {날}"},
    [L_QUALITY] = {"Data", "데이터"},
    [L_WHY] = {"Where the growth comes from", "성장의 이유"},
    [L_GOOD] = {"good", "좋음"},
    [L_FAIR] = {"fair", "보통"},
    [L_POOR] = {"poor", "나쁨"},
    [L_REASON] = {"last week", "지난주"},
    [L_REASON_WEEKDAY] = {"same weekdays", "같은 요일"},
    [L_REASON_MONTH] = {"last 4 weeks", "최근 4주"},
    [L_REASON_QUARTER] = {"last 3 months", "최근 3개월"},
    [L_REASON_YEAR] = {"a year ago", "1년 전"},
    [L_REASON_REST] = {"earlier", "그 이전"},
    [L_MARKET] = {"Competition, prices and data", "경쟁, 가격, 데이터"},
    [L_MARKET_CAPTION] = {"Who sells now and on the far {days}, at what price, and how much is known",
                          "현재와 먼 {날}의 판매자와 가격, 그리고 데이터의 양"},
    [L_ACTIVE] = {"Active products", "활동 상품"},
    [L_BRANDS] = {"Active brands", "활동 브랜드"},
    [L_EACH] = {"Sales per product", "상품당 판매"},
    [L_HHI] = {"HHI", "HHI"},
    [L_TOP_BRAND] = {"Top brand", "1위 브랜드"},
    [L_BRAND_NAME] = {"name", "이름"},
    [L_SHARE] = {"share", "점유율"},
    [L_PRICE] = {"Mean price", "평균 가격"},
    [L_MENTIONS] = {"Mentions", "언급량"},
    [L_HISTORY] = {"{Days} known", "데이터 {일수}"},
    [L_ZEROS] = {"Without sales", "무판매"},
    [L_GAPS] = {"Missing", "결측"},
    [L_ACCURACY] = {"How good the forecasts were", "예측의 정확도"},
    [L_ACCURACY_CAPTION] = {"Measured on {days} that the model had not seen, beside simple methods",
                            "모델이 보지 못한 기간에서 단순한 방법과 비교한 결과"},
    [L_COVERAGE] = {"coverage ", "포함률 "},
    [L_SKILL] = {"skill", "개선율"},
    [L_SKILL_SEASONAL] = {"better than last season", "계절 반복 대비 개선율"},
    [L_SKILL_LAG_GROWTH] = {"better than a year ago × growth", "1년 전 × 성장 대비 개선율"},
    [L_BIAS] = {"bias", "편향"},
    [L_NO_SALES] = {"next to nothing is sold", "거의 팔리지 않음"},
    [L_FAR_UP] = {"far up", "크게 증가"},
    [L_FAR_DOWN] = {"far down", "크게 감소"},
    [L_NO_GROWTH] =
        {"A forecast of %lld steps holds no two seasons to compare: there is no growth, and rows stand by volume.",
         "%lld단계의 예측에는 비교할 두 계절 주기가 없어 성장 지수가 없으며, 판매량 순으로 보여 줍니다."},
    [L_SURE_NOTHING] = {"No growth and no fall here is sure: with so many rows, all of it may be chance (false "
                        "discoveries held at %g%%).",
                        "확실한 성장이나 감소가 없습니다. 모두 우연일 수 있습니다 (거짓 발견율 %g%%)."},
    [L_SURE] =
        {"Sure to grow: %zu, sure to fall: %zu, of the rows shown; %g%% of such marks are wrong at most, in "
         "expectation. All other growth may be chance.",
         "표시된 항목 중 확실한 성장 %zu, 확실한 감소 %zu (거짓 발견율 %g%% 이하). 나머지는 우연일 수 있습니다."},
    [L_SURE_TITLE] = {"Sure", "확실"},
    [L_UP] = {"sure to grow", "확실한 성장"},
    [L_DOWN] = {"sure to fall", "확실한 감소"},
    [L_P_GROWTH] = {"Chance of growth", "성장 확률"},
    [L_PROFILE_NOTE] = {"These are not the same days of the week, so each side is divided by what such days sold in "
                        "the last eight weeks.",
                        "두 기간의 요일이 달라, 각 기간을 최근 8주의 요일별 판매로 나누어 비교합니다."},
    [L_PROFILE_OTHER] =
        {"These are not the same {days} of the season, so each side is divided by what such {days} sold "
         "of late.",
         "두 기간의 계절 위치가 달라, 각 기간을 최근의 같은 위치 판매로 나누어 비교합니다."},
    [L_LEFT_OUT] = {"Left out", "제외된 항목"},
    [L_LEFT_GROUPS] = {"%zu could not be forecast. ", "%zu개 항목은 예측할 수 없었습니다. "},
    [L_LEFT_NOTE] = {"%llu series of ranked groups have no forecast: their groups are smaller here than they are.",
                     "순위에 있는 항목의 %llu개 시계열은 예측되지 않아, 그 항목은 실제보다 작게 나타납니다."},
    [L_LEFT_SERIES] = {"Series left out", "제외 시계열"},
    [L_READ] = {"How to read this", "읽는 법"},
    [L_READ_FIRST] = {"Growth", "성장 지수"},
    [L_READ_FIRST_2] =
        {"Mean forecast of the far {days} over that of the near {days}. A small volume is added to both, so "
         "that what hardly sells can’t win by chance. The interval comes from the model’s own errors, "
         "and is one for what the growth becomes.",
         "먼 {날}의 평균 예측을 가까운 {날}의 평균 예측으로 나눈 값입니다. 거의 팔리지 않는 항목이 우연히 "
         "1위가 되지 않도록 양쪽에 작은 양을 더합니다. 구간은 모델의 실제 오차에서 나옵니다."},
    [L_READ_SURE] = {"Sure; chance of growth", "확실; 성장 확률"},
    [L_READ_SURE_2] =
        {"Chance of growth: that the far {days} come out above the near ones. Sure: so far from chance "
         "that among all rows marked at most %g%% are wrong in expectation (Benjamini–Hochberg).",
         "성장 확률은 먼 {날}의 판매가 가까운 {날}보다 많을 확률입니다. 확실: 표시된 항목 중 틀린 것이 평균 %g%% "
         "이하가 되도록 고른 것입니다 (Benjamini–Hochberg)."},
    [L_READ_BEYOND] = {"Beyond the season", "계절 제외"},
    [L_READ_BEYOND_2] = {"Growth over the growth of the same {days} a year{ (364 days)} before: what is left when the "
                         "season is taken away.",
                         "1년{(364일)} 전 같은 {날}의 성장으로 나눈 값으로, 계절 효과를 뺀 성장입니다."},
    [L_READ_CHANCE] = {"Chance of the top places", "상위권 확률"},
    [L_READ_CHANCE_2] = {"The share of %lld draws in which a category is among the first ones, each growth drawn from "
                         "its own interval.",
                         "각 항목의 성장을 그 구간의 분포에서 %lld번 뽑았을 때 상위권에 든 비율입니다."},
    [L_READ_NOW] = {"Now; active", "현재; 활동"},
    [L_READ_NOW_2] =
        {"The last {days} before the forecast: %lld. A product or brand is active when it sold something within them.",
         "예측 직전 %lld{일}입니다. 그 사이 한 번이라도 팔린 상품과 브랜드를 활동으로 셉니다."},
    [L_READ_HHI] = {"HHI", "HHI"},
    [L_READ_HHI_2] = {"Sum of the squared shares of the brands: 1 when one brand has it all, near 0 when many share.",
                      "브랜드 점유율의 제곱합: 한 브랜드가 독점하면 1, 여럿이 나누면 0에 가깝습니다."},
    [L_READ_DATA] = {"Data", "데이터"},
    [L_READ_DATA_2] =
        {"Poor: next to nothing is sold, or less than half a year is known, or more than half of the {days} are "
         "without "
         "sales, or a fifth is missing. Fair: less than a year, or a tenth, or a fiftieth.",
         "나쁨: 거의 팔리지 않거나, 반년 미만의 데이터, 절반이 넘는 {날}의 무판매, 또는 5분의 1이 넘는 결측. 보통: 1년 "
         "미만, 10분의 1, 50분의 1."},
    [L_READ_WHY] = {"Where the growth comes from", "성장의 이유"},
    [L_READ_WHY_2] =
        {"How much higher or lower the growth index is because these {days} were as they were and not as on average.",
         "그 기간이 평균과 달랐기 때문에 성장 지수가 얼마나 오르거나 내렸는지입니다."},
    [L_READ_LAST] = {"", ""},
};

const char *weft_report_text(enum weft_report_lang lang, enum weft_report_label label)
{
    return texts[label][lang];
}

/* What stands in braces, in the words of a step. */
static const char *const in_days[] = {"{day}",  "{days}", "{Days}", "{a day}", "{ (364 days)}", "{일}",
                                      "{일수}", "{날}",   "{하루}", "{매일}",  "{(364일)}"};
enum { WORDS = sizeof in_days / sizeof *in_days };
static const struct {
    int64_t step;
    const char *words[WORDS];
} steps[] = {
    {WEFT_STEP_DAY, {"day", "days", "Days", "a day", " (364 days)", "일", "일수", "날", "하루", "매일", "(364일)"}},
    {WEFT_STEP_HOUR,
     {"hour", "hours", "Hours", "an hour", " (364 days)", "시간", "시간 수", "시간", "시간당", "매시간", "(364일)"}},
    {WEFT_STEP_WEEK,
     {"week", "weeks", "Weeks", "a week", " (52 weeks)", "주", "주 수", "주", "주간", "매주", "(52주)"}},
    {WEFT_STEP_MONTH, {"month", "months", "Months", "a month", "", "개월", "개월 수", "달", "월", "매월", ""}},
    {WEFT_STEP_QUARTER,
     {"quarter", "quarters", "Quarters", "a quarter", "", "분기", "분기 수", "분기", "분기", "매분기", ""}},
    {WEFT_STEP_BUSINESS_DAY,
     {"working day", "working days", "Working days", "a working day", " (260 working days)", "영업일", "영업일 수",
      "영업일", "영업일당", "영업일마다", "(260영업일)"}},
    {0, {"step", "steps", "Steps", "a step", "", "단계", "단계 수", "단계", "단계당", "단계마다", ""}}};

char *weft_report_text_in(enum weft_report_lang lang, enum weft_report_label label, int64_t step)
{
    struct weft_pack b = {0};
    size_t row = 0;
    while (steps[row].step && steps[row].step != step)
        row++;
    for (const char *p = texts[label][lang]; *p;) {
        size_t w = 0;
        while (w < WORDS && strncmp(p, in_days[w], strlen(in_days[w])) != 0)
            w++;
        const char *from = w < WORDS ? steps[row].words[w] : p;
        weft_pack_raw(&b, (struct weft_span){(const uint8_t *)from, w < WORDS ? strlen(from) : 1});
        p += w < WORDS ? strlen(in_days[w]) : 1;
    }
    char *text = weft_xstrndup(b.p ? (const char *)b.p : "", b.n);
    weft_pack_free(&b);
    return text;
}

const char weft_report_style[] =
    ":root { --ink: #1b2230; --soft: #5b6473; --faint: #8b94a3; --rule: #e4e8ed; --wash: #f5f7f9; --blue: #1a5f94; "
    "--band: #c5dcee; --amber: #8a5200; --red: #a12622 }\n"
    "* { box-sizing: border-box }\n"
    "body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, -apple-system, \"Segoe UI\", "
    "\"Noto Sans KR\", \"Apple SD Gothic Neo\", \"Malgun Gothic\", \"Noto Sans CJK KR\", sans-serif; word-break: "
    "keep-all; overflow-wrap: anywhere; -webkit-text-size-adjust: 100% }\n"
    "main { max-width: 1200px; margin: 0 auto; padding: 44px 32px 56px }\n"
    "h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -.015em; font-weight: 650 }\n"
    "h2 { margin: 0 0 4px; font-size: 19px; line-height: 1.3; font-weight: 650 }\n"
    "section { margin-top: 44px }\n"
    ".sub { margin: 6px 0 0; color: var(--soft) }\n"
    ".note { margin: 0 0 10px; color: var(--soft); max-width: 70ch }\n"
    ".facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 0 28px; margin: 28px 0 "
    "0 }\n"
    ".facts div { border-top: 2px solid var(--ink); padding: 10px 0 14px }\n"
    ".facts dt { color: var(--soft); font-size: 13px }\n"
    ".facts dd { margin: 2px 0 0 }\n"
    ".facts b { display: block; font-weight: 600 }\n"
    ".facts span { display: block; font-size: 24px; line-height: 1.3; font-weight: 600; color: var(--blue); "
    "font-variant-numeric: tabular-nums }\n"
    ".facts small { font-size: 13px; font-weight: 400; color: var(--soft) }\n"
    ".legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 8px; font-size: 13px; color: var(--soft) }\n"
    ".legend span { display: inline-flex; align-items: center; gap: 7px }\n"
    ".legend i { display: inline-block; flex: none }\n"
    ".k-dot { width: 10px; height: 10px; border-radius: 50%; background: var(--blue) }\n"
    ".k-band { width: 22px; height: 8px; border-radius: 4px; background: var(--band) }\n"
    ".k-beyond { width: 8px; height: 8px; border: 1.5px solid var(--ink); background: #fff; transform: rotate(45deg) "
    "}\n"
    ".k-mean { width: 20px; height: 2px; background: #6d7788 }\n"
    ".k-ahead { width: 20px; height: 2.5px; background: var(--blue) }\n"
    ".k-year { width: 20px; border-top: 2px dashed #b07a2a }\n"
    ".k-days { width: 14px; height: 12px; background: #eaedf1 }\n"
    ".bars ol { list-style: none; margin: 0; padding: 0 }\n"
    ".bars li, .bars .head { display: grid; grid-template-columns: 28px minmax(150px, 290px) 1fr 62px; gap: 0 14px; "
    "align-items: center }\n"
    ".bars li { border-top: 1px solid var(--rule); padding: 5px 0; break-inside: avoid }\n"
    ".bars .head .chart { grid-column: 3 }\n"
    ".place { color: var(--faint); text-align: right; font-variant-numeric: tabular-nums }\n"
    ".who b { display: block; font-weight: 550; line-height: 1.3 }\n"
    ".who small { display: block; color: var(--soft); font-size: 12.5px; line-height: 1.3 }\n"
    ".up { color: #1a7a3c; font-size: 11px }\n"
    ".down { color: var(--red); font-size: 11px }\n"
    ".sure { margin: 2px 0 0 }\n"
    ".value { text-align: right; white-space: nowrap; font-weight: 600; font-variant-numeric: tabular-nums }\n"
    "svg { display: block; overflow: visible }\n"
    "svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums }\n"
    ".grid { stroke: var(--rule); stroke-width: 1; fill: none; vector-effect: non-scaling-stroke }\n"
    ".one { stroke: var(--faint); stroke-width: 1.2; stroke-dasharray: 3 3 }\n"
    ".bar .band, .plot .band { fill: var(--band) }\n"
    ".dot { fill: var(--blue) }\n"
    ".beyond { fill: #fff; stroke: var(--ink); stroke-width: 1.5 }\n"
    ".charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 26px 32px; "
    "margin-top: 14px }\n"
    "figure { margin: 0; min-width: 0; break-inside: avoid }\n"
    "figcaption { display: flex; justify-content: space-between; gap: 12px; margin-bottom: 6px }\n"
    "figcaption b { font-weight: 600 }\n"
    "figcaption span { color: var(--blue); font-weight: 600; font-variant-numeric: tabular-nums }\n"
    ".frame { display: grid; grid-template-columns: auto 1fr; gap: 4px 8px }\n"
    ".y { display: flex; flex-direction: column; justify-content: space-between; text-align: right; font-size: 11.5px; "
    "line-height: 1; color: var(--soft); font-variant-numeric: tabular-nums; min-width: 24px; margin: -5px 0 }\n"
    ".x { grid-column: 2; display: flex; justify-content: space-between; font-size: 11.5px; color: var(--soft); "
    "font-variant-numeric: tabular-nums }\n"
    ".plot { width: 100%; height: 150px; overflow: hidden }\n"
    ".plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round }\n"
    ".plot .days { fill: #eaedf1 }\n"
    ".plot .band { stroke: none }\n"
    ".daily { stroke: #cdd3dc; stroke-width: .8 }\n"
    ".mean { stroke: #6d7788; stroke-width: 1.6 }\n"
    ".ahead { stroke: var(--blue); stroke-width: 1.8 }\n"
    ".year { stroke: #b07a2a; stroke-width: 1.4; stroke-dasharray: 4 3 }\n"
    ".origin { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 2 3 }\n"
    ".scroll { overflow-x: auto; margin-top: 4px }\n"
    ".scroll:focus-visible { outline: 2px solid var(--blue); outline-offset: 3px }\n"
    "table { border-collapse: collapse; width: 100%; font-size: 13.5px; line-height: 1.35; font-variant-numeric: "
    "tabular-nums }\n"
    "table.small { width: auto; min-width: 55% }\n"
    "caption { text-align: left; color: var(--soft); font-size: 15px; padding-bottom: 12px; max-width: calc(100vw - "
    "34px); white-space: normal }\n"
    "th, td { padding: 6px 9px; text-align: right; white-space: nowrap; vertical-align: baseline }\n"
    "thead th { color: var(--soft); font-weight: 500; font-size: 12.5px; vertical-align: bottom; border-bottom: 1.5px "
    "solid var(--ink); white-space: normal; overflow-wrap: normal }\n"
    "thead .over { border-bottom: 1px solid var(--rule); text-align: center }\n"
    "tbody tr { border-bottom: 1px solid var(--rule) }\n"
    "tbody tr:hover { background: var(--wash) }\n"
    ".n, thead .n { color: var(--faint); padding-left: 0 }\n"
    ".w { text-align: left }\n"
    ".part { white-space: nowrap }\n"
    ".why { white-space: normal; min-width: 190px }\n"
    "table.small td:first-child, table.small th:first-child { padding-left: 0 }\n"
    "tbody th { font-weight: 550 }\n"
    ".name { position: sticky; left: 0; background: #fff; min-width: 168px; max-width: 260px; white-space: normal }\n"
    "tbody tr:hover .name { background: var(--wash) }\n"
    ".q { white-space: nowrap; color: var(--soft) }\n"
    ".q.fair { color: var(--amber) }\n"
    ".q.poor { color: var(--red) }\n"
    "footer { margin-top: 48px; border-top: 1px solid var(--rule); padding-top: 20px; font-size: 13.5px; color: "
    "var(--soft) }\n"
    "footer h2 { font-size: 15px; color: var(--ink) }\n"
    "footer dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 10px 32px; margin: "
    "8px 0 0 }\n"
    "footer dt { color: var(--ink); font-weight: 550 }\n"
    "footer dd { margin: 0 }\n"
    "@media (max-width: 640px) {\n"
    "main { padding: 24px 16px 40px }\n"
    "h1 { font-size: 24px }\n"
    "section { margin-top: 34px }\n"
    ".facts { grid-template-columns: 1fr 1fr; gap: 0 18px }\n"
    ".facts span { font-size: 20px }\n"
    ".bars li { grid-template-columns: 22px 1fr auto; gap: 2px 8px; padding: 8px 0 6px }\n"
    ".bars .head { display: block }\n"
    ".bars li .chart { grid-column: 1 / -1; grid-row: 2 }\n"
    ".charts { grid-template-columns: 1fr }\n"
    "th, td { padding: 6px 7px }\n"
    ".name { min-width: 110px; max-width: 140px }\n"
    "footer dl { grid-template-columns: 1fr }\n"
    "}\n"
    "@page { size: A4 landscape; margin: 12mm }\n"
    "@media print {\n"
    "body { font-size: 9.5pt; line-height: 1.4; -webkit-print-color-adjust: exact; print-color-adjust: exact }\n"
    "main { max-width: none; padding: 0 }\n"
    "h1 { font-size: 20pt }\n"
    ".facts { grid-template-columns: repeat(5, 1fr); gap: 0 6mm; margin-top: 5mm }\n"
    ".facts span { font-size: 15pt }\n"
    ".bars li { padding: 0 }\n"
    ".bars li, .bars .head { grid-template-columns: 24px 70mm 1fr 46px }\n"
    ".who b { font-size: 9pt; line-height: 1.2 }\n"
    ".who small { font-size: 7.5pt; line-height: 1.2 }\n"
    ".facts dt { font-size: 8pt }\n"
    ".legend { font-size: 8pt }\n"
    ".sub, .note { font-size: 9pt; margin-bottom: 2mm }\n"
    "section { margin-top: 7mm }\n"
    "h2 { break-after: avoid }\n"
    ".charts { grid-template-columns: repeat(3, 1fr); gap: 6mm 8mm }\n"
    ".plot { height: 34mm }\n"
    ".scroll { overflow: visible }\n"
    "table { font-size: 8pt }\n"
    "thead th { font-size: 7.5pt }\n"
    "caption { font-size: 9pt }\n"
    "th, td { padding: 1mm 1.4mm }\n"
    "thead { display: table-header-group }\n"
    "tr { break-inside: avoid }\n"
    ".name { position: static }\n"
    "footer { break-inside: avoid; margin-top: 7mm; padding-top: 3mm; font-size: 8pt }\n"
    "footer h2 { font-size: 10pt }\n"
    "footer dl { grid-template-columns: repeat(3, 1fr); gap: 2mm 8mm; margin-top: 1mm }\n"
    "}\n";
