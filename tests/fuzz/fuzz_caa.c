/*
 * The CAA verdict over any RRset. An input is lines, so that seeds can be
 * read: each is a record, "0 issue ca1.com" or "C tag value" for a critical
 * one, or RDATA as it is after "#". What must hold is said here a second
 * time and more simply than caa.c does.
 */
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "caa.h"
#include "fuzz.h"

#define RECORDS_MAX 16
#define RDATA_MAX 1024

struct rrset {
	struct caa_record records[RECORDS_MAX];
	size_t count;
	uint8_t rdata[RECORDS_MAX][RDATA_MAX];
};

static size_t
line_rdata(uint8_t *rdata, const uint8_t *line, size_t len)
{
	const uint8_t *tag, *space;

	if (line[0] == '#' || len < 2) {
		memcpy(rdata, line + 1, len - 1);
		return len - 1;
	}
	tag = line + 2;
	space = memchr(tag, ' ', len - 2);
	if (space == NULL)
		space = line + len;
	rdata[0] = line[0] == '0' ? 0 : line[0] == 'C' ? CAA_FLAG_CRITICAL : line[0];
	rdata[1] = (uint8_t)(space - tag);
	memcpy(rdata + 2, tag, (size_t)(space - tag));
	if (space == line + len)
		return len;
	memcpy(rdata + 2 + (space - tag), space + 1, (size_t)(line + len - space - 1));
	return len - 1;
}

static void
rrset_read(struct rrset *set, const uint8_t *data, size_t len)
{
	const uint8_t *end;
	size_t line;

	for (set->count = 0; len > 0 && set->count < RECORDS_MAX; set->count++) {
		end = memchr(data, '\n', len);
		line = end != NULL ? (size_t)(end - data) : len;
		if (line > RDATA_MAX)
			return;
		caa_record_parse(&set->records[set->count], set->rdata[set->count],
		    line > 0 ? line_rdata(set->rdata[set->count], data, line) : 0);
		line += end != NULL;
		data += line;
		len -= line;
	}
}

static bool
has_tag(const struct caa_record *rec, const char *tag)
{
	return rec->tag_len == strlen(tag) && strncasecmp(rec->tag, tag, rec->tag_len) == 0;
}

/* Whether the value's first word, whatever follows it, is the issuer. */
static bool
names_issuer(const struct caa_record *rec)
{
	char word[RDATA_MAX + 1];
	size_t len;

	memcpy(word, rec->value, rec->value_len);
	word[rec->value_len] = '\0';
	len = strspn(word, " \t");
	memmove(word, word + len, strlen(word + len) + 1);
	word[strcspn(word, " \t;")] = '\0';
	return strcasecmp(word, "ca1.com") == 0 || strcasecmp(word, "ca1.com.") == 0;
}

static void
check_permission(const struct rrset *set, const struct caa_question *q, struct caa_verdict v)
{
	const char *tag = q->certificate == CAA_S_MIME ? "issuemail" : "issue";
	bool present = false, named = false;

	for (size_t i = 0; i < set->count && q->wildcard && q->certificate == CAA_TLS_SERVER; i++)
		if (!set->records[i].malformed && has_tag(&set->records[i], "issuewild"))
			tag = "issuewild";
	for (size_t i = 0; i < set->count; i++) {
		REQUIRE(!set->records[i].malformed);
		if (!has_tag(&set->records[i], tag))
			continue;
		present = true;
		named = named || names_issuer(&set->records[i]);
	}
	REQUIRE(named || !present);
	REQUIRE((v.reason == CAA_AUTHORISED) == present);
	REQUIRE(v.reason != CAA_AUTHORISED || names_issuer(&set->records[v.record]));
}

static struct caa_verdict
check_question(const struct rrset *set, const struct caa_question *q)
{
	struct caa_verdict v = caa_evaluate(set->records, set->count, q);

	REQUIRE(v.record < set->count || v.record == CAA_NO_RECORD);
	REQUIRE(v.reason < CAA_REASON_COUNT);
	if (v.permitted)
		check_permission(set, q, v);
	else
		REQUIRE(v.record != CAA_NO_RECORD);
	return v;
}

static void
check_text(const struct rrset *set)
{
	struct buf text = BUF_INIT((size_t)8 * RDATA_MAX);

	for (size_t i = 0; i < set->count; i++) {
		buf_reset(&text);
		caa_record_text(&set->records[i], &text);
		REQUIRE(!text.failed);
		for (size_t k = 0; k < text.len; k++)
			REQUIRE(text.data[k] >= 0x20 && text.data[k] < 0x7f);
	}
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rrset set;
	static const char *const issuers[] = { "Ca1.com", "ca1.com." };
	static const char *const accounts[] = { "https://ca1.com/acct/1" };
	static const char *const methods[] = { "http-01", "ca-tbr-19" };
	struct caa_question plain = { .issuers = issuers, .issuer_count = 1 };
	struct caa_question known = { .issuers = issuers, .issuer_count = 2,
	    .account_uris = accounts, .account_uri_count = 1,
	    .validation_methods = methods, .validation_method_count = 2 };
	struct caa_verdict without, with, open;

	rrset_read(&set, data, len);
	check_text(&set);
	for (unsigned int kind = 0; kind < 4; kind++) {
		plain.wildcard = known.wildcard = (kind & 1) != 0;
		plain.certificate = known.certificate = (kind & 2) != 0 ? CAA_S_MIME : CAA_TLS_SERVER;
		plain.ignore_parameters = false;
		without = check_question(&set, &plain);
		with = check_question(&set, &known);
		plain.ignore_parameters = true;
		open = check_question(&set, &plain);
		/* Who says more about the request is permitted no less; who reads less, neither. */
		REQUIRE(!without.permitted || with.permitted);
		REQUIRE(!with.permitted || open.permitted);
	}
	return 0;
}
