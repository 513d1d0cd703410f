/* International host names, label by label; see idn.h. */

#include <ctype.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

#include "base/utf8.h"
#include "net/idn.h"

#define LABEL_MAX 63
#define PREFIX "xn--"

enum { /* RFC 3492, section 5 */
	BASE = 36,
	TMIN = 1,
	TMAX = 26,
	SKEW = 38,
	DAMP = 700,
	INITIAL_BIAS = 72,
	INITIAL_N = 0x80,
};

/* Where the letters of all scripts are known; 0: in none that is installed. */
static locale_t
unicode_locale(void)
{
	static const char *const names[] = {
	    "C.UTF-8", "C.utf8", "UTF-8", "en_US.UTF-8"};
	locale_t l = (locale_t)0;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && l == (locale_t)0;
	     i++)
		l = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
	return l;
}

/* The code point as names have it. */
static uint32_t
fold(uint32_t cp, locale_t l)
{
	if (cp == 0x3002 || cp == 0xff61)
		return '.';
	if (cp >= 0xff01 && cp <= 0xff5e)
		cp -= 0xff01 - '!';
	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z' ? cp + 'a' - 'A' : cp;
	if (l == (locale_t)0)
		return cp;
	return (uint32_t)towlower_l((wint_t)cp, l);
}

static uint32_t
adapt(uint32_t delta, uint32_t points, int first)
{
	uint32_t k = 0;

	delta /= first ? DAMP : 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* A label being written: how long it would be counts on when it is full. */
struct label {
	char text[LABEL_MAX];
	size_t len;
};

static void
put(struct label *l, uint32_t c)
{
	if (l->len < LABEL_MAX)
		l->text[l->len] = (char)c;
	l->len++;
}

static void
put_digit(struct label *l, uint32_t d)
{
	put(l, d < 26 ? 'a' + d : '0' + d - 26);
}

/* One delta as an integer of variable length. */
static void
put_delta(struct label *l, uint32_t delta, uint32_t bias)
{
	uint32_t q = delta, k, t;

	for (k = BASE;; k += BASE) {
		t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (q < t)
			break;
		put_digit(l, t + (q - t) % (BASE - t));
		q = (q - t) / (BASE - t);
	}
	put_digit(l, q);
}

/*
 * Punycode of n code points, at most 255 of them: what is multiplied here
 * stays far below 32 bits.
 */
static void
punycode(struct label *l, const uint32_t *cp, size_t n)
{
	uint32_t code = INITIAL_N, bias = INITIAL_BIAS, delta = 0, next;
	size_t basic = 0, done, i;

	for (i = 0; i < n; i++)
		if (cp[i] < INITIAL_N) {
			put(l, cp[i]);
			basic++;
		}
	if (basic > 0)
		put(l, '-');
	for (done = basic; done < n; delta++, code++) {
		next = UINT32_MAX;
		for (i = 0; i < n; i++)
			if (cp[i] >= code && cp[i] < next)
				next = cp[i];
		delta += (next - code) * (uint32_t)(done + 1);
		code = next;
		for (i = 0; i < n; i++) {
			if (cp[i] < code)
				delta++;
			if (cp[i] != code)
				continue;
			put_delta(l, delta, bias);
			bias = adapt(delta, (uint32_t)done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
}

/*
 * Decodes, and folds unless all of it is ASCII; the number of code points, or
 * 0 if it is no UTF-8 or too long to be a name.
 */
static size_t
read_name(const char *name, uint32_t cp[IDN_MAX], bool ascii, locale_t l)
{
	const uint8_t *p = (const uint8_t *)name, *end = p + strlen(name);
	size_t n = 0;
	uint32_t c;
	int len;

	for (; p < end; p += len) {
		len = utf8_next(p, (size_t)(end - p), &c);
		if (len <= 0 || n + 2 > IDN_MAX)
			return 0;
		cp[n++] = ascii ? c : fold(c, l);
		/* The one letter that becomes two. */
		if (c == 0x130)
			cp[n++] = 0x307;
	}
	return n;
}

/* What is wrong with a label of a name that is not ASCII, or NULL. */
static const char *
check_label(const uint32_t *cp, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cp[i] < 0x80 && !isalnum((int)cp[i]) && cp[i] != '-' &&
		    cp[i] != '_')
			return "letters, digits and hyphens, saw another sign";
	if (cp[0] == '-' || cp[n - 1] == '-')
		return "no hyphen at its ends, saw one";
	return NULL;
}

static void
write_label(struct label *l, const uint32_t *cp, size_t n)
{
	const char *prefix = PREFIX;
	size_t i;

	l->len = 0;
	for (i = 0; i < n && cp[i] < 0x80; i++)
		put(l, cp[i]);
	if (i == n)
		return;
	l->len = 0;
	for (; *prefix != '\0'; prefix++)
		put(l, (unsigned char)*prefix);
	punycode(l, cp, n);
}

static bool
is_ascii(const char *name)
{
	for (; *name != '\0'; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

/* Label by label into out; NULL, or what is wrong with label *number. */
static const char *
write_name(
    const uint32_t *cp, size_t n, bool ascii, char out[IDN_MAX], size_t *number)
{
	const char *wrong;
	size_t at, len, used = 0;
	struct label l;

	for (at = 0; at < n; at += len + 1) {
		for (len = 0; at + len < n && cp[at + len] != '.'; len++)
			;
		++*number;
		if (len == 0)
			return "at least one sign, saw none";
		wrong = ascii ? NULL : check_label(cp + at, len);
		if (wrong != NULL)
			return wrong;
		write_label(&l, cp + at, len);
		if (l.len > LABEL_MAX)
			return "at most 63 bytes in ASCII, saw more";
		if (used + l.len > IDN_MAX - 2)
			return "at most 253 bytes up to its end, saw more";
		memcpy(out + used, l.text, l.len);
		used += l.len;
		if (at + len < n)
			out[used++] = '.';
	}
	out[used] = '\0';
	return NULL;
}

const char *
idn_to_ascii(const char *name, char *out, char *why, size_t cap)
{
	const bool ascii = is_ascii(name);
	locale_t l = ascii ? (locale_t)0 : unicode_locale();
	uint32_t cp[IDN_MAX];
	size_t n = read_name(name, cp, ascii, l), number = 0;
	const char *wrong;

	if (l != (locale_t)0)
		freelocale(l);
	if (n == 0) {
		snprintf(why, cap,
		    "expected a name of at most %d bytes in UTF-8, saw %s",
		    IDN_MAX - 2, name[0] == '\0' ? "none" : "another one");
		return why;
	}
	wrong = write_name(cp, n, ascii, out, &number);
	if (wrong == NULL)
		return NULL;
	snprintf(why, cap, "label %zu of the name: expected %s", number, wrong);
	return why;
}
