#!/usr/bin/perl
# House style that a machine can check: layout as .clang-format says, no banned functions, files
# below 500 lines, functions below 60, own header first, a guard and a purpose in every header.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top     = "$FindBin::Bin/../..";
my @sources = sort glob "$top/{common,host,redis,view,policyd,milter,ctl,t/unit,t/bench,t/bench/*,t/fuzz,t/tools}/*.[ch]";
my $banned  = qr/\b(?:strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|strncpy|alloca|system|popen)\s*\(/;

cmp_ok(scalar @sources, '>', 20, 'there are sources to look at');
is(join('', `cd "$top" && clang-format --version`) =~ /version (\d+)/ ? 'found' : 'missing', 'found', 'clang-format is installed');
my @unformatted;
# All at once is fast; one by one tells which.
for my $file (system(qq{cd "$top" && clang-format --dry-run -Werror @sources >/dev/null 2>&1}) ? @sources : ()) {
    my $said = `clang-format --dry-run -Werror "$file" 2>&1`;
    push @unformatted, $? & 127 ? "$file: clang-format crashed" : "$file: $said" if $?;
}
is_deeply(\@unformatted, [], 'layout is what .clang-format says');

my (@calls, @files, @functions, @headers, @order);
for my $file (@sources) {
    (my $name = $file) =~ s{^\Q$top\E/}{};
    open my $in, '<', $file or die "$file: $!";
    my @lines = <$in>;
    push @files, "$name: " . @lines if @lines > 500;
    check_functions($name, \@lines);
    for my $i (0 .. $#lines) {
        (my $code = $lines[$i]) =~ s/"(?:[^"\\]|\\.)*"//g;
        $code =~ s{/\*.*|^\s*\*.*|//.*}{};
        push @calls, "$name:" . ($i + 1) . ": $&" if $code =~ $banned;
    }
    my $text = join '', @lines;
    if ($name =~ /\.h$/) {
        (my $guard = uc "POSTVALVE_$name") =~ s{[^A-Z0-9]}{_}g;
        push @headers, "$name: no guard $guard" unless $text =~ /^#ifndef \Q$guard\E\n#define \Q$guard\E\n/m;
        push @headers, "$name: does not start by saying what it is for" unless $text =~ m{\A/\*};
    } elsif (-e "$top/" . $name =~ s/\.c$/.h/r) {
        my ($first) = $text =~ /^#include ["<]([^">]+)/m;
        push @order, "$name: first include is $first" unless $first eq $name =~ s/\.c$/.h/r;
    }
}
is_deeply(\@calls,     [], 'no banned functions');
is_deeply(\@files,     [], 'no file above 500 lines');
is_deeply(\@functions, [], 'no function above 60 lines');
is_deeply(\@headers,   [], 'headers say what they are for and have their guard');
is_deeply(\@order,     [], 'own header first');
done_testing();

# A function: from its opening brace in column one to its closing one.
sub check_functions {
    my ($name, $lines) = @_;
    my ($start, $head) = (0, '');
    for my $i (0 .. $#$lines) {
        if ($lines->[$i] =~ /^\{/ && $i && $lines->[$i - 1] !~ /^(?:struct|enum|union|static const)/) { ($start, $head) = ($i, $lines->[$i - 1]) }
        if ($lines->[$i] =~ /^\}/ && $start) {
            chomp $head;
            push @functions, "$name: $head: " . ($i - $start - 1) if $i - $start - 1 > 60;
            $start = 0;
        }
    }
}
