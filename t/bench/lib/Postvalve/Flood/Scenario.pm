package Postvalve::Flood::Scenario;

# Who comes, when and from where: the groups of smtp_flood for each scenario.
#
# Time: CALM_S (or less) of honest mail alone, then the flood, then a tail of honest mail alone. What is
# measured is the honest mail whose first attempt, and first retry, lie within the flood.
#
# Addresses: senders with history 127.10/16, new ones 127.32/11, bots that the DNSBL lists
# 127.64/10, bots that it does not know 127.128/9. One address in a /24 each, except bots that
# are fresh each time.

use strict;
use warnings;

use List::Util ();
use POSIX ();

use constant {
    CALM_S         => 4,
    STEP           => 257,     # from one address to the next
    KNOWN_SENDERS  => 50,
    KNOWN_FIRST    => '127.10.0.1',
    NEW_FIRST      => '127.32.0.1',
    NEW_ADDRESSES  => 8000,
    FRESH_ADDRESSES => 8000,
    LISTED_SHARE   => 0.6,
    THINK_S        => 0.25,    # of a real MTA between reply and command: six times a session
    SESSION_S      => 1.5,
    BOT_THINK_S    => 0.1,
    RETRY_S        => 60,      # real MTAs: after 1, 2, 4 ... 15 minutes
    RETRY_MAX_S    => 900,
    WAIT_S         => 30,
    REFERENCE_SLOTS => 40,     # what the numbers of clients below are for
    KNOWN_RATE     => 5,
    NEW_RATE       => 2,
    BURST_FACTOR   => 3,       # times the capacity
    BURST_KNOWN    => 0.5,     # of the capacity: the part of it that senders with history send
};

our $LISTED_NETWORK   = '127.64.0.0/10';
our $UNLISTED_NETWORK = '127.128.0.0/9';

# Bots by kind, for 40 slots; the order gives the addresses.
my %scenarios = (
    silent     => { bots => { silent => 150 } },
    mixed      => { bots => { silent => 60, dribble => 30, guess => 30, spam => 30 } },
    dictionary => { bots => { guess => 150 } },
    burst      => { bots => {}, is_burst => 1 },
    fresh      => { bots => { silent => 60, dribble => 30, guess => 30, spam => 30 }, is_fresh => 1 },
    'redis-killed' =>
        { bots => { silent => 60, dribble => 30, guess => 30, spam => 30 }, kills_redis => 1 },
    'two-mx' => { bots => { silent => 100 }, is_two_mx => 1 },
);
my @kinds = qw(silent dribble guess spam);

sub names { return qw(silent mixed dictionary burst fresh redis-killed two-mx) }
sub exists { return CORE::exists $scenarios{ $_[0] } }

# Options: name, slots, seconds (of the flood), time_scale.
sub new {
    my ($class, %option) = @_;
    my $self = bless { %option, %{ $scenarios{ $option{name} } } }, $class;
    # Capacity is what is short in a burst, and that cannot be scaled with the patience of MTAs.
    $self->{time_scale} = 1 if $self->{is_burst};
    $self->{size} = $option{slots} / REFERENCE_SLOTS;
    return $self;
}

sub name        { return $_[0]{name} }
sub time_scale  { return $_[0]{time_scale} }
sub is_burst    { return $_[0]{is_burst} }
sub is_two_mx   { return $_[0]{is_two_mx} }
sub kills_redis { return $_[0]{kills_redis} }
sub begin_s     { return List::Util::min(CALM_S, $_[0]{seconds}) }
sub end_s       { return $_[0]->begin_s + $_[0]{seconds} }
sub capacity    { return $_[0]{slots} / SESSION_S }

# Long enough for a first retry, after which recovery is judged.
sub tail_s {
    my ($self) = @_;
    my $few_s = List::Util::min(4, $self->{seconds});
    return List::Util::max(2.5 * $few_s, 1.2 * RETRY_S / $self->{time_scale} + $few_s);
}

sub total_s { return POSIX::ceil($_[0]->end_s + $_[0]->tail_s) }

# A message that comes later would have its first retry after the flood, or just wait for its end.
sub last_s {
    my ($self) = @_;
    my $needed_s = List::Util::max(WAIT_S, 1.2 * RETRY_S / $self->{time_scale});
    return $self->end_s - List::Util::min($needed_s, $self->{seconds} / 2);
}

# Of the time whose mail is measured, in whole seconds.
sub middle_s { return int(($_[0]->begin_s + $_[0]->last_s) / 2) }

sub known_addresses {
    my $first = unpack 'N', pack 'C4', split /\./, KNOWN_FIRST;
    return map { join '.', unpack 'C4', pack 'N', $first + $_ * STEP } 0 .. KNOWN_SENDERS - 1;
}

sub _mta {
    my ($self, $who, $name, $rate, $start_s, $stop_s) = @_;
    return {
        kind             => 'good',
        name             => $name,
        first_address    => $who eq 'known' ? KNOWN_FIRST : NEW_FIRST,
        addresses        => $who eq 'known' ? KNOWN_SENDERS : NEW_ADDRESSES,
        address_step     => STEP,
        rate             => $rate,
        think_s          => THINK_S,
        concurrency      => 800,     # messages under way
        backoff_s        => RETRY_S,
        backoff_max_s    => RETRY_MAX_S,
        backoff_scale    => $self->{time_scale},
        banner_timeout_s => 300,
        start_s          => $start_s,
        $stop_s ? (stop_s => $stop_s) : (),
    };
}

sub _honest {
    my ($self) = @_;
    my %rate = (known => KNOWN_RATE * $self->{size}, new => NEW_RATE * $self->{size});
    my @groups;
    for my $who (qw(known new)) {
        my @periods = (
            [ "$who-before", 0,              $self->begin_s ],
            [ $who,          $self->begin_s, $self->last_s ],
            [ "$who-late",   $self->last_s,  $self->end_s ],
            [ "$who-after",  $self->end_s,   undef ],
        );
        push @groups, map { $self->_mta($who, $_->[0], $rate{$who}, @{$_}[ 1, 2 ]) } @periods;
    }
    # New ones begin at another address in each period.
    my $index = 0;
    for my $group (grep { $_->{name} =~ /\Anew/ } @groups) {
        $group->{first_address} = '127.' . (32 + 8 * $index++) . '.0.1';
        $group->{addresses} = NEW_ADDRESSES / 4;
    }
    return @groups;
}

# A quarter of the time far more honest mail than the slots can take, then the usual.
sub _burst {
    my ($self) = @_;
    my $stop_s = $self->begin_s + $self->{seconds} / 4;
    my @groups = $self->_honest;
    my %share = (known => BURST_KNOWN, new => BURST_FACTOR - BURST_KNOWN);
    for my $who (qw(known new)) {
        my ($group) = grep { $_->{name} eq $who } @groups;
        my ($late)  = grep { $_->{name} eq "$who-late" } @groups;
        $group->{rate} = $share{$who} * $self->capacity;
        $group->{stop_s} = $late->{start_s} = $stop_s;
        $group->{concurrency} = 5000;
    }
    return @groups;
}

sub _bot {
    my ($self, $kind, $number, $count, $is_listed) = @_;
    my $base = $is_listed ? 64 + 16 * $number : 128 + 32 * $number;
    return {
        kind          => $kind,
        name          => "$kind-" . ($is_listed ? 'listed' : 'unlisted'),
        first_address => "127.$base.0.1",
        addresses     => $self->{is_fresh} ? FRESH_ADDRESSES : $count,
        address_step  => STEP,
        concurrency   => $count,
        delay_s       => 1,
        start_s       => $self->begin_s,
        stop_s        => $self->end_s,
        $self->{is_fresh}                ? (address_change => 'next')    : (),
        $kind =~ /\A(?:guess|spam)\z/ ? (think_s => BOT_THINK_S) : (),
    };
}

sub bots {
    my ($self) = @_;
    my $share = $self->{is_fresh} ? 0 : LISTED_SHARE;
    my @groups;
    for my $number (0 .. $#kinds) {
        my $count = POSIX::ceil(($self->{bots}{ $kinds[$number] } // 0) * $self->{size});
        my $listed = POSIX::floor($count * $share);
        push @groups, $self->_bot($kinds[$number], $number, $listed, 1) if $listed;
        push @groups, $self->_bot($kinds[$number], $number, $count - $listed, 0)
            if $count > $listed;
    }
    return @groups;
}

# The whole scenario, as smtp_flood reads it.
sub load {
    my ($self, $port) = @_;
    return {
        port     => 0 + $port,
        seconds  => $self->total_s,
        limits_s => [ 30, 120 ],
        groups   => [ $self->{is_burst} ? $self->_burst : $self->_honest, $self->bots ],
    };
}

# Each sender with history delivers once before the run: postscreen then has it in its cache.
sub first_mail {
    my ($self, $port, $seconds) = @_;
    my $group = $self->_mta('known', 'known', 40, 0);
    return {
        port    => 0 + $port,
        seconds => $seconds,
        groups  => [ { %{$group}, arrivals => 'steady', messages => KNOWN_SENDERS, think_s => 0 } ],
    };
}

# Two MX hosts: a flood at the second one, and the bots of the first come by, once each.
sub second_mx {
    my ($self, $port) = @_;
    my $load = $self->load($port);
    for my $bot (grep { $_->{kind} eq 'silent' } @{ $load->{groups} }) {
        my %caught = (%{$bot}, name => "caught-$bot->{name}", delay_s => 3600,
            start_s => $bot->{start_s} + 3, ramp_s => 5);
        $bot->{first_address} =~ s/\.0\.1\z/.128.1/;    # others, of its own
        push @{ $load->{groups} }, \%caught;
    }
    return $load;
}

1;
