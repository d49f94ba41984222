#include "tls_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S	86400

struct authority {
	X509 *cert;
	EVP_PKEY *key;
};

static char *
file_name(const struct tls_files_made *made, const char *name, const char *suffix)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.%s", made->folder, name, suffix);
	return strdup(path);
}

static bool
extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return ok;
}

static X509 *
certificate_begin(const char *name, EVP_PKEY *key, const X509 *issuer, long seconds)
{
	static long serial = 1;
	X509 *cert = X509_new();
	X509_NAME *subject = X509_get_subject_name(cert);

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), seconds);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(cert, key);
	return cert;
}

static bool
write_pem(const char *path, X509 *cert, EVP_PKEY *key)
{
	FILE *f = fopen(path, "w");
	bool ok = f != NULL && (cert != NULL ? PEM_write_X509(f, cert) == 1 :
	    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);

	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	return ok;
}

static bool
authority_make(struct authority *ca, const char *name, const char *path)
{
	ca->key = EVP_EC_gen("P-256");
	ca->cert = certificate_begin(name, ca->key, NULL, DAY_S);
	return extend(ca->cert, NID_basic_constraints, "critical,CA:TRUE") &&
	    X509_sign(ca->cert, ca->key, EVP_sha256()) > 0 &&
	    write_pem(path, ca->cert, NULL);
}

static void
authority_free(struct authority *ca)
{
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

static bool
leaf_make(struct tls_files_made *made, struct tls_files *files, const char *name,
    const struct authority *ca, const char *ca_name, const char *uris, const char *usage)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = certificate_begin(name, key, ca->cert,
	    files == &made->brief || files == &made->brief_client ? TLS_FILES_BRIEF_S : DAY_S);
	bool ok;

	files->certificate = file_name(made, name, "pem");
	files->key = file_name(made, name, "key");
	files->ca = file_name(made, ca_name, "pem");
	ok = extend(cert, NID_subject_alt_name, uris) && extend(cert, NID_ext_key_usage, usage) &&
	    X509_sign(cert, ca->key, EVP_sha256()) > 0 &&
	    write_pem(files->certificate, cert, NULL) && write_pem(files->key, NULL, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

bool
tls_files_make(struct tls_files_made *made)
{
	struct authority ca = { NULL, NULL }, foreign = { NULL, NULL };
	char *ca_path, *foreign_path;
	bool ok;

	memset(made, 0, sizeof(*made));
	snprintf(made->folder, sizeof(made->folder), "/tmp/tls_files.XXXXXX");
	if (mkdtemp(made->folder) == NULL)
		return false;
	ca_path = file_name(made, "ca", "pem");
	foreign_path = file_name(made, "foreign", "pem");
	ok = authority_make(&ca, "ca", ca_path) &&
	    authority_make(&foreign, "foreign", foreign_path) &&
	    leaf_make(made, &made->server, "server", &ca, "ca",
		"URI:urn:mpic:perspective:test,URI:https://other.example", "serverAuth") &&
	    leaf_make(made, &made->brief, "brief", &ca, "ca",
		"URI:urn:mpic:perspective:test", "serverAuth") &&
	    leaf_make(made, &made->client, "client", &ca, "ca", "URI:urn:mpic:coordinator",
		"clientAuth") &&
	    leaf_make(made, &made->brief_client, "brief-client", &ca, "ca",
		"URI:urn:mpic:coordinator", "clientAuth") &&
	    leaf_make(made, &made->other, "other", &ca, "ca", "URI:urn:mpic:other",
		"clientAuth") &&
	    leaf_make(made, &made->nobody, "nobody", &ca, "ca",
		"URI:urn:mpic:coordinator,URI:urn:mpic:b", "clientAuth") &&
	    leaf_make(made, &made->stranger, "stranger", &foreign, "foreign",
		"URI:urn:mpic:coordinator", "clientAuth");
	free(ca_path);
	free(foreign_path);
	authority_free(&ca);
	authority_free(&foreign);
	return ok;
}

static void
files_remove(struct tls_files *files)
{
	const char *paths[] = { files->certificate, files->key, files->ca };

	for (size_t i = 0; i < 3; i++) {
		if (paths[i] != NULL)
			unlink(paths[i]);
		free((char *)paths[i]);
	}
}

void
tls_files_remove(struct tls_files_made *made)
{
	files_remove(&made->server);
	files_remove(&made->brief);
	files_remove(&made->client);
	files_remove(&made->brief_client);
	files_remove(&made->other);
	files_remove(&made->nobody);
	files_remove(&made->stranger);
	rmdir(made->folder);
}
