package Postvalve::Counters;

# What is counted in Redis (doc/redis.md, pv:total and pv:stats), and sums of it.
#
#   my $counted = total($redis, $host);                  # field => number
#   sum($counted, 'sessions_ended', class => 'bot');     # of all fields with these labels
#   by_label($counted, 'sessions_ended', 'end');         # end => number
#   open_sessions($counted);                             # as the same hash says

use strict;
use warnings;

use Exporter qw(import);
our @EXPORT_OK = qw(total minutes gauges by_label sum open_sessions labels_of);

my @classes = qw(bot suspect unknown returning good trusted);

sub total { my ($redis, $host) = @_; return { @{ $redis->command('HGETALL', "pv:total:$host") } } }

# All minutes of a host, added up.
sub minutes {
    my ($redis, $host) = @_;
    my %sum;
    for my $key (@{ $redis->command('KEYS', "pv:stats:$host:*") }) {
        my %minute = @{ $redis->command('HGETALL', $key) };
        delete $minute{processes};
        $sum{$_} += $minute{$_} for keys %minute;
    }
    return \%sum;
}

sub gauges { my ($redis, $host, $process) = @_; return { @{ $redis->command('HGETALL', "pv:gauge:$host:$process") } } }

# Name and labels of a field; nothing for one that is no counter.
sub labels_of {
    my ($field) = @_;
    my ($name, $labels) = $field =~ /^([a-z_]+)\{(.*)\}$/ or return;
    return ($name, { map { split /=/, $_, 2 } split /,/, $labels });
}

sub sum {
    my ($counted, $wanted, %with) = @_;
    my $sum = 0;
    for my $field (keys %$counted) {
        my ($name, $labels) = labels_of($field) or next;
        next if $name ne $wanted || grep { ($labels->{$_} // '') ne $with{$_} } keys %with;
        $sum += $counted->{$field};
    }
    return $sum;
}

sub by_label {
    my ($counted, $wanted, $label) = @_;
    my %by;
    for my $field (keys %$counted) {
        my ($name, $labels) = labels_of($field) or next;
        $by{ $labels->{$label} } += $counted->{$field} if $name eq $wanted;
    }
    return \%by;
}

# Of all processes that were not counted as lost; by class if so wanted.
sub open_sessions {
    my ($counted, $is_by_class) = @_;
    my %open = map { $_ => 0 } @classes;
    for my $entry (split /;/, $counted->{processes} // '') {
        my $open = (split / /, $entry)[3];
        next if $open !~ /^\d/;
        my @numbers = split /,/, $open;
        $open{ $classes[$_] } += $numbers[$_] for 0 .. $#classes;
    }
    return \%open if $is_by_class;
    my $sum = 0;
    $sum += $_ for values %open;
    return $sum;
}

1;
