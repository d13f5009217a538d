/* role.c - names of roles. */
#include "base/role.h"

#include <string.h>

static const char *const names[WEFT_ROLES] = {"target", "past", "future", "static"};

const char *weft_role_name(enum weft_role role)
{
    return names[role];
}

bool weft_role_parse(const char *name, enum weft_role *out)
{
    for (int i = 0; i < WEFT_ROLES; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum weft_role)i;
            return true;
        }
    return false;
}
