package Quickstart::Server;

# A private Postfix with 20 smtpd processes: alone, or with Redis, policyd and milter.

use strict;
use warnings;

use Postvalve::Daemon ();
use Postvalve::Postfix ();
use Postvalve::Redis ();
use Postvalve::Test ();
use Quickstart::Flood ();
use Time::HiRes ();

use constant {
    SLOT_LIMIT  => 20,
    LOG_LINES   => 15,
    DRAIN_S     => 3,
    ESTABLISHED => '01',
    CLOSE_WAIT  => '08',
    LISTEN      => '0A',
};

my @servers;

sub plain {
    my ($class) = @_;
    return $class->_new('off', postfix => Postvalve::Postfix->new(name => 'off', %{ _postfix() }));
}

# The recommended settings of main.cf, and a configuration that lets 127/8 be the Internet.
sub protected {
    my ($class) = @_;
    my $redis = Postvalve::Redis->new(name => 'redis');
    my %path  = map { $_ => Postvalve::Test::temp_dir($_) . '/s' } qw(policyd milter);
    my $limit = 'connect_timeout=5s, command_timeout=5s';
    my $postfix = Postvalve::Postfix->new(
        name => 'on',
        %{ _postfix() },
        main => {
            smtpd_milters         => "{ unix:$path{milter}, default_action=accept, $limit }",
            milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
            smtpd_client_restrictions =>
                "check_policy_service { unix:$path{policyd}, timeout=5s, default_action=DUNNO }",
            smtpd_delay_reject => '${stress?{no}:{yes}}',
        },
    );
    my %config = (
        host    => 'quickstart',
        trusted => { networks => ['127.0.0.1/32'] },
        class   => { good_age_s => 0 },
        redis   => { deadline_ms => undef },
        map { $_ => { listen => $_ eq 'policyd' ? ["unix:$path{$_}"] : "unix:$path{$_}" } }
            keys %path,
    );
    my @daemons = map {
        Postvalve::Daemon->new($_,
            name => $_, postfix => $postfix, redis => $redis, config => \%config)
    } qw(policyd milter);
    return $class->_new('on', postfix => $postfix, redis => $redis, daemons => \@daemons);
}

sub _postfix { return { process_limit => SLOT_LIMIT } }

sub _new {
    my ($class, $name, %part) = @_;
    my $self = bless { name => $name, daemons => [], %part }, $class;
    push @servers, $self;
    return $self;
}

sub name    { return $_[0]{name} }
sub port    { return $_[0]{postfix}->port }
sub postfix { return $_[0]{postfix} }
sub redis   { return $_[0]{redis} }
sub daemons { return @{ $_[0]{daemons} } }

sub start {
    my ($self) = @_;
    $self->{redis}->start if $self->{redis};
    $_->start for $self->daemons;
    $self->{is_running} = 1;
    $self->{postfix}->start;
    return $self;
}

# Once the clients are gone: until the sessions they left behind are over. A Postfix that is
# stopped while much is being logged may hang: its master waits for its log daemon, which ended
# before it.
sub _drain {
    my ($self) = @_;
    my $end_s = Postvalve::Test::now_s() + DRAIN_S;
    while (Postvalve::Test::now_s() < $end_s) {
        my $slots = $self->slots;
        last if $slots->{busy} + $slots->{waiting} == 0;
        Time::HiRes::sleep(0.05);
    }
    Time::HiRes::sleep(0.2);
    return;
}

sub drain_all {
    $_->_drain for grep { $_->{is_running} } @servers;
    return;
}

sub stop {
    my ($self) = @_;
    $self->_drain;
    $self->{is_running} = 0;
    $self->{postfix}->stop;
    $_->stop for $self->daemons;
    $self->{redis}->stop if $self->{redis};
    return $self;
}

# Busy slots, and clients that wait in the kernel for one: a connection that no process has
# accepted yet has no inode, and the length of the queue is rx_queue of the listening socket.
sub slots {
    my ($self) = @_;
    my $port = sprintf ':%04X', $self->port;
    my ($busy, $waiting) = (0, 0);
    open my $file, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    while (my $line = <$file>) {
        next if index($line, $port) < 0;
        my (undef, $local, undef, $state, $queues, undef, undef, undef, undef, $inode) =
            split ' ', $line;
        next if $local !~ /$port\z/;
        $busy++ if $inode && ($state eq ESTABLISHED || $state eq CLOSE_WAIT);
        $waiting = hex((split /:/, $queues)[1]) if $state eq LISTEN;
    }
    return {
        busy     => $busy,
        limit    => SLOT_LIMIT,
        waiting  => $waiting,
        pressure => ($busy + $waiting) / SLOT_LIMIT,
    };
}

# Waits until Redis knows the good senders; returns how many it knows.
sub wait_for_history {
    my ($self) = @_;
    my ($first) = Quickstart::Flood::good_addresses();
    my ($network) = $first =~ /\A(.*)\.\d+\z/;
    my @keys;
    Postvalve::Test::wait_until(
        sub {
            @keys = @{ $self->{redis}->command('KEYS', "pv:client:*$network.*") };
            return @keys >= Quickstart::Flood::good_count();
        },
        5,
        'the history of the good senders'
    );
    return scalar @keys;
}

# Hang-ups by class and code, from the log lines of the daemons: { 'unknown 421' => 17, ... }.
sub verdicts {
    my ($self) = @_;
    my %count;
    for my $daemon ($self->daemons) {
        open my $log, '<', $daemon->log_path or next;
        while (my $line = <$log>) {
            next if $line !~ /\bhang-up .*?\bclass=(\S+).*?\bcode=(\d+)/;
            $count{"$1 $2"}++;
        }
    }
    return \%count;
}

# The last lines of every log, for a message about a failure.
sub log_ends {
    my $text = '';
    for my $server (@servers) {
        for my $part ($server->daemons, $server->{redis} // (), $server->{postfix}) {
            my @lines = split /\n/, eval { $part->log_text } // '';
            splice @lines, 0, -LOG_LINES() if @lines > LOG_LINES;
            $text .= join "\n  ", "-- end of the log of $part->{name}:", @lines if @lines;
            $text .= "\n" if @lines;
        }
    }
    return $text;
}

1;
