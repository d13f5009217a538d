/* names.c - the words in headers. */
#include "ingest/names.h"

#include <string.h>

#include "base/terms.h"

enum { FOLDED = 256 };

/* Whole names, folded; the lists of a kind in the order of preference. */
static const struct {
    enum weft_named named;
    int rank;
    const char *names[64];
} whole[] = {
    {WEFT_NAMED_DATE, 0, {"date",        "day",          "ds",   "datetime", "timestamp", "time",    "eventdate",
                          "calendarday", "calendardate", "week", "weekdate", "month",     "period",  "daterange",
                          "날짜",        "일자",         "일시", "기준일",   "기준일자",  "년월",    "월",
                          "주",          "日付",         "日期", "datum",    "fecha",     "tanggal", NULL}},
    {WEFT_NAMED_DATE,
     1,
     {"orderdate",
      "ordertime",
      "orderdatetime",
      "ordertimestamp",
      "purchasedate",
      "purchasetimestamp",
      "createdat",
      "saledate",
      "salesdate",
      "solddate",
      "invoicedate",
      "transactiondate",
      "transactiontime",
      "bookingdate",
      "waktupesanandibuat",
      "주문일시",
      "주문일",
      "주문일자",
      "주문날짜",
      "주문시점",
      "주문시간",
      "판매일",
      "판매일자",
      "판매일시",
      "매출일",
      "매출일자",
      "거래일",
      "거래일자",
      "거래일시",
      "발주일",
      "접수일",
      "접수일시",
      "注文日",
      "注文日時",
      "売上日",
      "下单时间",
      "订单日期",
      "createtime",
      "ordercreatedtime",
      "bestelldatum",
      "verkaufsdatum",
      "datedecommande",
      "fechadepedido",
      "datadopedido",
      "dataordine",
      "orderpurchasetimestamp",
      NULL}},
    {WEFT_NAMED_DATE,
     2,
     {"paidat", "datepaid", "paymentdate", "paymenttime", "waktupembayarandilakukan", "결제일", "결제일시", "결제일자",
      "결제완료일", "결제완료일시", "결제날짜", "입금일", "입금확인일", "paidondate", "tanggalpembayaran", NULL}},
    {WEFT_NAMED_SERIES, 0, {"id", "series", "seriesid", "uniqueid", "tsid", NULL}},
    {WEFT_NAMED_PRODUCT,
     0,
     {"sku", "skucode", "skuid", "sourceskuid", "lineitemsku", "sellersku", "merchantsku", "productvariantsku",
      "sku코드", "상품번호", "상품코드", "옵션id", "상품id", NULL}},
    {WEFT_NAMED_PRODUCT,
     1,
     {"자체품목코드",
      "자체상품코드",
      "판매자상품코드",
      "판매자관리코드",
      "업체상품코드",
      "품목코드",
      "상품품목코드",
      "제품코드",
      "제품번호",
      "품번",
      "품번코드",
      "channelproductno",
      "채널상품번호",
      "옵션코드",
      "nomorreferensisku",
      "internalreference",
      "itemnbr",
      "itemid",
      "itemno",
      "itemnumber",
      "itemcode",
      "articleid",
      "articleno",
      "material",
      "materialnumber",
      "stockcode",
      "productid",
      "productcode",
      "productno",
      "product",
      "item",
      "article",
      "upc",
      "artikelnummer",
      "artikelnr",
      "artikel",
      "référence",
      "codicearticolo",
      "código",
      "codigo",
      "customlabel",
      "nomorsku",
      "商品番号",
      "商品コード",
      "商品编码",
      "商品编号",
      "제품",
      "상품",
      "품목",
      NULL}},
    {WEFT_NAMED_PRODUCT,
     2,
     {"노출상품id", "등록상품id", "asin", "childasin", "(child)asin", "listingid", "masterid", "plu", "barcode", "ean",
      "gtin", "바코드", "상품바코드", "商品管理番号", "商品id", NULL}},
    {WEFT_NAMED_PRODUCT,
     3,
     {"itemname",       "productname", "producttitle", "title",       "lineitemname", "menuitem", "description",
      "skudescription", "namaproduk",  "sku상품명",    "상품명",      "주문상품명",   "제품명",   "품명",
      "품목명",         "확정상품명",  "등록상품명",   "채널상품명",  "메뉴",         "메뉴명",   "商品名",
      "商品名称",       "artikelname", "bezeichnung",  "désignation", "designation",  "produit",  "producto",
      "produto",        "prodotto",    "descripción",  "descrizione", "itemtitle",    "titel",    NULL}},
    {WEFT_NAMED_PLACE, 0, {"store",     "storeid",     "storenbr", "storeno",      "storenumber", "shop",   "shopid",
                           "warehouse", "warehouseid", "dept",     "deptid",       "department",  "branch", "branchid",
                           "outlet",    "outletid",    "filiale",  "filialnummer", "magasin",     "tienda", "loja",
                           "negozio",   "client",      "center",   "centerid",     "depot",       "매장",   "매장명",
                           "매장코드",  "점포",        "점포명",   "점포코드",     "지점",        "지점명", "지점코드",
                           "창고",      "창고코드",    NULL}},
    {WEFT_NAMED_GROUP,
     0,
     {"major",
      "majorcategory",
      "categorymajor",
      "middle",
      "middlecategory",
      "categorymiddle",
      "minor",
      "minorcategory",
      "categoryminor",
      "category",
      "categoryid",
      "catid",
      "deptname",
      "family",
      "brand",
      "brandid",
      "productcategory",
      "itemcategory",
      "salescategory",
      "menugroup",
      "materialgroup",
      "대분류",
      "중분류",
      "소분류",
      "카테고리",
      "분류",
      "브랜드",
      "상품카테고리",
      NULL}},
    {WEFT_NAMED_ORDER, 0, {"orderid",       "orderno",         "ordernumber",      "order#",         "orderreference",
                           "amazonorderid", "merchantorderid", "invoiceno",        "invoice",        "invoiceid",
                           "transactionid", "transactionno",   "checkid",          "receiptno",      "receipt",
                           "nopesanan",     "customer",        "customerid",       "buyer",          "buyername",
                           "email",         "lineitemprice",   "주문번호",         "상품주문번호",   "묶음배송번호",
                           "묶음번호",      "품목별주문번호",  "주문아이디",       "쇼핑몰주문번호", "사방넷주문번호",
                           "영수증번호",    "구매자명",        "구매자",           "주문자명",       "수취인명",
                           "注文番号",      "订单号",          "订单编号",         "bestellnummer",  "auftragsnummer",
                           "nomorinvoice",  "rechnungsnummer", "numérodecommande", "pedido",         NULL}},
    {WEFT_NAMED_STATUS,
     0,
     {"status",         "orderstatus", "financialstatus", "itemstatus", "orderstate", "state",        "statuspesanan",
      "statusterakhir", "void?",       "voided",          "void",       "주문상태",   "주문세부상태", "클레임상태",
      "주문구분",       "상태",        "처리상태",        "판매구분",   "구분",       "거래구분",     NULL}},
    {WEFT_NAMED_FLAG,
     0,
     {"onpromotion",   "promo",      "promotion",   "promo2",    "holiday",   "isholiday",    "stateholiday",
      "schoolholiday", "dayofweek",  "weekday",     "dow",       "hour",      "year",         "open",
      "weather",       "temp",       "temperature", "humidity",  "windspeed", "availability", "요일",
      "시간",          "시간대",     "휴일",        "공휴일",    "행사",      "날씨",         "기온",
      "연도",          "년도",       "latitude",    "longitude", "season",    "yr",           "mnth",
      "workingday",    "weathersit", "atemp",       "hum",       "cpi",       "fuelprice",    "unemployment",
      "holidayflag",   NULL}},
    {WEFT_NAMED_ROW,
     0,
     {"no", "nr", "#", "index", "instant", "row", "rowid", "rownum", "rownumber", "unnamed:0", "번호", "순번", "연번",
      "", NULL}},
};

/* Parts of the names of days that are no sale's. */
static const char *const other_days[] = {
    "발송",  "출고", "배송",   "확정",   "정산",     "희망",    "예정",    "기한",   "취소",   "환불",   "반품",
    "교환",  "송장", "클레임", "updat",  "modified", "ship",    "deliver", "fulfil", "cancel", "refund", "return",
    "expir", "due",  "birth",  "launch", "출시",     "selesai", "settle",  "유통",   "입고",   "생산",   "등록일"};

static size_t fold_last(const char *name, char out[FOLDED])
{
    const char *slash = strrchr(name, '/');
    const char *part = slash && slash[1] && slash != name ? slash + 1 : name;
    return weft_term_fold(part, strlen(part), out, FOLDED);
}

static bool has_part(const char *folded, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(folded, parts[i]))
            return true;
    return false;
}

struct weft_name_is weft_name_of(const char *name)
{
    char folded[FOLDED];
    fold_last(name, folded);
    bool parent = strncmp(name, "(Parent)", 8) == 0; /* Amazon's two ASINs: many products have one parent */
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        for (size_t k = 0; whole[i].names[k]; k++)
            if (strcmp(whole[i].names[k], folded) == 0)
                return (struct weft_name_is){whole[i].named, (whole[i].rank + parent) * 64 + (int)k};
    if (has_part(folded, other_days, sizeof other_days / sizeof *other_days))
        return (struct weft_name_is){WEFT_NAMED_NO_DATE, 0};
    return (struct weft_name_is){WEFT_NAMED_OTHER, 0};
}

bool weft_name_explains(const char *name)
{
    enum weft_named named = weft_name_of(name).named;
    enum weft_term term = weft_term_of(name, strlen(name));
    return !*name || named == WEFT_NAMED_FLAG || named == WEFT_NAMED_ROW || term == WEFT_TERM_PRICE ||
           term == WEFT_TERM_SHARE || term == WEFT_TERM_NUMBER;
}

bool weft_name_is_payment(const char *name)
{
    struct weft_name_is is = weft_name_of(name);
    return is.named == WEFT_NAMED_DATE && is.rank >= 2 * 64;
}

/* --- cells --- */

static size_t fold_cell(const char *p, size_t n, char out[FOLDED])
{
    return weft_term_fold(p, n < 200 ? n : 200, out, FOLDED);
}

bool weft_status_is_no_sale(const char *p, size_t n)
{
    static const char *const parts[] = {"キャンセル", "返品",   "已取消",   "已退款",   "dibatalkan", "storniert",
                                        "취소",       "반품",   "환불",     "결제대기", "입금전",     "입금대기",
                                        "미결제",     "미입금", "주문무효", "cancel",   "unpaid",     "returned"};
    static const char *const names[] = {
        "voided", "void",   "refunded",   "fullyrefunded", "true",       "quotation",       "quotationsent",
        "draft",  "batal",  "belumbayar", "failed",        "expired",    "awaitingpayment", "pendingpayment",
        "return", "refund", "회수",       "wcfailed",      "wcrefunded", "wcpending",       "wccheckoutdraft"};
    static const char *const taken_back[] = {"철회", "거부",
                                             "취소완료해제"}; /* a claim that came to nothing: the sale stands */
    char folded[FOLDED];
    fold_cell(p, n, folded);
    if (has_part(folded, taken_back, sizeof taken_back / sizeof *taken_back))
        return false;
    return weft_term_among(folded, names, sizeof names / sizeof *names) ||
           has_part(folded, parts, sizeof parts / sizeof *parts);
}

bool weft_status_is_sale(const char *p, size_t n)
{
    static const char *const parts[] = {"완료",    "확정",       "배송",    "발주",    "출고",     "신규",
                                        "결제",    "paid",       "ship",    "fulfil",  "complete", "deliver",
                                        "pending", "salesorder", "selesai", "dikirim", "done",     "authorized",
                                        "sale",    "판매",       "payment", "false",   "주문",     "교환"};
    char folded[FOLDED];
    fold_cell(p, n, folded);
    return has_part(folded, parts, sizeof parts / sizeof *parts);
}

bool weft_name_is_unit(const char *p, size_t n)
{
    static const char *const names[] = {"ea",  "개",  "원",  "pcs",        "pc",      "box",   "krw",
                                        "usd", "eur", "won", "unit",       "qty",     "units", "건",
                                        "명",  "st",  "stk", "yyyy-mm-dd", "yyyymmdd"};
    char folded[FOLDED];
    if (n >= 2 && ((p[0] == '(' && p[n - 1] == ')') || (p[0] == '[' && p[n - 1] == ']')))
        return true;
    fold_cell(p, n, folded);
    return weft_term_among(folded, names, sizeof names / sizeof *names);
}

bool weft_name_is_total(const char *p, size_t n)
{
    static const char *const names[] = {
        "합계",          "총계",         "소계",          "전체",         "총합계",
        "누계",          "누적",         "누적합계",      "계",           "부분합",
        "총합",          "월계",         "일계",          "평균",         "평균값",
        "total",         "totals",       "subtotal",      "subtotals",    "grandtotal",
        "sumtotal",      "result",       "overallresult", "sum",          "average",
        "avg",           "mean",         "ytd",           "mtd",          "runningtotal",
        "cumulative",    "summe",        "gesamt",        "gesamtsumme",  "gesamtergebnis",
        "zwischensumme", "insgesamt",    "mittelwert",    "durchschnitt", "totaal",
        "totale",        "totalgénéral", "totalgeneral",  "soustotal",    "sommetotale",
        "moyenne",       "promedio",     "totalgeral",    "итого",        "всего",
        "合計",          "総計",         "小計",          "合计",         "总计",
        "小计",          "总和"};
    char folded[FOLDED];
    size_t got = fold_cell(p, n, folded);
    if (got && weft_term_among(folded, names, sizeof names / sizeof *names))
        return true;
    static const char *const ends[] = {"합계", "소계", "총계", "누계"}; /* of a part: 음료 소계, 1분기 합계 */
    for (size_t i = 0; got && i < sizeof ends / sizeof *ends; i++)
        if (got > strlen(ends[i]) && strcmp(folded + got - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}
