# A client of many_model.pl: a socket, the bytes on their way, what it has said
# and what it must receive.
package many_client;

use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR);
use Fcntl;
use IO::Poll qw(POLLIN POLLOUT);
use Socket qw(:all);

# Numbers that are the same for the same seed on every perl.
sub dice {
	my ($x) = map { ($_ ^ 0x9e3779b9) & 0xffffffff || 1 } @_;
	return sub {
		$x ^= $x << 13 & 0xffffffff;
		$x ^= $x >> 17;
		$x ^= $x << 5 & 0xffffffff;
		return int($x / 4294967296 * $_[0]);
	};
}

sub shown {
	my ($s) = @_;
	my $rest = length($s) > 40 ? sprintf('... (%d bytes)', length($s)) : '';
	$s = substr($s, 0, 40);
	$s =~ s/([^ -\[\]-~])/sprintf('\\x%02x', ord($1))/ge;
	return "'$s'$rest";
}

sub frame {
	my ($mode, $m) = @_;
	return length($m) . "\r\n$m" if $mode eq 'windev';
	return length($m) . ":$m," if $mode eq 'netstring';
	return $mode eq 'lines' ? "$m\n" : "$m\r\n";
}

# Takes the first message out of the bytes: undef, there is none yet.
sub unframe {
	my ($mode, $bytes) = @_;
	my $tag = {lines => "\n", 'end-tag=CRLF' => "\r\n"}->{$mode};
	if ($tag) {
		my $at = index($$bytes, $tag);
		return undef if $at < 0;
		my $m = substr($$bytes, 0, $at);
		substr($$bytes, 0, $at + length($tag), '');
		return $m;
	}
	my $end = $mode eq 'windev' ? "\r\n" : ':';
	$$bytes =~ /^(\d+)$end/ or return undef;
	my ($head, $n) = (length($&), $1);
	my $tail = $mode eq 'windev' ? 0 : 1;
	return undef if length($$bytes) < $head + $n + $tail;
	my $m = substr($$bytes, $head, $n);
	substr($$bytes, 0, $head + $n + $tail, '');
	return $m;
}

sub name_of {
	my ($sock) = @_;
	my $name = getsockname($sock);
	my $family = sockaddr_family($name);
	return 'unix' if $family == AF_UNIX;
	my ($port, $ip) = $family == AF_INET ? unpack_sockaddr_in($name)
	    : unpack_sockaddr_in6($name);
	$ip = inet_ntop($family, $ip);
	return $family == AF_INET ? "$ip:$port" : "[$ip]:$port";
}

# An address as wdsock writes it.
sub address_of {
	my ($a) = @_;
	return (pack_sockaddr_un($1), AF_UNIX) if $a =~ /^unix:(.*)$/;
	my ($host, $port) = $a =~ /^\[?(.*?)\]?:(\d+)$/
	    or die("no address: $a\n");
	return (pack_sockaddr_in($port, inet_aton($host)), AF_INET)
	    if $host !~ /:/;
	return (pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)), AF_INET6);
}

# place: address and mode. *answered: lines up to this one have been read.
sub new {
	my ($class, $place, $answered) = @_;
	my ($sa, $family) = address_of($place->{address});
	socket(my $sock, $family, SOCK_STREAM, 0) or die("socket: $!\n");
	setsockopt($sock, SOL_SOCKET, SO_RCVBUF, pack('i', 4096))
	    if $place->{narrow}++ & 1;
	connect($sock, $sa) or die("connect $place->{address}: $!\n");
	fcntl($sock, F_SETFL, O_NONBLOCK | fcntl($sock, F_GETFL, 0));
	return bless({
		sock => $sock,
		unix => $family == AF_UNIX,
		name => name_of($sock),
		mode => $place->{mode},	    # of what it says
		mode_out => $place->{mode}, # of what is sent to it from here on
		reads => $place->{mode},    # of what it receives next
		answered => $answered,
		expected => [],
		said => [],		    # not yet told
		out => '', in => '', n => 0, received => 0,
		stopped => 0,		    # it does not read
	}, $class);
}

# What is sent to it by that line. join: only if it was there by then.
sub expect {
	my ($c, $bytes, $line, %how) = @_;
	return if $c->{asked};
	push(@{$c->{expected}}, {bytes => $bytes, line => $line,
		join => $how{join} ? 1 : 0, tail => $c->{end} ? 1 : 0});
}

sub change {
	my ($c, $mode, $line) = @_;
	push(@{$c->{expected}}, {mode => $mode, line => $line});
	$c->{mode} = $c->{mode_out} = $mode;
	$c->turn_pages;
}

# From here on it ends in this way. quiet: nothing of its own is under way, so
# that nothing of ours can be lost.
sub ends {
	my ($c, $how, $quiet) = @_;
	$c->{end} = $how;
	$c->{asked} = $how =~ /^(drain|now|stop)$/;
	$c->{loses} = $how =~ /^(reset|drain|now|stop)$/;
	return if $quiet;
	for my $e (@{$c->{expected}}) {
		$e->{tail} = 1
		    unless $how eq 'fin' && $e->{line} <= ${$c->{answered}};
	}
}

sub send_bytes {
	my ($c, $bytes) = @_;
	$c->{out} .= $bytes;
}

sub send_message {
	my ($c, $bytes) = @_;
	push(@{$c->{said}}, $bytes);
	$c->{out} .= frame($c->{mode}, $bytes);
}

# Once all is sent.
sub shut {
	my ($c) = @_;
	$c->{shut} = 1;
}

sub reset {
	my ($c) = @_;
	setsockopt($c->{sock}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
	close($c->{sock});
	$c->{ended} = 1;
}

# For people.
sub state {
	my ($c) = @_;
	return sprintf('%s%s%s%s: to say %d bytes, not told %d, expects %d',
	    $c->{chan} // "$c->{name}, not open", $c->{end} ? " $c->{end}" : '',
	    $c->{half} ? ' shut' : '', $c->{ended} ? ' ended' : '',
	    length($c->{out}), scalar(@{$c->{said}}), scalar(@{$c->{expected}}));
}

sub has_to_send {
	my ($c) = @_;
	return !$c->{ended} && length($c->{out}) > 0;
}

sub watch {
	my ($c, $poll) = @_;
	return if $c->{ended};
	my $what = ($c->{stopped} ? 0 : POLLIN) |
	    (length($c->{out}) ? POLLOUT : 0);
	$poll->mask($c->{sock}, $what) if $what;
}

# Does what it can; returns what is wrong, or undef.
sub move {
	my ($c) = @_;
	return undef if $c->{ended};
	my $wrong = $c->write_some;
	return $wrong // ($c->{stopped} ? undef : $c->read_some);
}

sub write_some {
	my ($c) = @_;
	while (length($c->{out})) {
		my $n = syswrite($c->{sock}, $c->{out}, 65536);
		if (!defined($n)) {
			return undef if $!{EAGAIN} || $c->{end};
			return "cannot send: $!";
		}
		substr($c->{out}, 0, $n, '');
	}
	shutdown($c->{sock}, SHUT_WR) if $c->{shut} && !$c->{half}++;
	return undef;
}

sub read_some {
	my ($c) = @_;
	for (;;) {
		my $n = sysread($c->{sock}, $c->{in}, 65536, length($c->{in}));
		return undef if !defined($n) && $!{EAGAIN};
		my $wrong = $c->take_messages;
		return $wrong if defined($wrong);
		return $c->at_end(defined($n) ? undef : $!) if !$n;
	}
}

sub take_messages {
	my ($c) = @_;
	for (;;) {
		my $m = unframe($c->{reads}, \$c->{in}) // last;
		my $wrong = $c->got($m);
		return $wrong if defined($wrong);
	}
	return undef;
}

# Where nothing is expected before it, another mode begins.
sub turn_pages {
	my ($c) = @_;
	while (@{$c->{expected}} && $c->{expected}[0]{mode}) {
		$c->{reads} = shift(@{$c->{expected}})->{mode};
	}
}

sub got {
	my ($c, $m) = @_;
	for (;;) {
		my $e = shift(@{$c->{expected}})
		    // return 'nobody sent it ' . shown($m);
		if ($e->{bytes} eq $m) {
			$c->{joined} = 1;
			$c->{received}++;
			$c->turn_pages;
			return undef;
		}
		next if $e->{join} && !$c->{joined};
		return "of line $e->{line} it has received " . shown($m) .
		    ', expected ' . shown($e->{bytes});
	}
}

sub at_end {
	my ($c, $error) = @_;
	$c->{ended} = 1;
	close($c->{sock});
	$c->{end} or return $error ? "an error: $error"
	    : 'the server has closed, and nobody asked it to';
	for my $e (@{$c->{expected}}) {
		next if $e->{mode} || $e->{tail};
		next if $e->{join} && !$c->{joined};
		return "closed ($c->{end}) without " . shown($e->{bytes}) .
		    " of line $e->{line}";
	}
	$c->{expected} = [];
	return undef if $c->{in} eq '' || $c->{end} !~ /^(drain|stop|fin)$/;
	return 'closed inside a message: ' . shown($c->{in});
}

1;
