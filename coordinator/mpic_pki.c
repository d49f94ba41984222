/* mpic pki: the private CA of a deployment, and the documents that its parts begin with. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/stat.h>

#include "check.h"
#include "coordinator/mpic.h"
#include "coordinator/pki.h"
#include "name.h"
#include "tls.h"

#define CA_DAYS		3650
#define LEAF_DAYS	90
#define DAYS_MAX	36500
#define COORDINATOR	"urn:mpic:coordinator"
#define PERSPECTIVE	"urn:mpic:perspective:"
#define CALLER		"urn:mpic:caller:"
#define DOCUMENT_MAX	((size_t)256 * 1024)

/* What the arguments say. */
struct asked {
	const char *folder;		/* of the CA */
	const char *name, *days_text;
	const char *perspective, *caller, *address, *out;
	bool coordinator, no_signing_key, host_good;
	int64_t days;
	char identity[TLS_IDENTITY_MAX];
	struct pki_holder holder;
};

static void
print_help(FILE *out)
{
	fprintf(out,
	    "usage: mpic pki init FOLDER [--name NAME] [--days N]\n"
	    "       mpic pki issue FOLDER --perspective CODE [--address ADDR:PORT] [--days N]\n"
	    "       mpic pki issue FOLDER --coordinator [--host HOST ...] [--days N]\n"
	    "       mpic pki issue FOLDER --caller NAME [--days N]\n\n"
	    "The private CA by which coordinator, perspectives and callers know each other.\n"
	    "init makes it: FOLDER/ca.pem and FOLDER/ca.key, which signs for everybody and\n"
	    "belongs on a machine that serves nobody. issue prints one YAML document with all\n"
	    "that a part begins with: certificate, keys, the CA. FOLDER/issued.jsonl says what\n"
	    "was issued; keys are kept nowhere.\n\n"
	    "  --perspective CODE  for mpic-httpcheck, with a key to sign its results. The line\n"
	    "                      that coordinator.yaml needs for it goes to standard error.\n"
	    "  --address ADDR:PORT where that line says it is called\n"
	    "  --no-signing-key    no such key: the perspective has one and its certificate is\n"
	    "                      renewed\n"
	    "  --coordinator       for mpic-coordinator, towards callers and perspectives both\n"
	    "  --caller NAME       for a program of the CA's that calls the coordinator\n"
	    "  --host HOST         a name or address at which clients of another make look for it,\n"
	    "                      such as curl; may be repeated\n"
	    "  --days N            until it ends; default: %d, of the CA %d\n"
	    "  --out DIRECTORY     files in the place of the document: ca.pem, tls.pem, tls.key,\n"
	    "                      sign.key\n"
	    "  --name NAME         of the CA, for people\n\n"
	    "Exit status: 0 done, 2 error.\n", LEAF_DAYS, CA_DAYS);
}

static int
fail(const char *what, const struct buf *why)
{
	fprintf(stderr, "mpic pki: %s%s%s\n", what, what[0] != '\0' ? ": " : "",
	    why->data != NULL ? why->data : "out of memory");
	return MPIC_ERROR;
}

/* ---- files ---- */

/* A new file, which nobody else may read unless it is `open_to_all`. */
static bool
write_new(const char *folder, const char *name, const struct buf *text, bool open_to_all,
    struct buf *why)
{
	char path[4096];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, open_to_all ? 0644 : 0600);
	ok = fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	if (!ok)
		buf_addf(why, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

/* What was issued to whom: for renewing in time, and for the day something is lost. */
static bool
note_issued(const struct asked *a, const struct pki_issued *issued, struct buf *why)
{
	char path[4096], ends[32];
	time_t at = (time_t)issued->expires_s;
	struct tm tm;
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/issued.jsonl", a->folder);
	file = fopen(path, "ae");
	gmtime_r(&at, &tm);
	strftime(ends, sizeof(ends), "%Y-%m-%dT%H:%M:%SZ", &tm);
	ok = file != NULL && fprintf(file, "{\"identity\":\"%s\",\"serial\":\"%s\","
	    "\"not_after\":\"%s\"}\n", a->identity, issued->serial, ends) > 0;
	ok = file != NULL && fclose(file) == 0 && ok;
	if (!ok)
		buf_addf(why, "%s: %s", path, strerror(errno));
	return ok;
}

/* ---- init ---- */

static int
init(const struct asked *a)
{
	const char *name = a->name != NULL ? a->name : "Parallax private CA";
	struct buf why = BUF_INIT(8192);
	struct pki_issued texts = { .serial = "" };
	struct pki_ca ca = { .certificate = NULL };
	bool ok = mkdir(a->folder, 0700) == 0 || errno == EEXIST;

	if (!ok)
		buf_addf(&why, "%s: %s", a->folder, strerror(errno));
	ok = ok && pki_ca_make(&ca, name, a->days > 0 ? a->days : CA_DAYS, &why) &&
	    pki_ca_write(&ca, &texts, &why) &&
	    write_new(a->folder, "ca.key", &texts.key, false, &why) &&
	    write_new(a->folder, "ca.pem", &texts.certificate, true, &why);
	if (!ok)
		fail("", &why);
	pki_issued_free(&texts);
	pki_ca_free(&ca);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}

/* ---- issue ---- */

/* All that a part begins with. */
struct papers {
	struct buf ca;
	struct pki_issued tls;
	struct buf signing_key, verify_key;
};

static void
papers_free(struct papers *p)
{
	if (p->signing_key.data != NULL)
		explicit_bzero(p->signing_key.data, p->signing_key.len);
	buf_free(&p->signing_key);
	buf_free(&p->verify_key);
	buf_free(&p->ca);
	pki_issued_free(&p->tls);
}

static bool
papers_make(struct papers *p, const struct asked *a, struct buf *why)
{
	char certificate[4096], key[4096];
	struct pki_issued own = { .serial = "" };
	struct pki_ca ca;
	bool ok;

	*p = (struct papers){ .ca = BUF_INIT(0) };
	snprintf(certificate, sizeof(certificate), "%s/ca.pem", a->folder);
	snprintf(key, sizeof(key), "%s/ca.key", a->folder);
	ok = pki_ca_read(&ca, certificate, key, why) && pki_ca_write(&ca, &own, why) &&
	    pki_issue(&ca, &a->holder, a->days > 0 ? a->days : LEAF_DAYS, &p->tls, why);
	p->ca = own.certificate;
	own.certificate = BUF_INIT(0);
	if (ok && a->perspective != NULL && !a->no_signing_key)
		ok = pki_signing_key(&p->signing_key, &p->verify_key, why);
	pki_issued_free(&own);
	pki_ca_free(&ca);
	return ok;
}

/* "name: |" and the text, indented. */
static void
add_block(struct buf *out, const char *name, const struct buf *text)
{
	const char *line = text->data, *end;

	buf_addf(out, "%s: |\n", name);
	for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1)
		buf_addf(out, "  %.*s\n", (int)(end - line), line);
}

static bool
print_document(const struct papers *p, const struct asked *a)
{
	struct buf out = BUF_INIT(DOCUMENT_MAX);
	bool ok;

	buf_addf(&out, "# %s. It holds private keys.\n", a->identity);
	if (a->perspective != NULL)
		buf_addf(&out, "code: \"%s\"\ncallers: [\"" COORDINATOR "\"]\n", a->perspective);
	add_block(&out, "tls_ca", &p->ca);
	add_block(&out, "tls_certificate", &p->tls.certificate);
	add_block(&out, "tls_key", &p->tls.key);
	if (p->signing_key.len > 0)
		add_block(&out, "signing_key", &p->signing_key);
	ok = !out.failed && fputs(out.data, stdout) >= 0 && fflush(stdout) == 0;
	if (out.data != NULL)
		explicit_bzero(out.data, out.len);
	buf_free(&out);
	return ok;
}

static bool
write_files(const struct papers *p, const struct asked *a, struct buf *why)
{
	return (mkdir(a->out, 0700) == 0 || errno == EEXIST) &&
	    write_new(a->out, "ca.pem", &p->ca, true, why) &&
	    write_new(a->out, "tls.pem", &p->tls.certificate, true, why) &&
	    write_new(a->out, "tls.key", &p->tls.key, false, why) &&
	    (p->signing_key.len == 0 ||
	    write_new(a->out, "sign.key", &p->signing_key, false, why));
}

static void
print_row(const struct papers *p, const struct asked *a)
{
	fprintf(stderr, "for coordinator.yaml, under perspectives:\n"
	    "  - { code: \"%s\", url: \"https://%s\"", a->perspective,
	    a->address != NULL ? a->address : "ADDR:PORT");
	if (p->verify_key.len > 0)
		fprintf(stderr, ", verify_key: \"%s\"", p->verify_key.data);
	fputs(" }\n", stderr);
}

static int
issue(const struct asked *a)
{
	struct buf why = BUF_INIT(8192);
	struct papers p;
	bool ok = papers_make(&p, a, &why) && note_issued(a, &p.tls, &why) &&
	    (a->out != NULL ? write_files(&p, a, &why) : print_document(&p, a));

	if (!ok && why.len == 0)
		buf_addf(&why, "%s: %s", a->out != NULL ? a->out : "standard output",
		    strerror(errno));
	if (!ok)
		fail("", &why);
	else if (a->perspective != NULL)
		print_row(&p, a);
	papers_free(&p);
	buf_free(&why);
	return ok ? MPIC_YES : MPIC_ERROR;
}

/* ---- arguments ---- */

static bool
complain(const char *text)
{
	fprintf(stderr, "mpic pki: %s (try --help)\n", text);
	return false;
}

/* Whose certificate it is. */
static bool
take_identity(struct asked *a)
{
	const char *prefix = a->perspective != NULL ? PERSPECTIVE : a->caller != NULL ? CALLER :
	    COORDINATOR;
	const char *rest = a->perspective != NULL ? a->perspective : a->caller != NULL ?
	    a->caller : "";

	if ((a->perspective != NULL) + (a->caller != NULL) + a->coordinator != 1)
		return complain("expected one of --perspective, --coordinator and --caller");
	if (strlen(rest) > CHECK_CODE_MAX || (rest[0] == '\0' && !a->coordinator) ||
	    rest[strspn(rest, PKI_IDENTITY_CHARACTERS)] != '\0')
		return complain("--perspective, --caller: expected 1 to 64 letters, digits, ':', "
		    "'.', '_' and '-'");
	snprintf(a->identity, sizeof(a->identity), "%s%s", prefix, rest);
	a->holder.identity = a->identity;
	return true;
}

static bool
take_days(struct asked *a)
{
	char *end;

	if (a->days_text == NULL)
		return true;
	errno = 0;
	a->days = strtoll(a->days_text, &end, 10);
	if (errno == 0 && *end == '\0' && end != a->days_text && a->days >= 1 &&
	    a->days <= DAYS_MAX)
		return true;
	return complain("--days: expected 1 to 36500");
}

static bool
take_host(struct asked *a, const char *host)
{
	if (a->holder.host_count == PKI_HOSTS_MAX)
		return complain("--host: expected at most 16");
	if (host[0] == '\0' || strlen(host) > NAME_TEXT_MAX ||
	    host[strspn(host, PKI_IDENTITY_CHARACTERS)] != '\0')
		return complain("--host: expected a name in ASCII or an address");
	a->holder.hosts[a->holder.host_count++] = host;
	return true;
}

static bool
take_argument(struct asked *a, int letter)
{
	switch (letter) {
	case 'a': a->address = optarg; break;
	case 'c': a->caller = optarg; break;
	case 'C': a->coordinator = true; break;
	case 'H': a->host_good = take_host(a, optarg) && a->host_good; break;
	case 'd': a->days_text = optarg; break;
	case 'n': a->name = optarg; break;
	case 'o': a->out = optarg; break;
	case 'p': a->perspective = optarg; break;
	case 'S': a->no_signing_key = true; break;
	default: return false;
	}
	return true;
}

int
mpic_pki(int argc, char **argv)
{
	static const struct option options[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "caller", required_argument, NULL, 'c' },
		{ "coordinator", no_argument, NULL, 'C' },
		{ "days", required_argument, NULL, 'd' },
		{ "host", required_argument, NULL, 'H' },
		{ "name", required_argument, NULL, 'n' },
		{ "no-signing-key", no_argument, NULL, 'S' },
		{ "out", required_argument, NULL, 'o' },
		{ "perspective", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct asked a = { .host_good = true };
	int letter;

	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1)
		if (!take_argument(&a, letter)) {
			print_help(letter == 'h' ? stdout : stderr);
			return letter == 'h' ? MPIC_YES : MPIC_ERROR;
		}
	if (optind + 2 != argc) {
		complain("expected init or issue and the CA's folder");
		return MPIC_ERROR;
	}
	a.folder = argv[optind + 1];
	if (!a.host_good || !take_days(&a))
		return MPIC_ERROR;
	if (strcmp(argv[optind], "init") == 0)
		return init(&a);
	if (strcmp(argv[optind], "issue") == 0)
		return take_identity(&a) ? issue(&a) : MPIC_ERROR;
	complain("expected init or issue and the CA's folder");
	return MPIC_ERROR;
}
