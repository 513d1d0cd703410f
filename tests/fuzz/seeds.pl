#!/usr/bin/perl
# Seeds for the fuzz targets, made of the vectors:
#
#	seeds.pl VECTORS-DIR OUTPUT-DIR
#
# writes OUTPUT-DIR/NAME/seed-NNNN for each target. The choices in front of
# the bytes are those that the fuzz_NAME.c say; the numbers of the modes are
# read from modes.h beside this script.
use strict;
use warnings;

die "usage: $0 VECTORS-DIR OUTPUT-DIR\n" unless @ARGV == 2;
my ($vectors, $output) = @ARGV;
my %count;

sub slurp {
	my ($path) = @_;

	open(my $in, '<:raw', $path) or die "$path: $!\n";
	local $/;
	return scalar <$in>;
}

sub seed {
	my ($name, $bytes) = @_;
	my $path = sprintf('%s/%s/seed-%04d', $output, $name, $count{$name}++);

	mkdir $output;
	mkdir "$output/$name";
	open(my $out, '>:raw', $path) or die "$path: $!\n";
	print $out $bytes;
	close($out) or die "$path: $!\n";
}

# The modes in their order, as the mode strings that they are.
sub modes {
	my ($here) = $0 =~ m{^(.*/)};
	my $text = slurp(($here // './') . 'modes.h');
	my ($table) = $text =~ /modes\[\] = \{(.*?)\};/s;
	my (%number, $n);

	$table =~ s/"\s+"//g;
	for my $mode ($table =~ /"((?:[^"\\]|\\.)*)"/g) {
		$mode =~ s/\\\\/\\/g;
		$number{$mode} = $n++;
	}
	return \%number;
}

sub unescape {
	my ($s) = @_;
	my %letter = (n => "\n", r => "\r", t => "\t", '\\' => '\\');

	$s =~ s/\\(x([0-9a-fA-F]{2})|.)/defined $2 ? chr hex $2 : $letter{$1}/ge;
	return $s;
}

my $modes = modes();

# Limits of modes.h that stand in the vectors.
my %limit = ('-' => 0, 1 => 1, 2 => 2, 3 => 3, 4 => 4);

sub vector {
	my (undef, $dir, $mode, $max, $wire, $end, @messages) = @_;
	my $number = chr($modes->{$mode} // 0);
	my $limit = chr($limit{$max} // 0);

	$wire = $wire eq '-' ? '' : unescape($wire);
	@messages = map { unescape(substr($_, 1, -1)) } @messages;
	seed('mode', $mode);
	if ($dir ne '>' && defined $modes->{$mode}) {
		seed('decode', "$number$limit\x07\x02\x01\x03$wire");
		seed('diagnose', "\1$number$limit$wire");
		seed('scan', "$number$limit\x05\x01\x02\x03\x01\x08\x00\x10$wire");
		seed('terminal', "\x80\x05$number$limit\x00\x00" .
		    "\x03\x08\x02\x01\x06\x04\x10\x20$wire");
	}
	if (defined $modes->{$mode}) {
		seed('roundtrip', "$number$limit\x00\x0a\x02\x05" . join('',
		    map { chr(length) . $_ } grep { length() < 251 } @messages));
		seed('diagnose', "\0$number$limit" . join("\0", @messages));
	}
	seed('escape', "\x00\x10\x08$_") for grep { length } @messages;
	seed('json', "\x00\x00$_") for grep { length } @messages;
}

for my $path (sort glob("$vectors/*.tsv")) {
	for my $line (split(/\n/, slurp($path))) {
		next if $line eq '' || $line =~ /^#/;
		vector(split(/\t/, $line, -1));
	}
}

# Modes that are refused, and what the vectors have no word for.
seed('mode', $_) for keys %$modes, 'nothing', 'windev,', 'windev,count=',
    'windev,count=x', 'windev,tail=', 'windev,tail=\q', 'end-tag=',
    'end-tag=\x', 'end-tag=CRL', 'fixed-header=65', 'fixed-header=0',
    'raw=1', 'lines,count=chars', 'windev,count=utf16,tail=NUL',
    'windev,count=bytes,count=bytes', 'end-tag=' . 'x' x 65,
    'end-tag=\x43RLF', 'end-tag=\x40';

# Lines of JSON.
my @lines = ('{"text":"hello"}', '{"b64":"aGVsbG8="}', '{"b64":"aGVsbG8"}',
    '{"b64":"!"}', '{"text":1}', '{"b64":1}', '{}', '[]', '1', 'x', ' ',
    '{"event":"open"}', '{"event":"message","dir":"out","text":"x"}',
    '{"event":"message","dir":"in","n":1,"text":"\u00e9\ud83d\ude00\u0000"}',
    '{"text":"a","b64":"YQ=="}', '{"close":true}', '{"mode":"raw"}',
    '{"event":1,"text":"\"\\\\\/\b\f\n\r\t"}', "{\"text\":\"\xc3\xa9\"}\r",
    '{"text":"a","text":"b"}', '{"chan":"c1","close":true}',
    '{"chan":"*","mode":"end-tag=CRLF"}', '{"chan":"c7","text":"a"}',
    '{"chan":"x","close":1}', '{"mode":1}', '{"close":true,"mode":"raw"}');
seed('json', "\x00\x00$_") for @lines;
seed('json', "\x0a\x05\x09\x07" . join("\n", @lines[0, 1, 11, 14]));
seed('json', "\x0a\x05\x09\x07" . join("\n", @lines[0, 1, 11, 13]) . "\n");
seed('json', "\x0b\x05\x09\x07\x30" . join("\n", @lines[0, 20, 21, 1, 22]));

# For whom, where that matters: 0x40 in the second byte.
my @targets = ('{"chan":["c9","c1","c9"],"text":"a","close":true}',
    '{"except":["c2","c1"],"b64":"YQ=="}', '{"chan":"*","except":"c1"}',
    '{"chan":[],"text":"a"}', '{"chan":["c1",7],"text":"a"}',
    '{"chan":"c1","except":"c2","text":"a"}', '{"chan":"c1","close":"now"}',
    '{"chan":"c1","shut":true,"text":"b"}', '{"list":true}',
    '{"list":true,"shut":true}', '{"shut":1}', '{"chan":null,"text":"a"}');
seed('json', "\x00\x40$_") for @targets;
seed('json', "\x0b\x45\x09\x07\x30" . join("\n", @targets, 'x', $targets[0]));

# Formats, and messages for them.
for my $format ('%m\n', '[%m]', '%n:%5l %-20p|%c|%d|%06n\n', '%t %T %r %D\0',
    '%e|%x|%b|{%j}', '%.2m%.3e%.1x%.5b%.4j', '%300m|%-4096e|', '%%\x1b[1m%m',
    '%m%m', '', '%N', '%', '%-', '%4097n', '%05m', '\q', '\x4', '%.', "a\xffb") {
	seed('format', chr($_) . "\x09" . chr(length $format) . $format .
	    "Hello\xfe\xfe\xc3\xa9\x1b[2J\xe2\x80\xae\xff\xfex") for 0, 1;
}

# Each kind of source with each kind of sink, crlf, and a large message.
my @texts = ("one\ntwo\r\n\nthree", "one\0two\0\0three", 'all of it', 'raw',
    join("\n", @lines[0, 1, 13, 12]) . "\n", "a\\n\\x41\nb\\q\n",
    "68656c6c6f\n20 21\nzz\n");
for my $sink (0 .. 6) {
	for my $source (0 .. 6) {
		for my $b (0, 1, 2, 0x80, 0xe2) {
			seed('io', chr($sink * 7 + $source) . chr($b) .
			    "\x0a\x07\x03\x05" . $texts[$source]);
		}
	}
}
# Records that begin with a channel: what is in them, raw and from escapes.
for my $sink (0, 1, 4, 5) {
	for my $b (0, 2, 0xe0) {
		seed('io', chr($sink * 7 + $_->[0]) . chr($b) .
		    "\x08\x47" . $_->[1])
		    for [1, "a\\\nc9\tforged\0b\0"], [5, "a\\x00c9\\tforged\n"];
	}
}

# Records with their channels in front: 49 and more in the first byte.
my @records = ("c1\tone\n*\ttwo\\n\\\\\r\nnone\n-c9,c3\tx\\0\nc3,c1,c3\t\nc01\tx",
    "c1\tone\0*\ttwo\\0\\n\\\\\0none\0-c9\tx\\x\0c3,c1\ty\nz\0c1,\tx", '', '',
    join("\n", @targets), "c1\ta\\x41\\t\n*\tb\\q\n-c2\t\nc1\\x41",
    "c1\t41 42\nc1,c2\t4\n*\tzz\n41\n-c1\t00");
for my $source (0, 1, 4, 5, 6) {
	seed('io', chr(49 + $source) . chr($_) . "\x0a\x07\x03\x05" .
	    $records[$source]) for 0, 1, 8, 12;
}

# Messages that only repetition makes long, in modes of each family.
for my $mode ('windev', 'windev,count=chars', 'windev,tail=CRLF', 'end-tag',
    'netstring', 'u16be', 'u32le', 'lines', 'end-tag-buffer', 'until-close') {
	seed('roundtrip', chr($modes->{$mode}) .
	    "\x00\x00\x08" . chr($_) . "\xc3\xa9abcdef\x02hi") for 251 .. 255;
}

# What terminals obey, in every kind of output.
my $harm = "a\e[31m\e]52;c;eA==\a\x9b1m\xc2\x9b1m\xe2\x80\xae\xe2\x80\x8b\r\b" .
    "\x7f\xef\xbb\xbf\xee\x82\xa0\xf3\xa0\x81\x81\xc0\x9b\xed\xa0\x80\xc3\xa9\n";
for my $how (0 .. 6) {
	for my $more (0, 0x40, 0x80) {
		seed('terminal', chr($how | $more) . "\x03\x00\x00\x0c\x00" .
		    "\x04\x09\x05\x03\x07\x02\x06\x00$harm");
	}
}

# What other protocols begin with.
seed('diagnose', "\1\0\0$_") for "\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n", "HTTP/1.1 200 OK\r\n",
    "5\0\r\0\n\0h\0", "\xff\xfe5\0\r\0\n\0", "\0005\0\r\0\n\0h",
    "\xef\xbb\xbf5\r\nhello", "11\r\nHelloWord11\r\nHelloWord",
    "11\r\nHelloWorld", "1\r\nab1\r\nab";
