/* version.h - this release. */
#ifndef WEFT_VERSION_H
#define WEFT_VERSION_H
#include <stdio.h>
#define WEFT_VERSION "0.2.0"
#define WEFT_RELEASE_DATE "November 29, 2026"
/* "ingest (weft 0.2.0, git …, compiler)" and the libraries linked. */
void weft_version_print(FILE *f, const char *program);
#endif
