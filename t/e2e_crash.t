#!/usr/bin/perl
# Daemons that are killed, restarted and reloaded while mail is running: no client sees it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Postvalve::Daemon;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my $sockets = temp_dir('sockets');
my %listen = (policyd => [ "unix:$sockets/p" ], milter => "unix:$sockets/m");
my $postfix = Postvalve::Postfix->new(
    process_limit => 40,
    main => {
        smtpd_milters => "{ unix:$sockets/m, default_action=accept, connect_timeout=5s, command_timeout=5s }",
        milter_macro_defaults => 'stress=${stress?{yes}:{no}}',
        smtpd_client_restrictions => "check_policy_service { unix:$sockets/p, timeout=5s, default_action=DUNNO }",
    })->start;
my ($policyd, $milter) = map {
    Postvalve::Daemon->new($_, postfix => $postfix, redis => $redis, config => { $_ => { listen => $listen{$_} } })->start
} qw(policyd milter);

# Senders of their own, mail after mail until told to stop; they write what went wrong.
my $CLIENTS = 8;
my $stop = "$sockets/stop";
my @senders = map { sender($_) } 1 .. $CLIENTS;

sub sender {
    my ($number) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    my ($sent, $end_s) = (0, now_s() + 40);
    open my $out, '>', "$sockets/sender$number" or POSIX::_exit(1);
    while (!-e $stop && now_s() < $end_s) {
        my $reply = eval { Postvalve::Smtp->new(port => $postfix->port, source => "127.6.1.$number")->send_mail };
        if ($reply && $reply->code == 250) { $sent++ } else { print {$out} 'failed: ' . ($reply ? $reply->code . ' ' . $reply->text : $@) . "\n" }
    }
    print {$out} "sent $sent\n";
    close $out;
    POSIX::_exit(0);
}

sub settle { my $delivered = $postfix->delivered_count; return wait_until { $postfix->delivered_count > $delivered + 50 } 10, 'mail' }

ok settle(), 'mail is running';
for my $daemon ($policyd, $milter) {
    $daemon->kill9;
    ok settle(), "$daemon->{name} killed: mail goes on";
    $daemon->start;
    ok settle(), "$daemon->{name} back: mail goes on";
}
for my $daemon ($policyd, $milter) {
    my $pid = $daemon->pid;
    $daemon->configure({ memory => { fresh_ms => 1000 } })->reload;
    ok settle(), "$daemon->{name} reloaded: mail goes on";
    spew($daemon->config_file, '{ "mode": "sometimes", "surprise": 1 }');
    $daemon->reload;
    ok $daemon->wait_log(qr/surprise/), "$daemon->{name} says what is wrong with a broken file";
    ok $daemon->wait_log(qr/mode: .*enforce/), '... all of it';
    ok settle(), '... and goes on with the old one';
    ok $daemon->is_running && $daemon->pid == $pid, '... in the same process';
}
spew($stop, '');
waitpid $_, 0 for @senders;
my @said = map { split /\n/, slurp("$sockets/sender$_") } 1 .. $CLIENTS;
is_deeply [ grep { /failed/ } @said ], [], 'no message was refused or deferred';
is scalar(grep { /^sent [1-9]/ } @said), $CLIENTS, 'every sender got mail through';
finish();
