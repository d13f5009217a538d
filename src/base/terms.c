/* terms.c - the words of shops. */
#include "base/terms.h"

#include <string.h>

/* Whole names, folded. */
static const struct {
    enum weft_term term;
    const char *names[72];
} whole[] = {
    {WEFT_TERM_COUNT,
     {"units",
      "unit",
      "qty",
      "quantity",
      "sold",
      "unitsales",
      "unitssold",
      "unitsordered",
      "itemssold",
      "netitemssold",
      "itemspurchased",
      "quantitysold",
      "qtysold",
      "quantityordered",
      "orderqty",
      "lineitemquantity",
      "totalquantity",
      "pieces",
      "pcs",
      "ea",
      "jumlah",
      "menge",
      "anzahl",
      "cantidad",
      "count",
      "수량",
      "주문수량",
      "판매수량",
      "판매량",
      "결제수량",
      "결제상품수량",
      "구매수",
      "구매수량",
      "총판매수",
      "판매개수",
      "개수",
      "판매수",
      "출고수량",
      "매출수량",
      "판매건수",
      "数量",
      "销量",
      "販売数",
      "个数",
      "個数",
      "件数",
      "销售数量",
      "销售量",
      "quantité",
      "quantite",
      "quantidade",
      "quantità",
      "quantita",
      "unidades",
      "cnt",
      "itemcnt",
      "itemcntday",
      "verkaufteeinheiten",
      "bestellteeinheiten",
      "antal",
      "aantal",
      "количество",
      "absatz",
      "absatzmenge",
      NULL}},
    {WEFT_TERM_SALES, {"sales", "demand", "weeklysales", "dailysales", "판매", NULL}},
    {WEFT_TERM_MONEY, {"amount",     "amounts",     "revenue",     "turnover",
                       "gmv",        "total",       "subtotal",    "tax",
                       "taxes",      "fee",         "fees",        "shipping",
                       "grosssales", "netsales",    "totalsales",  "orderedproductsales",
                       "nrevenue",   "umsatz",      "매출",        "매출액",
                       "금액",       "결제액",      "판매액",      "판매합계",
                       "거래액",     "배송비",      "수수료",      "정산",
                       "총매출",     "순매출",      "売上",        "金額",
                       "betrag",     "montant",     "importe",     "importo",
                       "valor",      "valortotal",  "金额",        "销售额",
                       "売上金額",   "gesamtpreis", "faturamento", NULL}},
    {WEFT_TERM_PRICE,
     {"price", "cost",   "msrp",   "가격",  "단가",  "판매가", "정가", "원가", "preis", "harga", "einzelpreis",
      "prix",  "prezzo", "precio", "preço", "preco", "単価",   "单价", "価格", "价格",  NULL}},
    {WEFT_TERM_STOCK, {"stock", "inventory", "onhand", "재고", "재고수량", "현재고", "가용재고", NULL}},
    {WEFT_TERM_TIMES,
     {"orders",       "visitors",     "visits", "sessions", "views",  "clicks", "mentions", "active",   "brands",
      "customers",    "transactions", "주문",   "방문자",   "조회",   "조회수", "장바구니", "주문건수", "결제건수",
      "상품결제건수", "결제수",       "주문수", "방문자수", "고객수", "클릭수", "노출수",   NULL}},
    {WEFT_TERM_SHARE, {"share", "rate", "ratio", "percent", "pct", "비율", "비중", "할인율", NULL}},
    {WEFT_TERM_NUMBER,
     {"id", "no", "nr", "index", "rownum", "row", "번호", "순번", "순위", "rank", "zip", "zipcode", "우편번호",
      "연락처", "전화번호", NULL}},
};

/* How names end, folded, and what is in them anywhere: the first that fits decides. */
static const struct {
    enum weft_term term;
    bool anywhere;
    const char *part;
} parts[] = {
    {WEFT_TERM_RETURNS, true, "환불"},      {WEFT_TERM_RETURNS, true, "취소"},
    {WEFT_TERM_RETURNS, true, "반품"},      {WEFT_TERM_RETURNS, true, "returned"},
    {WEFT_TERM_RETURNS, true, "refund"},    {WEFT_TERM_RETURNS, true, "cancel"},
    {WEFT_TERM_RETURNS, true, "discount"},  {WEFT_TERM_RETURNS, true, "할인"},
    {WEFT_TERM_STOCK, true, "재고"},        {WEFT_TERM_STOCK, true, "inventory"},
    {WEFT_TERM_STOCK, true, "warehouse"},   {WEFT_TERM_STOCK, true, "inbound"},
    {WEFT_TERM_STOCK, true, "fulfillable"}, {WEFT_TERM_MONEY, false, "수수료"},
    {WEFT_TERM_MONEY, false, "배송비"},     {WEFT_TERM_MONEY, false, "금액"},
    {WEFT_TERM_MONEY, false, "매출"},       {WEFT_TERM_MONEY, false, "매출액"},
    {WEFT_TERM_MONEY, false, "결제액"},     {WEFT_TERM_MONEY, false, "주문액"},
    {WEFT_TERM_PRICE, false, "가격"},       {WEFT_TERM_PRICE, false, "단가"},
    {WEFT_TERM_PRICE, false, "판매가"},     {WEFT_TERM_PRICE, false, "price"},
    {WEFT_TERM_SHARE, false, "율"},         {WEFT_TERM_SHARE, false, "비율"},
    {WEFT_TERM_SHARE, false, "%"},          {WEFT_TERM_SHARE, false, "rate"},
    {WEFT_TERM_SHARE, false, "ratio"},      {WEFT_TERM_SHARE, false, "percentage"},
    {WEFT_TERM_NUMBER, false, "번호"},      {WEFT_TERM_NUMBER, false, "코드"},
    {WEFT_TERM_NUMBER, false, "아이디"},    {WEFT_TERM_COUNT, false, "수량"},
    {WEFT_TERM_COUNT, false, "판매량"},     {WEFT_TERM_COUNT, false, "판매수"},
    {WEFT_TERM_COUNT, false, "판매상품수"}, {WEFT_TERM_COUNT, false, "거래상품수"},
    {WEFT_TERM_COUNT, false, "数量"},       {WEFT_TERM_MONEY, false, "金額"},
    {WEFT_TERM_MONEY, false, "金额"},       {WEFT_TERM_PRICE, false, "価格"},
    {WEFT_TERM_PRICE, false, "价格"},       {WEFT_TERM_PRICE, false, "preis"},
    {WEFT_TERM_NUMBER, false, "番号"},      {WEFT_TERM_NUMBER, false, "コード"},
    {WEFT_TERM_NUMBER, false, "编号"},      {WEFT_TERM_NUMBER, false, "编码"},
    {WEFT_TERM_NUMBER, false, "blocknum"},  {WEFT_TERM_COUNT, true, "jumlahproduk"},
    {WEFT_TERM_TIMES, false, "건수"},       {WEFT_TERM_COUNT, false, "quantity"},
    {WEFT_TERM_COUNT, false, "qty"},        {WEFT_TERM_COUNT, false, "units"},
    {WEFT_TERM_MONEY, false, "amount"},     {WEFT_TERM_MONEY, false, "amt"},
    {WEFT_TERM_MONEY, false, "revenue"},    {WEFT_TERM_MONEY, false, "fee"},
    {WEFT_TERM_MONEY, false, "tax"},        {WEFT_TERM_MONEY, false, "total"},
    {WEFT_TERM_SALES, false, "sales"},      {WEFT_TERM_COUNT, true, "unitsordered"},
    {WEFT_TERM_COUNT, true, "unitssold"},
};

static bool skipped(unsigned char c)
{
    return c == ' ' || c == '_' || c == '-' || c == '.' || c == '*' || c == '\t' || c == '\r' || c == '\n';
}

/* inside: what stands in brackets alone; else what stands outside of them. */
static size_t fold(const char *name, size_t n, bool inside, char *out, size_t cap)
{
    size_t at = 0;
    int depth = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (i + 1 < n && c == 0xc2 && (unsigned char)name[i + 1] == 0xa0) { /* no-break space */
            i++;
            continue;
        }
        if (c == '(' || c == '[') {
            depth++;
        } else if ((c == ')' || c == ']') && depth) {
            depth--;
        } else if (!skipped(c) && (depth > 0) == inside && at + 1 < cap) {
            out[at++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
    }
    out[at] = 0;
    return at;
}

size_t weft_term_fold(const char *name, size_t n, char *out, size_t cap)
{
    size_t got = fold(name, n, false, out, cap);
    return got ? got : fold(name, n, true, out, cap);
}

static enum weft_term find(const char *folded, size_t n)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        for (size_t k = 0; whole[i].names[k]; k++)
            if (strcmp(whole[i].names[k], folded) == 0)
                return whole[i].term;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t len = strlen(parts[i].part);
        if (parts[i].anywhere ? strstr(folded, parts[i].part) != NULL
                              : n > len && memcmp(folded + n - len, parts[i].part, len) == 0)
            return parts[i].term;
    }
    return WEFT_TERM_OTHER;
}

enum weft_term weft_term_of(const char *name, size_t n)
{
    char folded[256];
    size_t len = fold(name, n, false, folded, sizeof folded);
    enum weft_term term = len ? find(folded, len) : WEFT_TERM_OTHER;
    if (term != WEFT_TERM_OTHER)
        return term;
    len = fold(name, n, true, folded, sizeof folded);
    return len ? find(folded, len) : WEFT_TERM_OTHER;
}

bool weft_term_among(const char *folded, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], folded) == 0)
            return true;
    return false;
}

bool weft_term_nonnegative(enum weft_term term)
{
    switch (term) {
    case WEFT_TERM_COUNT:
    case WEFT_TERM_SALES:
    case WEFT_TERM_MONEY:
    case WEFT_TERM_PRICE:
    case WEFT_TERM_STOCK:
    case WEFT_TERM_TIMES:
        return true;
    default:
        return false;
    }
}

/* --- windows --- */

const char *const weft_scale_names[WEFT_SCALES] = {"none", "standard", "minmax"};
const char *const weft_part_names[WEFT_PARTS] = {"train", "valid", "test"};

bool weft_scale_parse(const char *name, enum weft_scale *out)
{
    for (int k = 0; k < WEFT_SCALES; k++)
        if (strcmp(name, weft_scale_names[k]) == 0) {
            *out = (enum weft_scale)k;
            return true;
        }
    return false;
}
