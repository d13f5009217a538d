/* role.h - what a channel is to a forecast: that which is forecast, or something that helps. */
#ifndef WEFT_ROLE_H
#define WEFT_ROLE_H

#include <stdbool.h>

enum weft_role {
    WEFT_ROLE_TARGET, /* is forecast */
    WEFT_ROLE_PAST,   /* known up to the origin, as the weather or the mentions of a brand */
    WEFT_ROLE_FUTURE, /* known ahead too, as a price plan, promotions, holidays */
    WEFT_ROLE_STATIC, /* does not change: a constant of the series */
    WEFT_ROLES
};
/* "target", "past", "future", "static". */
const char *weft_role_name(enum weft_role role);
/* False: none of these. */
bool weft_role_parse(const char *name, enum weft_role *out);

#endif
