#!/usr/bin/env perl
# Whoever starts a server for its clients: a super server as inetd, a service
# manager as systemd, a shell with job control. It ends with its test, or after
# a minute.
#
#	manager.pl inetd N COMMAND...	listens on a TCP port, and gives each of
#		N clients to a COMMAND of its own, as descriptors 0, 1 and 2
#	manager.pl listen KIND[,KIND...] COMMAND...	listens, and gives
#		COMMAND the sockets as descriptors from 3 on, with LISTEN_FDS
#		and LISTEN_PID unless LISTEN_FDS is set to be empty; KIND: tcp,
#		unix
#	manager.pl shell COMMAND...	runs COMMAND as a job on a terminal of
#		its own, stops it by ^Z, goes on with it, types "typed" and ^D
#
# The addresses to connect to are the lines of the file `at`. The flags of what was
# handed over, before and after, are compared: that they differ is status 99.

use strict;
use warnings;
use Fcntl;
use POSIX qw(:sys_wait_h :termios_h dup2 setsid tcsetpgrp);
use Socket qw(:all);

my ($what, @rest) = @ARGV;
$^F = 10;
alarm(60);

sub say_at {
	my ($text) = @_;
	open(my $f, '>', 'at.new') or die("at: $!\n");
	print $f "$text\n";
	close($f);
	rename('at.new', 'at') or die("at: $!\n");
}

sub listen_at {
	my ($kind) = @_;
	my $l;
	if ($kind eq 'unix') {
		socket($l, AF_UNIX, SOCK_STREAM, 0) or die("socket: $!\n");
		bind($l, pack_sockaddr_un('passed')) or die("bind: $!\n");
		listen($l, 5);
		return ($l, 'unix:passed');
	}
	socket($l, AF_INET, SOCK_STREAM, 0) or die("socket: $!\n");
	bind($l, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die("bind: $!\n");
	listen($l, 5);
	my ($port) = unpack_sockaddr_in(getsockname($l));
	return ($l, "127.0.0.1:$port");
}

sub flags_of {
	my ($h) = @_;
	return fcntl($h, F_GETFL, 0);
}

# How a process ended, as a shell has it.
sub status_of {
	my ($wait) = @_;
	return $wait & 127 ? 128 + ($wait & 127) : $wait >> 8;
}

# Runs it with the client as 0, 1 and 2; how it ended, once it has.
sub serve_one {
	my ($c, @command) = @_;
	my $before = flags_of($c);
	my $pid = fork() // die("fork: $!\n");
	if ($pid == 0) {
		dup2(fileno($c), $_) for 0 .. 2;
		POSIX::close($_) for 3 .. 20;
		exec(@command) or POSIX::_exit(98);
	}
	waitpid($pid, 0);
	my $status = status_of($?);
	return flags_of($c) == $before ? $status : 99;
}

sub super_server {
	my ($n, @command) = @_;
	my ($l, $name) = listen_at('tcp');
	my $worst = 0;
	say_at($name);
	while ($n-- > 0) {
		accept(my $c, $l) or die("accept: $!\n");
		my $pid = fork() // die("fork: $!\n");
		POSIX::_exit(serve_one($c, @command)) if $pid == 0;
	}
	while (waitpid(-1, 0) > 0) {
		my $status = status_of($?);
		$worst = $status if $status > $worst;
	}
	return $worst;
}

sub pass_listener {
	my ($kinds, @command) = @_;
	my (@l, @names);
	for my $kind (split(/,/, $kinds)) {
		my ($l, $name) = listen_at($kind);
		push(@l, $l);
		push(@names, $name);
	}
	my $before = join(' ', map(flags_of($_), @l));
	my $same = sub { join(' ', map(flags_of($_), @l)) eq $before };
	my $pid = fork() // die("fork: $!\n");
	if ($pid == 0) {
		# Above all that they become, first.
		my @high = map(fcntl($_, F_DUPFD, 20), @l);
		dup2($high[$_], 3 + $_) for 0 .. $#high;
		POSIX::close($_) for @high;
		$ENV{LISTEN_FDS} //= @l;
		$ENV{LISTEN_PID} //= $$;
		$SIG{INT} = 'DEFAULT';
		delete @ENV{qw(LISTEN_FDS LISTEN_PID)}
		    if $ENV{LISTEN_FDS} eq '';
		exec(@command) or POSIX::_exit(98);
	}
	open(my $f, '>', 'pid'); print $f "$pid\n"; close($f);
	say_at(join("\n", @names));
	# While it runs, too; what is seen there is told on demand.
	$SIG{USR1} = sub {
		open(my $o, '>', 'flags');
		print $o $same->() ? "same\n" : "other\n";
		close($o);
	};
	1 while waitpid($pid, 0) == -1 && $!{EINTR};
	my $status = status_of($?);
	return $same->() ? $status : 99;
}

# A terminal: its master, and the name of the other side.
sub open_terminal {
	my $unlocked = pack('i', 0);
	my $number = pack('i', 0);
	sysopen(my $m, '/dev/ptmx', O_RDWR | O_NOCTTY) or die("ptmx: $!\n");
	ioctl($m, 0x40045431, $unlocked) or die("TIOCSPTLCK: $!\n");
	ioctl($m, 0x80045430, $number) or die("TIOCGPTN: $!\n");
	return ($m, '/dev/pts/' . unpack('i', $number));
}

# All that a terminal's settings consist of, in a line.
sub settings {
	my ($fd) = @_;
	my $t = POSIX::Termios->new();
	$t->getattr($fd) or die("tcgetattr: $!\n");
	return join(' ', $t->getiflag, $t->getoflag, $t->getcflag, $t->getlflag,
	    $t->getispeed, $t->getospeed, map($t->getcc($_), 0 .. NCCS - 1));
}

# The shell: the leader of the terminal's session, whose job is COMMAND.
sub run_job {
	my ($slave, @command) = @_;
	setsid();
	sysopen(my $t, $slave, O_RDWR) or die("$slave: $!\n");
	local $SIG{TTOU} = 'IGNORE';
	my $before = settings(fileno($t)) . ' ' . flags_of($t);
	my $job = fork() // die("fork: $!\n");
	if ($job == 0) {
		POSIX::setpgid(0, 0);
		tcsetpgrp(fileno($t), $$);
		$SIG{TTOU} = 'DEFAULT';
		dup2(fileno($t), $_) for 0 .. 1;
		exec(@command) or POSIX::_exit(98);
	}
	POSIX::setpgid($job, $job);
	waitpid($job, WUNTRACED);
	# One that has ended is gone now.
	die("expected a job that is stopped, saw one that ended\n")
	    if waitpid($job, WNOHANG) != 0;
	tcsetpgrp(fileno($t), getpgrp());
	my $stopped = settings(fileno($t)) . ' ' . flags_of($t);
	tcsetpgrp(fileno($t), $job);
	say_at('stopped');
	kill('CONT', $job);
	waitpid($job, 0);
	my $status = status_of($?);
	tcsetpgrp(fileno($t), getpgrp());
	my $after = settings(fileno($t)) . ' ' . flags_of($t);
	return $before eq $stopped && $before eq $after ? $status : 99;
}

sub job_control {
	my (@command) = @_;
	my ($m, $slave) = open_terminal();
	my $pid = fork() // die("fork: $!\n");
	if ($pid == 0) {
		close($m);
		POSIX::_exit(eval { run_job($slave, @command) } //
		    do { print STDERR $@; 97 });
	}
	my $seen = '';
	# "^Z" and the rest go when what the job shows says that it is there.
	my @steps = (['ready', "\x1a"], [undef, "typed\n"], ['reply', "\x04"]);
	while (@steps) {
		my ($wait, $type) = @{shift(@steps)};
		if (!defined($wait)) {
			select(undef, undef, undef, 0.01) until -e 'at';
		} else {
			sysread($m, $seen, 4096, length($seen)) or last
			    while index($seen, $wait) < 0;
		}
		syswrite($m, $type);
	}
	waitpid($pid, 0);
	print $seen;
	return status_of($?);
}

my %ways = (
	inetd => \&super_server,
	listen => \&pass_listener,
	shell => \&job_control,
);
exit($ways{$what}->(@rest));
