#!/usr/bin/perl
# Runs the examples of a document. A line that begins with "$ " is a command,
# the lines up to the next one are all that it prints; a last newline may be
# missing from it. A here-document stands behind its command as a shell shows
# it, with "> " before each line. Examples of one document follow one another in
# one directory.
#
#	examples.pl man|markdown FILE
#
# What gives JSON lines to the program is left out where it cannot take them, and
# so are servers in languages that are not installed. An awk that needs no option
# to read line by line may know none.
use strict;
use warnings;

my ($kind, $file) = @ARGV;
my (@examples, $inside);

open my $doc, '<', $file or die "$file: $!";
while (<$doc>) {
	if ($kind eq 'man') {
		$inside = 1, next if /^\.Bd -literal/;
		$inside = 0, next if /^\.Ed/;
		s/\\&//g;
		s/\\e/\\/g;
	} else {
		$inside = !$inside, next if /^```/;
	}
	next unless $inside;
	if (/^\$ (.*)/) {
		push @examples, { command => $1, line => $., want => '' };
		$examples[-1]{here} = $1 if $examples[-1]{command} =~ /<<'(\w+)'/;
	} elsif (@examples && $examples[-1]{here} && /^>(?: (.*))?$/) {
		my $line = $1 // '';
		$examples[-1]{command} .= "\n$line";
		$examples[-1]{here} = '' if $line eq $examples[-1]{here};
	} elsif (@examples && $examples[-1]{open} // 1) {
		$examples[-1]{want} .= $_ if @examples;
	}
} continue {
	# Text outside of a block ends the output of the last command.
	$examples[-1]{open} = 0 if @examples && !$inside;
}

my $bad = 0;
my $no_json = `wdsock --version` =~ /^JSON input: this wdsock was built without/m;
my $is_mawk = `awk -W version 2>&1 </dev/null` =~ /^mawk/;

sub has {
	return grep { -x "$_/$_[0]" } split /:/, $ENV{PATH};
}

for my $e (@examples) {
	next if $e->{command} =~ /^(\.\/bootstrap|make|man|git) ?/;
	next if $no_json && $e->{command} =~ /\b(encode|connect)\b[^|]* -j\b/;
	next if $no_json && $e->{command} =~ /\bserve-multi -j --each\b/;
	next if $e->{command} =~ /--each '(node|python3) / && !has($1);
	$e->{command} =~ s/awk -W interactive/awk/ unless $is_mawk;
	my $pid = open my $out, '-|', 'bash', '-c', "exec 2>&1; $e->{command}"
		or die "bash: $!";
	local $/;
	my $got = <$out> // '';
	close $out;
	$got .= "\n" if $got ne '' && $got !~ /\n\z/;
	next if $got eq $e->{want};
	$bad++;
	print "$file:$e->{line}: $e->{command}\n",
		"expected:\n$e->{want}seen:\n$got";
}
die "$file: no examples\n" unless @examples;
exit($bad > 0 ? 1 : 0);
