/*
 * A policy: the rules of a document as dated data, read from a file such as
 * conf/policy/cabf-tls.yaml, which says what a row is.
 *
 * A row is in force from its first second on. Of rows of one rule about the
 * same thing (the same method, the same number of remotes) the one that began
 * last is in force. What is in force at a time is struct rules' to say.
 */
#ifndef MPIC_POLICY_H
#define MPIC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct option_table;

#define POLICY_ROWS_MAX	256

/* In the order of policy_rules[] in policy.c, which names them. */
enum policy_rule {
	RULE_REMOTES,		/* at least `value` remote perspectives */
	RULE_MAY_FAIL,		/* of `remotes` or more at most `value` need not corroborate */
	RULE_RIR_REGIONS,	/* of `remotes` or more: in at least `value` service regions */
	RULE_DISTANCE_KM,	/* perspectives at least `value` km apart */
	RULE_RFC8657,		/* accounturi and validationmethods bind every request */
	RULE_RETIRED,		/* `method` is not to be relied on */
	/* What every request satisfies anyway; there to be named. */
	RULE_MPIC,
	RULE_DNSSEC,
	RULE_ISSUEMAIL,
	RULE_COUNT
};

struct policy_row {
	char *rule_name, *from, *document, *version, *section, *method_name;
	int64_t remotes, value;		/* 0: the rule has none */

	/* Worked out when the file is read. */
	enum policy_rule rule;
	int64_t from_s;			/* Unix time; INT64_MIN: always */
	int method;			/* enum dcv_method; -1: the rule has none */
};

struct policy {
	char *name;
	/* What rows are from that do not say so themselves. */
	char *document, *version;
	struct policy_row *rows;
	size_t row_count;
};

/* Its file, as rows. */
extern const struct option_table policy_options;

/*
 * `policy` must be all zeroes, and is to be freed either way. False, with a
 * sentence a fault, if the file cannot be used.
 */
bool policy_load(struct policy *policy, const char *path, struct buf *faults);
/* `file` stands for it in the sentences. */
bool policy_parse(struct policy *policy, const char *file, const char *text, size_t len,
    struct buf *faults);
void policy_free(struct policy *policy);

const char *policy_rule_name(enum policy_rule rule);
/* Whether two rows are about the same thing, so that one replaces the other. */
bool policy_row_same(const struct policy_row *a, const struct policy_row *b);
/* "TLS BR 2.2.6 section 3.2.2.9, from 2026-12-15": where a row is from. */
void policy_row_source(const struct policy *policy, const struct policy_row *row,
    struct buf *out);
/* The same, then what it demands: ": at least 5 remote perspectives". */
void policy_row_text(const struct policy *policy, const struct policy_row *row,
    struct buf *out);
/* {"rule":"remotes","document":"TLS BR",...}: for answers. */
void policy_row_encode(const struct policy *policy, const struct policy_row *row,
    struct buf *out);

#endif
