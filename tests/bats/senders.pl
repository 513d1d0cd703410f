#!/usr/bin/env perl
# Clients in one process that all send at the same time, as much as is taken.
#
#	senders.pl --life FIFO --n N --messages N --size N --stalled FILE ADDRESS
#
# Each has its own number and that of the message in front of it: "17 3 xxx";
# the mode is windev. FILE is made when nobody has been able to send anything
# for half a second. It ends when all is sent and the file `end` is there, or
# with its test; with status 1 and a line on stderr if somebody could not send
# all.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl;
use IO::Poll qw(POLLERR POLLHUP POLLIN POLLOUT);
use Socket qw(:all);
use Time::HiRes qw(time);

my %opt;
while (@ARGV && $ARGV[0] =~ /^--(\w+)$/) {
	$opt{$1} = $ARGV[1];
	splice(@ARGV, 0, 2);
}
my ($address) = @ARGV;
my $BLOCK = 16;
my $end = time() + 60;

$SIG{PIPE} = 'IGNORE';
sysopen(my $life, $opt{life}, O_RDONLY | O_NONBLOCK) or die("life: $!\n");

sub address_of {
	return (AF_UNIX, pack('S a*', AF_UNIX, "\0$1"))
	    if $address =~ /^unix:\@(.*)$/;
	return (AF_UNIX, pack_sockaddr_un($1)) if $address =~ /^unix:(.*)$/;
	my ($host, $port) = $address =~ /^\[?(.*?)\]?:(\d+)$/
	    or die("no address: $address\n");
	return (AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)))
	    if $host =~ /:/;
	return (AF_INET, pack_sockaddr_in($port, inet_aton($host)));
}

sub opened {
	my ($number) = @_;
	my ($family, $sa) = address_of();
	socket(my $s, $family, SOCK_STREAM, 0) or die("socket: $!\n");
	# What the kernel takes of it is not the server's to bound.
	setsockopt($s, SOL_SOCKET, SO_SNDBUF, pack('i', 16384));
	connect($s, $sa) or die("sender $number: connect: $!\n");
	fcntl($s, F_SETFL, O_NONBLOCK | fcntl($s, F_GETFL, 0));
	return {sock => $s, number => $number, said => 0, out => ''};
}

sub message {
	my ($c) = @_;
	my $m = "$c->{number} $c->{said} ";
	$c->{said}++;
	$m .= 'x' x ($opt{size} - length($m));
	return length($m) . "\r\n$m";
}

# As much as is taken now; how many bytes that was.
sub write_some {
	my ($c) = @_;
	my $all = 0;
	for (;;) {
		for (1 .. $BLOCK) {
			last if $c->{out} ne '' || $c->{said} >= $opt{messages};
			$c->{out} .= message($c);
		}
		return $all if $c->{out} eq '';
		my $n = syswrite($c->{sock}, $c->{out});
		return $all if !defined($n) && ($!{EAGAIN} || $!{EINTR});
		defined($n) or die("sender $c->{number}: $! behind " .
		    "message $c->{said}\n");
		substr($c->{out}, 0, $n, '');
		$all += $n;
	}
}

sub is_done {
	my ($c) = @_;
	return $c->{said} >= $opt{messages} && $c->{out} eq '';
}

my @all = map { opened($_) } 1 .. $opt{n};
my $last = time();
while (my @left = grep { !is_done($_) } @all) {
	my $poll = IO::Poll->new();
	$poll->mask($_->{sock}, POLLOUT) for @left;
	$poll->mask($life, POLLIN);
	$poll->poll(0.1);
	exit(1) if $poll->events($life) & (POLLIN | POLLHUP | POLLERR);
	my $bytes = 0;
	$bytes += write_some($_) for grep { $poll->events($_->{sock}) } @left;
	$last = time() if $bytes > 0;
	if ($opt{stalled} && time() - $last > 0.5) {
		open(my $f, '>', $opt{stalled}) or die("$opt{stalled}: $!\n");
		$opt{stalled} = undef;
	}
	die('time is over; ' . scalar(@left) . " have not sent all\n")
	    if time() > $end;
}
select(undef, undef, undef, 0.02) until -e 'end' || time() > $end;
