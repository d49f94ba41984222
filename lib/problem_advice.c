#include "problem_advice.h"

#define NOT_THE_DOMAIN "Nothing in the domain has to change. "

static const struct {
	const char *cause, *advice;
} rows[PROBLEM_COUNT] = {
	[PROBLEM_NONE] = { "", "" },
	[PROBLEM_CAA_FORBIDS] = {
		"The domain's CAA records do not let this CA issue.",
		"Change the CAA records where they were found, or have another CA issue." },
	[PROBLEM_NO_RECORD] = {
		"The DNS record that proves control of the domain is not there.",
		"Publish the record at the name that was asked, without a CNAME or wildcard in its "
		"way, and wait until all of the zone's name servers have it." },
	[PROBLEM_NO_MATCH] = {
		"What proves control of the domain is there, but is not what the CA asked for.",
		"Put exactly the value in place that belongs to this order; remove what is left of "
		"earlier ones." },
	[PROBLEM_DNS_BOGUS] = {
		"The domain's DNSSEC is broken: its signatures do not verify, so no answer can be "
		"believed, and the rules allow no exception.",
		"Repair DNSSEC: sign the zone anew, or have the DS record at the registrar replaced or "
		"removed if it is of a key that the zone no longer has." },
	[PROBLEM_DNS_FAILED] = {
		"The domain's name servers gave no usable answer.",
		"Have the operator of the name servers see why they refuse or fail this lookup; each of "
		"them has to answer for the zone, for every type of record." },
	[PROBLEM_DNS_TIMEOUT] = {
		"The domain's name servers did not answer in time.",
		"Check that every name server of the delegation runs and is reachable by UDP and TCP "
		"on port 53 from everywhere." },
	[PROBLEM_DNS_TOO_LARGE] = {
		"The answer from DNS is larger than a check takes.",
		"Remove records at this name; a handful is usual." },
	[PROBLEM_DNS_INDETERMINATE] = {
		"The perspective's resolver could not tell whether the answer is to be trusted.",
		NOT_THE_DOMAIN "Try again; if it persists, the operator of the perspective has to look "
		"at its resolver." },
	[PROBLEM_RESOLVER_UNREACHABLE] = {
		"The perspective could not reach its own resolver.",
		NOT_THE_DOMAIN "The operator of the perspective has to look at its resolver." },
	[PROBLEM_RESOLVER_NO_EVIDENCE] = {
		"The perspective's resolver answered without the evidence that it has to give.",
		NOT_THE_DOMAIN "The operator of the perspective has to look at its resolver and the "
		"module in it." },
	[PROBLEM_NO_ADDRESS] = {
		"The name of the server has no address.",
		"Publish an A or AAAA record for the name." },
	[PROBLEM_ADDRESS_REFUSED] = {
		"The name leads to an address that is not public.",
		"Publish a public address for the name; remove records with private, loopback and "
		"other special addresses." },
	[PROBLEM_CONNECT_REFUSED] = {
		"Nothing listens at the server's address and port.",
		"Start the server on that port (80 for HTTP, 443 for HTTPS and TLS-ALPN), for IPv6 too "
		"if the name has an AAAA record, and let it through the firewall." },
	[PROBLEM_CONNECT_FAILED] = {
		"No connection to the server could be made.",
		"Check the route to the server's addresses, for IPv6 too if the name has an AAAA "
		"record." },
	[PROBLEM_CONNECT_TIMEOUT] = {
		"The server's address does not answer: packets to it are dropped.",
		"Let connections in from everywhere: a firewall that lets in some countries or "
		"networks only keeps validation out. Remove addresses that are out of use." },
	[PROBLEM_CONNECTION_RESET] = {
		"The server, or something before it, broke the connection.",
		"See in the log of the server, its load balancer and its firewall what resets the "
		"connection." },
	[PROBLEM_TLS_FAILED] = {
		"No TLS could be agreed with the server.",
		"Have the server speak TLS 1.2 or 1.3 on this port, and take any server name that is "
		"being validated." },
	[PROBLEM_TLS_TIMEOUT] = {
		"The server took the connection and did not finish the TLS handshake.",
		"See whether the server is overloaded, or another protocol is served on the port." },
	[PROBLEM_HTTP_TIMEOUT] = {
		"The web server took the request and did not answer it in time.",
		"Have the server answer the path of the validation at once, without asking anything "
		"slow." },
	[PROBLEM_HTTP_MALFORMED] = {
		"What the web server answered is not HTTP.",
		"See what is served on this port; a TLS server on port 80 or a broken proxy is usual." },
	[PROBLEM_HTTP_TOO_LARGE] = {
		"The web server's answer is larger than a check takes.",
		"Serve the expected value alone at the path of the validation." },
	[PROBLEM_HTTP_STATUS] = {
		"The web server answered, but not with success.",
		"Serve the path of the validation with status 200, without login, geo-block or "
		"maintenance page before it." },
	[PROBLEM_REDIRECT_REFUSED] = {
		"The web server redirects to where a validation may not go.",
		"Redirect with 301, 302, 307 or 308 and to http or https on port 80 or 443 only, or do "
		"not redirect the path of the validation." },
	[PROBLEM_TOO_MANY_REDIRECTS] = {
		"The web server redirects too often.",
		"Break the loop of redirects, or serve the path of the validation where it is asked." },
	[PROBLEM_REGEX_LIMIT] = {
		"The expression to be found takes too long on this page.",
		"The CA has to ask with a simpler match_regex, or the page has to be shorter." },
	[PROBLEM_ALPN_NOT_NEGOTIATED] = {
		"The server does not speak acme-tls/1 (RFC 8737).",
		"Have the ACME client, or a server that knows acme-tls/1, answer on port 443; a proxy "
		"before it has to pass TLS on unopened." },
	[PROBLEM_CERTIFICATE_MALFORMED] = {
		"The certificate that the server shows for the validation cannot be read.",
		"Use an ACME client that makes the certificate as RFC 8737 has it." },
	[PROBLEM_NO_ACME_IDENTIFIER] = {
		"The server shows a certificate without what proves control.",
		"Have the certificate of the validation shown when acme-tls/1 is asked for, not the "
		"usual one." },
	[PROBLEM_ACME_IDENTIFIER_NOT_CRITICAL] = {
		"The certificate's proof is not marked critical, which RFC 8737 demands.",
		"Use an ACME client that makes the certificate as RFC 8737 has it." },
	[PROBLEM_NOT_ONE_SAN] = {
		"The certificate of the validation is for several names or for none.",
		"Have it hold exactly one name, the one being validated." },
	[PROBLEM_SAN_NOT_DNS_NAME] = {
		"The certificate of the validation names something that is no domain name.",
		"Have it hold exactly one dNSName, the one being validated." },
	[PROBLEM_SAN_NOT_IP_ADDRESS] = {
		"The certificate of the validation names something that is no IP address.",
		"Have it hold exactly one iPAddress, the one being validated (RFC 8738)." },
	[PROBLEM_SAN_NOT_TARGET] = {
		"The certificate of the validation is for another name.",
		"Have the server choose it by the server name that is asked for (SNI)." },
	[PROBLEM_DEADLINE] = {
		"The time for the check was over before it came to its end.",
		"See whether the domain's servers are slow; else ask again with more time." },
	[PROBLEM_FETCHER_DIED] = {
		"The part of the perspective that fetches pages ended.",
		NOT_THE_DOMAIN "Try again; if it persists, the operator of the perspective has to look "
		"at its log." },
	[PROBLEM_OVERLOADED] = {
		"The perspective had no room for another check.",
		NOT_THE_DOMAIN "Try again a little later." },
	[PROBLEM_ABORTED] = {
		"Whoever asked went away before the check came to its end.",
		NOT_THE_DOMAIN "Ask again, and wait for the answer." },
	[PROBLEM_INTERNAL] = {
		"Something failed in the service itself.",
		NOT_THE_DOMAIN "Try again; if it persists, its operator has to look at its log." },
	[PROBLEM_PERSPECTIVE_UNREACHABLE] = {
		"The coordinator could not reach the perspective.",
		NOT_THE_DOMAIN "The operator has to see why the perspective is not there." },
	[PROBLEM_PERSPECTIVE_IDENTITY] = {
		"What answered in the perspective's place is not the perspective.",
		NOT_THE_DOMAIN "The operator has to look into it at once: it is a wrong certificate or "
		"address, or somebody in between." },
	[PROBLEM_NOT_ADMITTED] = {
		"The perspective, or a gateway before it, does not take checks from the coordinator.",
		NOT_THE_DOMAIN "The operator has to see whether the coordinator's certificate is among "
		"the perspective's callers, or its API key the one that the gateway wants." },
	[PROBLEM_PRIVATE_ROOT] = {
		"The perspective asks another root of the DNS than IANA's, so it looks at another "
		"Internet.",
		NOT_THE_DOMAIN "The operator has to take the perspective of a test network out of the "
		"fleet." },
	[PROBLEM_UNSUPPORTED] = {
		"The perspective speaks a protocol that has no words for what was asked.",
		NOT_THE_DOMAIN "The CA has to ask by another method, or the operator has to replace the "
		"perspective." },
	[PROBLEM_RESULT_MISMATCH] = {
		"What came back is no answer to what was asked: another name, nonce or check.",
		NOT_THE_DOMAIN "The operator has to look into it at once: somebody may pose as the "
		"perspective." },
	[PROBLEM_SIGNATURE_INVALID] = {
		"The perspective's result is not signed by the perspective.",
		NOT_THE_DOMAIN "The operator has to look into it at once: a key was changed, or "
		"somebody poses as the perspective." },
	[PROBLEM_PERSPECTIVE_REPLY] = {
		"The perspective answered with something that is no result.",
		NOT_THE_DOMAIN "The operator has to see what is served at the perspective's address." },
	[PROBLEM_PERSPECTIVE_TIMEOUT] = {
		"The perspective had not answered when the time was over.",
		"See whether the domain's servers are slow for this perspective; else ask again with "
		"more time." },
	[PROBLEM_NOT_CORROBORATING] = {
		"The perspective saw something that proves control, but not what the primary saw.",
		"Have all servers of the domain show the same: one value for this order, the same "
		"contact, the same account." },
	[PROBLEM_REMOTES_NOT_ASKED] = {
		"The perspective was not asked, because the primary did not see what it has to see.",
		"See what the primary saw; nothing has to change for this perspective." },
	[PROBLEM_CANCELLED] = {
		"The perspective was not waited for: the verdict was certain without it.",
		"Nothing has to change." },
};

const char *
problem_cause(enum problem p)
{
	return rows[p].cause;
}

const char *
problem_advice(enum problem p)
{
	return rows[p].advice;
}
