/* mpic status: a coordinator's fleet at a glance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <netinet/in.h>

#include "coordinator/config.h"
#include "coordinator/mpic.h"
#include "coordinator/mpic_call.h"

#define DEFAULT_URL	"https://127.0.0.1:8400"
#define TIMEOUT_MS	30000L

struct asked {
	struct mpic_call call;
	const char *config;
	bool json;
	char url[ENDPOINT_TEXT_MAX + 16];
	struct coordinator_config cfg;	/* of --config: what it points to */
};

static void
print_help(FILE *out)
{
	fputs("usage: mpic status [--config FILE | --url URL] [--json]\n\n"
	    "What a coordinator sees of its perspectives: whether each is reachable and ready, what it\n"
	    "runs, when its certificate ends, whether it signs with the key that it should, its clock,\n"
	    "and the last error of a call to it. Below each is what needs somebody's care.\n\n"
	    "  --config FILE      the coordinator's configuration: where it is, and its certificate to\n"
	    "                     call it with\n"
	    "  --url URL          the coordinator; default: $MPIC_COORDINATOR or " DEFAULT_URL "\n"
	    "  --cert FILE        PEM certificate of the caller\n"
	    "  --key FILE         PEM key of the certificate\n"
	    "  --ca FILE          PEM certificates the coordinator's must chain to\n"
	    "  --token-file FILE  with the caller's bearer token\n"
	    "  --json             the coordinator's answer as it is\n\n"
	    "Exit status: 0 all is well, 1 something needs care, 2 error.\n", out);
}

/* ---- the table ---- */

static const char *
text_of(struct json_object *row, const char *member, const char *otherwise)
{
	struct json_object *value;

	return json_object_object_get_ex(row, member, &value) &&
	    json_object_is_type(value, json_type_string) ? json_object_get_string(value) : otherwise;
}

/* What came is a stranger's: nothing of it moves the cursor. */
static void
print_cell(const char *text, int width)
{
	struct buf shown = BUF_INIT(1024);

	buf_add_escaped(&shown, text, strlen(text) < 256 ? strlen(text) : 256);
	printf("%-*s ", width, shown.data != NULL ? shown.data : "");
	buf_free(&shown);
}

static void
print_number(struct json_object *row, const char *member, int width)
{
	struct json_object *value;
	char text[32] = "-";

	if (json_object_object_get_ex(row, member, &value) &&
	    json_object_is_type(value, json_type_int))
		snprintf(text, sizeof(text), "%lld", (long long)json_object_get_int64(value));
	print_cell(text, width);
}

static bool
is_true(struct json_object *row, const char *member)
{
	struct json_object *value;

	return json_object_object_get_ex(row, member, &value) && json_object_get_boolean(value);
}

static void
print_lines(struct json_object *row, const char *member, const char *lead)
{
	struct json_object *list;

	if (!json_object_object_get_ex(row, member, &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		fputs(lead, stdout);
		print_cell(json_object_is_type(one, json_type_string) ?
		    json_object_get_string(one) : "", 0);
		putchar('\n');
	}
}

static void
print_row(struct json_object *row)
{
	const char *hidden = text_of(row, "hidden", NULL);

	print_cell(text_of(row, "perspective_code", "?"), 22);
	print_cell(!is_true(row, "reachable") ? "unreachable" : is_true(row, "ready") ? "ready" :
	    hidden != NULL ? "not told" : "not ready", 11);
	print_cell(text_of(row, "software_version", "-"), 15);
	print_cell(text_of(row, "image_version", "-"), 36);
	print_cell(text_of(row, "resolver_version", "-"), 15);
	print_cell(text_of(row, "certificate_not_after", "-"), 20);
	print_number(row, "days_left", 4);
	print_cell(text_of(row, "signing_key", "-"), 11);
	print_number(row, "clock_offset_ms", 6);
	print_cell(text_of(row, "last_error", "-"), 0);
	putchar('\n');
	if (hidden != NULL) {
		fputs("  - whether it is ready is not told through its gateway: ", stdout);
		print_cell(hidden, 0);
		putchar('\n');
	}
	print_lines(row, "care", "  ! ");
	print_lines(row, "notices", "  ! notice: ");
}

static void
print_table(struct json_object *answer)
{
	struct json_object *rows, *own;

	printf("%-22s %-11s %-15s %-36s %-15s %-20s %-4s %-11s %-6s %s\n", "perspective", "state",
	    "software", "image", "resolver", "certificate ends", "days", "signing key", "clock", "last error");
	if (json_object_object_get_ex(answer, "perspectives", &rows) &&
	    json_object_is_type(rows, json_type_array))
		for (size_t i = 0; i < json_object_array_length(rows); i++)
			print_row(json_object_array_get_idx(rows, i));
	if (json_object_object_get_ex(answer, "coordinator", &own)) {
		print_cell("coordinator", 22);
		print_cell("", 11);
		print_cell(text_of(own, "software_version", "-"), 83);
		print_cell(text_of(own, "certificate_not_after", "-"), 20);
		print_number(own, "days_left", 4);
		putchar('\n');
		print_lines(own, "care", "  ! ");
	}
}

/* ---- the call ---- */

static int
show(const struct asked *a, const struct buf *reply)
{
	struct json_object *answer = reply->data != NULL ? json_tokener_parse(reply->data) : NULL;
	const char *status = text_of(answer, "status", "");
	bool well = strcmp(status, "well") == 0;
	int exit_status = well ? MPIC_YES : MPIC_NO;

	if (a->call.status != 200 || (!well && strcmp(status, "care") != 0)) {
		fprintf(stderr, "mpic status: %s answered with status %ld: ", a->call.coordinator,
		    a->call.status);
		fprintf(stderr, "%.200s\n", text_of(answer, "detail", "which is no status"));
		exit_status = MPIC_ERROR;
	} else if (a->json) {
		printf("%s\n", reply->data);
	} else {
		print_table(answer);
	}
	json_object_put(answer);
	return exit_status;
}

/* Of another address than a caller could use, this machine's own. */
static void
url_of(const struct daemon_options *d, char *url, size_t size)
{
	struct endpoint e = d->listen;
	struct sockaddr_in *in = (struct sockaddr_in *)&e.addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e.addr;
	char text[ENDPOINT_TEXT_MAX];

	if (e.addr.ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY))
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (e.addr.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
	endpoint_text(&e, text);
	snprintf(url, size, "%s://%s", d->plain ? "http" : "https", text);
}

/* The certificate is the coordinator's own, which it trusts. */
static bool
take_config(struct asked *a)
{
	const struct daemon_options *d = &a->cfg.daemon;
	struct buf faults = BUF_INIT(65536);
	bool ok = option_defaults(&coordinator_options, &a->cfg, &faults);

	ok = option_load(&coordinator_options, &a->cfg, a->config, &faults) && ok;
	ok = ok && option_credentials(&coordinator_options, &a->cfg, &faults);
	if (!ok)
		fprintf(stderr, "mpic status: %s", faults.data != NULL ? faults.data : "out of memory\n");
	buf_free(&faults);
	url_of(d, a->url, sizeof(a->url));
	a->call.coordinator = a->url;
	if (d->plain)
		return ok;
	a->call.certificate = a->call.certificate != NULL ? a->call.certificate : d->tls_certificate;
	a->call.key = a->call.key != NULL ? a->call.key : d->tls_key;
	a->call.ca = a->call.ca != NULL ? a->call.ca : d->tls_ca;
	return ok;
}

/* Not by getopt(3): its struct option is another than that of lib/option.h. */
static bool
read_arguments(struct asked *a, int argc, char **argv)
{
	const struct { const char *name, **into; } operands[] = {
		{ "--ca", &a->call.ca }, { "--cert", &a->call.certificate }, { "--config", &a->config },
		{ "--key", &a->call.key }, { "--token-file", &a->call.token_file },
		{ "--url", &a->call.coordinator },
	};
	const size_t count = sizeof(operands) / sizeof(operands[0]);

	for (int i = 1; i < argc; i++) {
		size_t k = 0;

		while (k < count && strcmp(argv[i], operands[k].name) != 0)
			k++;
		if (k < count && i + 1 < argc) {
			*operands[k].into = argv[++i];
		} else if (strcmp(argv[i], "--json") == 0) {
			a->json = true;
		} else {
			fprintf(stderr, "mpic status: %s: no such argument, or it lacks its operand (try "
			    "--help)\n", argv[i]);
			return false;
		}
	}
	return true;
}

static int
ask(struct asked *a)
{
	const char *configured = getenv("MPIC_COORDINATOR");
	struct buf why = BUF_INIT(8192);
	int status = MPIC_ERROR;

	if (a->call.coordinator == NULL && a->config == NULL)
		a->call.coordinator = configured != NULL ? configured : DEFAULT_URL;
	if (a->call.coordinator != NULL && a->config != NULL)
		buf_adds(&why, "expected --config or --url, not both");
	else if ((a->call.certificate == NULL) != (a->call.key == NULL))
		buf_adds(&why, "--cert and --key go together");
	else if (a->config != NULL && !take_config(a))
		goto out;
	else if (mpic_call_get(&a->call, "/status", &why))
		status = show(a, &a->call.reply);
	if (why.len > 0)
		fprintf(stderr, "mpic status: %s\n", why.data);
out:
	buf_free(&a->call.reply);
	buf_free(&why);
	option_free(&coordinator_options, &a->cfg);
	return status;
}

int
mpic_status(int argc, char **argv)
{
	struct asked *a;
	int status = MPIC_ERROR;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help(stdout);
		return MPIC_YES;
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return MPIC_ERROR;
	a->call.timeout_ms = TIMEOUT_MS;
	if (read_arguments(a, argc, argv))
		status = ask(a);
	free(a);
	return status;
}
