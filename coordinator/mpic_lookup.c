/* mpic lookup: what a perspective's resolver finds, with its DNSSEC status and evidence. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

#include "caa.h"
#include "coordinator/mpic.h"
#include "dcv_method.h"
#include "dns_record.h"
#include "resolver.h"
#include "target.h"

#define DEADLINE_MS	30000

/* What the arguments say, and what came of it. */
struct lookup {
	struct dns_question question;
	enum dcv_record type;
	struct endpoint resolver;
	bool climb, json;
	struct event_base *base;
	int status;
};

static void
print_help(FILE *out)
{
	fputs("usage: mpic lookup NAME [--type TYPE] [--climb] [--resolver ADDR:PORT] [--json]\n\n"
	    "Asks an Unbound with mpic.so for fresh records, as a perspective does, and prints\n"
	    "each name's outcome, DNSSEC status and records.\n\n"
	    "  --type TYPE           CAA, TXT, CNAME, A, AAAA or PTR; default: CAA\n"
	    "  --climb               at the name and each parent (RFC 8659 section 3)\n"
	    "  --resolver ADDR:PORT  default: 127.0.0.1:53; it answers addresses that its\n"
	    "                        client-netblock has, others get no evidence\n"
	    "  --json                the evidence as it came, one JSON object\n\n"
	    "Exits with 0 if no lookup failed or was bogus, 1 if one did, 2 for an error.\n", out);
}

/* ---- the answer ---- */

static const char *const outcomes[] = {
	[EVIDENCE_ANSWER] = "answer",
	[EVIDENCE_NODATA] = "no such record",
	[EVIDENCE_NXDOMAIN] = "no such name",
	[EVIDENCE_FAILED] = "failed",
	[EVIDENCE_TOO_LARGE] = "too large",
	[EVIDENCE_ABANDONED] = "abandoned",
};

static void
print_properties(const struct evidence_lookup *l)
{
	for (size_t i = 0; i < l->record_count; i++) {
		struct buf text = BUF_INIT((size_t)4 * UINT16_MAX + 1024);
		struct caa_record caa;

		caa_record_parse(&caa, l->records[i].rdata, l->records[i].len);
		caa_record_text(&caa, &text);
		printf("    %s\n", text.data != NULL ? text.data : "");
		buf_free(&text);
	}
}

static void
print_records(const struct lookup *k, const struct evidence_lookup *l)
{
	struct dns_records records;

	if (dns_records_read(&records, l, k->type, NULL, false))
		for (size_t i = 0; i < records.count; i++)
			printf("    %s\n", records.texts[i]);
	dns_records_free(&records);
}

/* False for a lookup on which nothing could be built. */
static bool
print_lookup(const struct lookup *k, const struct evidence_lookup *l, bool found)
{
	printf("%s %s: %s, %s%s%s%s%s\n", l->name, dcv_record_names[k->type],
	    outcomes[l->outcome], check_dnssec_name(evidence_lookup_weakest(l)),
	    l->reason != NULL ? ": " : "", l->reason != NULL ? l->reason : "",
	    l->insecure ? "; shown to be insecure" : "",
	    found && k->climb ? "; the relevant RRset" : "");
	for (size_t i = 0; i < l->hop_count; i++)
		printf("    %s of %s to %s, %s\n", l->hops[i].type, l->hops[i].owner,
		    l->hops[i].target, check_dnssec_name(l->hops[i].dnssec));
	if (l->outcome == EVIDENCE_ANSWER && k->type == DCV_CAA)
		print_properties(l);
	else if (l->outcome == EVIDENCE_ANSWER)
		print_records(k, l);
	return l->outcome != EVIDENCE_FAILED && l->outcome != EVIDENCE_TOO_LARGE &&
	    evidence_lookup_weakest(l) != CHECK_DNSSEC_BOGUS;
}

static int
print_evidence(const struct lookup *k, const struct resolver_answer *answer)
{
	struct buf why = BUF_INIT(1024);
	struct evidence e;
	int status = MPIC_YES;

	if (!evidence_decode(&e, answer->evidence, answer->evidence_len,
	    k->question.option.nonce, &why) || e.error != NULL) {
		fprintf(stderr, "mpic lookup: %s\n", e.error != NULL ? e.error :
		    why.data != NULL ? why.data : "out of memory");
		status = MPIC_ERROR;
	}
	for (size_t i = 0; status != MPIC_ERROR && i < e.lookup_count; i++)
		if (!print_lookup(k, &e.lookups[i], &e.lookups[i] == e.found))
			status = MPIC_NO;
	evidence_free(&e);
	buf_free(&why);
	return status;
}

static void
on_answer(void *arg, const struct resolver_answer *answer)
{
	struct lookup *k = arg;

	if (answer->problem != PROBLEM_NONE)
		fprintf(stderr, "mpic lookup: %s\n", answer->message);
	else if (k->json)
		k->status = printf("%.*s\n", (int)answer->evidence_len, answer->evidence) > 0 ?
		    MPIC_YES : MPIC_ERROR;
	else
		k->status = print_evidence(k, answer);
	event_base_loopbreak(k->base);
}

static int
ask(struct lookup *k)
{
	const struct resolver_config cfg = { .address = k->resolver, .connections = 1 };
	struct resolver *resolver = NULL;

	k->base = event_base_new();
	if (k->base != NULL)
		resolver = resolver_new(k->base, &cfg);
	if (resolver == NULL || resolver_ask(resolver, &k->question, DEADLINE_MS, on_answer, k) == NULL)
		fputs("mpic lookup: out of memory\n", stderr);
	else
		event_base_dispatch(k->base);
	if (resolver != NULL)
		resolver_free(resolver);
	if (k->base != NULL)
		event_base_free(k->base);
	return k->status;
}

/* ---- the question ---- */

static bool
take_name(struct lookup *k, const char *text)
{
	struct name_fault why;
	struct buf sentence = BUF_INIT(256);
	bool ok = name_from_utf8_underscores(&k->question.name, text, strlen(text), &why);

	if (!ok) {
		name_fault_text(&why, &sentence);
		fprintf(stderr, "mpic lookup: %s %s\n", text,
		    sentence.data != NULL ? sentence.data : "is no domain name");
	}
	buf_free(&sentence);
	return ok;
}

static bool
take_type(struct lookup *k, const char *text)
{
	for (int i = 0; i < DCV_RECORD_COUNT; i++)
		if (strcasecmp(dcv_record_names[i], text) == 0) {
			k->type = (enum dcv_record)i;
			return true;
		}
	fprintf(stderr, "mpic lookup: --type: expected CAA, TXT, CNAME, A, AAAA or PTR, found %s\n",
	    text);
	return false;
}

static bool
take_resolver(struct lookup *k, const char *text)
{
	if (endpoint_parse(&k->resolver, text))
		return true;
	fprintf(stderr, "mpic lookup: --resolver: expected ADDR:PORT, found %s\n", text);
	return false;
}

static bool
take_option(struct lookup *k, int letter)
{
	switch (letter) {
	case 't': return take_type(k, optarg);
	case 'r': return take_resolver(k, optarg);
	case 'c': return k->climb = true;
	case 'j': return k->json = true;
	default: return false;
	}
}

static bool
question_new(struct lookup *k, const char *name)
{
	struct mpic_option *o = &k->question.option;

	if (RAND_bytes((unsigned char *)&o->nonce, sizeof(o->nonce)) != 1) {
		fputs("mpic lookup: no randomness\n", stderr);
		return false;
	}
	o->operation = k->climb ? MPIC_CLIMB : MPIC_LOOKUP;
	o->flags = MPIC_FLAG_PROVE;
	k->question.type = dcv_record_type(k->type);
	return take_name(k, name);
}

int
mpic_lookup(int argc, char **argv)
{
	static const struct option options[] = {
		{ "climb", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "resolver", required_argument, NULL, 'r' },
		{ "type", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct lookup k = { .type = DCV_CAA, .status = MPIC_ERROR };
	int letter;

	endpoint_parse(&k.resolver, "127.0.0.1:53");
	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (letter == 'h' || letter == '?') {
			print_help(letter == 'h' ? stdout : stderr);
			return letter == 'h' ? MPIC_YES : MPIC_ERROR;
		}
		if (!take_option(&k, letter))
			return MPIC_ERROR;
	}
	if (optind + 1 == argc)
		return question_new(&k, argv[optind]) ? ask(&k) : MPIC_ERROR;
	fputs("mpic lookup: expected one name\n", stderr);
	print_help(stderr);
	return MPIC_ERROR;
}
