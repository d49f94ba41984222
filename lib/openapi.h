/*
 * docs/openapi.yaml, as it was when the program was built.
 *
 * It is part of the program, so what is served describes this program and no
 * other version, and nothing has to be read.
 */
#ifndef MPIC_OPENAPI_H
#define MPIC_OPENAPI_H

#include "server.h"

/* Made from docs/openapi.yaml; see lib/subdir.am. */
extern const unsigned char openapi_text[];
extern const size_t openapi_text_len;

/* A handler for GET /openapi.yaml. */
void openapi_route(struct exchange *x, void *arg);

#endif
