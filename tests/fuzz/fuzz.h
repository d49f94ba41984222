/*
 * A fuzz target is one file that defines LLVMFuzzerTestOneInput() and states
 * what must hold with REQUIRE(). configure --enable-fuzzers CC=clang links it
 * with libFuzzer; otherwise replay.c runs it over its corpus in `make check`.
 */
#ifndef MPIC_FUZZ_H
#define MPIC_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Unlike assert() it is there in every build. */
#define REQUIRE(what) do { \
	if (!(what)) { \
		fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
		abort(); \
	} \
} while (0)

#endif
