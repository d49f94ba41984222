/*
 * A redirect from any text: what it leads to reads as itself, and nothing but
 * the ports, schemes and characters of url.h comes through. The input is a
 * base path, a line end, and the location.
 */
#include <string.h>

#include "buf.h"
#include "fuzz.h"
#include "httpcheck/redirect.h"

#define PREFIX	"http://example.com/"

static void
check_url(const struct url *u)
{
	char authority[URL_AUTHORITY_MAX];
	struct url_fault why;
	struct url again;
	size_t len = strlen(u->text);

	REQUIRE(len <= URL_MAX && strspn(u->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
	    "uvwxyz0123456789-._~!$&'()*+,;=:@/%?[]") == len);
	REQUIRE(strncmp(u->text, u->https ? "https://" : "http://", u->https ? 8 : 7) == 0);
	REQUIRE(u->port == 80 || u->port == 443);
	REQUIRE(u->host.kind != TARGET_WILDCARD && *target_text(&u->host) != '\0');
	REQUIRE(*url_path(u) == '/');
	url_authority(u, authority);
	REQUIRE(strncmp(u->text + (u->https ? 8 : 7), authority, strlen(authority)) == 0);
	REQUIRE(strlen(authority) + (u->https ? 8 : 7) == u->path_at);
	REQUIRE(strpbrk(authority, "@/?#") == NULL);
	REQUIRE(url_resolve(&again, NULL, u->text, &why));
	REQUIRE(strcmp(again.text, u->text) == 0 && again.port == u->port);
	REQUIRE(strcmp(target_text(&again.host), target_text(&u->host)) == 0);
	url_free(&again);
}

static void
check_redirect(const struct url *base, int status, const char *location, size_t followed)
{
	const struct redirect r = { base, status, location, followed };
	struct buf why = BUF_INIT(4096);
	struct url next;

	if (redirect_judge(&r, &next, &why) == PROBLEM_NONE) {
		REQUIRE(followed < REDIRECT_MAX && *location != '\0');
		REQUIRE(status == 301 || status == 302 || status == 307 || status == 308);
		check_url(&next);
		REQUIRE(strpbrk(location, "\\ \t\r\n") == NULL);
	} else {
		REQUIRE(next.text == NULL && why.len > 0 && !why.failed);
		for (size_t i = 0; i < why.len; i++)
			REQUIRE((unsigned char)why.data[i] >= 0x20);
	}
	url_free(&next);
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf base_text = BUF_INIT(2 * URL_MAX), location = BUF_INIT(2 * URL_MAX);
	const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
	size_t head = end != NULL ? (size_t)(end - data) : 0;
	struct url base;
	struct url_fault why;

	if (len > URL_MAX + 64)
		return 0;
	buf_adds(&base_text, PREFIX);
	buf_add(&base_text, data, head);
	buf_adds(&location, "");
	buf_add(&location, data + head + (end != NULL), len - head - (end != NULL));
	if (url_resolve(&base, NULL, base_text.data, &why) ||
	    url_resolve(&base, NULL, PREFIX, &why)) {
		check_url(&base);
		check_redirect(&base, 301, location.data, 0);
		check_redirect(&base, 308, location.data, REDIRECT_MAX);
		check_redirect(&base, 300 + (int)(len % 100), location.data, len % 12);
	}
	url_free(&base);
	buf_free(&base_text);
	buf_free(&location);
	return 0;
}
