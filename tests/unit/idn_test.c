/*
 * Host names in their ASCII form: the published samples of Punycode, what is
 * folded before it, and what is refused.
 */

#include <stdio.h>
#include <string.h>

#include "net/idn.h"
#include "tap.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define Y61 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

static const struct {
	const char *name, *ascii;
} names[] = {
    /* As it is. */
    {"example.com", "example.com"},
    {"Example.COM.", "Example.COM."},
    {"a_b.xn--bcher-kva", "a_b.xn--bcher-kva"},
    {"!odd", "!odd"},
    {X63, X63},
    {X63 "." X63 "." X63 "." Y61, X63 "." X63 "." X63 "." Y61},
    {X63 "." X63 "." X63 "." Y61 ".", X63 "." X63 "." X63 "." Y61 "."},
    /* Folded, in either case. */
    {"bücher.example", "xn--bcher-kva.example"},
    {"BÜCHER.EXAMPLE", "xn--bcher-kva.example"},
    {"Bücher.Example.", "xn--bcher-kva.example."},
    {"ПОЧТА.РФ", "xn--80a1acny.xn--p1ai"},
    {"ΑΘΗΝΑ", "xn--mxaard0a"},
    {"faß.de", "xn--fa-hia.de"},
    {"İ.example", "xn--i-9bb.example"},
    /* Other forms of the same signs. */
    {"ＡＢ．ü", "ab.xn--tda"},
    {"例え。テスト", "xn--r8jz45g.xn--zckzah"},
    {"例え｡テスト", "xn--r8jz45g.xn--zckzah"},
    /* RFC 3492, section 7.1; those without signs that no host has. */
    {"ليهمابتكلموشعربي؟", "xn--egbpdaj6bu4bxfgehfvwxn"},
    {"他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"},
    {"他們爲什麽不說中文", "xn--ihqwctvzc91f659drss3x8bo0yb"},
    {"למההםפשוטלאמדבריםעברית", "xn--4dbcagdahymbxekheh6e0a7fei0b"},
    {"यहलोगहिन्दीक्योंनहींबोलसकतेहैं",
	"xn--i1baa7eci9glrd9b2ae1bj0hfcgg6iyaf8o0a1dig0cd"},
    {"なぜみんな日本語を話してくれないのか",
	"xn--n8jok5ay5dzabd5bym9f0cm5685rrjetr6pdxa"},
    {"почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"},
    {"3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b"},
    {"安室奈美恵-with-super-monkeys",
	"xn---with-super-monkeys-pc58ag80a8qai00g7n9n"},
    {"hello-another-way-それぞれの場所",
	"xn--hello-another-way--fc4qua05auwb3674vfr0b"},
    {"ひとつ屋根の下2", "xn--2-u9tlzr9756bt3uc0v"},
    {"majiでkoiする5秒前", "xn--majikoi5-783gue6qz075azm5e"},
    {"パフィーdeルンバ", "xn--de-jg4avhby1noc0d"},
    {"そのスピードで", "xn--d9juau41awczczp"},
};

static const struct {
	const char *name, *why;
} refused[] = {
    {"", "expected a name of at most 253 bytes in UTF-8, saw none"},
    {"a\xff.example",
	"expected a name of at most 253 bytes in UTF-8, saw another one"},
    {"\xc3", "expected a name of at most 253 bytes in UTF-8, saw another one"},
    {".", "label 1 of the name: expected at least one sign, saw none"},
    {"a..b", "label 2 of the name: expected at least one sign, saw none"},
    {".ü", "label 1 of the name: expected at least one sign, saw none"},
    {"ü..", "label 2 of the name: expected at least one sign, saw none"},
    {"a." X63 "x.b",
	"label 2 of the name: expected at most 63 bytes in ASCII, saw more"},
    {"üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü",
	"label 1 of the name: expected at most 63 bytes in ASCII, saw more"},
    {X63 "." X63 "." X63 "." Y61 "y",
	"label 4 of the name: expected at most 253 bytes up to its end, saw "
	"more"},
    {X63 "." X63 "." X63 "." X63,
	"expected a name of at most 253 bytes in UTF-8, saw another one"},
    {"-ü", "label 1 of the name: expected no hyphen at its ends, saw one"},
    {"a.ü-", "label 2 of the name: expected no hyphen at its ends, saw one"},
    {"ü／b",
	"label 1 of the name: expected letters, digits and hyphens, saw "
	"another sign"},
    {"a b.ü",
	"label 1 of the name: expected letters, digits and hyphens, saw "
	"another sign"},
};

int
main(void)
{
	char out[IDN_MAX], why[128], many[3 * 80 + 1] = "";
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		memset(out, '?', sizeof(out));
		ok(idn_to_ascii(names[i].name, out, why, sizeof(why)) == NULL,
		    "%s is a name", names[i].name);
		is_text(out, names[i].ascii, "%s has its form", names[i].name);
	}
	for (i = 0; i < COUNT(refused); i++) {
		why[0] = '\0';
		ok(idn_to_ascii(refused[i].name, out, why, sizeof(why)) == why,
		    "'%.20s' is none", refused[i].name);
		is_text(
		    why, refused[i].why, "'%.20s': says why", refused[i].name);
	}
	/* Eighty labels of one letter, each of seven bytes and a dot. */
	for (i = 0; i < 80; i++)
		memcpy(many + 3 * i, "ü.", 4);
	ok(idn_to_ascii(many, out, why, sizeof(why)) != NULL,
	    "a name that is long only in ASCII is none");
	is_text(why,
	    "label 32 of the name: expected at most 253 bytes up to its end, "
	    "saw more",
	    "it says where");
	return done_testing();
}
