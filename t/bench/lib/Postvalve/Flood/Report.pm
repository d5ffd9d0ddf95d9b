package Postvalve::Flood::Report;

# The figures as tables of markdown: one for each scenario, a row for each variant.

use strict;
use warnings;
use utf8;

use Postvalve::Bench qw(markdown_table);
use Postvalve::Flood::Variant ();

sub _percent {
    my ($share) = @_;
    return '-' if !defined $share;
    return sprintf $share > 0 && $share < 0.01 || $share > 0.99 && $share < 1 ? '%.1f %%' : '%.0f %%',
        100 * $share;
}

sub _time {
    my ($ms) = @_;
    return $ms < 1 ? '<1 ms' : $ms < 1000 ? sprintf('%.0f ms', $ms) : sprintf '%.1f s', $ms / 1000;
}

sub _banner { return join ' / ', map { _time($_[0]{$_}) } qw(banner_p50_ms banner_p99_ms) }
sub _hold   { return defined $_[0] ? sprintf('%.1f s', $_[0]) : '-' }

# A column: heading, and how to get it from a result.
my @columns = (
    [ 'variant',             sub { $_[0]{variant} } ],
    [ 'known ≤ 30 s',        sub { _percent($_[0]{known}{within_30_share}) } ],
    [ 'new ≤ 120 s',         sub { _percent($_[0]{new}{within_120_share}) } ],
    [ 'known: banner p50 / p99', sub { _banner($_[0]{known}) } ],
    [ 'new: banner p50 / p99',   sub { _banner($_[0]{new}) } ],
    [ 'retries known / new', sub { sprintf '%.2f / %.2f', map { $_ // 0 } $_[0]{known}{retries}, $_[0]{new}{retries} } ],
    [ 'honest refused',      sub { $_[0]{refused} } ],
    [ 'honest delivered',    sub { $_[0]{delivered} } ],
    [ "bots: of slots used / of all", sub { join ' / ', map { _percent($_[0]{bots}{$_}) } qw(slot_share capacity_share) } ],
    [ 'longest silent hold', sub { _hold($_[0]{bots}{longest_hold_s}{silent}) } ],
    [ 'spam',                sub { $_[0]{bots}{spam_accepted} } ],
    [ 'recovery',            sub { "$_[0]{recovery_s} s" } ],
    [ 'CPU',                 sub { _percent($_[0]{cpu_share}) } ],
);

sub table {
    my (@results) = @_;
    return markdown_table([ map { $_->[0] } @columns ],
        map { my $result = $_; [ map { $_->[1]->($result) } @columns ] } @results);
}

sub second_mx_lines {
    my (@results) = @_;
    my @rows = map {
        my $second = $_->{second_mx};
        [ $_->{variant}, $second->{attempts}, $second->{hung_up}, $second->{admitted} ]
    } @results;
    return "At the second MX host, under a flood of its own, bots that only the first one has met:\n\n"
        . markdown_table([ 'variant', 'first connections', 'hung up on', 'got a slot' ], @rows);
}

sub heading {
    my ($machine, $option) = @_;
    return sprintf "%s, %d cores, Linux %s, load before %.1f; %d slots, flood of %d s, retries of "
        . "real MTAs %g times sooner.\n",
        $machine->{model}, @{$machine}{qw(cores kernel load_before)},
        @{$option}{qw(slots seconds time_scale)};
}

1;
