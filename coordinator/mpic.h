/*
 * mpic, the command-line tool: one row a subcommand.
 */
#ifndef MPIC_COMMAND_H
#define MPIC_COMMAND_H

#include <stdbool.h>

struct buf;

/* Exit statuses of every subcommand; yes and error are those of subcommand.h. */
enum { MPIC_YES = 0, MPIC_NO = 1, MPIC_ERROR = 2 };

/* mpic check caa|dcv|dcv-with-caa NAME: asks a coordinator. argv[0] is what follows "mpic". */
int mpic_check(int argc, char **argv);
/* mpic audit verify FILE...: whether the lines of an audit log are a chain. */
int mpic_audit(int argc, char **argv);
/* mpic batch FILE: asks a coordinator for all requests in a file. */
int mpic_batch(int argc, char **argv);
/* mpic explain FILE: an answer as one tells it to a customer. */
int mpic_explain(int argc, char **argv);
/* mpic lookup NAME: asks a perspective's resolver for records and evidence. */
int mpic_lookup(int argc, char **argv);
/* mpic pki COMMAND FOLDER: the private CA of a deployment. */
int mpic_pki(int argc, char **argv);
/* mpic policy: what a configured fleet satisfies of its policy's rules on a day. */
int mpic_policy(int argc, char **argv);
/* mpic status: what of a coordinator's fleet needs care. */
int mpic_status(int argc, char **argv);
/* mpic token: a random bearer token for a caller, and its line of the configuration. */
int mpic_token(int argc, char **argv);
/* mpic verify FILE --keys KEY...: verifies an archived answer offline. */
int mpic_verify(int argc, char **argv);

/*
 * The whole file, or standard input for "-". False, having said why on standard
 * error in the command's name, if it cannot be read, is empty or over text->max.
 */
bool mpic_read_file(const char *command, const char *name, struct buf *text);

#endif
