package Postvalve::VerifyHost;

# An MX host that relays for relay.example and verifies recipients (and can reach sender.example): a real Postfix with policyd
# and milter, all of its own but for Redis and the next hop.
#
#   my $mx = Postvalve::VerifyHost->start(name => 'mxa', redis => $redis, next => $next_hop);
#   $mx->mail('bob@relay.example', from => '', source => '127.9.0.1')->code;

use strict;
use warnings;

use JSON::PP ();

use Postvalve::Daemon ();
use Postvalve::Postfix ();
use Postvalve::Smtp ();
use Postvalve::Test ();

my $sources = 0;

# Options: name, redis, next (Postvalve::NextHop), config and main (hashes merged over those here),
# slots (30).
sub start {
    my ($class, %option) = @_;
    my $dir = Postvalve::Test::temp_dir("$option{name}-verify");
    my $port = Postvalve::Test::free_port();
    my $slots = $option{slots} // 30;
    my $key_file = Postvalve::Test::temp_dir() . '/site.key';
    Postvalve::Test::spew($key_file, "a secret of all hosts of this test\n");
    my %config = (
        host    => $option{name},
        log     => { verbose => JSON::PP::true() },
        service => { port => $port, slot_limit => $slots },
        memory  => { fresh_ms => 200 },
        verify  => { domains => ['relay.example'], key_file => $key_file },
    );
    my $self = bless { name => $option{name}, redis => $option{redis}, port => $port }, $class;
    for my $kind (qw(policyd milter)) {
        $self->{$kind} = Postvalve::Daemon->new(
            $kind, name => "$option{name}-$kind", redis => $option{redis}, config => \%config);
        $self->{$kind}->configure($option{config})->start;
    }
    my ($policy, $milter) = map { $self->{$_}->listener } qw(policyd milter);
    $self->{postfix} = Postvalve::Postfix->new(
        name => $option{name}, port => $port, process_limit => $slots,
        main => {
            smtpd_milters          => "{ $milter, default_action=accept, connect_timeout=5s, command_timeout=5s }",
            milter_macro_defaults  => 'stress=${stress?{yes}:{no}}',
            relay_domains          => 'relay.example, other.example',
            relay_transport        => 'smtp:' . $option{next}->address,
            smtpd_recipient_restrictions => 'reject_unauth_destination, '
                . "check_policy_service { $policy, policy_context=verify, timeout=5s, default_action=DUNNO }",
            transport_maps         => 'inline:{ { sender.example = smtp:' . $option{next}->address . ' } }',
            unverified_recipient_reject_code => '550',
            unverified_sender_reject_code    => '550',
            address_verify_poll_delay        => '1s',
            address_verify_poll_count        => '30',    # a busy machine
            smtpd_error_sleep_time           => '0',
            smtpd_client_connection_count_limit => '0',
            smtp_connect_timeout             => '5s',
            minimal_backoff_time             => '1s',
            %{ $option{main} // {} },
        },
    )->start;
    return $self;
}

sub stop {
    my ($self) = @_;
    $self->{$_}->stop for qw(postfix milter policyd);
    return;
}

# Both daemons take it over.
sub configure {
    my ($self, $change) = @_;
    for my $kind (qw(policyd milter)) {
        my $before = () = $self->{$kind}->log_text =~ /config(?:uration|\.json:) taken/g;
        $self->{$kind}->configure($change)->reload;
        Postvalve::Test::wait_until(
            sub { my $now = () = $self->{$kind}->log_text =~ /config(?:uration|\.json:) taken/g; $now > $before },
            30, "$kind to take its configuration over") or die "$kind: " . $self->{$kind}->log_text;
    }
    return $self;
}

sub client {
    my ($self, $source) = @_;
    $source //= sprintf '127.8.%d.%d', int($sources / 250), 1 + $sources++ % 250;
    return Postvalve::Smtp->new(port => $self->{port}, source => $source, timeout_s => 30);
}

# One mail to one recipient; the last reply. Options: source, and those of send_mail().
sub mail {
    my ($self, $to, %mail) = @_;
    my $smtp = $self->client(delete $mail{source});
    my $reply = $smtp->send_mail(to => $to, %mail);
    $smtp->quit if $smtp->socket;
    return $reply;
}

sub ctl {
    my ($self, @arguments) = @_;
    return Postvalve::Test::run_command(
        [ Postvalve::Test::program('ctl'), '--config', $self->{policyd}->config_file, @arguments ]);
}

sub force {
    my ($self, $level) = @_;
    my ($status, $output) = $self->ctl('force', $level);
    $status == 0 or die "force: $output";
    # Until policyd has heard of it, whoever publishes the host.
    Postvalve::Test::wait_until(
        sub {
            my @levels = $self->{policyd}->log_text =~ /service=smtp level=(\w+) before=/g;
            return ($levels[-1] // 'calm') eq $level;
        },
        30, "$self->{name} to be $level") or die "$self->{name} is not $level";
    return $self;
}

# What is remembered of a recipient.
sub status {
    my ($self, $address) = @_;
    my ($status, $output) = $self->ctl('verify', 'show', $address);
    $status == 0 or die "verify show: $output";
    return $output =~ /^status\s+(\S+)/m ? $1 : "? $output";
}

1;
