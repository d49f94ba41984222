#include "coordinator/mpic.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <json-c/json.h>

#include "check.h"
#include "coordinator/mpic_call.h"
#include "coordinator/request.h"
#include "coordinator/verdict.h"
#include "json_writer.h"

#define DEFAULT_COORDINATOR	"https://127.0.0.1:8400"
#define ANSWER_MARGIN_MS	5000	/* the coordinator's deadline and the way there */

/* What is asked, as the arguments say it. */
struct asked {
	struct mpic_call call;
	const struct mpic_check_type *type;
	struct check_caa_parameters caa;
	struct json_object *dcv;	/* dcv_check_parameters without the method; owned */
	struct json_list methods;	/* of domain control, or of CAA alone */
	struct json_int perspectives, quorum, attempts, deadline_ms;
	const char *trace;
	struct json_list applied_for;
	bool json;
};

/*
 * One row an argument; `take` gets its operand, or NULL. False: it is wrong.
 * Whether a member suits the method, the coordinator says: it knows the rules.
 */
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
TAKE_STRING(token_file, call.token_file)
TAKE_STRING(trace, trace)
TAKE_NUMBER(perspectives, perspectives)
TAKE_NUMBER(quorum, quorum)
TAKE_NUMBER(attempts, attempts)
TAKE_NUMBER(deadline, deadline_ms)
TAKE_ITEM(caa_domain, caa.caa_domains)
TAKE_ITEM(account_uri, caa.account_uris)
TAKE_ITEM(caa_method, caa.validation_methods)
TAKE_ITEM(method, methods)
TAKE_ITEM(applied_for, applied_for)

/* A member of dcv_check_parameters; the last of equal ones counts. */
static bool
set_parameter(struct asked *a, const char *member, struct json_object *value)
{
	if (value != NULL && json_object_object_add(a->dcv, member, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

#define TAKE_PARAMETER(member) \
	static bool take_##member(struct asked *a, const char *operand) \
	{ return set_parameter(a, #member, json_object_new_string(operand)); }

TAKE_PARAMETER(token)
TAKE_PARAMETER(key_authorization)
TAKE_PARAMETER(key_authorization_hash)
TAKE_PARAMETER(challenge_value)

/* One JSON value, owned by the caller; NULL: it is none. */
static struct json_object *
json_value(const char *text)
{
	struct buf list = BUF_INIT(CHECK_REQUEST_MAX);
	struct json_object *document = NULL, *value = NULL;
	struct json_faults faults;

	json_faults_init(&faults);
	buf_addf(&list, "[%s]", text);
	if (!list.failed)
		document = json_document_parse(list.data, list.len, &faults);
	if (document != NULL && json_object_array_length(document) == 1)
		value = json_object_get(json_object_array_get_idx(document, 0));
	json_object_put(document);
	buf_free(&list);
	return value;
}

/*
 * MEMBER=VALUE. A list, an object, a quoted string, true, false and null are
 * JSON, anything else is a string: no member takes a number, and a value of
 * digits may be looked for.
 */
static bool
take_set(struct asked *a, const char *operand)
{
	const char *value = strchr(operand, '=');
	char member[64];

	if (value == NULL || value == operand || (size_t)(value - operand) >= sizeof(member))
		return false;
	snprintf(member, sizeof(member), "%.*s", (int)(value - operand), operand);
	value++;
	if (strcmp(value, "null") == 0)
		return json_object_object_add(a->dcv, member, NULL) == 0;
	if (*value != '[' && *value != '{' && *value != '"' && strcmp(value, "true") != 0 &&
	    strcmp(value, "false") != 0)
		return set_parameter(a, member, json_object_new_string(value));
	return set_parameter(a, member, json_value(value));
}

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
	{ "token-file", "FILE", "File with the bearer token to ask with (mpic token).", take_token_file },
	{ "method", "METHOD", "Validation method, see below; of caa, as --caa-method.", take_method },
	{ "token", "TEXT", "Its token.", take_token },
	{ "key-authorization", "TEXT", "Its key authorization.", take_key_authorization },
	{ "key-authorization-hash", "TEXT", "The digest of the key authorization, as published.",
	    take_key_authorization_hash },
	{ "challenge-value", "TEXT", "What is to be found.", take_challenge_value },
	{ "set", "MEMBER=VALUE", "Any member of dcv_check_parameters, a string or JSON; may be "
	    "repeated.", take_set },
	{ "applied-for", "NAME", "Name in the certificate, of which NAME is to be the "
	    "Authorization Domain Name; may be repeated.", take_applied_for },
	{ "caa-domain", "NAME", "Issuer domain name of the CA; may be repeated.",
	    take_caa_domain },
	{ "account-uri", "URI", "Account asking (RFC 8657); may be repeated.",
	    take_account_uri },
	{ "caa-method", "LABEL", "Validation method used (RFC 8657); may be repeated.",
	    take_caa_method },
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
print_methods(FILE *out)
{
	fputs("\nMethods, with their sections of the Baseline Requirements (mpic policy --rows: their ends):\n", out);
	for (int m = 0; m < DCV_METHOD_COUNT; m++) {
		const struct dcv_method_row *row = dcv_method_row(m);
		const char *ip = row->ip_section;

		if (ip != NULL && row->section != NULL && strcmp(ip, row->section) == 0)
			ip = NULL;
		fprintf(out, "  %-24s %s%s%s\n", dcv_method_names[m],
		    row->section != NULL ? row->section : "", ip != NULL ? ", of IP addresses " : "",
		    ip != NULL ? ip : "");
	}
}

static void
print_help(FILE *out)
{
	fputs("usage: mpic check caa NAME [--coordinator URL] [--cert FILE --key FILE --ca FILE]"
	    " ...\n"
	    "       mpic check dcv NAME|ADDRESS --method METHOD [--set MEMBER=VALUE ...] ...\n"
	    "       mpic check dcv-with-caa NAME --method METHOD ...\n\n", out);
	for (size_t i = 0; i < ARGUMENTS; i++)
		fprintf(out, "  --%s %-*s %s\n", arguments[i].name,
		    (int)(28 - strlen(arguments[i].name)), arguments[i].operand != NULL ?
		    arguments[i].operand : "", arguments[i].sentence);
	print_methods(out);
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
add_dcv(struct asked *a, struct buf *out)
{
	buf_adds(out, ",\"dcv_check_parameters\":");
	if (a->methods.count > 0 && !set_parameter(a, "validation_method",
	    json_object_new_string(a->methods.items[0])))
		out->failed = true;
	buf_adds(out, json_object_to_json_string_ext(a->dcv, JSON_C_TO_STRING_PLAIN));
}

static void
encode_request(struct asked *a, const char *target, struct buf *out)
{
	json_add_string(out, "{\"check_type\":", a->type->name);
	json_add_string(out, ",\"domain_or_ip_target\":", target);
	json_add_string(out, ",\"trace_identifier\":", a->trace);
	json_add_opt_int(out, ",\"orchestration_parameters\":{\"perspective_count\":",
	    a->perspectives);
	json_add_opt_int(out, ",\"quorum_count\":", a->quorum);
	json_add_opt_int(out, ",\"max_attempts\":", a->attempts);
	json_add_opt_int(out, "},\"deadline_ms\":", a->deadline_ms);
	if (a->applied_for.count == 1)
		json_add_string(out, ",\"applied_for\":", a->applied_for.items[0]);
	else if (a->applied_for.count > 1)
		json_add_list(out, ",\"applied_for\":", &a->applied_for);
	if (mpic_check_type_has(a->type, CHECK_DCV))
		add_dcv(a, out);
	if (mpic_check_type_has(a->type, CHECK_CAA)) {
		buf_adds(out, ",\"caa_check_parameters\":");
		check_caa_parameters_encode(&a->caa, out);
	}
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

/* Which check: "dcv-with-caa" as other words of a command line are spelled. */
static const struct mpic_check_type *
find_type(const char *word)
{
	return mpic_check_type_find(strcmp(word, "dcv-with-caa") == 0 ? "dcv_with_caa" : word);
}

/* What can be told to be wrong without the coordinator; NULL: nothing. */
static const char *
find_fault(struct asked *a, char **words, int count)
{
	a->type = count == 2 ? find_type(words[0]) : NULL;
	if (a->type == NULL)
		return "expected caa, dcv or dcv-with-caa and one name";
	if ((a->call.certificate == NULL) != (a->call.key == NULL))
		return "--cert and --key go together";
	if (!mpic_check_type_has(a->type, CHECK_DCV) && json_object_object_length(a->dcv) > 0)
		return "caa takes no parameters of domain control";
	if (!mpic_check_type_has(a->type, CHECK_CAA) && (a->caa.caa_domains.count > 0 ||
	    a->caa.account_uris.count > 0 || a->caa.validation_methods.count > 0))
		return "dcv asks for no CAA: dcv-with-caa does";
	if (!mpic_check_type_has(a->type, CHECK_DCV))
		for (size_t i = 0; i < a->methods.count; i++)
			if (!take_caa_method(a, a->methods.items[i]))
				return "there are too many methods";
	if (mpic_check_type_has(a->type, CHECK_DCV) && a->methods.count > 1)
		return "domain control has one --method";
	return NULL;
}

int
mpic_check(int argc, char **argv)
{
	const char *configured = getenv("MPIC_COORDINATOR"), *fault;
	struct asked asked = { .call.coordinator = configured != NULL ? configured :
		DEFAULT_COORDINATOR, .caa.set = true, .dcv = json_object_new_object() };
	int rest = 0, status = asked.dcv == NULL ? MPIC_ERROR :
	    read_arguments(&asked, argc, argv, &rest);

	if (status >= 0)
		goto out;
	status = MPIC_ERROR;
	fault = find_fault(&asked, argv + rest, argc - rest);
	if (fault != NULL) {
		fprintf(stderr, "mpic check: %s\n", fault);
		if (asked.type == NULL)
			print_help(stderr);
	} else if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
		status = ask(&asked, argv[rest + 1]);
		curl_global_cleanup();
	}
out:
	json_object_put(asked.dcv);
	return status;
}
