#!/usr/bin/perl
# Changes one operator or number of the codec at a time and asks the tests to
# notice: a change that no test notices is a test that is missing.
#
#	perl tests/unit/mutate.pl --srcdir DIR --cc CC --jobs N --files FILE ...
#
# Each mutant is one compilation of one file, linked with objects that were
# compiled once, and runs the quick tests until one fails. The status is 0 if
# at least 95 of 100 were noticed. Survivors that mean the same program stand
# in mutation.equivalent with their reason and are counted by themselves.

use strict;
use warnings;
use File::Temp qw(tempdir);
use Getopt::Long;
use Time::HiRes qw(time);

my ($srcdir, $cc, $jobs, $least, $cflags) = ('.', 'cc', 2, 95, '');
my ($seconds, $list_only, @files) = (10);
GetOptions(
	'srcdir=s' => \$srcdir, 'cc=s' => \$cc, 'jobs=i' => \$jobs,
	'cflags=s' => \$cflags, 'least=f' => \$least, 'list' => \$list_only,
	'files=s{1,}' => \@files,
) or exit 2;
@files = map { "src/codec/$_.c" } qw(framing decode encode) unless @files;

my $unit = "$srcdir/tests/unit";
my $temp = tempdir('mutate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $bsd_cflags = `pkg-config --cflags libbsd-overlay 2>/dev/null`;
my $bsd_libs = `pkg-config --libs libbsd-overlay 2>/dev/null`;
chomp($bsd_cflags, $bsd_libs);
# What is undefined must not pass by luck; a trap needs no library.
my $trap = '-fsanitize=undefined -fsanitize-undefined-trap-on-error';
$trap = '' if system('sh', '-c', "echo 'int main(void) { return 0; }' | "
	. "$cc $trap -x c - -o $temp/trap 2>/dev/null") != 0;
my $compile = "$cc $trap -std=gnu11 -D_GNU_SOURCE -O1 -w $bsd_cflags $cflags "
    . "-I'$srcdir/src' -I'$unit'";
# The ones that find most come first.
my @tests = grep { -f "$unit/${_}_test.c" }
    qw(vectors framing encode decode diagnose);

sub slurp {
	my ($path) = @_;
	open(my $in, '<', $path) or die "$path: $!\n";
	local $/;
	return scalar <$in>;
}

sub run_or_die {
	system('sh', '-c', $_[0]) == 0 or die "failed: $_[0]\n";
}

# A file as [token, offset] pairs; comments, strings, characters and lines of
# the preprocessor are left out.
sub tokens {
	my ($text) = @_;
	my @found;
	pos($text) = 0;
	my $fresh = 1;    # nothing but blanks in this line so far
	while (pos($text) < length($text)) {
		my $at = pos($text);
		if ($fresh && $text =~ /\G[ \t]*#(?:[^\n\\]|\\.)*/gcs) { next }
		if ($text =~ /\G\n/gc) { $fresh = 1; next }
		if ($text =~ /\G[ \t]+/gc) { next }
		$fresh = 0;
		if ($text =~ m{\G/\*.*?\*/}gcs || $text =~ m{\G//[^\n]*}gc
		    || $text =~ /\G"(?:[^"\\]|\\.)*"/gcs
		    || $text =~ /\G'(?:[^'\\]|\\.)*'/gc) {
			next;
		}
		if ($text =~ /\G(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*/gc
		    || $text =~ /\G[A-Za-z_]\w*/gc
		    || $text =~ /\G(?:<<=|>>=|\+\+|--|->|<<|>>|<=|>=|==|!=|&&|\|\||[-+*\/%&|^]=|.)/gcs) {
			push @found, [substr($text, $at, pos($text) - $at), $at];
			next;
		}
		die "no token at $at\n";
	}
	return @found;
}

my %swap = (
	'<' => ['<=', '>='], '<=' => ['<', '>'], '>' => ['>=', '<='],
	'>=' => ['>', '<'], '==' => ['!='], '!=' => ['=='],
	'+' => ['-'], '-' => ['+'], '*' => ['/'], '/' => ['*'], '%' => ['*'],
	'&&' => ['||'], '||' => ['&&'], '<<' => ['>>'], '>>' => ['<<'],
	'|' => ['&'], '&' => ['|'], '^' => ['&'], '++' => ['--'],
	'--' => ['++'], '+=' => ['-='], '-=' => ['+='], '|=' => ['&='],
	'&=' => ['|='], '*=' => ['/='], '/=' => ['*='], '>>=' => ['<<='],
	'true' => ['false'], 'false' => ['true'],
);

# Is the operator at $i one with two sides?
sub is_binary {
	my ($tokens, $i) = @_;
	return 0 if $i == 0;
	my $before = $tokens->[$i - 1][0];
	return 0 if $before eq 'return' || $before eq 'case';
	return $before =~ /^(?:\w+|\)|\]|\+\+|--)$/;
}

# A star or an ampersand that declares, takes an address or follows a type.
sub is_declaration {
	my ($tokens, $i) = @_;
	my $before = $tokens->[$i - 1][0];
	my $prior = $i > 1 ? $tokens->[$i - 2][0] : '';
	return 1 if $prior =~ /^(?:struct|enum|const|static)$/;
	return 1 if $before =~ /^(?:char|int|unsigned|void|bool|const|\w+_t)$/;
	return 0;
}

# Where the parenthesis that opens at token $i is closed.
sub closing {
	my ($tokens, $i) = @_;
	my $depth = 0;
	for (; $i < @$tokens; $i++) {
		$depth++ if $tokens->[$i][0] eq '(';
		$depth-- if $tokens->[$i][0] eq ')';
		return $i if $depth == 0;
	}
	return;
}

# Marks the tokens of static tables, of structs and of enums: their numbers
# are data that the compiler, or a test of their own, looks after.
sub skipped {
	my ($tokens) = @_;
	my @skip;
	my ($depth, $data, $header) = (0, 0, '');
	for my $i (0 .. $#$tokens) {
		my $t = $tokens->[$i][0];
		if (!$data && $t eq '{' && $header =~ /(?:=|\b(?:struct|enum)(?: \w+)?) $/
		    && $header =~ /\b(?:static const|extern const|const struct|enum|struct)\b/) {
			$data = 1;
			$depth = 0;
		}
		if ($data) {
			$skip[$i] = 1;
			$depth++ if $t eq '{';
			$depth-- if $t eq '}';
			$data = 0 if $depth == 0 && $t eq '}';
		}
		$header = $t =~ /^[;{}]$/ ? '' : "$header$t ";
	}
	return \@skip;
}

sub mutants {
	my ($file) = @_;
	my $text = slurp("$srcdir/$file");
	my @tokens = tokens($text);
	my $skip = skipped(\@tokens);
	my @lines = split /\n/, $text;
	my @made;
	my $add = sub {
		my ($at, $len, $new, $shown_old, $shown_new) = @_;
		my $line = 1 + (substr($text, 0, $at) =~ tr/\n//);
		my $source = $lines[$line - 1];
		$source =~ s/^\s+|\s+$//g;
		$source =~ s/\s+/ /g;
		my $start = rindex($text, "\n", $at) + 1;
		my $nth = () = substr($text, $start, $at - $start)
		    =~ /\Q$shown_old\E/g;
		my $how = "$shown_old -> $shown_new";
		$how .= ' #' . ($nth + 1) if $nth > 0;
		push @made, {
			file => $file, line => $line, source => $source,
			how => $how,
			text => substr($text, 0, $at) . $new
			    . substr($text, $at + $len),
		};
	};
	for my $i (0 .. $#tokens) {
		next if $skip->[$i];
		my ($t, $at) = @{$tokens[$i]};
		if ($t =~ /^(?:0[xX][0-9a-fA-F]+|[0-9]+)/) {
			my $n = $t =~ /^0[xX]/ ? hex($t =~ s/[uUlL]+$//r)
			    : $t =~ s/[uUlL]+$//r;
			next if $n > 1e9;
			$add->($at, length $t, $n + 1, $t, $n + 1);
			$add->($at, length $t, 0, $t, 0) if $n == 1;
			next;
		}
		if ($t eq 'if' || $t eq 'while') {
			my $open = $tokens[$i + 1];
			my $close = closing(\@tokens, $i + 1);
			my $from = $open->[1];
			my $len = $tokens[$close][1] + 1 - $from;
			my $cond = substr($text, $from, $len);
			$add->($from, $len, "(!$cond)", "$t (", "$t (!");
			next;
		}
		next unless $swap{$t};
		if ($t =~ /^(?:[-+*\/%&|^<>]|<<|>>)$/) {
			next unless is_binary(\@tokens, $i);
			next if $t =~ /^[*&]$/ && is_declaration(\@tokens, $i);
		}
		$add->($at, length $t, $_, $t, $_) for @{$swap{$t}};
	}
	return @made;
}

# file TAB source line TAB mutation TAB reason
sub equivalents {
	my %known;
	my $path = "$unit/mutation.equivalent";
	return \%known unless -f $path;
	for (split /\n/, slurp($path)) {
		next if /^(?:#|\s*$)/;
		my ($file, $source, $how, $why) = split /\t/;
		die "$path: no reason: $_\n" unless defined $why && $why ne '';
		$known{"$file\t$source\t$how"} = 0;
	}
	return \%known;
}

sub build {
	for my $c (glob("'$srcdir/src/base/*.c'"), glob("'$srcdir/src/codec/*.c'"),
	    map { "$unit/$_.c" } qw(tap guard feed vectors chance)) {
		my ($name) = $c =~ m{([^/]+)\.c$};
		run_or_die("$compile -c '$c' -o $temp/$name.o");
	}
	run_or_die("$compile -c '$unit/${_}_test.c' -o $temp/${_}_test.o")
	    for @tests;
}

# The objects that a test is linked with, one of them perhaps a mutant's.
sub objects {
	my ($test, $name, $object) = @_;
	return join ' ', "$temp/${test}_test.o",
	    map { $_ eq "$temp/$name.o" ? $object : $_ }
	    grep { !/_test\.o$/ } glob("$temp/*.o");
}

# Runs a test for at most a few seconds: true if it is content.
sub passes {
	my ($program) = @_;
	my $pid = fork;
	die "fork: $!\n" unless defined $pid;
	if ($pid == 0) {
		open(STDOUT, '>', '/dev/null');
		open(STDERR, '>', '/dev/null');
		alarm $seconds;
		exec { $program } $program or exit 127;
	}
	waitpid($pid, 0);
	return $? == 0;
}

# killed, survived or uncompiled.
sub judge {
	my ($m, $dir) = @_;
	my ($name) = $m->{file} =~ m{([^/]+)\.c$};
	open(my $out, '>', "$dir/$name.c") or die "$dir/$name.c: $!\n";
	print $out $m->{text};
	close $out or die "$dir/$name.c: $!\n";
	return 'uncompiled' if system('sh', '-c',
		"$compile -c $dir/$name.c -o $dir/$name.o 2>/dev/null") != 0;
	for my $test (@tests) {
		my $all = objects($test, $name, "$dir/$name.o");
		return 'uncompiled' if system('sh', '-c',
			"$cc $all $bsd_libs -o $dir/t 2>/dev/null") != 0;
		return 'killed' unless passes("$dir/t");
	}
	return 'survived';
}

sub worker {
	my ($n, $mutants) = @_;
	my $dir = "$temp/job$n";
	mkdir $dir or die "$dir: $!\n";
	open(my $out, '>', "$temp/result$n") or die "$temp/result$n: $!\n";
	for (my $i = $n; $i < @$mutants; $i += $jobs) {
		print $out "$i ", judge($mutants->[$i], $dir), "\n";
	}
	close $out or die "$temp/result$n: $!\n";
}

$ENV{QUICK} = 1;
$ENV{SEED} //= 1;
$ENV{srcdir} = $srcdir;
my @mutants = map { mutants($_) } @files;
if ($list_only) {
	print "$_->{file}:$_->{line}: $_->{how}\t$_->{source}\n" for @mutants;
	exit 0;
}
my $began = time;
build();
for my $test (@tests) {
	run_or_die("$cc " . objects($test, '', '') . " $bsd_libs -o $temp/t");
	passes("$temp/t") or die "${test}_test fails without a mutation\n";
}
my @workers;
for my $n (0 .. $jobs - 1) {
	my $pid = fork;
	die "fork: $!\n" unless defined $pid;
	if ($pid == 0) {
		eval { worker($n, \@mutants); 1 } or do { warn $@; exit 1 };
		exit 0;
	}
	push @workers, $pid;
}
my $broken = 0;
for (@workers) {
	waitpid($_, 0);
	$broken = 1 if $? != 0;
}
die "a worker failed\n" if $broken;

my $known = equivalents();
my (%count, %per_file);
$count{$_} = 0 for qw(killed survived equivalent uncompiled);
for my $n (0 .. $jobs - 1) {
	for (split /\n/, slurp("$temp/result$n")) {
		my ($i, $what) = split / /;
		my $m = $mutants[$i];
		my $key = "$m->{file}\t$m->{source}\t$m->{how}";
		if ($what eq 'survived' && exists $known->{$key}) {
			$what = 'equivalent';
			$known->{$key}++;
		}
		$m->{what} = $what;
		$count{$what}++;
		$per_file{$m->{file}}{$what}++;
	}
}
for my $m (grep { $_->{what} eq 'survived' } @mutants) {
	print "$m->{file}:$m->{line}: $m->{how}\n\t$m->{source}\n";
}
for my $key (sort keys %$known) {
	my ($file) = split /\t/, $key;
	print "not needed in mutation.equivalent: $key\n"
	    if $known->{$key} == 0 && grep { $_ eq $file } @files;
}
my $sum = sub {
	my ($c) = @_;
	my ($k, $s, $e) = map { $_ // 0 } @$c{qw(killed survived equivalent)};
	my $rate = $k + $s > 0 ? 100 * $k / ($k + $s) : 0;
	return (sprintf('%d killed, %d survived (%.1f %%), %d equivalent, '
		    . '%d not compiled', $k, $s, $rate, $e,
		    $c->{uncompiled} // 0), $rate);
};
print "$_: ", ($sum->($per_file{$_} // {}))[0], "\n" for @files;
my ($words, $rate) = $sum->(\%count);
printf "mutation: %s, %.0f s\n", $words, time - $began;
exit($rate >= $least ? 0 : 1);
