package Postvalve::Flood::Variant;

# The server under test: the same Postfix in each variant, and what is put in front of it.

use strict;
use warnings;

use IO::Socket::INET ();
use JSON::PP ();
use Postvalve::Bench qw(cpu_ns);
use Postvalve::Daemon ();
use Postvalve::Dns ();
use Postvalve::Flood::Scenario ();
use Postvalve::Postfix ();
use Postvalve::Redis ();
use Postvalve::Test ();
use Time::HiRes ();

use constant {
    ZONE         => 'bl.test',
    DAY_S        => 86400,
    CLOCK_TICK_S => 0.01,
    RETURN_S     => 20,     # class.return_min_s: the default, in real time ...
    RETURN_MIN_S => 3,      # ... and the least it may be
};

my $rbl_client = 'reject_rbl_client ' . ZONE . '=127.0.0.10, reject_rbl_client ' . ZONE;
my $policy_service = 'check_policy_service { unix:%s, timeout=5s, default_action=DUNNO }';
my $early = '${stress?{no}:{yes}}';

# A row: what is in main.cf (a sub that gets the object), and which parts run.
my %variants = (
    stock  => { help => 'Postfix alone, with its stress-adaptive behaviour', main => sub { {} } },
    recipe => {
        help => 'STRESS_README: reject_rbl_client, 521 under stress',
        main => \&_recipe,
    },
    'recipe-early' => {
        help => '... and smtpd_delay_reject off under stress',
        main => sub { return { %{ _recipe(@_) }, smtpd_delay_reject => $early } },
    },
    postscreen => {
        help          => 'postscreen: greet wait, DNSBL, cache; drops',
        main          => \&_postscreen,
        is_postscreen => 1,
    },
    postvalve => {
        help         => 'Postvalve as recommended: milter, policyd, Redis',
        main         => \&_postvalve,
        is_postvalve => 1,
    },
    'postvalve-rbl' => {
        help         => '... and the recipe of STRESS_README',
        is_postvalve => 1,
        main         => sub {
            my ($self) = @_;
            my $main = _postvalve($self);
            $main->{smtpd_client_restrictions} .= ", $rbl_client";
            return { %{$main}, rbl_reply_maps => _recipe($self)->{rbl_reply_maps} };
        },
    },
    oracle => {
        help => 'drops every bot at CONNECT: the mark to come close to',
        main => \&_oracle,
    },
);

sub names { return qw(stock recipe recipe-early postscreen postvalve postvalve-rbl oracle) }
sub exists { return CORE::exists $variants{ $_[0] } }
sub help   { return $variants{ $_[0] }{help} }

my $count = 0;

# Options: name, slots, time_scale, dns (Postvalve::Dns), set (hash of Postvalve's settings, by
# dotted name), and to share it: redis.
sub new {
    my ($class, %option) = @_;
    my $self = bless { %option, row => $variants{ $option{name} } }, $class;
    $self->{id} = "$option{name}-" . ++$count;
    $self->{dir} = Postvalve::Test::temp_dir($self->{id});
    $self->{main} = $self->{row}{main}->($self);
    $self->_make_postfix;
    $self->_make_postvalve if $self->{row}{is_postvalve};
    return $self;
}

sub id           { return $_[0]{id} }
sub port         { return $_[0]{postfix}->port }
sub redis        { return $_[0]{redis} }
# Until the first mail of senders with history is through.
sub first_mail_s { return $_[0]{row}{is_postscreen} ? 11 : 3 }
sub is_postvalve { return $_[0]{row}{is_postvalve} }

# -- configuration ---------------------------------------------------------------

sub _recipe {
    my ($self) = @_;
    my $file = Postvalve::Test::spew("$self->{dir}/rbl_reply_maps",
        join '', map {
            "$_ 521 4.7.1 Service unavailable; "
                . '$rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}' . "\n"
        } ZONE, ZONE . '=127.0.0.10');
    return {
        smtpd_client_restrictions => $rbl_client,
        rbl_reply_maps            => "\${stress?texthash:$file}",
    };
}

sub _postscreen {
    return {
        postscreen_greet_action    => 'drop',
        postscreen_dnsbl_sites     => ZONE,
        postscreen_dnsbl_action    => 'drop',
        postscreen_access_list     => 'permit_mynetworks',
        postscreen_cache_map       => 'btree:$data_directory/postscreen_cache',
    };
}

sub _postvalve {
    my ($self) = @_;
    my %socket = map { $_ => "$self->{dir}/$_" } qw(policyd milter);
    $self->{socket} = \%socket;
    return {
        smtpd_milters => "{ unix:$socket{milter}, default_action=accept, connect_timeout=5s, "
            . 'command_timeout=5s }',
        milter_macro_defaults     => 'stress=${stress?{yes}:{no}}',
        smtpd_client_restrictions => sprintf($policy_service, $socket{policyd}),
        smtpd_delay_reject        => $early,
    };
}

sub _oracle {
    my ($self) = @_;
    my $file = Postvalve::Test::spew("$self->{dir}/bots",
        join '', map { "$_ 521 5.7.1 bot\n" } $Postvalve::Flood::Scenario::LISTED_NETWORK,
        $Postvalve::Flood::Scenario::UNLISTED_NETWORK);
    return {
        smtpd_client_restrictions => "check_client_access cidr:$file",
        smtpd_delay_reject        => 'no',
    };
}

# In a mount namespace where resolv.conf names our DNS server.
sub _make_postfix {
    my ($self) = @_;
    my $resolver = Postvalve::Test::spew("$self->{dir}/resolv.conf",
        'nameserver ' . $self->{dns}->address . "\noptions timeout:2 attempts:1\n");
    $self->{postfix} = Postvalve::Postfix->new(
        name          => "$self->{id}-mx",
        process_limit => $self->{slots},
        main          => $self->{main},
        wrapper       => [
            'unshare', '-m', 'sh', '-c',
            'mount --bind "$0" /etc/resolv.conf && exec "$@"', $resolver
        ],
    );
    $self->_put_postscreen_in_front if $self->{row}{is_postscreen};
    return;
}

sub _put_postscreen_in_front {
    my ($self) = @_;
    my $file = $self->{postfix}->config_dir . '/master.cf';
    my $text = Postvalve::Test::slurp($file);
    my $port = $self->port;
    my $is_changed = $text =~ s{^\Q$port\E inet .*\n}{
        "smtpd pass - - n - $self->{slots} smtpd\n"
        . "dnsblog unix - - n - 0 dnsblog\ntlsproxy unix - - n - 0 tlsproxy\n"
        . "$port inet n - n - 1 postscreen\n"
    }me;
    $is_changed or die "no SMTP service in $file";
    Postvalve::Test::spew($file, $text);
    my $time = time - 10;
    utime $time, $time, $file;
    return;
}

# A sender counts as returning after RETURN_S; retries come that many times sooner.
sub _make_postvalve {
    my ($self) = @_;
    $self->{redis} //= Postvalve::Redis->new(name => "$self->{id}-r");
    my %config = (
        host    => $self->{id},
        trusted => { networks => ['127.0.0.1/32'] },
        redis   => { deadline_ms => undef },
        %{ $self->_scaled_settings },
    );
    $self->{daemons} = [
        map {
            my $listen = "unix:$self->{socket}{$_}";
            Postvalve::Daemon->new(
                $_,
                name    => "$self->{id}-$_",
                postfix => $self->{postfix},
                redis   => $self->{redis},
                config  => { %config, $_ => { listen => $_ eq 'policyd' ? [$listen] : $listen } }
            )->configure($self->_chosen_settings)
        } qw(policyd milter)
    ];
    return;
}

# "a.b" => 1 as { a => { b => 1 } }.
sub _chosen_settings {
    my ($self) = @_;
    my %config;
    for my $key (sort keys %{ $self->{set} }) {
        my @part = split /\./, $key;
        my $last = pop @part;
        my $at = \%config;
        $at = $at->{$_} //= {} for @part;
        my $value = $self->{set}{$key};
        $at->{$last} = $value =~ /\A-?\d+(?:\.\d+)?\z/ ? 0 + $value
            : $value =~ /\A(?:true|false)\z/ ? JSON::PP->can($value)->() : $value;
    }
    return \%config;
}

# Only where this version has the settings.
sub _scaled_settings {
    my ($self) = @_;
    my ($status, $text) =
        Postvalve::Test::run_command([ Postvalve::Test::program('ctl'), 'settings', '--man' ]);
    $text =~ s/\\-/-/g;
    return {} if $status != 0 || $text !~ /\bclass\.return_min_s\b/;
    my $seconds = int(RETURN_S / $self->{time_scale} + 0.5);
    return { class => { return_min_s => $seconds > RETURN_MIN_S ? $seconds : RETURN_MIN_S } };
}

# -- life ------------------------------------------------------------------------

sub start {
    my ($self) = @_;
    $self->{redis}->start
        if $self->{redis} && !($self->{redis}->process && $self->{redis}->process->is_running);
    $_->start for @{ $self->{daemons} // [] };
    $self->{postfix}->start;
    return $self;
}

# Once the clients are gone. A Postfix that is stopped while much is being logged may hang.
sub stop {
    my ($self) = @_;
    my $end_s = Postvalve::Test::now_s() + 3;
    Time::HiRes::sleep(0.1) while $self->{postfix}->backlog && Postvalve::Test::now_s() < $end_s;
    Time::HiRes::sleep(1);
    $self->{postfix}->stop;
    $_->stop for @{ $self->{daemons} // [] };
    $self->{redis}->stop if $self->{redis} && $self->{redis}->process->is_running;
    return;
}

# What half a year of mail would have left, in the documented form.
sub seed_history {
    my ($self) = @_;
    return if !$self->{redis};
    my $now = time;
    for my $address (Postvalve::Flood::Scenario::known_addresses()) {
        my $key = "pv:client:$address";
        $self->{redis}->command('HSET', $key, 'first', $now - 180 * DAY_S, 'last', $now - DAY_S,
            'accepted', '20.000');
        $self->{redis}->command('EXPIRE', $key, 60 * DAY_S);
    }
    return;
}

# CPU seconds of the server side so far: Postfix with all its processes, those that ended
# included, the daemons, Redis, DNS.
sub cpu_s {
    my ($self) = @_;
    my $master = $self->{postfix}->master_pid;
    my $ticks = 0;
    for my $file (glob '/proc/[0-9]*/stat') {
        my $text = eval { Postvalve::Test::slurp($file) } // next;
        my ($pid) = $text =~ /\A(\d+)/;
        my @field = split ' ', $text =~ s/\A.*\) //sr;    # state parent group session ...
        next if @field < 15 || $field[3] != $master;    # it may have ended
        $ticks += $field[11] + $field[12];
        $ticks += $field[13] + $field[14] if $pid == $master;
    }
    my @others = map { $_->pid } @{ $self->{daemons} // [] }, $self->{dns};
    push @others, $self->{redis}->pid
        if $self->{redis} && $self->{redis}->process->is_running;
    my $ns = 0;
    $ns += cpu_ns($_) for @others;
    return $ticks * CLOCK_TICK_S + $ns / 1e9;
}

# Files worth keeping: [ name, path ].
sub logs {
    my ($self) = @_;
    return ([ 'maillog', $self->{postfix}->log_path ],
        map { [ $_->{kind}, $_->log_path ] } @{ $self->{daemons} // [] });
}

# The DNS server that all variants ask: every bot of the listed network, on port 53 of an
# address that nobody else uses.
sub start_dns {
    for my $number (1 .. 200) {
        my $address = '127.0.53.' . (1 + int rand 250);
        my $probe = IO::Socket::INET->new(
            Proto     => 'udp',
            LocalAddr => $address,
            LocalPort => 53
        ) or next;
        close $probe;
        return Postvalve::Dns->new(
            address => $address,
            port    => 53,
            zones   => [
                [
                    ZONE, 'ip4trie',
                    ":127.0.0.10:listed\n127.0.0.2\n$Postvalve::Flood::Scenario::LISTED_NETWORK\n"
                ]
            ],
        )->start;
    }
    die 'no address for a DNS server';
}

1;
