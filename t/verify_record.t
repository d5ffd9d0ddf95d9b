#!/usr/bin/perl
# The rules of an address' record stand in C and in the script that runs in Redis: both say the
# same of many records, made up around all their limits.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Redis;
use Postvalve::Test;

my $tool = top_builddir() . '/t/tools/recipient_tool';
my $redis = Postvalve::Redis->new->start;
my (undef, $script) = run_command([ $tool, 'script' ]);

srand 4711;
sub one_of { return $_[ int rand @_ ] }

my (@lines, @expected);
for my $number (1 .. 2000) {
    my ($now) = @{ $redis->command('TIME') };
    my %record;
    if (rand > 0.1) {
        $record{status} = one_of(qw(deliverable undeliverable deferred forgotten nonsense));
        $record{updated} = $now - one_of(-5, 0, 1, 299, 300, 301, 699, 700, 701, 899, 900, 901, 2000, 3099, 3100, 9999);
        $record{probed} = $now - one_of(0, 1, 400, 999, 1000, 1001, 1500, 5000) if rand > 0.5;
    }
    $record{asked} = $now - one_of(0, 1, 299, 300, 301, 5000) . ' ' . one_of('0', 'a1', 'b2') if rand > 0.3;
    my ($status, $is_probe, $session) =
        (one_of(qw(deliverable undeliverable deferred)), int rand 2, one_of('0', 'a1', 'b2'));

    $redis->command('DEL', 'k');
    $redis->command('HSET', 'k', %record) if %record;
    my $changed = $redis->command('EVAL', $script, 1, 'k', $status, $is_probe, $session, 'reason', 700, 3100, 300, 900);
    my %after = @{ $redis->command('HGETALL', 'k') };
    my ($then) = @{ $redis->command('TIME') };
    next if $now != $then;
    push @lines, join "\t", $now, $status, $is_probe, $session, map { "$_=$record{$_}" } sort keys %record;
    push @expected, { changed => $changed, after => \%after, ttl => $redis->command('TTL', 'k') };
}
cmp_ok scalar @lines, '>', 1000, 'enough records within one second each';
my $file = spew(temp_dir() . '/lines', join "\n", @lines, '');
my (undef, $output) = run_command([ 'sh', '-c', "$tool apply < $file" ]);
my @answers = split /\n/, $output;
is scalar @answers, scalar @lines, 'an answer to each';

my $wrong = 0;
my %seen;
for my $i (0 .. $#lines) {
    my ($changed, $status, $updated, $probed) = split / /, $answers[$i];
    my %after = %{ $expected[$i]{after} };
    my $is_same = $changed == $expected[$i]{changed};
    # What did not change may still have a time in the future, which counts as now.
    if ($changed) {
        $is_same &&= $status eq ($after{status} // 'unknown') && $updated == ($after{updated} // 0)
            && $probed == ($after{probed} // 0);
        my %expire = (deliverable => 3100, undeliverable => 900, deferred => 300);
        $is_same &&= $expected[$i]{ttl} == $expire{$status} if !$after{probed};
    }
    $seen{"$changed $status"}++;
    next if $is_same;
    diag "$lines[$i]: C says $answers[$i], the script $expected[$i]{changed} "
        . join ' ', map { "$_=$after{$_}" } sort keys %after if $wrong++ < 5;
}
is $wrong, 0, 'the script says what the rules in C say';
cmp_ok $seen{"1 $_"} // 0, '>', 20, "$_ was among it" for qw(deliverable undeliverable deferred);
done_testing;
