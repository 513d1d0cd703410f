#!/usr/bin/env perl
# A model of serve-multi, and random clients that hold it to it.
#
#	many_model.pl [--seed N] [--steps N] [--limit SECONDS] [--linger DURATION]
#		[--trace 1] [--v6 0] COMMAND [ARGUMENT...]
#
# COMMAND is `wdsock serve-multi` with options of its own; -j, --linger,
# --ready-fd and the listeners are added. It says of each channel what its
# client must receive and what standard output must tell, and ends with 0 if
# all of it was so, with 1 and the seed if not. The same seed takes the same
# steps; what the two sides meet in between is the machine's.
#
# What is known of a line for many when it is written:
#
#	the open event was read before		it is for that client
#	the client connects later than an	it is not
#	answer to a later line was read
#	neither					it may be; but once one line has
#						come, all behind it must
#	a line before it closes the channel	it is not
#	the client is about to end		it may be, as long as none before
#						it is missing
use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR);
use Fcntl;
use FindBin;
use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Socket qw(:all);
use lib $FindBin::Bin;
use many_client;

my %opt = (steps => 400, limit => 120, linger => '1h', trace => 0, v6 => 1,
    seed => $ENV{SEED} // time() ^ $$);
while (@ARGV && $ARGV[0] =~ /^--(\w+)$/) {
	die("many_model: --$1: no such option\n") if !exists($opt{$1});
	$opt{$1} = $ARGV[1];
	splice(@ARGV, 0, 2);
}
die("many_model: which command?\n") unless @ARGV;
my $stays = $opt{linger} ne '0';

my $json = JSON::PP->new->utf8->canonical;
my $dice = many_client::dice($opt{seed});
my ($pid, $to, $from, @places);		# the server
my ($in, $out, $line) = ('', '', 0);	# its stdin, its stdout, lines given
my $answered = 0;		# all up to this line has been read by it
my %error;			# line => whether one is: must, may, barrier
my %for;			# line => the one client that it is for
my @recent;			# for many, above $answered
my (@clients, %by_chan, $doing);
my $serial = 0;			# of what is said
my ($step, $stopping, $silent) = (0, 0, 0);
my %count;

$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{__DIE__} = sub { bad(@_) if !$^S };
$SIG{ALRM} = sub { bad("the watch-dog: $opt{limit} s are over; not done: " .
    join(', ', map { $_->state } grep { !$_->{over} } @clients)) };

sub bad {
	my ($what) = @_;
	kill('KILL', $pid) if $pid;
	print "# seed $opt{seed}, step $step: ", $doing // 'start', "\n",
	    "# $what\n";
	print "# again: SEED=$opt{seed} $0 --steps $opt{steps} ",
	    "--linger $opt{linger} @ARGV\n";
	POSIX::_exit(1);
}

sub roll { return $dice->($_[0]) }
sub pick { return @_ ? $_[roll(scalar(@_))] : undef }

# The server -------------------------------------------------------------

sub start {
	my @listeners = qw(windev@127.0.0.1:0 lines@127.0.0.1:0
	    end-tag=CRLF@unix:m1 netstring@unix:m2);
	push(@listeners, 'windev@[::1]:0') if $opt{v6} && have_v6();
	pipe(my $child_in, $to) && pipe($from, my $child_out)
	    && pipe(my $ready, my $child_ready) or die("pipe: $!\n");
	$pid = fork() // die("fork: $!\n");
	if ($pid == 0) {
		fcntl($child_ready, F_SETFD, 0);
		open(STDIN, '<&', $child_in);
		open(STDOUT, '>&', $child_out);
		{ exec(@ARGV, '-j', '--linger', $opt{linger}, '--ready-fd',
		    fileno($child_ready), @listeners) };
		POSIX::_exit(127);
	}
	close($_) for $child_in, $child_out, $child_ready;
	for my $listener (@listeners) {
		my $address = <$ready> // bad('it does not listen');
		chomp($address);
		push(@places, {address => $address,
			mode => $listener =~ s/\@.*//r});
	}
	defined(<$ready>) and bad('more addresses than listeners');
	fcntl($_, F_SETFL, O_NONBLOCK | fcntl($_, F_GETFL, 0)) for $to, $from;
}

sub have_v6 {
	socket(my $s, AF_INET6, SOCK_STREAM, 0) or return 0;
	return bind($s, pack_sockaddr_in6(0, inet_pton(AF_INET6, '::1')));
}

# A line of its stdin; its number.
sub say_line {
	my ($what, $fails) = @_;
	$in .= $json->encode($what) . "\n";
	$line++;
	$error{$line} = $fails if $fails;
	return $line;
}

sub message_of {
	my ($bytes) = @_;
	return (text => $bytes) if $bytes =~ /^[ -~]*\z/ && roll(2);
	return (b64 => encode_base64($bytes, ''));
}

# What stdout tells ------------------------------------------------------

sub told_open {
	my ($e) = @_;
	my $peer = $e->{peer} // bad('an open event without a peer');
	my ($c) = grep { !defined($_->{chan}) && $_->{name} eq $peer } @clients;
	($c) = grep { !defined($_->{chan}) && $_->{unix} } @clients if !$c;
	$c or bad("nobody has connected from $peer: $e->{chan}");
	$e->{chan} =~ /^[!-~]{1,24}\z/ or bad("no name: $e->{chan}");
	$by_chan{$e->{chan}} and bad("$e->{chan} is open twice");
	$c->{chan} = $e->{chan};
	$by_chan{$c->{chan}} = $c;
	$count{open}++;
}

sub told_message {
	my ($c, $e) = @_;
	my $want = shift(@{$c->{said}});
	my $got = defined($e->{b64}) ? MIME::Base64::decode_base64($e->{b64})
	    : $e->{text} // bad("$c->{chan}: a message without bytes");
	utf8::encode($got) if !defined($e->{b64});
	$c->{n}++;
	($e->{n} // 0) == $c->{n}
	    or bad("$c->{chan}: n is $e->{n}, expected $c->{n}");
	($e->{dir} // '') eq 'in' or bad("$c->{chan}: not dir in");
	defined($want) or bad("$c->{chan}: nobody said " . shown($got));
	$want eq $got or bad("$c->{chan}: message $c->{n} is " . shown($got) .
	    ', its client said ' . shown($want));
	$count{in}++;
}

# How each way to end may be told, by its status.
my %STATUS = (garbage => qr/^8$/, torn => qr/^(7|8)$/, fin => qr/^(0|6|12)$/,
	reset => qr/^(12|6|7|8|0)$/, drain => qr/^(0|6|12|7)$/,
	now => qr/^(0|6|12|7)$/, stop => qr/^\d+$/);

sub told_close {
	my ($c, $e) = @_;
	$c->{over} = 1;
	my $how = $c->{end} // bad("$c->{chan}: closed, and nobody asked: " .
	    $json->encode($e));
	($e->{status} // '') =~ $STATUS{$how}
	    or bad("$c->{chan}: ended by $how: " . $json->encode($e));
	($e->{messages_in} // $c->{n}) == $c->{n}
	    or bad("$c->{chan}: messages_in is not $c->{n}");
	# Neither a reset nor we wait for what has not been read.
	if (@{$c->{said}} && !$c->{loses}) {
		bad("$c->{chan}: closed, and not told: " .
		    shown($c->{said}[0]));
	}
	$count{close}++;
}

sub told_error {
	my ($e) = @_;
	my $n = $e->{line} // return;
	# Whoever ends meanwhile is an unknown channel.
	$error{$n} //= 'may' if $for{$n} && $for{$n}{end};
	defined($error{$n}) or bad("line $n was in order: $e->{error}");
	$answered = $n if $error{$n} eq 'barrier' && $n > $answered;
	@recent = grep { $_->{line} > $answered } @recent;
	$error{$n} = 'seen' if $error{$n} ne 'may';
	$count{error}++;
}

sub told {
	my ($text) = @_;
	my $e = eval { $json->decode($text) } // bad("no JSON: " . shown($text));
	my $kind = $e->{event} // bad("no event: $text");
	print "# < ", substr($text, 0, 160), "\n" if $opt{trace};
	return told_error($e) if $kind eq 'error';
	return if $kind !~ /^(open|message|close)$/;
	my $chan = $e->{chan} // bad("no chan: $text");
	return told_open($e) if $kind eq 'open';
	my $c = $by_chan{$chan} // bad("$chan was not opened: $text");
	$c->{over} and bad("$chan was closed: $text");
	return $kind eq 'close' ? told_close($c, $e) : told_message($c, $e);
}

# What moves -------------------------------------------------------------

sub pump_server {
	if (length($in)) {
		my $n = syswrite($to, $in, 65536);
		substr($in, 0, $n, '') if $n;
		bad("its stdin: $!") if !defined($n) && $! != EAGAIN;
	}
	while (!$silent) {
		my $n = sysread($from, $out, 65536, length($out)) // last;
		$silent = $n == 0;
		bad('its stdout has ended') if $silent && !$stopping;
	}
	while ((my $at = index($out, "\n")) >= 0) {
		told(substr($out, 0, $at));
		substr($out, 0, $at + 1, '');
	}
}

# Everything that can move moves; at most so many milliseconds without.
sub pump {
	my ($ms) = @_;
	my $poll = IO::Poll->new;
	$poll->mask($from, POLLIN) if !$silent;
	$poll->mask($to, POLLOUT) if length($in);
	$_->watch($poll) for @clients;
	$poll->poll($ms / 1000);
	pump_server();
	for my $c (@clients) {
		my $what = $c->move or next;
		bad(($c->{chan} // $c->{name}) . ": $what");
	}
}

sub wait_until {
	my ($what, $holds) = @_;
	return if $holds->();
	my $before = $doing;
	$doing = "$before; until $what";
	$_->{stopped} = 0 for @clients;
	pump(1000) until $holds->();
	$doing = $before;
}

sub named {
	my ($c) = @_;
	wait_until("$c->{name} is open", sub { defined($c->{chan}) });
	return $c->{chan};
}

# All lines up to here have been read.
sub barrier {
	my $n = say_line({chan => 'c999999999999', text => 'barrier'},
	    'barrier');
	wait_until("line $n is answered", sub { $answered >= $n });
}

sub settle {
	my ($c) = @_;
	named($c);
	barrier();
	wait_until("all of $c->{chan} is told",
	    sub { !@{$c->{said}} && !$c->has_to_send });
}

# What is done -----------------------------------------------------------

sub live { return grep { !$_->{end} } @clients }
sub speaking { return grep { !$_->{end} && !$_->{shut} } @clients }

my %action = (
	open => sub {
		return if live() >= 24;
		my $place = pick(@places);
		my $unix = $place->{address} =~ /^unix/;
		if ($unix) {
			$_->{unix} && named($_) for @clients;
		}
		my $c = many_client->new($place, \$answered);
		push(@clients, $c);
		$c->expect($_->{bytes}, $_->{line}, join => 1) for @recent;
		named($c) if roll(2);
	},
	said => sub {
		my $c = pick(speaking()) or return;
		$c->send_message(bytes_for($c->{mode}, 1)) for 0 .. roll(6);
	},
	one => sub { one(pick(live()) // return) },
	some => sub {
		my %to = map { $_->{name} => $_ } grep { roll(2) } live();
		my @to = map { $to{$_} } sort(keys(%to));
		return unless @to;
		my $bytes = bytes_for('many');
		my $n = say_line({chan => [map { named($_) } @to],
			message_of($bytes)}, 'may');
		$_->expect($bytes, $n) for @to;
	},
	all => sub { to_many() },
	but => sub { to_many(pick(live())) },
	shut => sub {
		my $c = pick(speaking()) or return;
		return if !$stays;
		$c->shut;
	},
	fin => sub {
		my $c = pick(speaking()) or return;
		return if $stays;
		barrier() if roll(2);
		$c->ends('fin');
		$c->shut;
	},
	torn => sub {
		my $c = pick(grep { $_->{mode} ne 'lines' } speaking()) or return;
		return if $stays;
		$c->send_bytes($c->{mode} eq 'end-tag=CRLF' ? 'x' : "9");
		$c->ends('torn');
		$c->shut;
	},
	garbage => sub {
		my $c = pick(grep { $_->{mode} =~ /windev|netstring/ }
		    speaking()) or return;
		$c->send_bytes("garbage\r\n" . 'x' x roll(4096));
		$c->ends('garbage');
	},
	reset => sub {
		# A Unix socket has none, but for what was not read.
		my $c = pick(grep { !$_->{unix} } live()) or return;
		named($c);
		$c->ends('reset');
		$c->reset;
	},
	drain => sub {
		my $c = pick(live()) or return;
		my $quiet = roll(4);
		settle($c) if $quiet;
		heap($c) if roll(2);
		say_line({chan => named($c), close => JSON::PP::true}, 'may');
		$c->ends('drain', $quiet);
	},
	now => sub {
		my $c = pick(live()) or return;
		say_line({chan => named($c), close => 'now'}, 'may');
		$c->ends('now');
	},
	mode => sub {
		my $c = pick(speaking()) or return;
		settle($c);
		one($c);
		wait_until("$c->{chan} has all", sub { !@{$c->{expected}} });
		one($c) for 1 .. roll(3);
		my $mode = pick(qw(windev lines end-tag=CRLF netstring));
		my $n = say_line({chan => $c->{chan}, mode => $mode});
		$c->change($mode, $n);
		one($c) for 1 .. roll(3);
		# It may not say anything before.
		barrier();
	},
	unfit => sub {
		my $c = pick(grep { $_->{mode_out} eq 'lines' } live()) or return;
		say_line({chan => named($c), text => "two\nlines"}, 'must');
	},
	nobody => sub {
		my ($gone) = grep { $_->{over} } @clients;
		say_line({chan => $gone ? $gone->{chan} : 'c888888888888',
			text => 'x'}, 'must');
	},
	junk => sub { $in .= pick('{"chan":', '[1,', 'junk') . "\n";
		$error{++$line} = 'must' },
	stop => sub { $_->{stopped} = 1 for pick(live()) // () },
	go => sub { $_->{stopped} = 0 for @clients },
	sync => sub { barrier() },
);
my @often = (('said') x 8, ('open') x 6, ('one') x 6, ('all') x 5,
	('but') x 3, ('some') x 3, ('drain') x 2, ('stop') x 2, sort(keys(%action)));

sub one {
	my ($c) = @_;
	my $bytes = bytes_for($c->{mode_out}, defined($c->{chan}));
	my $n = say_line({chan => named($c), message_of($bytes)});
	$for{$n} = $c;
	$c->expect($bytes, $n);
}

# More than a socket takes, to one who does not read.
sub heap {
	my ($c) = @_;
	named($c);
	$c->{stopped} = 1;
	for (1 .. 60) {
		my $bytes = 'm' . ++$serial . ' ' . 'x' x 30000;
		my $n = say_line({chan => $c->{chan}, text => $bytes});
		$for{$n} = $c;
		$c->expect($bytes, $n);
	}
	# It is told all of it before anybody reads on, unless it waits too.
	for (my $before = 0; length($in) != $before;) {
		$before = length($in);
		pump(200);
	}
}

sub to_many {
	my ($but) = @_;
	my $bytes = bytes_for('many');
	my $n = say_line({chan => '*', message_of($bytes),
		$but ? (except => named($but)) : ()});
	push(@recent, {bytes => $bytes, line => $n});
	for my $c (grep { !$_->{asked} } @clients) {
		next if $but && $c == $but;
		$c->expect($bytes, $n, join => !defined($c->{chan}));
	}
}

sub bytes_for {
	my ($mode, $more) = @_;
	return '' if $more && roll(20) == 0;
	my $bytes = 'm' . ++$serial . ' ';
	my $n = roll(roll(12) ? 60 : 30000);
	$bytes .= join('', map { chr(roll(256)) } 1 .. ($n < 60 ? $n : 60));
	$bytes .= chr(roll(256)) x ($n - 60) if $n > 60;
	$bytes =~ tr/\r\n//d if $mode =~ /many|end-tag/;
	$bytes =~ tr/\n//d if $mode eq 'lines';
	$bytes =~ s/[^ -~]/./g if roll(3) == 0;
	return $bytes;
}

sub shown { return many_client::shown(@_) }

# Some are closed, the others are there when it is told to stop.
sub finish {
	$doing = 'the end';
	for my $c (live()) {
		settle($c);
		next if roll(3) == 0;
		say_line({chan => $c->{chan}, close => JSON::PP::true});
		$c->ends('drain', 1);
	}
	# A reset that comes behind a FIN is met by what is said next.
	to_many();
	barrier();
	wait_until('what was asked to is closed',
	    sub { !grep { $_->{end} && !$_->{over} } @clients });
	$_->ends('stop', 1) for live();
	$stopping = 1;
	kill('TERM', $pid);
	wait_until('its stdout ends', sub { $silent });
	wait_until('each client has seen its end',
	    sub { !grep { !$_->{ended} } @clients });
	length($out) and bad('the last line is cut: ' . shown($out));
	$_->{over} or bad("$_->{chan}: no close event") for @clients;
	for my $n (sort { $a <=> $b } keys(%error)) {
		bad("line $n: no error event") if $error{$n} =~ /must|barrier/;
	}
	waitpid($pid, 0);
	($? & 127) == 15 or bad("SIGTERM: ended with $?");
}

alarm($opt{limit});
start();
for ($step = 1; $step <= $opt{steps}; $step++) {
	$doing = pick(@often);
	print "# $step: $doing\n" if $opt{trace};
	$action{$doing}->();
	$count{$doing}++;
	pump(0);
}
finish();
$count{out} += $_->{received} for @clients;
print "# seed $opt{seed}: ", join(', ', map { "$_ $count{$_}" }
    sort(keys(%count))), "\n";
