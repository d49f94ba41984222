/* A table of options with one of every type, and a whole file for it. */
#ifndef MPIC_TEST_OPTION_FIXTURE_H
#define MPIC_TEST_OPTION_FIXTURE_H

#include "option.h"

#define OPTION_FIXTURE_COUNT 10

struct place {
	char *code;
	char *url;
	double latitude;
	struct option_strings too_close;
};

struct home {
	bool set;
	char *street;
	int64_t number;
	struct option_strings doors;
};

struct config {
	struct endpoint listen;
	int64_t workers;
	int64_t timeout_ms;
	bool plain;
	char *key;
	char *secret;
	double share;
	struct option_strings identities;
	struct option_maps places;
	struct home home;
};

/* Of a struct config. */
extern const struct option_table table;
extern const char whole[];

#endif
