#include "coordinator/mpic.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "check.h"
#include "coordinator/mpic_call.h"
#include "coordinator/verdict.h"
#include "json_writer.h"

#define DEFAULT_COORDINATOR	"https://127.0.0.1:8400"
#define ANSWER_MARGIN_MS	5000	/* the coordinator's deadline and the way there */

/* What is asked, as the arguments say it. */
struct asked {
	struct mpic_call call;
	struct check_caa_parameters caa;
	struct json_int perspectives, quorum, attempts, deadline_ms;
	const char *trace;
	bool json;
};

/* One row an argument; `take` gets its operand, or NULL. False: it is wrong. */
struct argument {
	const char *name, *operand, *sentence;
	bool (*take)(struct asked *a, const char *operand);
};

static bool
take_number(struct json_int *into, const char *operand)
{
	char *end;

	errno = 0;
	into->value = strtoll(operand, &end, 10);
	into->set = errno == 0 && *operand != '\0' && *end == '\0';
	return into->set;
}

static bool
take_item(struct json_list *list, const char *operand)
{
	if (list->count == JSON_LIST_MAX)
		return false;
	list->items[list->count++] = operand;
	return list->set = true;
}

#define TAKE_STRING(name, member) \
	static bool take_##name(struct asked *a, const char *operand) \
	{ a->member = operand; return true; }
#define TAKE_NUMBER(name, member) \
	static bool take_##name(struct asked *a, const char *operand) \
	{ return take_number(&a->member, operand); }
#define TAKE_ITEM(name, member) \
	static bool take_##name(struct asked *a, const char *operand) \
	{ return take_item(&a->member, operand); }

TAKE_STRING(coordinator, call.coordinator)
TAKE_STRING(certificate, call.certificate)
TAKE_STRING(key, call.key)
TAKE_STRING(ca, call.ca)
TAKE_STRING(trace, trace)
TAKE_NUMBER(perspectives, perspectives)
TAKE_NUMBER(quorum, quorum)
TAKE_NUMBER(attempts, attempts)
TAKE_NUMBER(deadline, deadline_ms)
TAKE_ITEM(caa_domain, caa.caa_domains)
TAKE_ITEM(account_uri, caa.account_uris)
TAKE_ITEM(method, caa.validation_methods)

static bool
take_allow(struct asked *a, const char *operand)
{
	a->caa.allow_lookup_failure = (struct json_bool){ true, true };
	return true;
}

static bool
take_mail(struct asked *a, const char *operand)
{
	a->caa.certificate_type = CHECK_S_MIME;
	return true;
}

static bool
take_json(struct asked *a, const char *operand)
{
	return a->json = true;
}

static const struct argument arguments[] = {
	{ "coordinator", "URL", "The coordinator; default $MPIC_COORDINATOR or "
	    DEFAULT_COORDINATOR ".", take_coordinator },
	{ "cert", "FILE", "PEM certificate of the caller.", take_certificate },
	{ "key", "FILE", "PEM key of the certificate.", take_key },
	{ "ca", "FILE", "PEM certificates the coordinator's must chain to.", take_ca },
	{ "caa-domain", "NAME", "Issuer domain name of the CA; may be repeated.",
	    take_caa_domain },
	{ "account-uri", "URI", "Account asking (RFC 8657); may be repeated.",
	    take_account_uri },
	{ "method", "LABEL", "Validation method used (RFC 8657); may be repeated.",
	    take_method },
	{ "s-mime", NULL, "For an S/MIME certificate (RFC 9495).", take_mail },
	{ "allow-lookup-failure", NULL, "Pass where a failed lookup may count as permission.",
	    take_allow },
	{ "perspectives", "N", "How many perspectives to ask.", take_perspectives },
	{ "quorum", "N", "How many of them must corroborate.", take_quorum },
	{ "attempts", "N", "How many cohorts to try.", take_attempts },
	{ "deadline-ms", "N", "Time for the whole request.", take_deadline },
	{ "trace", "TEXT", "Trace identifier for the records.", take_trace },
	{ "json", NULL, "Print the answer as it came.", take_json },
};

#define ARGUMENTS	(sizeof(arguments) / sizeof(arguments[0]))

static void
print_help(FILE *out)
{
	fputs("usage: mpic check caa NAME [--coordinator URL] [--cert FILE --key FILE --ca FILE]"
	    " ...\n\n", out);
	for (size_t i = 0; i < ARGUMENTS; i++)
		fprintf(out, "  --%s %-*s %s\n", arguments[i].name,
		    (int)(24 - strlen(arguments[i].name)), arguments[i].operand != NULL ?
		    arguments[i].operand : "", arguments[i].sentence);
	fputs("\nExit status: 0 yes, 1 no, 2 error.\n", out);
}

/* Takes the arguments; what is left over stands at argv[*rest]. */
static int
read_arguments(struct asked *a, int argc, char **argv, int *rest)
{
	struct option options[ARGUMENTS + 2] = { 0 };
	int chosen, index;

	for (size_t i = 0; i < ARGUMENTS; i++)
		options[i] = (struct option){ arguments[i].name, arguments[i].operand != NULL ?
			required_argument : no_argument, NULL, 'a' };
	options[ARGUMENTS] = (struct option){ "help", no_argument, NULL, 'h' };
	while ((chosen = getopt_long(argc, argv, "h", options, &index)) != -1) {
		if (chosen == 'h') {
			print_help(stdout);
			return MPIC_YES;
		}
		if (chosen != 'a')
			return MPIC_ERROR;
		if (!arguments[index].take(a, optarg)) {
			fprintf(stderr, "mpic check: --%s: %s cannot be used\n",
			    arguments[index].name, optarg);
			return MPIC_ERROR;
		}
	}
	*rest = optind;
	return -1;
}

static void
encode_request(const struct asked *a, const char *target, struct buf *out)
{
	json_add_string(out, "{\"check_type\":\"caa\",\"domain_or_ip_target\":", target);
	json_add_string(out, ",\"trace_identifier\":", a->trace);
	json_add_opt_int(out, ",\"orchestration_parameters\":{\"perspective_count\":",
	    a->perspectives);
	json_add_opt_int(out, ",\"quorum_count\":", a->quorum);
	json_add_opt_int(out, ",\"max_attempts\":", a->attempts);
	json_add_opt_int(out, "},\"deadline_ms\":", a->deadline_ms);
	buf_adds(out, ",\"caa_check_parameters\":");
	check_caa_parameters_encode(&a->caa, out);
	buf_addc(out, '}');
}

static int
ask(struct asked *a, const char *target)
{
	struct buf body = BUF_INIT(CHECK_REQUEST_MAX), why = BUF_INIT(4096);
	struct buf text = BUF_INIT((size_t)1024 * 1024);
	enum verdict verdict = VERDICT_ERROR;

	encode_request(a, target, &body);
	/* A deadline that the coordinator refuses or cuts must not count here. */
	a->call.timeout_ms = ANSWER_MARGIN_MS + (a->deadline_ms.set && a->deadline_ms.value > 0 &&
	    a->deadline_ms.value < CHECK_DEADLINE_MAX_MS ? (long)a->deadline_ms.value :
	    CHECK_DEADLINE_MAX_MS);
	if (body.failed) {
		fputs("mpic check: the request is too large\n", stderr);
	} else if (!mpic_call_post(&a->call, "/mpic", &body, &why)) {
		fprintf(stderr, "mpic check: %s\n", why.data != NULL ? why.data : "failed");
	} else {
		verdict = verdict_read(a->call.status, a->call.reply.data != NULL ?
		    a->call.reply.data : "", a->call.reply.len, &text);
		if (a->json)
			printf("%s\n", a->call.reply.data != NULL ? a->call.reply.data : "");
		else
			fputs(text.data != NULL ? text.data : "", verdict == VERDICT_ERROR ?
			    stderr : stdout);
	}
	buf_free(&a->call.reply);
	buf_free(&body);
	buf_free(&why);
	buf_free(&text);
	return verdict == VERDICT_YES ? MPIC_YES : verdict == VERDICT_NO ? MPIC_NO : MPIC_ERROR;
}

int
mpic_check(int argc, char **argv)
{
	const char *configured = getenv("MPIC_COORDINATOR");
	struct asked asked = { .call.coordinator = configured != NULL ? configured :
		DEFAULT_COORDINATOR, .caa.set = true };
	int rest = 0, status = read_arguments(&asked, argc, argv, &rest);

	if (status >= 0)
		return status;
	if (argc - rest != 2 || strcmp(argv[rest], "caa") != 0) {
		fputs("mpic check: expected caa and one name\n", stderr);
		print_help(stderr);
		return MPIC_ERROR;
	}
	if ((asked.call.certificate == NULL) != (asked.call.key == NULL)) {
		fputs("mpic check: --cert and --key go together\n", stderr);
		return MPIC_ERROR;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return MPIC_ERROR;
	status = ask(&asked, argv[rest + 1]);
	curl_global_cleanup();
	return status;
}
