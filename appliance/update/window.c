#include "appliance/update/window.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#define DAY_S	INT64_C(86400)
#define DAY_MIN	1440

bool
window_parse(struct window *w, const char *text)
{
	static const char form[] = "NN:NN-NN:NN";
	int n[4];

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'N' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	for (size_t i = 0; i < 4; i++)
		n[i] = (text[i * 3] - '0') * 10 + text[i * 3 + 1] - '0';
	if (n[0] > 23 || n[1] > 59 || n[2] > 24 || n[3] > 59 || n[2] * 60 + n[3] > DAY_MIN)
		return false;
	w->from_min = n[0] * 60 + n[1];
	w->to_min = (n[2] * 60 + n[3]) % DAY_MIN;
	w->set = true;
	return w->from_min != w->to_min || w->from_min == 0;
}

/* Seconds from the beginning of the time there is, evenly distributed over codes. */
static int64_t
place_s(const char *code, int64_t minutes)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t value = 0;

	if (minutes <= 0 || EVP_Digest(code, strlen(code), digest, NULL, EVP_sha256(), NULL) != 1)
		return 0;
	for (size_t i = 0; i < 8; i++)
		value = value << 8 | digest[i];
	return (int64_t)(value % (uint64_t)(minutes * 60));
}

int64_t
window_restart_s(const struct window *w, const char *code, int64_t since_s, int64_t now_s)
{
	int64_t minutes, at_s;

	if (!w->set)
		return since_s + place_s(code, w->spread_min);
	minutes = (w->to_min - w->from_min + DAY_MIN) % DAY_MIN;
	if (minutes == 0)
		minutes = DAY_MIN;
	if (w->spread_min < minutes)
		minutes = w->spread_min;
	at_s = (since_s / DAY_S - 1) * DAY_S + (int64_t)w->from_min * 60 + place_s(code, minutes);
	while (at_s < since_s || at_s + WINDOW_MISSED_S < now_s)
		at_s += DAY_S;
	return at_s;
}
