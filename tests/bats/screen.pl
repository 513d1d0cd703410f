#!/usr/bin/env perl
# What a terminal may be shown, judged by the tables of perl:
#
#	screen.pl points	every code point, a line each
#	screen.pl check-points	stdin is what a terminal showed of these
#	screen.pl messages SEED N	netstrings that mean harm
#	screen.pl check		stdin may be shown
#
# The checks exit with 1 and a line on stderr for what must not be there.

use strict;
use warnings;
use Unicode::UCD;

binmode(STDIN);
binmode(STDOUT);

# What the program knows. An older perl cannot judge what it does not know.
my $KNOWN = v15.1;
my $old = pack('U*', split(/\./, Unicode::UCD::UnicodeVersion())) lt $KNOWN;
my $present = $old ? qr/\P{Cn}/ : eval('qr/\p{Present_In: 15.1}/');

# The bytes of any number as UTF-8 writes it, though it may be none.
sub bytes_of {
	my ($cp) = @_;
	return chr($cp) if $cp < 0x80;
	return pack('C2', 0xc0 | $cp >> 6, 0x80 | $cp & 63) if $cp < 0x800;
	return pack('C3', 0xe0 | $cp >> 12, 0x80 | $cp >> 6 & 63,
		0x80 | $cp & 63) if $cp < 0x10000;
	return pack('C4', 0xf0 | $cp >> 18, 0x80 | $cp >> 12 & 63,
		0x80 | $cp >> 6 & 63, 0x80 | $cp & 63);
}

# May it be shown? 1, 0, or undef: this perl cannot tell.
sub may_show {
	my ($cp) = @_;
	return 0 if $cp >= 0xd800 && $cp <= 0xdfff;
	my $c = chr($cp);
	return undef if $old && $c =~ /\p{Cn}/ && $c !~ /\p{NChar}|\p{DI}/;
	return $c =~ $present && $c =~ /[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]/ &&
	    $c !~ /\p{DI}/ ? 1 : 0;
}

sub shown {
	my ($s) = @_;
	return join('', map { sprintf('\\x%02x', ord($_)) } split(//, $s));
}

sub points {
	for my $cp (0 .. 0x10ffff) {
		print bytes_of($cp), "\n" if $cp != 10;
	}
}

sub check_points {
	my ($wrong, $lines) = (0, 0);
	for my $cp (0 .. 0x10ffff) {
		next if $cp == 10;
		my $line = <STDIN> // last;
		my $raw = bytes_of($cp);
		my $escaped = $cp == 13 ? '\r' : shown($raw);
		my $may = $cp == 9 ? 1 : may_show($cp);
		chomp($line);
		$lines++;
		next if $line eq $raw && ($may // 1);
		next if $line eq $escaped && !($may // 0);
		printf STDERR "U+%04X: shown as %s\n", $cp, shown($line);
		exit(1) if ++$wrong == 10;
	}
	print STDERR "$lines lines\n" if $lines != 0x10ffff;
	exit($wrong > 0 || $lines != 0x10ffff);
}

my @harm = ("\e[31m", "\e]52;c;ZXZpbA==\a", "\e]0;x\e\\", "\eP\$q\e\\", "\ec",
	"\x9b31m", "\x9d52;c;x\x9c", "\xc2\x9b31m", "\xc2\x85", "\r", "\b", "\a",
	"\x0e", "\x7f", "\0", "\xe2\x80\xae", "\xe2\x81\xa6", "\xd8\x9c",
	"\xe2\x80\x8b", "\xe2\x80\xa8", "\xef\xbb\xbf", "\xef\xb8\x8f",
	"\xee\x82\xa0", "\xf3\xa0\x81\x81", "\xc0\x9b", "\xed\xa0\x80",
	"\xf4\x90\x80\x80", "\xef\xbf\xbe", 'text', ' ', "\n", "\t", '\\',
	"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80");

sub messages {
	my ($seed, $n) = @_;
	srand($seed);
	for (1 .. $n) {
		my $m = '';
		for (1 .. rand(12)) {
			my $what = rand(3);
			$m .= $what < 1 ? chr(rand(256))
			    : $what < 2 ? bytes_of(int(rand(0x110000)))
			    : $harm[rand(@harm)];
		}
		print length($m), ':', $m, ',';
	}
}

sub check {
	local $/;
	my $all = <STDIN>;
	my $n = 0;
	while ($all =~ /\G(?:[\n\t -~]+|([\xc2-\xdf][\x80-\xbf]|
	    [\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}))/gcx) {
		next if !defined($1);
		my $c = $1;
		utf8::decode($c) or pos($all) -= length($1), last;
		$n++;
		next if may_show(ord($c)) // 1;
		printf STDERR "U+%04X is on the screen\n", ord($c);
		exit(1);
	}
	my $at = pos($all) // 0;
	return if $at == length($all);
	printf STDERR "byte %d on the screen: %s\n", $at,
	    shown(substr($all, $at, 20));
	exit(1);
}

my %actions = (points => \&points, 'check-points' => \&check_points,
	messages => \&messages, check => \&check);
my $action = $actions{shift(@ARGV) // ''} or die("$0: no such action\n");
$action->(@ARGV);
