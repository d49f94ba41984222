/*
 * Days as the rules name them: "2026-12-15" begins at midnight UTC. Pure.
 */
#ifndef MPIC_DAY_H
#define MPIC_DAY_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_TEXT_LEN	10

/* YYYY-MM-DD, a day that exists, from 1970 to 9999; its first second as Unix time. */
bool day_parse(const char *text, int64_t *start_s);
/* The day, UTC, that holds this second. */
void day_text(int64_t at_s, char text[DAY_TEXT_LEN + 1]);

#endif
