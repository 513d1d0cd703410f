#!/usr/bin/perl
# Changes one operator, number or enumerator of the codec at a time and asks
# the tests to notice: a change that no test notices is a test that is missing.
#
#	perl tests/unit/mutate.pl --srcdir DIR --cc CC --jobs N --files FILE ...
#
# Each mutant is one compilation, linked with what was compiled once, and runs
# the quick tests that hold the file, until one sentence of one is not true or
# takes ten times as long as it should. The status is 0 if at least 95 of 100
# were noticed. Survivors that mean the same program stand in
# mutation.equivalent with their reason and are counted by themselves.
#
# A header with code in it is a file like others: whoever includes it is
# compiled again, with and without SSE2, so that both its forms are looked at.

use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Getopt::Long;
use Time::HiRes qw(time);

my ($srcdir, $cc, $jobs, $least, $cflags) = ('.', 'cc', 2, 95, '');
my ($list_only, @files);
GetOptions(
	'srcdir=s' => \$srcdir, 'cc=s' => \$cc, 'jobs=i' => \$jobs,
	'cflags=s' => \$cflags, 'least=f' => \$least, 'list' => \$list_only,
	'files=s{1,}' => \@files,
) or exit 2;
if (!@files) {
	@files = map { s{^\Q$srcdir\E/}{}r } glob("'$srcdir/src/codec/*.c'");
	push @files, 'src/codec/mask.h';
}

my $unit = "$srcdir/tests/unit";
$SIG{INT} = $SIG{TERM} = sub { exit 1 };    # and take away what follows
my $temp = tempdir('mutate-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $bsd_cflags = `pkg-config --cflags libbsd-overlay 2>/dev/null`;
my $bsd_libs = `pkg-config --libs libbsd-overlay 2>/dev/null`;
chomp($bsd_cflags, $bsd_libs);
# What is undefined must not pass by luck; a trap needs no library. gcc lets
# pass what is behind an array at a struct's end unless it is told.
my $undefined = '-fsanitize=undefined -fsanitize-undefined-trap-on-error';
my ($trap) = grep { system('sh', '-c', "echo 'int main(void) { return 0; }' | "
	. "$cc $_ -x c - -o $temp/trap 2>/dev/null") == 0 }
    "$undefined -fsanitize=bounds-strict", $undefined, '';
my $compile = "$cc $trap -std=gnu11 -D_GNU_SOURCE -O1 -w $bsd_cflags $cflags";
my $include = "-I'$srcdir/src' -I'$unit'";
# The ones that find most come first.
my @tests = qw(vectors framing encode decode diagnose explain scan);
my %limit;    # seconds for a test
my %holders;    # the tests that a file is part of

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
# are data that the compiler, or a test of their own, looks after; the
# enumerators of tables are not. What stands in a sizeof is never computed.
sub skipped {
	my ($tokens) = @_;
	my @skip;
	my ($depth, $data, $header) = (0, 0, '');
	for my $i (0 .. $#$tokens) {
		my $t = $tokens->[$i][0];
		if ($t eq 'sizeof' && $tokens->[$i + 1][0] eq '(') {
			$skip[$_] = 'size' for $i .. closing($tokens, $i + 1);
		}
		if (!$data && $t eq '{' && $header =~ /(?:=|\b(?:struct|enum)(?: \w+)?) $/
		    && $header =~ /\b(?:static const|extern const|const struct|enum|struct)\b/) {
			$data = $header =~ /= $/ ? 'table' : 'type';
			$depth = 0;
		}
		if ($data) {
			$skip[$i] = $data;
			$depth++ if $t eq '{';
			$depth-- if $t eq '}';
			$data = 0 if $depth == 0 && $t eq '}';
		}
		$header = $t =~ /^[;{}]$/ ? '' : "$header$t ";
	}
	return \@skip;
}

# Each enumerator of the codec and of this file, and the one behind it.
sub enumerators {
	my ($file) = @_;
	my %next;
	for my $path (glob("'$srcdir/src/codec/*.h'"), "$srcdir/$file") {
		my $text = slurp($path) =~ s{/\*.*?\*/}{}gsr;
		while ($text =~ /\benum\b[^{};()]*\{([^}]*)\}/g) {
			my @names = $1 =~ /(?:^|,)\s*([A-Z]\w*)/g;
			$next{$names[$_]} = $names[$_ + 1] // $names[$_ - 1]
			    for 0 .. $#names;
		}
	}
	return \%next;
}

sub mutants {
	my ($file) = @_;
	my $next = enumerators($file);
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
		my ($t, $at) = @{$tokens[$i]};
		my $skipped = $skip->[$i] // '';
		next if $skipped && !($skipped eq 'table' && $next->{$t});
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
		if ($next->{$t}) {
			$add->($at, length $t, $next->{$t}, $t, $next->{$t});
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

# The files that are compiled again if this one is changed.
sub users {
	my ($file) = @_;
	return $file if $file =~ /\.c$/;
	my ($header) = $file =~ m{^src/(.*)};
	return map { s{^\Q$srcdir\E/}{}r }
	    grep { slurp($_) =~ /^#include "\Q$header\E"/m }
	    glob("'$srcdir/src/codec/*.c'");
}

sub stem {
	my ($file) = @_;
	return $file =~ m{([^/]+)\.[ch]$} ? $1 : die "$file: no source\n";
}

# Everything but the programs goes into one library; what stands before it is
# taken in place of what is in it.
sub build {
	# Of the lower room all but what asks how the program was configured.
	for my $c (grep({ !m{/module\.c$} } glob("'$srcdir/src/base/*.c'")),
	    glob("'$srcdir/src/codec/*.c'"),
	    "$srcdir/src/talk/explain.c",
	    map { "$unit/$_.c" } qw(tap guard feed vectors chance)) {
		run_or_die("$compile $include -c '$c' -o $temp/" . stem($c) . '.o');
	}
	run_or_die("ar rc $temp/all.a $temp/*.o");
	run_or_die("$compile $include -c '$unit/${_}_test.c' -o $temp/${_}_test.o")
	    for @tests;
}

sub links {
	my ($test, $library, $to, @objects) = @_;
	return system('sh', '-c', "$cc $temp/${test}_test.o @objects "
		. "$library $bsd_libs -o $to 2>/dev/null") == 0;
}

# A test that can be linked without a file has nothing to say about it.
sub find_holders {
	for my $file (@files) {
		my $without = "$temp/without.a";
		run_or_die("cp $temp/all.a $without && ar d $without "
			. join(' ', map { stem($_) . '.o' } users($file)));
		$holders{$file} =
		    [grep { !links($_, $without, "$temp/t") } @tests];
		die "$file: no test holds it\n" unless @{$holders{$file}};
	}
}

# Runs a test for as long as it may: true if it is content.
sub passes {
	my ($test, $program) = @_;
	my $pid = fork;
	die "fork: $!\n" unless defined $pid;
	if ($pid == 0) {
		open(STDOUT, '>', '/dev/null');
		open(STDERR, '>', '/dev/null');
		Time::HiRes::alarm($limit{$test} // 60);
		exec { $program } $program or exit 127;
	}
	waitpid($pid, 0);
	return $? == 0;
}

# How long the tests take without a mutation sets their limits.
sub measure {
	for my $test (@tests) {
		links($test, "$temp/all.a", "$temp/t")
		    or die "${test}_test cannot be linked\n";
		my $began = time;
		passes($test, "$temp/t") or die "${test}_test fails\n";
		$limit{$test} = 1 + 10 * (time - $began);
	}
}

# killed, survived or uncompiled, of what was compiled with these flags.
sub judge_as {
	my ($m, $dir, $flags) = @_;
	my @objects;
	for my $user (users($m->{file})) {
		my $c = $user eq $m->{file} ? "$dir/$user" : "'$srcdir/$user'";
		my $o = "$dir/" . stem($user) . '.o';
		return 'uncompiled' if system('sh', '-c', "$compile $flags "
			. "-I$dir/src $include -c $c -o $o 2>/dev/null") != 0;
		push @objects, $o;
	}
	for my $test (@{$holders{$m->{file}}}) {
		return 'uncompiled'
		    unless links($test, "$temp/all.a", "$dir/t", @objects);
		return 'killed' unless passes($test, "$dir/t");
	}
	return 'survived';
}

sub judge {
	my ($m, $dir) = @_;
	my $path = "$dir/$m->{file}";
	open(my $out, '>', $path) or die "$path: $!\n";
	print $out $m->{text};
	close $out or die "$path: $!\n";
	my $what = judge_as($m, $dir, '');
	$what = judge_as($m, $dir, '-U__SSE2__')
	    if $what eq 'survived' && $m->{file} =~ /\.h$/;
	unlink $path;
	return $what;
}

sub worker {
	my ($n, $mutants) = @_;
	my $dir = "$temp/job$n";
	make_path("$dir/src/codec");
	for my $file ($n == 0 ? @files : ()) {
		judge({file => $file, text => slurp("$srcdir/$file")}, $dir)
		    eq 'survived' or die "$file fails without a mutation\n";
	}
	open(my $out, '>', "$temp/result$n") or die "$temp/result$n: $!\n";
	for (my $i = $n; $i < @$mutants; $i += $jobs) {
		print $out "$i ", judge($mutants->[$i], $dir), "\n";
	}
	close $out or die "$temp/result$n: $!\n";
}

$ENV{QUICK} = 1;
$ENV{STOP} = 1;
$ENV{SEED} //= 1;
$ENV{srcdir} = $srcdir;
my @mutants = map { mutants($_) } @files;
if ($list_only) {
	print "$_->{file}:$_->{line}: $_->{how}\t$_->{source}\n" for @mutants;
	exit 0;
}
my $began = time;
build();
find_holders();
measure();
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
	return (sprintf('%d of %d killed (%.1f %%), %d survived; %d equivalent, '
		    . '%d not compiled', $k, $k + $s, $rate, $s, $e,
		    $c->{uncompiled} // 0), $rate);
};
print "$_: ", ($sum->($per_file{$_} // {}))[0], "\n" for @files;
my ($words, $rate) = $sum->(\%count);
printf "mutation: %s; %.0f s\n", $words, time - $began;
die "mutation: at least $least % were to be killed\n" if $rate < $least;
