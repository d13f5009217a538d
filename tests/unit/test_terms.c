/* test_terms.c - what channels are by their names. */
#include <stdio.h>
#include <string.h>

#include "base/terms.h"

static int bad;

static void is(const char *name, enum weft_term wanted)
{
    enum weft_term got = weft_term_of(name, strlen(name));
    if (got != wanted) {
        printf("FAIL %s: %d, not %d\n", name, got, wanted);
        bad = 1;
    }
}

int main(void)
{
    static const char *const counts[] = {
        "수량",       "주문 수량", "구매수(수량)",        "결제상품수량",  "qty",
        "Qty*",       "QUANTITY",  "Lineitem quantity",   "Units Ordered", "Items sold",
        "unit_sales", "판매량",    "Units Ordered - B2B", "총 판매수",     "order_qty"};
    static const char *const money[] = {"매출",
                                        "매출(원)",
                                        "최종 상품별 총 주문금액",
                                        "결제액",
                                        "Total",
                                        "item_revenue",
                                        "배송비 합계 금액",
                                        "정산예정금액",
                                        "Ordered Product Sales",
                                        "amounts",
                                        "수수료"};
    static const char *const prices[] = {"가격", "판매단가", "unit_price", "Lineitem price", "판매가"};
    static const char *const returns[] = {"환불수량",        "총 취소된 상품수", "Returned quantity",
                                          "Discount Amount", "실제 환불금액",    "할인액"};
    static const char *const numbers[] = {"주문번호", "ID", "No.", "번호", "옵션 아이디"};
    static const char *const others[] = {"value", "temperature", "y", "", "상품명", "율"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        is(counts[i], WEFT_TERM_COUNT);
    for (size_t i = 0; i < sizeof money / sizeof *money; i++)
        is(money[i], WEFT_TERM_MONEY);
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
        is(prices[i], WEFT_TERM_PRICE);
    for (size_t i = 0; i < sizeof returns / sizeof *returns; i++)
        is(returns[i], WEFT_TERM_RETURNS);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        is(numbers[i], WEFT_TERM_NUMBER);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        is(others[i], WEFT_TERM_OTHER);
    is("sales", WEFT_TERM_SALES);
    is("Weekly_Sales", WEFT_TERM_SALES);
    is("재고", WEFT_TERM_STOCK);
    is("afn-warehouse-quantity", WEFT_TERM_STOCK);
    is("mentions", WEFT_TERM_TIMES);
    is("구매전환율", WEFT_TERM_SHARE);
    is("할인율", WEFT_TERM_SHARE);
    char out[8];
    if (weft_term_fold("Units  Ordered", 14, out, sizeof out) != 7 || strcmp(out, "unitsor") != 0)
        bad = printf("FAIL fold\n");
    if (!weft_term_nonnegative(WEFT_TERM_COUNT) || weft_term_nonnegative(WEFT_TERM_OTHER) ||
        weft_term_nonnegative(WEFT_TERM_RETURNS))
        bad = printf("FAIL nonnegative\n");
    return bad != 0;
}
