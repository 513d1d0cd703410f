/* Addresses as people type them, what is refused, and how they are shown. */

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#ifdef __linux__
#include <linux/vm_sockets.h>
#endif

#include "net/addr.h"
#include "tap.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A form that is read, and how it is shown if that differs. */
static const struct {
	const char *text;
	enum addr_kind kind;
	bool tls;
	const char *host;
	unsigned port;
	const char *shown;
} forms[] = {
    {"localhost:8000", ADDR_TCP, false, "localhost", 8000, NULL},
    {"127.0.0.1:5", ADDR_TCP, false, "127.0.0.1", 5, NULL},
    {"8000", ADDR_TCP, false, "", 8000, ":8000"},
    {":8000", ADDR_TCP, false, "", 8000, NULL},
    {"0", ADDR_TCP, false, "", 0, ":0"},
    {":0", ADDR_TCP, false, "", 0, NULL},
    {"65535", ADDR_TCP, false, "", 65535, ":65535"},
    {"00080", ADDR_TCP, false, "", 80, ":80"},
    {"a-b_c.example.:1", ADDR_TCP, false, "a-b_c.example.", 1, NULL},
    {"-x:1", ADDR_TCP, false, "-x", 1, NULL},
    {"80:80", ADDR_TCP, false, "80", 80, NULL},
    {"tcp:80", ADDR_TCP, false, "tcp", 80, NULL},
    {"[::]:8000", ADDR_TCP, false, "::", 8000, NULL},
    {"[::1]:8000", ADDR_TCP, false, "::1", 8000, NULL},
    {"[::ffff:1.2.3.4]:1", ADDR_TCP, false, "::ffff:1.2.3.4", 1, NULL},
    {"[fe80::1%eth0]:1", ADDR_TCP, false, "fe80::1%eth0", 1, NULL},
    {"[fe80::1%2]:1", ADDR_TCP, false, "fe80::1%2", 1, NULL},
    {"[udp]:1", ADDR_TCP, false, "udp", 1, NULL},
    {"[TLS]:1", ADDR_TCP, false, "TLS", 1, NULL},
    {"m\xc3\xbcnster.example:80", ADDR_TCP, false, "m\xc3\xbcnster.example", 80,
	NULL},
    {"udp:localhost:53", ADDR_UDP, false, "localhost", 53, NULL},
    {"udp:[::1]:53", ADDR_UDP, false, "::1", 53, NULL},
    {"udp:53", ADDR_UDP, false, "", 53, NULL},
    {"udp::53", ADDR_UDP, false, "", 53, "udp:53"},
    {"tls:localhost:443", ADDR_TCP, true, "localhost", 443, NULL},
    {"tls:[::1]:443", ADDR_TCP, true, "::1", 443, NULL},
    {"tls:443", ADDR_TCP, true, "", 443, NULL},
    {"tls::0", ADDR_TCP, true, "", 0, "tls:0"},
    {"tls:[udp]:1", ADDR_TCP, true, "udp", 1, NULL},
};

static const struct {
	const char *text;
	const char *what;
	const char *hint;
} refusals[] = {
    {"", "expected HOST:PORT, PORT or unix:PATH, saw \"\"",
	"try: localhost:8000"},
    {"myhost", "expected HOST:PORT, PORT or unix:PATH, saw \"myhost\"",
	"try: myhost:8000, or unix:myhost"},
    {"5x", "expected HOST:PORT, PORT or unix:PATH, saw \"5x\"",
	"try: 5x:8000, or unix:5x"},
    {"10.0.0.1", "expected HOST:PORT, PORT or unix:PATH, saw \"10.0.0.1\"",
	"try: 10.0.0.1:8000"},
    {"/tmp/s", "expected HOST:PORT, PORT or unix:PATH, saw \"/tmp/s\"",
	"try: unix:/tmp/s"},
    {"unix", "expected HOST:PORT, PORT or unix:PATH, saw \"unix\"",
	"try: HOST:8000, or unix:PATH"},
    {"a b", "expected HOST:PORT, PORT or unix:PATH, saw \"a b\"",
	"try: HOST:8000, or unix:PATH"},
    {"a\nb", "expected HOST:PORT, PORT or unix:PATH, saw \"a\\nb\"",
	"try: HOST:8000, or unix:PATH"},
    {"-1", "expected HOST:PORT, PORT or unix:PATH, saw \"-1\"",
	"try: -1:8000, or unix:-1"},
    {"65536", "expected a port from 0 to 65535, saw \"65536\"",
	"try: a number, such as 8000"},
    {"99999999999999999999",
	"expected a port from 0 to 65535, saw \"99999999999999999999\"",
	"try: a number, such as 8000"},
    {":65536", "\":65536\": expected a port from 0 to 65535, saw \"65536\"",
	"try: a number, such as 8000"},
    {"host:", "\"host:\": expected a port from 0 to 65535, saw \"\"",
	"try: a number, such as 8000"},
    {":", "\":\": expected a port from 0 to 65535, saw \"\"",
	"try: a number, such as 8000"},
    {"host:5x",
	"\"host:5x\": expected a port from 0 to 65535 or a service of this "
	"machine, saw \"5x\"",
	"try: a number, such as 8000"},
    {"host:no-such-service",
	"\"host:no-such-service\": expected a port from 0 to 65535 or a "
	"service of this machine, saw \"no-such-service\"",
	"try: a number, such as 8000"},
    {"host:-1",
	"\"host:-1\": expected a port from 0 to 65535 or a service of this "
	"machine, saw \"-1\"",
	"try: a number, such as 8000"},
    {"host: 1",
	"\"host: 1\": expected a port from 0 to 65535 or a service of this "
	"machine, saw \" 1\"",
	"try: a number, such as 8000"},
    {"::1", "expected an IPv6 address in brackets, saw \"::1\"",
	"try: [::1]:8000"},
    {"::", "expected an IPv6 address in brackets, saw \"::\"",
	"try: [::]:8000"},
    {":::80", "expected an IPv6 address in brackets, saw \":::80\"",
	"try: [::]:80"},
    {"::1:8000", "expected an IPv6 address in brackets, saw \"::1:8000\"",
	"try: [::1]:8000, or [::1:8000]:8000"},
    {"2001:db8::1", "expected an IPv6 address in brackets, saw \"2001:db8::1\"",
	"try: [2001:db8::1]:8000"},
    {"fe80::1%eth0:80",
	"expected an IPv6 address in brackets, saw \"fe80::1%eth0:80\"",
	"try: [fe80::1%eth0]:80, or [fe80::1%eth0:80]:8000"},
    {"1:2:3", "expected one colon, between HOST and PORT, saw \"1:2:3\"",
	"try: HOST:PORT, or [V6]:PORT"},
    {"tcp:host:80",
	"expected one colon, between HOST and PORT, saw \"tcp:host:80\"",
	"try: host:80"},
    {"http://host:80/x",
	"expected HOST:PORT, not a URL, saw \"http://host:80/x\"",
	"try: host:80"},
    {"http://host", "expected HOST:PORT, not a URL, saw \"http://host\"",
	"try: HOST:PORT"},
    {"tls://host:443",
	"\"tls://host:443\": expected HOST:PORT, not a URL, saw \"//host:443\"",
	"try: tls:host:443"},
    {"[::1]", "\"[::1]\": expected :PORT behind the ], saw \"\"",
	"try: [::1]:8000"},
    {"[::1]8000", "\"[::1]8000\": expected :PORT behind the ], saw \"8000\"",
	"try: [::1]:8000"},
    {"[::1:80", "expected a ] behind the IPv6 address, saw \"[::1:80\"",
	"try: [V6]:PORT"},
    {"[1.2.3.4]:80",
	"\"[1.2.3.4]:80\": expected an IPv6 address between brackets, saw "
	"\"1.2.3.4\"",
	"try: 1.2.3.4:PORT"},
    {"[]:80", "\"[]:80\": expected an IPv6 address between brackets, saw \"\"",
	"try: [::1]:PORT"},
    {"[fe80::1%]:80",
	"\"[fe80::1%]:80\": expected an IPv6 address between brackets, saw "
	"\"fe80::1%\"",
	"try: [::1]:PORT"},
    {"[::1%a b]:80",
	"\"[::1%a b]:80\": expected a host without blanks, / [ ] and controls, "
	"saw \"::1%a b\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"ho\tst:80",
	"\"ho\\tst:80\": expected a host without blanks, / [ ] and controls, "
	"saw \"ho\\tst\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"a]:80",
	"\"a]:80\": expected a host without blanks, / [ ] and controls, saw "
	"\"a]\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"[::1%[]:80",
	"\"[::1%[]:80\": expected a host without blanks, / [ ] and controls, "
	"saw \"::1%[\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"host :80",
	"\"host :80\": expected a host without blanks, / [ ] and controls, saw "
	"\"host \"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"\xff:80",
	"\"\\xff:80\": expected a host without blanks, / [ ] and controls, saw "
	"\"\\xff\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"a\xe2\x80\xae:80",
	"\"a\\xe2\\x80\\xae:80\": expected a host without blanks, / [ ] and "
	"controls, saw \"a\\xe2\\x80\\xae\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"unix:", "\"unix:\": expected a path, saw \"\"", "try: unix:/tmp/socket"},
    {"unix:@", "\"unix:@\": expected a name behind the @, saw \"\"",
	"try: unix:@NAME"},
    {"tls:unix:@", "\"tls:unix:@\": expected a name behind the @, saw \"\"",
	"try: tls:unix:@NAME"},
    {"fd:", "\"fd:\": expected the number of an open descriptor, saw \"\"",
	"try: fd:3"},
    {"fd:x", "\"fd:x\": expected the number of an open descriptor, saw \"x\"",
	"try: fd:3"},
    {"fd:-1",
	"\"fd:-1\": expected the number of an open descriptor, saw \"-1\"",
	"try: fd:3"},
    {"fd:2147483648",
	"\"fd:2147483648\": expected the number of an open descriptor, saw "
	"\"2147483648\"",
	"try: fd:3"},
    {"udp:", "\"udp:\": expected HOST:PORT or PORT, saw \"\"",
	"try: udp:HOST:8000"},
    {"udp:host", "\"udp:host\": expected HOST:PORT or PORT, saw \"host\"",
	"try: udp:host:8000"},
    {"udp:/tmp/s", "\"udp:/tmp/s\": expected HOST:PORT or PORT, saw \"/tmp/s\"",
	"try: udp:HOST:8000"},
    {"udp:::1",
	"\"udp:::1\": expected an IPv6 address in brackets, saw \"::1\"",
	"try: udp:[::1]:8000"},
    {"tls:", "\"tls:\": expected HOST:PORT, PORT or unix:PATH, saw \"\"",
	"try: tls:HOST:8000, or unix:PATH"},
    {"tls:host",
	"\"tls:host\": expected HOST:PORT, PORT or unix:PATH, saw \"host\"",
	"try: tls:host:8000, or tls:unix:host"},
    {"tls:/tmp/s",
	"\"tls:/tmp/s\": expected HOST:PORT, PORT or unix:PATH, saw \"/tmp/s\"",
	"try: tls:unix:/tmp/s"},
    {"tls:udp:h:1",
	"\"tls:udp:h:1\": expected HOST:PORT or unix:PATH behind tls:, saw "
	"\"udp:h:1\"",
	"TLS needs a stream; try: tls:HOST:PORT, or udp:HOST:PORT"},
    {"udp:tls:h:1",
	"\"udp:tls:h:1\": expected HOST:PORT behind udp:, saw \"tls:h:1\"",
	"TLS needs a stream; try: tls:HOST:PORT, or udp:HOST:PORT"},
    {"udp:unix:/p",
	"\"udp:unix:/p\": expected HOST:PORT behind udp:, saw \"unix:/p\"",
	"try: unix:PATH alone"},
    {"tls:fd:3",
	"\"tls:fd:3\": expected HOST:PORT or unix:PATH behind tls:, saw "
	"\"fd:3\"",
	"try: fd:N alone"},
    {"tls:tls:h:1",
	"\"tls:tls:h:1\": expected HOST:PORT or unix:PATH behind tls:, saw "
	"\"tls:h:1\"",
	"once is enough; try: tls:HOST:PORT"},
    {"udp:udp:1",
	"\"udp:udp:1\": expected HOST:PORT behind udp:, saw \"udp:1\"",
	"once is enough; try: udp:HOST:PORT"},
    {"udp:unix-dgram:p",
	"\"udp:unix-dgram:p\": expected HOST:PORT behind udp:, saw "
	"\"unix-dgram:p\"",
	"try: unix-dgram:PATH alone"},
    {"tls:vsock:2:5",
	"\"tls:vsock:2:5\": expected HOST:PORT or unix:PATH behind tls:, saw "
	"\"vsock:2:5\"",
	"try: vsock:CID:PORT alone"},
    {"unix-dgram:", "\"unix-dgram:\": expected a path, saw \"\"",
	"try: unix-dgram:/tmp/socket"},
    {"vsock:", "\"vsock:\": expected a port from 0 to 4294967294, saw \"\"",
	"try: a number, such as 8000"},
    {"vsock::5",
	"\"vsock::5\": expected the number of a machine (CID), saw \"\"",
	"try: vsock:2:8000 for the host"},
    {"vsock:4294967295:5",
	"\"vsock:4294967295:5\": expected the number of a machine (CID), saw "
	"\"4294967295\"",
	"try: vsock:2:8000 for the host"},
    {"vsock:00000000000000000002:5",
	"\"vsock:00000000000000000002:5\": expected the number of a machine "
	"(CID), saw \"00000000000000000002\"",
	"try: vsock:2:8000 for the host"},
    {"vsock:2:4294967295",
	"\"vsock:2:4294967295\": expected a port from 0 to 4294967294, saw "
	"\"4294967295\"",
	"try: a number, such as 8000"},
    {"UDP:host:53",
	"\"UDP:host:53\": expected a scheme in lower case, saw \"UDP:\"",
	"try: udp:host:53"},
    {"Unix:/a b",
	"\"Unix:/a b\": expected a scheme in lower case, saw \"Unix:\"",
	"try: unix:..."},
    {"tls:UNIX:/p",
	"\"tls:UNIX:/p\": expected a scheme in lower case, saw \"UNIX:\"",
	"try: tls:unix:/p"},
};

static void
check_forms(void)
{
	char buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;
	size_t i;

	for (i = 0; i < COUNT(forms); i++) {
		if (!is_num(addr_parse(forms[i].text, &a, &f), 0,
			"'%s' is an address", forms[i].text)) {
			diag("%s", f.what);
			continue;
		}
		is_num(
		    a.kind, forms[i].kind, "'%s' has its kind", forms[i].text);
		is_num(
		    a.tls, forms[i].tls, "'%s' has TLS or none", forms[i].text);
		is_text(
		    a.host, forms[i].host, "'%s' has its host", forms[i].text);
		is_num(
		    a.port, forms[i].port, "'%s' has its port", forms[i].text);
		is_num(a.fd, -1, "'%s' has no descriptor", forms[i].text);
		is_text(addr_print(&a, buf),
		    forms[i].shown != NULL ? forms[i].shown : forms[i].text,
		    "'%s' is shown as one would type it", forms[i].text);
	}
}

static void
check_refused(int r, const struct fail *f, const struct addr *a,
    const char *text, const char *what, const char *hint)
{
	struct addr blank;

	memset(&blank, 0x5a, sizeof(blank));
	is_num(r, -1, "'%s' is refused", text);
	is_num(f->status, STATUS_USAGE, "'%s' is a usage error", text);
	is_text(f->what, what, "'%s' is refused in words", text);
	is_text(f->hint, hint, "'%s' comes with a hint", text);
	ok(memcmp(a, &blank, sizeof(blank)) == 0, "'%s' leaves no address",
	    text);
}

static void
check_refusals(void)
{
	struct addr a;
	struct fail f;
	size_t i;
	int r;

	for (i = 0; i < COUNT(refusals); i++) {
		memset(&a, 0x5a, sizeof(a));
		r = addr_parse(refusals[i].text, &a, &f);
		check_refused(r, &f, &a, refusals[i].text, refusals[i].what,
		    refusals[i].hint);
	}
}

static const struct {
	const char *host, *port;
	const char *shown; /* or NULL: refused */
	const char *what, *hint;
} twos[] = {
    {"localhost", "8000", "localhost:8000", NULL, NULL},
    {"::1", "80", "[::1]:80", NULL, NULL},
    {"[::1]", "80", "[::1]:80", NULL, NULL},
    {"fe80::1%lo", "80", "[fe80::1%lo]:80", NULL, NULL},
    {"80", "80", "80:80", NULL, NULL},
    {"tls", "80", "[tls]:80", NULL, NULL},
    {"", "80", NULL, "expected a host in front of the port, saw \"\"",
	"try: HOST PORT, or one word, as in localhost:8000"},
    {"[", "80", NULL, "expected a host in front of the port, saw \"[\"",
	"try: HOST PORT, or one word, as in localhost:8000"},
    {"a:80", "80", NULL, "expected a host in front of the port, saw \"a:80\"",
	"try: HOST PORT, or one word, as in localhost:8000"},
    {"tls:a", "80", NULL, "expected a host in front of the port, saw \"tls:a\"",
	"try: HOST PORT, or one word, as in localhost:8000"},
    {"[]", "80", NULL,
	"\"[]\": expected an IPv6 address between brackets, saw \"\"",
	"try: [::1]:PORT"},
    {"a/b", "80", NULL,
	"expected a host without blanks, / [ ] and controls, saw \"a/b\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"::1%]", "80", NULL,
	"expected a host without blanks, / [ ] and controls, saw \"::1%]\"",
	"try: the name in ASCII (xn--...), or its numeric address"},
    {"a", "", NULL, "expected a port from 0 to 65535, saw \"\"",
	"try: a number, such as 8000"},
    {"a", "65536", NULL, "expected a port from 0 to 65535, saw \"65536\"",
	"try: a number, such as 8000"},
    {"a", "5x", NULL,
	"expected a port from 0 to 65535 or a service of this machine, saw "
	"\"5x\"",
	"try: a number, such as 8000"},
};

static void
check_twos(void)
{
	char buf[ADDR_TEXT_MAX], text[64];
	struct addr a;
	struct fail f;
	size_t i;
	int r;

	for (i = 0; i < COUNT(twos); i++) {
		snprintf(
		    text, sizeof(text), "%s %s", twos[i].host, twos[i].port);
		memset(&a, 0x5a, sizeof(a));
		r = addr_parse_two(
		    ADDR_TCP, twos[i].host, twos[i].port, &a, &f);
		if (twos[i].shown == NULL)
			check_refused(
			    r, &f, &a, text, twos[i].what, twos[i].hint);
		else if (is_num(r, 0, "'%s' is an address", text))
			is_text(addr_print(&a, buf), twos[i].shown,
			    "'%s' is shown as one word", text);
	}
}

/* The kernel has room for so much of a path with its NUL. */
#define PATH_LIMIT (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static void
check_paths(void)
{
	static const char *const paths[] = {"/tmp/s", "-", "-x", "./@a", "a b",
	    "a:b", "//x", "a\\n", "\x1b[m", "8000"};
	char text[256], buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;
	size_t i;

	for (i = 0; i < COUNT(paths); i++) {
		snprintf(text, sizeof(text), "unix:%s", paths[i]);
		is_num(addr_parse(text, &a, &f), 0, "path %zu is taken", i);
		is_num(a.kind, ADDR_UNIX, "path %zu is a Unix socket", i);
		is_num(a.un.sun_family, AF_UNIX, "path %zu has a family", i);
		is_text(a.un.sun_path, paths[i], "path %zu is as typed", i);
		is_num(a.un_len,
		    offsetof(struct sockaddr_un, sun_path) + strlen(paths[i]) +
			1,
		    "path %zu has a length that counts its NUL", i);
		is_text(addr_print(&a, buf), text, "path %zu is shown", i);
	}
	is_num(addr_parse("tls:unix:/p", &a, &f), 0, "tls:unix:PATH is taken");
	ok(a.tls && a.kind == ADDR_UNIX, "tls:unix:PATH is both");
	is_text(addr_print(&a, buf), "tls:unix:/p", "tls:unix:PATH is shown");
}

static void
check_limits(void)
{
	char text[1024], want[256], buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;

	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:", 5);
	text[5 + PATH_LIMIT] = '\0';
	is_num(addr_parse(text, &a, &f), 0, "the longest path is taken");
	is_text(addr_print(&a, buf), text, "the longest path is shown");
	text[5 + PATH_LIMIT] = 'x';
	text[6 + PATH_LIMIT] = '\0';
	is_num(addr_parse(text, &a, &f), -1, "one byte more is refused");
	snprintf(want, sizeof(want), "a path of at most %zu bytes", PATH_LIMIT);
	ok(strstr(f.what, want) != NULL, "the limit is told");
	is_text(f.hint, "try: a shorter path", "a shorter path is asked for");

	memset(text, 'h', sizeof(text));
	memcpy(text + 255, ":80", 4);
	is_num(addr_parse(text, &a, &f), 0, "a host of 255 bytes is taken");
	is_text(addr_print(&a, buf), text, "a host of 255 bytes is shown");
	memcpy(text + 255, "h:80", 5);
	is_num(addr_parse(text, &a, &f), -1, "a host of 256 bytes is refused");
	ok(strstr(f.what, "expected a host of at most 255 bytes, saw \"hhh") !=
		NULL,
	    "the limit is told");
	is_text(f.hint, "try: a shorter host", "a shorter host is asked for");
}

static void
check_fds(void)
{
	char buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;

	is_num(addr_parse("fd:0", &a, &f), 0, "fd:0 is taken");
	ok(a.kind == ADDR_FD && a.fd == 0, "fd:0 is descriptor 0");
	is_text(addr_print(&a, buf), "fd:0", "fd:0 is shown");
	is_num(addr_parse("fd:2147483647", &a, &f), 0, "fd:INT_MAX is taken");
	is_num(a.fd, 2147483647, "fd:INT_MAX is that descriptor");
}

static void
check_services(void)
{
	const struct servent *s = getservbyname("domain", "udp");
	struct addr a;
	struct fail f;

	if (s == NULL || getservbyname("http", "tcp") == NULL) {
		ok(true, "services have ports # SKIP none on this machine");
		return;
	}
	is_num(addr_parse("host:http", &a, &f), 0, "a service is a port");
	is_num(a.port, 80, "http is 80");
	is_num(addr_parse(":http", &a, &f), 0, "a service needs no host");
	is_num(addr_parse("udp:host:domain", &a, &f), 0,
	    "a service of UDP is a port");
	is_num(a.port, 53, "domain is 53");
	is_num(addr_parse_two(ADDR_TCP, "host", "http", &a, &f), 0,
	    "a service may be the second of two words");
	is_num(a.port, 80, "http is 80 there too");
	if (getservbyname("tftp", "udp") != NULL &&
	    getservbyname("tftp", "tcp") == NULL)
		is_num(addr_parse("host:tftp", &a, &f), -1,
		    "a service of UDP alone is none of TCP");
}

#ifdef __linux__
static void
check_abstract(void)
{
	const socklen_t head = offsetof(struct sockaddr_un, sun_path);
	char text[256], buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;

	is_num(addr_parse("unix:@name", &a, &f), 0, "unix:@NAME is taken");
	is_num(a.un_len, head + 5, "its length covers exactly the name");
	ok(memcmp(a.un.sun_path, "\0name", 5) == 0, "its name begins with NUL");
	is_text(addr_print(&a, buf), "unix:@name", "unix:@NAME is shown");
	is_text(addr_name((struct sockaddr *)&a.un, a.un_len, buf),
	    "unix:@name", "the socket of unix:@NAME is named");
	is_num(addr_parse("unix:@@", &a, &f), 0, "a name may be an @");
	is_num(a.un_len, head + 2, "which has its length");

	memset(text, '\x1b', sizeof(text));
	memcpy(text, "unix:@", 6);
	text[6 + PATH_LIMIT] = '\0';
	is_num(addr_parse(text, &a, &f), 0, "the longest name is taken");
	is_num(a.un_len, sizeof(a.un), "the longest name fills the address");
	is_text(addr_print(&a, buf), text, "the longest name is shown");
	addr_name((struct sockaddr *)&a.un, a.un_len, buf);
	is_num(strlen(buf), 6 + 4 * PATH_LIMIT, "and named, each byte escaped");
	text[6 + PATH_LIMIT] = 'x';
	text[7 + PATH_LIMIT] = '\0';
	is_num(addr_parse(text, &a, &f), -1, "one byte more is refused");
	is_text(f.hint, "try: a shorter name", "a shorter name is asked for");

	memset(&a.un, 0, sizeof(a.un));
	a.un.sun_family = AF_UNIX;
	memcpy(a.un.sun_path, "\0a\0\x1b\\\n", 6);
	is_text(addr_name((struct sockaddr *)&a.un, head + 6, buf),
	    "unix:@a\\x00\\x1b\\\\\\n", "a hostile name is escaped");
	is_text(addr_name((struct sockaddr *)&a.un, head + 1, buf), "unix:@",
	    "an abstract name may be empty");
}
#endif

static const char *
name_of(int family, const char *host, unsigned port, uint32_t scope, char *buf)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memset(&v6, 0, sizeof(v6));
	memset(&v4, 0, sizeof(v4));
	if (family == AF_INET) {
		v4.sin_family = AF_INET;
		v4.sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, host, &v4.sin_addr);
		return addr_name((struct sockaddr *)&v4, sizeof(v4), buf);
	}
	v6.sin6_family = AF_INET6;
	v6.sin6_port = htons((uint16_t)port);
	v6.sin6_scope_id = scope;
	inet_pton(AF_INET6, host, &v6.sin6_addr);
	return addr_name((struct sockaddr *)&v6, sizeof(v6), buf);
}

static void
check_names(void)
{
	char buf[ADDR_TEXT_MAX], want[64], name[IF_NAMESIZE];
	struct sockaddr_un un;
	struct sockaddr sa;

	is_text(name_of(AF_INET, "127.0.0.1", 5, 0, buf), "127.0.0.1:5",
	    "an IPv4 socket is named");
	is_text(name_of(AF_INET6, "::1", 65535, 0, buf), "[::1]:65535",
	    "an IPv6 socket is named");
	is_text(name_of(AF_INET6, "::", 1, 0, buf), "[::]:1",
	    "the socket for all is named");
	is_text(name_of(AF_INET6, "::ffff:10.1.2.3", 80, 0, buf), "10.1.2.3:80",
	    "IPv4 mapped into IPv6 is named as IPv4");
	is_text(name_of(AF_INET6, "fe80::1", 1, 4000000000u, buf),
	    "[fe80::1%4000000000]:1", "an interface that has gone is a number");
	if (if_indextoname(1, name) != NULL) {
		snprintf(want, sizeof(want), "[fe80::1%%%s]:1", name);
		is_text(name_of(AF_INET6, "fe80::1", 1, 1, buf), want,
		    "an interface has its name");
	}
	memset(&un, 0, sizeof(un));
	un.sun_family = AF_UNIX;
	is_text(addr_name((struct sockaddr *)&un, sizeof(un.sun_family), buf),
	    "unix:", "an unnamed Unix peer is unix:");
	strcpy(un.sun_path, "/p\x1b\n");
	is_text(addr_name((struct sockaddr *)&un, sizeof(un), buf),
	    "unix:/p\\x1b\\n", "a hostile path is escaped");
	memset(un.sun_path, 'p', sizeof(un.sun_path));
	addr_name((struct sockaddr *)&un, sizeof(un), buf);
	is_num(strlen(buf), 5 + sizeof(un.sun_path),
	    "a path without a NUL ends with the address");
	memset(&sa, 0, sizeof(sa));
	is_text(addr_name(&sa, 0, buf), "family 0", "no address is no name");
	sa.sa_family = AF_INET;
	is_text(addr_name(&sa, sizeof(sa.sa_family), buf), "family 2",
	    "an address that is too short is no name");
}

static void
check_vsock(void)
{
	char buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;

	is_num(addr_parse("vsock:2:4294967294", &a, &f), 0, "vsock: is taken");
	ok(a.kind == ADDR_VSOCK && a.cid == 2 && a.vsock_port == 4294967294,
	    "with its machine and its port");
	is_text(addr_print(&a, buf), "vsock:2:4294967294", "vsock: is shown");
	is_num(addr_parse("vsock:5", &a, &f), 0, "a port alone is taken");
	ok(a.cid == ADDR_CID_ANY && a.vsock_port == 5, "and no machine");
	is_text(addr_print(&a, buf), "vsock:5", "it is shown so");
#ifdef AF_VSOCK
	{
		struct sockaddr_vm vm;

		memset(&vm, 0, sizeof(vm));
		vm.svm_family = AF_VSOCK;
		vm.svm_cid = 3;
		vm.svm_port = 70000;
		is_text(addr_name((struct sockaddr *)&vm, sizeof(vm), buf),
		    "vsock:3:70000", "a vsock peer is named");
		vm.svm_cid = VMADDR_CID_ANY;
		is_text(addr_name((struct sockaddr *)&vm, sizeof(vm), buf),
		    "vsock:70000", "one for all machines has a port alone");
	}
#endif
}

static void
check_datagrams(void)
{
	char buf[ADDR_TEXT_MAX];
	struct addr a;
	struct fail f;

	is_num(
	    addr_parse("unix-dgram:/p", &a, &f), 0, "unix-dgram:PATH is taken");
	ok(a.kind == ADDR_UNIX_DGRAM && addr_is_datagrams(&a),
	    "datagrams go there");
	is_text(addr_print(&a, buf), "unix-dgram:/p", "it is shown");
	is_num(addr_parse_as(ADDR_UDP, "host:5", &a, &f), 0,
	    "an address may be UDP without saying so");
	ok(a.kind == ADDR_UDP && a.port == 5, "it is UDP then");
	is_num(addr_parse_as(ADDR_UDP, "unix:/p", &a, &f), 0,
	    "a scheme is stronger");
	ok(a.kind == ADDR_UNIX && !addr_is_datagrams(&a), "it is a stream");
	is_num(addr_parse_as(ADDR_UDP, "tls:h:1", &a, &f), 0, "so is tls:");
	ok(a.kind == ADDR_TCP && a.tls, "it is TLS");
	is_num(addr_parse_as(ADDR_UDP, "/p", &a, &f), -1,
	    "a path alone is no address of UDP");
	is_text(f.hint, "try: HOST:8000", "no Unix socket is offered");
	is_num(addr_parse_two(ADDR_UDP, "::1", "5", &a, &f), 0,
	    "two words may be UDP");
	is_text(addr_print(&a, buf), "udp:[::1]:5", "they are shown so");
}

static bool
is_equal(const struct addr *a, const struct addr *b)
{
	return a->kind == b->kind && a->tls == b->tls && a->port == b->port &&
	    a->fd == b->fd && a->un_len == b->un_len && a->cid == b->cid &&
	    a->vsock_port == b->vsock_port &&
	    memcmp(a->host, b->host, sizeof(a->host)) == 0 &&
	    memcmp(&a->un, &b->un, sizeof(a->un)) == 0;
}

static const char *const pieces[] = {"unix:", "udp:", "tls:", "fd:", "[", "]",
    ":", "::", "::1", "%", "lo", "80", "0", "65535", "host", "1.2.3.4", "@",
    "/", ".", "-", "\xc3\xbc", "\x01", "fe80", "UNIX:", " ", "tcp", "udp",
    "unix-dgram:", "vsock:"};

static void
check_chance(void)
{
	uint64_t state = dice_seed();
	unsigned i, taken = 0, n = rounds(200000);
	char text[256], buf[ADDR_TEXT_MAX];
	struct addr a, b;
	struct fail f;
	size_t k;

	for (i = 0; i < n; i++) {
		text[0] = '\0';
		for (k = 1 + dice_below(&state, 7); k > 0; k--)
			strcat(text, pieces[dice_below(&state, COUNT(pieces))]);
		if (addr_parse(text, &a, &f) == -1) {
			if (f.what[0] != '\0' && f.hint[0] != '\0')
				continue;
			break;
		}
		taken++;
		if (addr_parse(addr_print(&a, buf), &b, &f) == -1 ||
		    !is_equal(&a, &b))
			break;
	}
	if (!ok(i == n, "what is shown is read as the same address"))
		diag_bytes("address", text, strlen(text));
	ok(taken > n / 100, "chance made %u addresses of %u", taken, n);
}

int
main(void)
{
	check_forms();
	check_refusals();
	check_twos();
	check_paths();
	check_limits();
	check_fds();
	check_services();
	check_vsock();
	check_datagrams();
#ifdef __linux__
	check_abstract();
#endif
	check_names();
	check_chance();
	return done_testing();
}
