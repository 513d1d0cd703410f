#!/usr/bin/env perl
# A scripted peer of datagrams. It binds, or connects, does what its arguments
# say, one after the other, and exits with 0 if all of it held, with 1 and a
# line on stderr if not.
#
#	datagrams.pl [--life FIFO] [--ready FILE] bind|connect ADDRESS ACTION...
#
# ADDRESS is written as wdsock writes it. One that is bound says its own in the
# file of --ready, and answers who spoke last.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl;
use IO::Select;
use Socket qw(:all);

my $PATIENCE = 20;
my %opt;
while (@ARGV && $ARGV[0] =~ /^--(\w+)$/) {
	$opt{$1} = $ARGV[1];
	splice(@ARGV, 0, 2);
}
my ($way, $address, @script) = @ARGV;
my ($sock, $last, $life, $own, $doing);

sub no_good {
	die(sprintf("datagrams: %s: %s\n", $doing || $way, join('', @_)));
}

sub plain {
	my ($s) = @_;
	my %name = (n => "\n", r => "\r", t => "\t", 0 => "\0", '\\' => '\\');
	$s =~ s/\\(?:x([0-9a-fA-F]{2})|([nrt0\\]))/
	    defined($1) ? chr(hex($1)) : $name{$2}/gex;
	return $s;
}

sub shown {
	my ($s) = @_;
	my $len = length($s);
	$s = substr($s, 0, 80);
	$s =~ s/([^ -\[\]-~])/sprintf('\\x%02x', ord($1))/ge;
	return "'$s' ($len bytes)";
}

sub pattern {
	my ($n) = @_;
	my $s = "0123456789abcde\n";
	return substr($s x ($n / 16 + 1), 0, $n);
}

sub parse_address {
	my ($a) = @_;
	if (my ($at, $path) = $a =~ /^unix-dgram:(@?)(.*)$/) {
		$path = "\0$path" if $at;
		return (AF_UNIX, pack_sockaddr_un($path));
	}
	my ($v6, $v4, $port) = $a =~ /^udp:(?:\[(.*)\]|(.*)):(\d+)$/
	    or die("datagrams: $a\n");
	return defined($v6)
	    ? (AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, $v6)))
	    : (AF_INET, pack_sockaddr_in($port, inet_pton(AF_INET, $v4)));
}

sub name_of {
	my ($family, $sa) = @_;
	return $address if $family == AF_UNIX;
	if ($family == AF_INET6) {
		my ($port, $ip) = unpack_sockaddr_in6($sa);
		return 'udp:[' . inet_ntop(AF_INET6, $ip) . "]:$port";
	}
	my ($port, $ip) = unpack_sockaddr_in($sa);
	return 'udp:' . inet_ntop(AF_INET, $ip) . ":$port";
}

sub open_it {
	my ($family, $sa) = parse_address($address);
	socket($sock, $family, SOCK_DGRAM, 0) or no_good("socket: $!");
	if ($way eq 'bind') {
		bind($sock, $sa) or no_good("bind: $!");
		open(my $f, '>', $opt{ready}) or no_good("$opt{ready}: $!");
		print $f name_of($family, getsockname($sock)), "\n";
		close($f);
		return;
	}
	if ($family == AF_UNIX) {
		$own = "peer.$$";
		bind($sock, pack_sockaddr_un($own)) or no_good("bind: $!");
	}
	connect($sock, $sa) or no_good("connect: $!");
}

# The next one within so many seconds; undef: none.
sub next_one {
	my ($seconds) = @_;
	my $s = IO::Select->new($sock);
	$s->add($life) if $life;
	for my $h ($s->can_read($seconds)) {
		exit(1) if $life && $h == $life;
		my $from = recv($sock, my $m, 1 << 18, 0);
		no_good("recv: $!") unless defined($from);
		$last = $from if length($from);
		return $m;
	}
	return undef;
}

sub expect {
	my ($want) = @_;
	my $saw = next_one($PATIENCE);
	no_good('nothing comes') unless defined($saw);
	no_good('saw ', shown($saw)) if $saw ne $want;
}

sub say_it {
	my ($m) = @_;
	my $n = $way eq 'bind' ? send($sock, $m, 0, $last) : send($sock, $m, 0);
	no_good("send: $!") unless defined($n);
}

my %actions = (
	'send' => [1, sub { say_it(plain($_[0])) }],
	'big' => [1, sub { say_it(pattern($_[0])) }],
	'expect' => [1, sub { expect(plain($_[0])) }],
	'expect-big' => [1, sub { expect(pattern($_[0])) }],
	'quiet' => [1, sub {
		my $saw = next_one($_[0] / 1000);
		no_good('saw ', shown($saw)) if defined($saw);
	}],
	'until' => [1, sub {
		for (1 .. $PATIENCE * 100) {
			return if -e $_[0];
			select(undef, undef, undef, 0.01);
		}
		no_good('it does not come');
	}],
	'touch' => [1, sub { open(my $f, '>', $_[0]); close($f) }],
);

eval {
	if (defined($opt{life})) {
		sysopen($life, $opt{life}, O_RDONLY | O_NONBLOCK)
		    or no_good("$opt{life}: $!");
	}
	open_it();
	while (@script) {
		my $name = shift(@script);
		my $action = $actions{$name} or die("no action: $name\n");
		my @args = splice(@script, 0, $action->[0]);
		$doing = "$name @args";
		$action->[1]->(@args);
	}
	1;
} or do {
	print STDERR $@;
	unlink($own) if defined($own);
	exit(1);
};
unlink($own) if defined($own);
