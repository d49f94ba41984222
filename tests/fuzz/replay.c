/*
 * Runs a fuzz target over the files and folders named, or, without any, over
 * the corpus that goes with the program's name: fuzz_caa reads corpus/caa.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)1024 * 1024)

static unsigned int inputs;

static bool
replay_file(const char *path)
{
	uint8_t *data = NULL, *exact = NULL;
	FILE *f = fopen(path, "rb");
	bool ok = false;
	size_t len;

	data = malloc(INPUT_MAX);
	if (f == NULL || data == NULL)
		goto out;
	len = fread(data, 1, INPUT_MAX, f);
	/* Of its own size, so that a sanitizer sees a read past the end. */
	exact = malloc(len > 0 ? len : 1);
	if (ferror(f) || exact == NULL)
		goto out;
	memcpy(exact, data, len);
	LLVMFuzzerTestOneInput(exact, len);
	inputs++;
	ok = true;
out:
	if (!ok)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (f != NULL)
		fclose(f);
	free(exact);
	free(data);
	return ok;
}

static bool
replay(const char *path)
{
	DIR *dir = opendir(path);
	char file[4096];
	struct dirent *e;
	bool ok = true;

	if (dir == NULL)
		return replay_file(path);
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		ok = replay_file(file) && ok;
	}
	closedir(dir);
	return ok;
}

/* `make check` gives tests the source folder in $srcdir. */
static bool
replay_corpus(const char *program)
{
	const char *srcdir = getenv("srcdir");
	const char *name = strrchr(program, '/');
	char path[4096];

	name = name != NULL ? name + 1 : program;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", srcdir != NULL ? srcdir : ".", name);
	return replay(path);
}

int
main(int argc, char **argv)
{
	bool ok = true;

	if (argc < 2)
		ok = replay_corpus(argv[0]);
	for (int i = 1; i < argc; i++)
		ok = replay(argv[i]) && ok;
	printf("[  REPLAY  ] %u input(s).\n", inputs);
	return ok && inputs > 0 ? 0 : 1;
}
