package Postvalve::MilterSetup;

# The milter in front of a private Postfix, installed as contrib says: default_action=accept,
# and the {stress} macro.
#
#   my ($milter, $postfix) = Postvalve::MilterSetup::start(slots => 5, config => { ... });
#
# Clients are 127.a.b.c; only 127.0.0.1 is trusted, and bots are hung up on at every level, so
# that a test need not raise it first.

use strict;
use warnings;

use JSON::PP ();

use Postvalve::Daemon ();
use Postvalve::Postfix ();
use Postvalve::Smtp ();
use Postvalve::Test ();

# Options:
#   slots       process limit of the SMTP service, and slot_limit of the milter (5)
#   config      hash merged over the milter's configuration
#   main        hash of main.cf parameters
#   submission  true: a second service; as for Postvalve::Postfix
#   stress      as for Postvalve::Postfix
#   redis       a Postvalve::Redis
#   daemon      hash of more options of Postvalve::Daemon
#   is_stopped  true: does not start the milter
# Returns the Postvalve::Daemon and the Postvalve::Postfix, both running.
sub start {
    my (%option) = @_;
    my $slots = $option{slots} // 5;
    my $port = Postvalve::Test::free_port();
    my %config = (
        log       => { verbose => JSON::PP::true() },
        service   => { port => $port, slot_limit => $slots },
        redis     => { server => $option{redis} ? 'unix:' . $option{redis}->path : '' },
        trusted   => { networks => ['127.0.0.1/32'] },
        admission => { bot_level => 'calm' },
        memory    => { fresh_ms => 0 },
    );
    my $milter = Postvalve::Daemon->new('milter', config => \%config, %{ $option{daemon} // {} });
    $milter->configure($option{config});
    my $listen = $milter->listener;
    my $postfix = Postvalve::Postfix->new(
        port          => $port,
        process_limit => $slots,
        main          => {
            smtpd_milters => "{ $listen, default_action=accept, connect_timeout=5s, "
                . 'command_timeout=5s }',
            milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
            smtpd_error_sleep_time => '0',
            smtpd_hard_error_limit => '20',    # Postfix's own, under stress: 1
            %{ $option{main} // {} },
        },
        map { $_ => $option{$_} } grep { exists $option{$_} } qw(submission stress options),
    );
    $milter->start unless $option{is_stopped};
    $postfix->start;
    return ($milter, $postfix);
}

# Sessions that have their banner and say nothing, from different addresses of 127.NET.0.0/16.
sub occupy {
    my ($postfix, $count, $net) = @_;
    return map {
        my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => "127.$net.0.$_");
        $smtp->banner->code == 220 or die 'occupy: ' . $smtp->banner;
        $smtp;
    } 1 .. $count;
}

1;
