#include <stdio.h>
#include <string.h>

#include "option_value.h"

#define WIDTH 76

static void
print_list(const struct option_strings *list, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_adds(out, ", ");
		buf_add_json(out, list->items[i], strlen(list->items[i]));
	}
	buf_addc(out, ']');
}

/* A value that is no mapping nor list of them; JSON strings are YAML. */
static void
print_value(const struct option *row, const void *config, struct buf *out)
{
	const void *at = option_at(row, config);
	char text[ENDPOINT_TEXT_MAX];

	switch (row->type) {
	case OPTION_BOOL:
		buf_adds(out, *(const bool *)at ? "true" : "false");
		break;
	case OPTION_INTEGER:
		buf_addf(out, "%lld", (long long)*(const int64_t *)at);
		break;
	case OPTION_REAL:
		buf_addf(out, "%.15g", *(const double *)at);
		break;
	case OPTION_STRING:
	case OPTION_PATH:
		buf_add_json(out, *(char *const *)at, strlen(*(char *const *)at));
		break;
	case OPTION_ENDPOINT:
		endpoint_text(at, text);
		buf_addf(out, "\"%s\"", text);
		break;
	case OPTION_STRINGS:
		print_list(at, out);
		break;
	case OPTION_MAPS:
	case OPTION_MAP:
		break;
	}
}

static void
dump_rows(const struct option *rows, size_t count, const void *config, int column, bool item,
    struct buf *out);

/* A row with rows of its own; where its line begins is written already. */
static void
dump_nested(const struct option *row, const void *config, int column, struct buf *out)
{
	const struct option_maps *maps = option_at(row, config);

	buf_addf(out, "%s:%s\n", row->name, option_absent(row, config) ? " []" : "");
	if (row->type == OPTION_MAP)
		dump_rows(row->rows, row->row_count, maps, column + 2, false, out);
	for (size_t i = 0; row->type == OPTION_MAPS && i < maps->count; i++)
		dump_rows(row->rows, row->row_count,
		    (const char *)maps->items + i * row->size, column + 4, true, out);
}

/* Whether nothing is said of the row. */
static bool
dump_leaves_out(const struct option *row, const void *config)
{
	bool list = row->type == OPTION_STRINGS || row->type == OPTION_MAPS;

	return option_absent(row, config) && (!list || (row->flags & OPTION_SECRET) != 0);
}

/*
 * Lines that begin at `column`. `item`: the rows are one item of a list, with its
 * dash before the first shown.
 */
static void
dump_rows(const struct option *rows, size_t count, const void *config, int column, bool item,
    struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		if (dump_leaves_out(&rows[i], config))
			continue;
		if ((rows[i].flags & OPTION_SECRET) != 0) {
			buf_addf(out, "%*s# %s: is set and not shown\n", column, "", rows[i].name);
			continue;
		}
		buf_addf(out, "%*s%s", item ? column - 2 : column, "", item ? "- " : "");
		item = false;
		if (rows[i].rows != NULL) {
			dump_nested(&rows[i], config, column, out);
			continue;
		}
		buf_addf(out, "%s: ", rows[i].name);
		print_value(&rows[i], config, out);
		buf_addc(out, '\n');
	}
}

void
option_dump(const struct option_table *t, const void *config, struct buf *out)
{
	dump_rows(t->rows, t->count, config, 0, false, out);
}

/* Words of `text` in lines that begin with `lead`. */
static void
print_wrapped(const char *lead, const char *text, struct buf *out)
{
	size_t column = 0, word;

	while (*(text += strspn(text, " ")) != '\0') {
		word = strcspn(text, " ");
		if (column > 0 && column + 1 + word > WIDTH) {
			buf_addc(out, '\n');
			column = 0;
		}
		if (column == 0) {
			buf_adds(out, lead);
			column = strlen(lead);
		} else {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, word);
		column += word;
		text += word;
	}
	buf_addc(out, '\n');
}

/* "An integer from 1 to 64 (ms); default 10." */
static void
print_terms(const struct option *row, struct buf *out)
{
	size_t start = out->len;

	option_expects(row, out);
	if (!out->failed && out->data[start] == 'a')
		out->data[start] = 'A';
	else if (!out->failed && out->data[start] == 't')
		out->data[start] = 'T';
	if (row->def != NULL && row->def[0] != '\0')
		buf_addf(out, "; default %s", row->def);
	if ((row->flags & OPTION_REQUIRED) != 0)
		buf_adds(out, "; required");
	if ((row->flags & OPTION_FIXED) != 0)
		buf_adds(out, "; taken at start only");
	buf_addc(out, '.');
}

static const char *
sample_value(const struct option *row)
{
	if (row->def != NULL && row->def[0] != '\0')
		return row->def;
	switch (row->type) {
	case OPTION_BOOL:
		return "false";
	case OPTION_INTEGER:
	case OPTION_REAL:
		return "0";
	case OPTION_ENDPOINT:
		return "\"127.0.0.1:8080\"";
	case OPTION_STRINGS:
	case OPTION_MAPS:
		return "[]";
	default:
		return "\"\"";
	}
}

/* Lines that begin at `column`; `item` as above, and each begins with the comment's mark. */
static void
sample_rows(const struct option *rows, size_t count, int column, bool item, struct buf *out)
{
	struct buf terms = BUF_INIT(1024), lead = BUF_INIT(64);

	if (column > 0)
		buf_addf(&lead, "#%*s# ", column + 1, "");
	else
		buf_adds(&lead, "# ");
	for (size_t i = 0; i < count; i++) {
		bool nested = rows[i].rows != NULL, dash = item && i == 0;
		bool quoted = rows[i].type == OPTION_ENDPOINT && rows[i].def != NULL;

		buf_reset(&terms);
		print_terms(&rows[i], &terms);
		print_wrapped(lead.data, rows[i].sentence, out);
		print_wrapped(lead.data, terms.data != NULL ? terms.data : "", out);
		buf_addf(out, "#%*s%s%s:", dash ? column - 2 : column, "", dash ? "- " : "",
		    rows[i].name);
		if (!nested)
			buf_addf(out, quoted ? " \"%s\"" : " %s", sample_value(&rows[i]));
		buf_addc(out, '\n');
		if (nested && rows[i].type == OPTION_MAPS)
			sample_rows(rows[i].rows, rows[i].row_count, column + 4, true, out);
		else if (nested)
			sample_rows(rows[i].rows, rows[i].row_count, column + 2, false, out);
		if (column == 0)
			buf_addc(out, '\n');
	}
	buf_free(&terms);
	buf_free(&lead);
}

void
option_sample(const struct option_table *t, struct buf *out)
{
	buf_addf(out, "# Configuration of %s. Lines of options are commented out and show\n"
	    "# the default, or an example where there is none.\n\n", t->program);
	sample_rows(t->rows, t->count, 0, false, out);
}

/* Where a sentence ends, mdoc wants a line to end. */
static bool
ends_sentence(const char *word, size_t len)
{
	while (len > 0 && strchr(")]\"'", word[len - 1]) != NULL)
		len--;
	return len > 0 && strchr(".!?", word[len - 1]) != NULL;
}

/* A word; backslashes and leading dots mean something to roff. */
static void
print_roff_word(const char *word, size_t len, bool first, struct buf *out)
{
	if (first && (*word == '.' || *word == '\''))
		buf_adds(out, "\\&");
	for (size_t i = 0; i < len; i++)
		if (word[i] == '\\')
			buf_adds(out, "\\e");
		else
			buf_addc(out, word[i]);
}

static void
print_roff(const char *text, struct buf *out)
{
	size_t column = 0, len;

	while (*(text += strspn(text, " ")) != '\0') {
		len = strcspn(text, " ");
		if (column > 0 && column + 1 + len > WIDTH) {
			buf_addc(out, '\n');
			column = 0;
		}
		if (column > 0)
			buf_addc(out, ' ');
		print_roff_word(text, len, column == 0, out);
		column += len + 1;
		if (ends_sentence(text, len) && text[len] != '\0') {
			buf_addc(out, '\n');
			column = 0;
		}
		text += len;
	}
	buf_addc(out, '\n');
}

static void
man_rows(const struct option *rows, size_t count, struct buf *out)
{
	struct buf terms = BUF_INIT(1024);

	for (size_t i = 0; i < count; i++) {
		buf_reset(&terms);
		print_terms(&rows[i], &terms);
		buf_addf(out, ".It Cm %s\n", rows[i].name);
		print_roff(rows[i].sentence, out);
		print_roff(terms.data != NULL ? terms.data : "", out);
		if (rows[i].rows == NULL)
			continue;
		buf_addf(out, "%s mapping has:\n.Bl -tag -width Ds\n",
		    rows[i].type == OPTION_MAPS ? "Each" : "The");
		man_rows(rows[i].rows, rows[i].row_count, out);
		buf_adds(out, ".El\n");
	}
	buf_free(&terms);
}

void
option_man_text(const char *text, struct buf *out)
{
	print_roff(text, out);
}

void
option_man(const struct option_table *t, struct buf *out)
{
	man_rows(t->rows, t->count, out);
}
