/* mpic pki: the private CA of a deployment, and what follows from it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "coordinator/pki/command.h"
#include "coordinator/pki/token.h"
#include "name.h"

#define DAYS_MAX	36500

static void
print_help(FILE *out)
{
	fprintf(out,
	    "usage: mpic pki init FOLDER [--name NAME] [--days N]\n"
	    "       mpic pki intermediate FOLDER NEWFOLDER [--name NAME] [--days N]\n"
	    "       mpic pki issue FOLDER --perspective CODE [--address ADDR:PORT] [--days N]\n"
	    "       mpic pki issue FOLDER --coordinator [--host HOST ...] [--days N]\n"
	    "       mpic pki issue FOLDER --caller NAME [--days N]\n"
	    "       mpic pki renew FOLDER --certificate FILE [--days N]\n"
	    "       mpic pki revoke FOLDER --serial S | --certificate FILE | --perspective CODE |\n"
	    "           --coordinator | --caller NAME [--reason REASON] [--days N]\n"
	    "       mpic pki crl FOLDER [--days N]\n"
	    "       mpic pki list FOLDER [--json]\n"
	    "       mpic pki token FOLDER --perspective CODE [--url URL] [--days N] [--uses N]\n\n"
	    "The private CA by which coordinator, perspectives and callers know each other.\n"
	    "init makes it: FOLDER/ca.pem and FOLDER/ca.key, which signs for everybody and\n"
	    "belongs on a machine that serves nobody. issue prints one YAML document with all\n"
	    "that a part begins with: certificate, keys, the CA. FOLDER/issued.jsonl says what\n"
	    "was issued; keys are kept nowhere.\n\n"
	    "renew gives out another certificate for whom one is, with the same key, of which it\n"
	    "needs to see nothing: what was a document is printed as one, with the certificate\n"
	    "replaced. revoke takes back certificates before they end and writes FOLDER/crl.pem,\n"
	    "the list that tls_crl names; crl writes it again before its time is over. list says\n"
	    "what was issued, when it ends, and what was revoked.\n\n"
	    "intermediate makes a CA below it for enrolment at a coordinator, which vouches for\n"
	    "perspectives only. token lets a perspective enrol there once: --url prints the whole\n"
	    "document of an appliance, else the token alone is printed.\n\n"
	    "  --perspective CODE  for mpic-httpcheck, with a key to sign its results. The line\n"
	    "                      that coordinator.yaml needs for it goes to standard error.\n"
	    "                      revoke: all of its certificates, and its tokens.\n"
	    "  --address ADDR:PORT where that line says it is called\n"
	    "  --no-signing-key    no such key: the perspective has one and its certificate is\n"
	    "                      renewed\n"
	    "  --coordinator       for mpic-coordinator, towards callers and perspectives both\n"
	    "  --caller NAME       for a program of the CA's that calls the coordinator\n"
	    "  --host HOST         a name or address at which clients of another make look for it,\n"
	    "                      such as curl; may be repeated\n"
	    "  --certificate FILE  a certificate in PEM, or a document that holds one\n"
	    "  --serial S          of a certificate, in hexadecimal\n"
	    "  --reason REASON     unspecified, keyCompromise, affiliationChanged, superseded,\n"
	    "                      cessationOfOperation or privilegeWithdrawn\n"
	    "  --days N            until it ends; default: %d, of the CA %d, of the one for\n"
	    "                      enrolment %d, of a token %d, until the next CRL is due %d\n"
	    "  --uses N            how often the token can be used; default: 1. Keys of an\n"
	    "                      appliance do not outlive its boot: each needs one.\n"
	    "  --url URL           where the coordinator serves the appliance: https://HOST:8443\n"
	    "  --key FILE          the CA's key, if it is not FOLDER/ca.key\n"
	    "  --out DIRECTORY     files in the place of the document: ca.pem, tls.pem, tls.key,\n"
	    "                      sign.key\n"
	    "  --name NAME         of the CA, for people\n"
	    "  --json              one line of JSON each\n\n"
	    "Exit status: 0 done, 2 error.\n", LEAF_DAYS, CA_DAYS, ENROLMENT_DAYS, TOKEN_DAYS,
	    CRL_DAYS);
}

static bool
complain(const char *text)
{
	fprintf(stderr, "mpic pki: %s (try --help)\n", text);
	return false;
}

int
pki_error(const struct buf *why)
{
	fprintf(stderr, "mpic pki: %s\n", why->data != NULL ? why->data : "out of memory");
	return MPIC_ERROR;
}

/* ---- who ---- */

/* Whose certificate it is about; `must`: it has to be said. */
static bool
take_identity(struct asked *a, bool must)
{
	const char *prefix = a->perspective != NULL ? PKI_PERSPECTIVE : a->caller != NULL ?
	    PKI_CALLER : PKI_COORDINATOR;
	const char *rest = a->perspective != NULL ? a->perspective : a->caller != NULL ?
	    a->caller : "";
	int given = (a->perspective != NULL) + (a->caller != NULL) + a->coordinator;

	if (given == 0 && !must)
		return true;
	if (given != 1)
		return complain("expected one of --perspective, --coordinator and --caller");
	if (strlen(rest) > CHECK_CODE_MAX || (rest[0] == '\0' && !a->coordinator) ||
	    rest[strspn(rest, PKI_IDENTITY_CHARACTERS)] != '\0')
		return complain("--perspective, --caller: expected 1 to 64 letters, digits, ':', "
		    "'.', '_' and '-'");
	snprintf(a->identity, sizeof(a->identity), "%s%s", prefix, rest);
	a->holder.identity = a->identity;
	return true;
}

/* ---- arguments ---- */

static bool
take_number(const char *text, int64_t most, int64_t *value, const char *wrong)
{
	char *end;

	if (text == NULL)
		return true;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno == 0 && *end == '\0' && end != text && *value >= 1 && *value <= most)
		return true;
	return complain(wrong);
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
	case 'd': a->days_text = optarg; break;
	case 'H': a->host_good = take_host(a, optarg) && a->host_good; break;
	case 'j': a->json = true; break;
	case 'k': a->key = optarg; break;
	case 'n': a->name = optarg; break;
	case 'o': a->out = optarg; break;
	case 'p': a->perspective = optarg; break;
	case 'r': a->reason = optarg; break;
	case 's': a->serial = optarg; break;
	case 'S': a->no_signing_key = true; break;
	case 'u': a->url = optarg; break;
	case 'U': a->uses_text = optarg; break;
	case 'x': a->certificate = optarg; break;
	default: return false;
	}
	return true;
}

static const struct option options[] = {
	{ "address", required_argument, NULL, 'a' },
	{ "caller", required_argument, NULL, 'c' },
	{ "certificate", required_argument, NULL, 'x' },
	{ "coordinator", no_argument, NULL, 'C' },
	{ "days", required_argument, NULL, 'd' },
	{ "host", required_argument, NULL, 'H' },
	{ "json", no_argument, NULL, 'j' },
	{ "key", required_argument, NULL, 'k' },
	{ "name", required_argument, NULL, 'n' },
	{ "no-signing-key", no_argument, NULL, 'S' },
	{ "out", required_argument, NULL, 'o' },
	{ "perspective", required_argument, NULL, 'p' },
	{ "reason", required_argument, NULL, 'r' },
	{ "serial", required_argument, NULL, 's' },
	{ "url", required_argument, NULL, 'u' },
	{ "uses", required_argument, NULL, 'U' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* Each with the letters of the options that mean something to it. */
static const struct command {
	const char *name, *letters;
	int operands;
	enum { NOBODY, SOMEBODY, ANYBODY } whose;
	int (*run)(const struct asked *a);
} commands[] = {
	{ "init", "dn", 1, NOBODY, pki_init },
	{ "intermediate", "dnk", 2, NOBODY, pki_enrolment },
	{ "issue", "acCdHkopS", 1, SOMEBODY, pki_issue_command },
	{ "renew", "dkx", 1, NOBODY, pki_renew_command },
	{ "revoke", "cCdkprsx", 1, ANYBODY, pki_revoke },
	{ "crl", "dk", 1, NOBODY, pki_crl },
	{ "list", "j", 1, NOBODY, pki_list },
	{ "token", "adpuU", 1, SOMEBODY, pki_token },
};

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Of those that were given, `letters`. */
static bool
options_fit(const struct command *command, const char *letters)
{
	for (size_t i = 0; options[i].name != NULL; i++)
		if (strchr(letters, options[i].val) != NULL &&
		    strchr(command->letters, options[i].val) == NULL) {
			fprintf(stderr, "mpic pki: --%s means nothing to %s (try --help)\n",
			    options[i].name, command->name);
			return false;
		}
	return true;
}

static int
run(struct asked *a, const char *letters, int count, char **operands)
{
	const struct command *command = count > 0 ? find_command(operands[0]) : NULL;

	if (command == NULL || count != command->operands + 1) {
		complain(command != NULL && command->operands == 2 ?
		    "expected the folder of the CA, and that of the one to make below it" :
		    "expected init, intermediate, issue, renew, revoke, crl, list or token, and the "
		    "CA's folder");
		return MPIC_ERROR;
	}
	a->folder = operands[1];
	a->other = command->operands > 1 ? operands[2] : NULL;
	a->uses = 1;
	if (!a->host_good || !options_fit(command, letters) ||
	    !take_number(a->days_text, DAYS_MAX, &a->days, "--days: expected 1 to 36500") ||
	    !take_number(a->uses_text, TOKEN_USES_MAX, &a->uses, "--uses: expected 1 to 1000") ||
	    (command->whose != NOBODY && !take_identity(a, command->whose == SOMEBODY)))
		return MPIC_ERROR;
	return command->run(a);
}

int
mpic_pki(int argc, char **argv)
{
	struct asked a = { .host_good = true };
	char letters[64] = "";
	int letter;

	while ((letter = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		size_t len = strlen(letters);

		if (!take_argument(&a, letter)) {
			print_help(letter == 'h' ? stdout : stderr);
			return letter == 'h' ? MPIC_YES : MPIC_ERROR;
		}
		if (len + 1 < sizeof(letters) && strchr(letters, letter) == NULL) {
			letters[len] = (char)letter;
			letters[len + 1] = '\0';
		}
	}
	return run(&a, letters, argc - optind, argv + optind);
}
