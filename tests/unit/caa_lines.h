/*
 * Test helper: an RRset from lines of presentation form, with ' for ", or
 * \# and hexadecimal. It trusts its input, which is the test's own.
 */
#ifndef MPIC_TEST_CAA_LINES_H
#define MPIC_TEST_CAA_LINES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "caa.h"

#define LINES_MAX 8
#define LINE_RDATA_MAX 512

struct caa_lines {
	struct caa_record records[LINES_MAX];
	size_t count;
	uint8_t rdata[LINES_MAX][LINE_RDATA_MAX];
};

/* Unescapes a quoted value; returns its length. */
static size_t
line_value(const char *s, uint8_t *out)
{
	size_t len = 0;
	unsigned int octet;

	for (s++; *s != '\''; s++) {
		if (*s == '\\' && sscanf(s + 1, "%3u", &octet) == 1) {
			out[len++] = (uint8_t)octet;
			s += 3;
		} else {
			s += *s == '\\';
			out[len++] = (uint8_t)*s;
		}
	}
	return len;
}

static size_t
line_rdata(const char *line, uint8_t *rdata)
{
	unsigned int flags, octet;
	char tag[256];
	size_t len = 0;
	int used;

	if (strncmp(line, "\\# ", 3) == 0) {
		for (line += 3; sscanf(line, "%2x", &octet) == 1; line += 2) {
			rdata[len++] = (uint8_t)octet;
			if (line[2] == '\n')
				break;
		}
		return len;
	}
	sscanf(line, "%u %255s %n", &flags, tag, &used);
	rdata[0] = (uint8_t)flags;
	rdata[1] = (uint8_t)strlen(tag);
	memcpy(rdata + 2, tag, strlen(tag));
	len = 2 + strlen(tag);
	return len + line_value(line + used, rdata + len);
}

static void
caa_lines_parse(struct caa_lines *lines, const char *text)
{
	lines->count = 0;
	while (text != NULL && (*text != '\0' || lines->count > 0)) {
		uint8_t *rdata = lines->rdata[lines->count];

		caa_record_parse(&lines->records[lines->count], rdata, line_rdata(text, rdata));
		lines->count++;
		text = strchr(text, '\n');
		text = text != NULL ? text + 1 : NULL;
	}
}

#endif
