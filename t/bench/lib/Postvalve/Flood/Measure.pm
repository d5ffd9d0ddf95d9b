package Postvalve::Flood::Measure;

# From what smtp_flood counted to the figures of the report.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(max sum0);

our @EXPORT_OK = qw(measure measure_second_mx);

use constant {
    STRESS_AFTER_S => 5,       # slots count from here on: stress is on
    SOON_MS        => 1000,    # an honest client that waits longer is not served as usual
    WAITING_FEW    => 3,
};

sub _is_honest { return $_[0]{kind} eq 'good' }

sub _share {
    my ($part, $whole) = @_;
    return $whole > 0 ? $part / $whole : undef;
}

sub _refused {
    return sum0 map { @{$_}{qw(hung_up_521 refused_554 replies_5xx)} } @_;
}

sub _mail {
    my ($group) = @_;
    my ($within_30, $within_120) = map { $_->{delivered} } @{ $group->{within} };
    my $messages = $group->{messages};
    return {
        messages         => $messages,
        delivered        => $group->{delivered},
        within_30_share  => _share($within_30, $messages),
        within_120_share => _share($within_120, $messages),
        banner_p50_ms    => $group->{banner_ms}{p50},
        banner_p99_ms    => $group->{banner_ms}{p99},
        retries          => _share($group->{retries}, $messages),
        hung_up_421      => $group->{hung_up_421},
        refused          => _refused($group),
    };
}

# Slot-seconds by kind of client, of the seconds ]from, to].
sub _slots {
    my ($seconds, $from_s, $to_s) = @_;
    my %slot_s;
    for my $second (grep { $_->{second} > $from_s && $_->{second} <= $to_s } @{$seconds}) {
        for my $group (@{ $second->{groups} }) {
            my $class = _is_honest($group) ? $group->{name} =~ s/-.*//r : $group->{kind};
            $slot_s{$class} += $group->{slot_s};
        }
    }
    return \%slot_s;
}

# Until no honest client is turned away or waits for long.
sub _recovery_s {
    my ($seconds, $end_s) = @_;
    my $recovery_s = 0;
    for my $second (grep { $_->{second} > $end_s } @{$seconds}) {
        my @honest = grep { _is_honest($_) } @{ $second->{groups} };
        my $is_bad = grep { $_->{hung_up_421} || $_->{banner_ms}{max} > SOON_MS } @honest;
        $is_bad ||= sum0(map { $_->{waiting} } @honest) > WAITING_FEW;
        $recovery_s = $second->{second} - $end_s if $is_bad;
    }
    return $recovery_s;
}

sub _bots {
    my ($groups, $slot_s, $capacity_s) = @_;
    my @bots = grep { !_is_honest($_) } @{$groups};
    my $bots_s = sum0 map { $slot_s->{$_} } grep { !/\A(?:known|new)\z/ } keys %{$slot_s};
    my %hold_s;
    for my $bot (@bots) {
        $hold_s{ $bot->{kind} } = max($bot->{longest_hold_s}, $hold_s{ $bot->{kind} } // 0);
    }
    return {
        slot_share      => _share($bots_s, sum0 values %{$slot_s}),
        capacity_share  => _share($bots_s, $capacity_s),
        longest_hold_s  => \%hold_s,
        spam_accepted   => sum0(map { $_->{delivered} } grep { $_->{kind} eq 'spam' } @bots),
        admitted        => sum0(map { $_->{banners} } @bots),
        hung_up_421     => sum0(map { $_->{hung_up_421} } @bots),
        hung_up_521     => sum0(map { $_->{hung_up_521} } @bots),
        attempts        => sum0(map { $_->{attempts} } @bots),
    };
}

# Options: scenario (Postvalve::Flood::Scenario), seconds and summary (of smtp_flood), slots, cpu_s.
sub measure {
    my (%option) = @_;
    my $scenario = $option{scenario};
    my $groups = $option{summary}{groups};
    my %group = map { $_->{name} => $_ } @{$groups};
    my @honest = grep { _is_honest($_) } @{$groups};
    my ($from_s, $to_s) = ($scenario->begin_s + STRESS_AFTER_S, $scenario->end_s);
    $from_s = $scenario->begin_s if $from_s >= $to_s;
    my $slot_s = _slots($option{seconds}, $from_s, $to_s);
    return {
        scenario   => $scenario->name,
        known      => _mail($group{known}),
        new        => _mail($group{new}),
        refused    => _refused(@honest),
        given_up   => sum0(map { $_->{given_up} } @honest),
        delivered  => sum0(map { $_->{delivered} } @honest),
        undelivered => sum0(map { $_->{pending} } @honest),
        bots       => _bots($groups, $slot_s, $option{slots} * ($to_s - $from_s)),
        slot_s     => $slot_s,
        recovery_s => _recovery_s($option{seconds}, $to_s),
        cpu_share  => _share($option{cpu_s}, $scenario->end_s - $scenario->begin_s),
    };
}

# The bots that the first host has caught, at their first connection to the second.
sub measure_second_mx {
    my ($summary) = @_;
    my @caught = grep { $_->{name} =~ /\Acaught-/ } @{ $summary->{groups} };
    my $hung_up = sum0 map { $_->{hung_up_421} + $_->{hung_up_521} } @caught;
    return {
        attempts      => sum0(map { $_->{attempts} } @caught),
        hung_up       => $hung_up,
        admitted      => sum0(map { $_->{banners} } @caught),
        hung_up_share => _share($hung_up, sum0 map { $_->{attempts} } @caught),
    };
}

1;
