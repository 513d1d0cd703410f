#!/usr/bin/perl
# Runs the vectors of one file through the filters: what the unit tests ask of
# the codec is asked here of the program. Says each that does not hold; the
# status is 0 if all do.
use strict;
use warnings;

my ($wdsock, $file) = @ARGV;
my ($tried, $bad) = (0, 0);

sub unescape {
	my ($s) = @_;
	my %letter = (n => "\n", r => "\r", t => "\t", '\\' => '\\');
	$s =~ s/\\(?:x([0-9a-fA-F]{2})|(.))/defined $1 ? chr hex $1 : $letter{$2}/ge;
	return $s;
}

# Output and status of a command that reads `in`.
sub filter {
	my ($in, @command) = @_;
	open my $to, '>', 'in' or die "in: $!";
	binmode $to;
	print $to $in;
	close $to;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', 'in' or die;
		open STDOUT, '>', 'out' or die;
		open STDERR, '>', 'err' or die;
		exec @command or die;
	}
	waitpid $pid, 0;
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	open my $from, '<', 'out' or die "out: $!";
	binmode $from;
	local $/;
	my $out = <$from>;
	return ($out // '', $status);
}

sub check {
	my ($what, $got, $want) = @_;
	return if $got eq $want;
	$bad++;
	printf "%s\n  expected: %s\n  seen:     %s\n", $what,
		map { s/([^ -~])/sprintf '\x%02x', ord $1/ger } $want, $got;
	open my $err, '<', 'err';
	print "  $_" while <$err>;
}

# The status of an end; the text that stderr must hold for it.
sub status_of {
	my ($end) = @_;
	return $end eq 'ok' ? 0 : $end =~ /^cut/ ? 7 : 8;
}

open my $vectors, '<', $file or die "$file: $!";
while (<$vectors>) {
	chomp;
	next if /^(#|$)/;
	my ($name, $dir, $mode, $max, $wire, $end, @messages) = split /\t/;
	my @limit = $max eq '-' ? () : ('--max-message', $max);
	$wire = $wire eq '-' ? '' : unescape($wire);
	@messages = map { unescape(substr $_, 1, -1) } @messages;
	my $hex = join '', map { unpack('H*', $_) . "\n" } @messages;
	$tried++;
	if ($dir =~ /[=<]/) {
		my ($out, $status) = filter($wire, $wdsock, 'decode', '-m',
			$mode, @limit, '--output', 'hex');
		check("$name: decoded", $out, $hex);
		check("$name: status", $status, status_of($end));
	}
	if ($dir =~ /[=>]/) {
		my ($out, $status) = filter($hex, $wdsock, 'encode', '-m',
			$mode, @limit, '--input', 'hex');
		check("$name: encoded", $out, $wire);
		check("$name: status", $status, status_of($end));
	}
}
die "no vectors in $file\n" if $tried == 0;
print "$tried vectors, $bad do not hold\n";
exit($bad > 0 ? 1 : 0);
