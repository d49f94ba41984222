/* Forms of values that a request brings and that go into one of ours. */
#ifndef MPIC_SYNTAX_H
#define MPIC_SYNTAX_H

#include <stdbool.h>

/* A field name as of RFC 9110 5.1. */
bool syntax_field_name(const char *text);
/* RFC 9110 5.5: visible octets, spaces and tabs; so no line can be added. */
bool syntax_field_value(const char *text);
/* RFC 3986 3 as far as a scheme, something after it, and characters that may be there. */
bool syntax_uri(const char *text);
/*
 * RFC 3986 3.3, relative and without query: what stays under the directory it
 * is added to, however it is decoded on the way.
 */
bool syntax_relative_path(const char *text);

#endif
