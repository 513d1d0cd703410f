#!/usr/bin/env perl
# A scripted peer. It listens or connects, does what its arguments say, one
# after the other, and exits with 0 if all of it held, with 1 and a line on
# stderr if not.
#
#	peer.pl [--life FIFO] [--ready FILE] [--backlog N] [--rcvbuf N]
#		[--tls 'PROGRAM NAME=VALUE...'] listen|connect ADDRESS ACTION...
#
# ADDRESS is written as wdsock writes it. A server says its own in the file of
# --ready, once it listens, and accepts before its first action. It ends with
# its test: nobody writes to --life, but its end tells that the test is gone.
# At a "tls:" address PROGRAM, which is tlspeer, stands between it and the wire.

use strict;
use warnings;
use Errno qw(EAGAIN ECONNRESET EINPROGRESS EINTR);
use Fcntl;
use Socket qw(:all);
use Time::HiRes qw(time);

my $PATTERN = "0123456789abcde\n" x 4096;
my $PATIENCE = 20;

my %opt = (backlog => 64);
while (@ARGV && $ARGV[0] =~ /^--(\w+)$/) {
	$opt{$1} = $ARGV[1];
	splice(@ARGV, 0, 2);
}
my ($way, $address, @script) = @ARGV;
my ($listener, $sock, $life, $got, $doing) = (undef, undef, undef, '', '');
my $was_reset; # before we looked whether we are connected
# TLS: the wire itself, the line to tlspeer, and what it has said.
my ($wire, $control, $heard, %said);

$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { no_good('60 s are over') };
alarm(60);
$| = 1;

sub no_good {
	die(sprintf("peer: %s: %s\n", $doing || $way, join('', @_)));
}

sub shown {
	my ($s) = @_;
	my $more = length($s) > 200 ? '...' : '';
	$s = substr($s, 0, 200);
	$s =~ s/([^ -\[\]-~])/sprintf('\\x%02x', ord($1))/ge;
	return "'$s$more'";
}

sub plain {
	my ($s) = @_;
	my %name = (n => "\n", r => "\r", t => "\t", 0 => "\0", '\\' => '\\');
	$s =~ s/\\(?:x([0-9a-fA-F]{2})|([nrt0\\]))/
	    defined($1) ? chr(hex($1)) : $name{$2}/gex;
	return $s;
}

# "127.0.0.1:5", "[::1]:5", "unix:PATH", "unix:\@NAME"
sub parse_address {
	my ($a) = @_;
	$a =~ s/^tls://;
	if ($a =~ /^unix:(.*)$/) {
		my $path = $1;
		return (AF_UNIX, pack('S a*', AF_UNIX, "\0" . substr($path, 1)))
		    if $path =~ /^\@/;
		return (AF_UNIX, pack_sockaddr_un($path));
	}
	$a =~ /^\[?(.*?)\]?:(\d+)$/ or no_good("no address: $a");
	my ($host, $port) = ($1, $2);
	return (AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)))
	    if $host =~ /:/;
	return (AF_INET, pack_sockaddr_in($port, inet_pton(AF_INET, $host)));
}

sub name_of_listener {
	my ($family) = @_;
	return $address if $family == AF_UNIX;
	my $name = getsockname($listener);
	my $tls = over_tls() ? 'tls:' : '';
	if ($family == AF_INET) {
		my ($port, $ip) = unpack_sockaddr_in($name);
		return $tls . inet_ntop(AF_INET, $ip) . ":$port";
	}
	my ($port, $ip) = unpack_sockaddr_in6($name);
	return $tls . '[' . inet_ntop(AF_INET6, $ip) . "]:$port";
}

# Until the handle is ready, or so many seconds are over. False: they are.
sub wait_for {
	my ($h, $write, $seconds) = @_;
	my $end = time() + ($seconds // $PATIENCE);
	for (;;) {
		my ($r, $w) = ('', '');
		vec($r, fileno($life), 1) = 1 if $life;
		vec($write ? $w : $r, fileno($h), 1) = 1 if $h;
		my $left = $end - time();
		my $n = select($r, $w, undef, $left > 0 ? $left : 0);
		next if $n < 0 && $! == EINTR;
		exit(1) if $n > 0 && $life && vec($r, fileno($life), 1);
		return 1 if $n > 0;
		return 0 if time() >= $end;
	}
}

sub nonblocking {
	my ($h) = @_;
	fcntl($h, F_SETFL, fcntl($h, F_GETFL, 0) | O_NONBLOCK);
}

sub open_socket {
	my ($family) = @_;
	socket(my $s, $family, SOCK_STREAM, 0) or no_good("socket: $!");
	setsockopt($s, SOL_SOCKET, SO_RCVBUF, pack('i', $opt{rcvbuf}))
	    if $opt{rcvbuf};
	nonblocking($s);
	return $s;
}

sub start_listening {
	my ($family, $sa) = parse_address($address);
	$listener = open_socket($family);
	setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, pack('i', 1));
	bind($listener, $sa) or no_good("bind: $!");
	listen($listener, $opt{backlog}) or no_good("listen: $!");
	return unless defined($opt{ready});
	open(my $f, '>', $opt{ready}) or no_good("$opt{ready}: $!");
	print $f name_of_listener($family), "\n";
	close($f);
}

sub over_tls {
	return $address =~ /^tls:/;
}

# A pair, of which the other end is given away to a program.
sub pair {
	socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
	    or no_good("socketpair: $!");
	nonblocking($ours);
	# What is not read must not vanish in here.
	setsockopt($theirs, SOL_SOCKET, SO_SNDBUF, pack('i', $opt{rcvbuf}))
	    if $opt{rcvbuf};
	return ($ours, $theirs);
}

# tlspeer takes the wire, and from here on $sock is what is inside.
sub start_tls {
	return if !over_tls();
	my ($program, @words) = split(' ', $opt{tls} // no_good('no --tls'));
	push(@words, "life=$opt{life}") if defined($opt{life});
	$wire = $sock;
	($sock, my $plain) = pair();
	($control, my $line) = pair();
	($heard, %said) = ('');
	my $pid = fork() // no_good("fork: $!");
	return if $pid;
	fcntl($_, F_SETFD, 0) for $wire, $plain, $line;
	exec($program, $listener ? 'server' : 'client',
		map({ fileno($_) } $wire, $plain, $line), @words)
	    or die("peer: $program: $!\n");
}

# Lines of tlspeer, until one begins with one of these words.
sub hear {
	my (@words) = @_;
	for (;;) {
		while ($heard =~ s/^(\w+) ?(.*)\n//) {
			$said{$1} = $2;
		}
		my ($word) = grep { exists($said{$_}) } @words;
		return $word if defined($word);
		my $n = sysread($control, $heard, 4096, length($heard));
		next if $n;
		return 'gone' if defined($n) || $! == ECONNRESET;
		no_good("tlspeer: $!") if $! != EAGAIN && $! != EINTR;
		wait_for($control, 0) or no_good('tlspeer says nothing');
	}
}

sub order {
	my ($command) = @_;
	delete($said{done});
	syswrite($control, $command);
	hear('done');
}

sub hang_up {
	my $close = sub { close($_[0]) if $_[0]; $_[0] = undef };
	$close->($sock);
	$close->($wire);
	$close->($control);
}

# The end of what came, as a read tells it: was it in order?
sub end_of_tls {
	my $how = hear(qw(end fin reset failed));
	return '' if $how eq 'end';
	if ($how eq 'reset') {
		$! = ECONNRESET;
		return undef;
	}
	no_good("the end without close_notify") if $how eq 'fin';
	no_good("TLS: ", $said{failed} // 'tlspeer is gone');
}

sub take_one {
	hang_up();
	for (;;) {
		wait_for($listener, 0) or no_good('nobody came');
		last if accept($sock, $listener);
		no_good("accept: $!") if $! != EAGAIN;
	}
	nonblocking($sock);
	setsockopt($sock, IPPROTO_TCP, TCP_NODELAY, pack('i', 1));
	start_tls();
}

sub start_connecting {
	my ($family, $sa) = parse_address($address);
	$sock = open_socket($family);
	if (!connect($sock, $sa)) {
		no_good("connect: $!") if $! != EINPROGRESS;
		wait_for($sock, 1) or no_good('connect: too long');
		my $err = unpack('i', getsockopt($sock, SOL_SOCKET, SO_ERROR));
		$! = $err;
		$was_reset = $err == ECONNRESET;
		no_good("connect: $!") if $err && !$was_reset;
	}
	setsockopt($sock, IPPROTO_TCP, TCP_NODELAY, pack('i', 1));
	start_tls();
}

# One read; '' is the end, undef a failure in $!.
sub read_some {
	my ($max) = @_;
	for (;;) {
		my $n = sysread($sock, my $bytes, $max);
		return $control && $n == 0 ? end_of_tls() : $bytes
		    if defined($n);
		return undef if $! != EAGAIN && $! != EINTR;
		wait_for($sock, 0) or no_good("nothing came for $PATIENCE s");
	}
}

sub read_exactly {
	my ($n) = @_;
	my $all = '';
	while (length($all) < $n) {
		my $some = read_some($n - length($all));
		no_good("read: $!") if !defined($some);
		no_good("expected $n bytes, saw the end behind ", shown($all))
		    if $some eq '';
		$all .= $some;
	}
	$got .= $all;
	return $all;
}

sub send_all {
	my ($bytes) = @_;
	my $at = 0;
	while ($at < length($bytes)) {
		my $n = syswrite($sock, $bytes, length($bytes) - $at, $at);
		if (defined($n)) {
			$at += $n;
		} elsif ($! == EAGAIN || $! == EINTR) {
			wait_for($sock, 1) or no_good('it takes nothing');
		} else {
			no_good("send: $! after $at bytes");
		}
	}
}

sub must_end {
	my $some = read_some(65536);
	no_good("read: $!") if !defined($some);
	no_good('expected the end, saw ', shown($some)) if $some ne '';
}

sub read_to_end {
	my ($each) = @_;
	my $total = 0;
	for (;;) {
		my $some = read_some(1 << 18);
		no_good("read: $! after $total bytes") if !defined($some);
		return $total if $some eq '';
		$each->($some, $total) if $each;
		$total += length($some);
	}
}

sub pattern_at {
	my ($at, $n) = @_;
	$at %= 16;
	return substr($PATTERN x (2 + $n / length($PATTERN)), $at, $n);
}

# N bytes of the pattern out, and at the same time the same in.
sub both_ways {
	my ($n) = @_;
	my ($out, $in) = (0, 0);
	while ($out < $n || $in < $n) {
		my ($r, $w) = ('', '');
		vec($r, fileno($sock), 1) = 1 if $in < $n;
		vec($w, fileno($sock), 1) = 1 if $out < $n;
		select($r, $w, undef, $PATIENCE) > 0
		    or no_good("stuck: $out bytes out, $in bytes in");
		if ($in < $n && vec($r, fileno($sock), 1)) {
			my $some = read_some(1 << 18);
			no_good("read: $! after $in") if !defined($some);
			no_good("the end after $in bytes") if $some eq '';
			$in += length($some);
		}
		if ($out < $n && vec($w, fileno($sock), 1)) {
			my $left = $n - $out;
			$left = length($PATTERN) if $left > length($PATTERN);
			my $done = syswrite($sock, $PATTERN, $left);
			no_good("send: $!") if !defined($done) && $! != EAGAIN;
			# What follows begins where the pattern does.
			$done //= 0;
			send_all(substr($PATTERN, $done % 16, 16 - $done % 16))
			    if $done % 16;
			$out += $done % 16 ? $done + 16 - $done % 16 : $done;
		}
	}
}

# Connections of our own until the backlog is full.
my @fillers;
sub fill_backlog {
	my ($family, $sa) = parse_address(name_of_listener(
		unpack('S', getsockname($listener))));
	for (1 .. 64) {
		my $s = open_socket($family);
		my $done = connect($s, $sa);
		push(@fillers, $s);
		last if !$done && !wait_for($s, 1, 0.2);
	}
}

# name => [number of arguments, needs no connection, what it does]
my %actions = (
	'send' => [1, 0, sub { send_all(plain($_[0])) }],
	'dribble' => [2, 0, sub {
		for (split(//, plain($_[0]))) {
			send_all($_);
			wait_for(undef, 0, $_[1] / 1000);
		}
	}],
	'wait' => [1, 1, sub { wait_for(undef, 0, $_[0] / 1000) }],
	'until' => [1, 1, sub {
		my $end = time() + $PATIENCE;
		while (!-e $_[0]) {
			wait_for(undef, 0, 0.01);
			no_good('it does not come') if time() > $end;
		}
	}],
	'touch' => [1, 1, sub { open(my $f, '>', $_[0]); close($f) }],
	'read' => [1, 0, sub { read_exactly($_[0]) }],
	'read-until-eof' => [0, 0, sub { read_to_end(sub { $got .= $_[0] }) }],
	'read-until' => [1, 0, sub {
		my $end = plain($_[0]);
		my $all = '';
		$all .= read_exactly(1)
		    while substr($all, -length($end)) ne $end;
	}],
	'expect' => [1, 0, sub {
		my $want = plain($_[0]);
		my $saw = read_exactly(length($want));
		no_good('saw ', shown($saw)) if $saw ne $want;
	}],
	'has' => [1, 0, sub {
		no_good('saw ', shown($got)) if index($got, plain($_[0])) < 0;
	}],
	'segment' => [1, 0, sub {
		my $saw = read_some(1 << 20) // no_good("read: $!");
		no_good('saw ', shown($saw)) if $saw ne plain($_[0]);
	}],
	'quiet' => [1, 0, sub {
		return unless wait_for($sock, 0, $_[0] / 1000);
		my $saw = read_some(65536) // no_good("read: $!");
		no_good('saw ', $saw eq '' ? 'the end' : shown($saw));
	}],
	'expect-eof' => [0, 0, \&must_end],
	'expect-reset' => [0, 0, sub {
		my $some;
		return if $was_reset;
		1 while defined($some = read_some(1 << 18)) && $some ne '';
		no_good('saw an end in order') if defined($some);
	}],
	'half-close' => [0, 0, sub { shutdown($sock, SHUT_WR) }],
	'stop-reading' => [0, 0, sub { shutdown($sock, SHUT_RD) }],
	'close' => [0, 0, \&hang_up],
	'reset' => [0, 0, sub {
		if ($control) {
			order('r');
			return hang_up();
		}
		setsockopt($sock, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
		close($sock);
	}],
	'urgent' => [1, 0, sub {
		send($wire // $sock, $_[0], MSG_OOB) or no_good("urgent: $!");
	}],
	'file' => [1, 0, sub {
		open(my $f, '<:raw', $_[0]) or no_good("$_[0]: $!");
		local $/ = \262144;
		while (my $some = <$f>) {
			send_all($some);
		}
	}],
	'big' => [1, 0, sub {
		my ($n) = @_;
		while ($n > 0) {
			my $some = $n < length($PATTERN) ? $n : length($PATTERN);
			send_all(substr($PATTERN, 0, $some));
			$n -= $some;
		}
	}],
	'frames' => [2, 0, sub {
		my $one = "$_[1]\r\n" . substr(pattern_at(0, $_[1]), 0, $_[1]);
		my $many = $_[0] < 256 ? $_[0] : 256;
		my $all = $one x $many;
		my $n = $_[0];
		for (; $n >= $many; $n -= $many) {
			send_all($all);
		}
		send_all($one x $n) if $n > 0;
	}],
	'big-in' => [1, 0, sub {
		my $n = read_to_end(sub {
			no_good("another byte, after $_[1]")
			    if $_[0] ne pattern_at($_[1], length($_[0]));
		});
		no_good("saw $n bytes") if $n != $_[0];
	}],
	'both' => [1, 0, sub { both_ways($_[0]) }],
	'count' => [0, 0, sub { print read_to_end(), "\n" }],
	# Of TLS alone. The first says nothing of what was sent before it; the
	# others come behind that. cut closes our half without close_notify.
	'tls-up' => [1, 0, sub {
		hear(qw(up fin reset failed)) eq 'up'
		    or no_good('TLS: ', join(' ', %said));
		no_good("saw $said{up}") if "$said{up} " !~ /$_[0]/;
	}],
	'tls-fails' => [1, 0, sub {
		my $how = hear(qw(end fin reset failed));
		my $saw = "$how $said{$how}";
		no_good("saw $saw") if $saw !~ /$_[0]/;
	}],
	'expect-cut' => [0, 0, sub {
		my $saw = '';
		my $n;
		do {
			wait_for($sock, 0) or no_good('nothing came');
			$n = sysread($sock, $saw, 65536, length($saw));
		} while ($n);
		my $how = hear(qw(end fin reset failed));
		no_good("saw $how") if $how ne 'fin';
	}],
	'flush' => [0, 0, sub { order('f') if $control }],
	'cut' => [0, 0, sub { order('c') }],
	'new-keys' => [0, 0, sub { order('u') }],
	'accept' => [0, 1, \&take_one],
	'hang-up' => [0, 1, sub { close($listener) }],
	'fill' => [0, 1, \&fill_backlog],
	'print' => [1, 1, sub {
		open(my $f, '>:raw', $_[0]) or no_good("$_[0]: $!");
		print $f $got;
		close($f);
		$got = '';
	}],
	'peer' => [1, 0, sub {
		my ($port, $ip) = unpack_sockaddr_in(
			getpeername($wire // $sock));
		my $saw = inet_ntop(AF_INET, $ip) . ":$port";
		no_good("saw $saw") if $saw !~ /^(?:$_[0])$/;
	}],
);

sub perform {
	my $name = shift(@script);
	# What a peer that is gone makes fail is no failure of the script.
	my $try = $name eq 'try';
	$name = shift(@script) if $try;
	my $action = $actions{$name} or die("peer: no action: $name\n");
	my @args = splice(@script, 0, $action->[0]);
	$doing = "$name @args";
	take_one() if $listener && !$sock && !$action->[1];
	if ($try) {
		eval { $action->[2]->(@args) };
	} else {
		$action->[2]->(@args);
	}
}

eval {
	if (defined($opt{life})) {
		sysopen($life, $opt{life}, O_RDONLY | O_NONBLOCK)
		    or no_good("$opt{life}: $!");
	}
	$way eq 'listen' ? start_listening() : start_connecting();
	perform() while @script;
	1;
} or do {
	print STDERR $@;
	exit(1);
};
