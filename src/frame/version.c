/* version.c - what was built, from what. */
#include "frame/version.h"

#include "version_build.h" /* made by the Makefile: WEFT_GIT, WEFT_LIBS */

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

void weft_version_print(FILE *f, const char *program)
{
    fprintf(f, "%s (weft) %s\n", program, WEFT_VERSION);
    if (WEFT_GIT[0])
        fprintf(f, "commit %s\n", WEFT_GIT);
    fprintf(f, "%s\n%s\n", COMPILER, WEFT_LIBRARIES);
}
