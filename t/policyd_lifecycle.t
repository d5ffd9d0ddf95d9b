#!/usr/bin/perl
# Start, refused start, reload and end of policyd.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Test;

my $program = program('policyd');

sub client { return Postvalve::PolicyClient->new(@_) }

subtest 'options' => sub {
    my $policyd = Postvalve::Daemon->new('policyd')->configure;
    my $file = $policyd->config_file;
    my ($status, $output) = run_command([ $program, '--version' ]);
    is $status, 0, '--version';
    like $output, qr/\Apostvalve-policyd \d+\.\d+/, 'says it';
    ($status, $output) = run_command([ $program, '--help' ]);
    is $status, 0, '--help';
    like $output, qr/--config FILE/, 'tells the options';
    ($status, $output) = run_command([ $program, '--config', $file, '--check-config' ]);
    is $status, 0, '--check-config';
    is $output, "$file: ok\n", 'says so';
    ($status, $output) = run_command([ $program, '--config', $file, '--print-config' ]);
    is $status, 0, '--print-config';
    like $output, qr/"max_connections": 20000/, 'with the defaults';
    ($status, $output) = run_command([ $program, '--nonsense' ]);
    is $status, 64, 'a wrong option is a usage error';
    ($status, $output) = run_command([ $program, 'extra' ]);
    is $status, 64, 'so is an argument';
    ($status, $output) = run_command([ $program, '--config', '/nonexistent/file' ]);
    is $status, 78, 'no configuration file';
    like $output, qr{/nonexistent/file}, 'is named';
};

subtest 'a wrong configuration is refused, every problem named' => sub {
    my $policyd = Postvalve::Daemon->new('policyd',
        config => { policyd => { max_connections => -1, idle_timeout_s => 'x' }, no_such => 1 });
    my ($status, $said) = $policyd->start_refused;
    is $status, 78, 'EX_CONFIG';
    like $said, qr/\Q@{[ $policyd->config_file ]}\E.*policyd\.max_connections/, 'a number';
    like $said, qr/policyd\.idle_timeout_s/, 'a type';
    like $said, qr/no_such/, 'a name';
    ($status) = run_command([ $program, '--config', $policyd->config_file, '--check-config' ]);
    is $status, 78, '--check-config finds it too';
};

subtest 'sockets: live ones are refused, stale ones replaced' => sub {
    my $policyd = Postvalve::Daemon->new('policyd')->start;
    my $path = { $policyd->endpoint }->{path};
    my $second = Postvalve::Daemon->new('policyd',
        config => { policyd => { listen => ["unix:$path"] } });
    my ($status, $said) = $second->start_refused;
    is $status, 69, 'a socket in use: EX_UNAVAILABLE';
    like $said, qr/policyd\.listen\[0\]: .*\Q$path\E/, 'names setting and socket';
    is client(path => $path)->request, 'DUNNO', 'its owner is not harmed';

    $policyd->kill9;
    ok -S $path, 'a killed one leaves its socket';
    $second->start;
    is client(path => $path)->request, 'DUNNO', 'which the next one replaces';
    is $second->stop, 0, 'ends in order';

    my $port = free_port();
    my $owner = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1);
    my $third = Postvalve::Daemon->new('policyd',
        config => { policyd => { listen => ["inet:127.0.0.1:$port"] } });
    ($status, $said) = $third->start_refused;
    is $status, 69, 'a port in use';
    like $said, qr/inet:127\.0\.0\.1:$port/, 'is named';
};

subtest 'without a slot limit' => sub {
    my $policyd = Postvalve::Daemon->new('policyd',
        config => { service =>
            { slot_limit => 'auto', postfix_config_directory => '/nonexistent/postfix' } })->start;
    ok $policyd->wait_log(qr/warning: .*service\.slot_limit/), 'says what to set';
    is client($policyd->endpoint)->request, 'DUNNO', 'and holds nobody back';
    $policyd->reload;
    ok $policyd->wait_log(qr/configuration taken over/), 'asks again at a reload';
    $policyd->configure({ service => { slot_limit => 10 } });
    $policyd->reload;
    ok $policyd->wait_log(qr/nothing listens/), 'then with one, it looks at the port';
    is scalar(() = $policyd->log_text =~ /warning: .*service\.slot_limit/g), 1, 'told once';
};

subtest 'privileges' => sub {
    my $policyd = Postvalve::Daemon->new('policyd', config => { user => 'nobody' })->start;
    my $user = getpwnam 'nobody';
    like slurp('/proc/' . $policyd->pid . '/status'), qr/^Uid:\s+$user\s+$user\s+$user\s+$user$/m,
        'are dropped';
    is client($policyd->endpoint)->request, 'DUNNO', 'it answers';
    is $policyd->restart && client($policyd->endpoint)->request, 'DUNNO', 'also after a restart';
    is $policyd->stop, 0, 'ends in order';

    my $wrong = Postvalve::Daemon->new('policyd', config => { user => 'no-such-user' });
    my ($status, $said) = $wrong->start_refused;
    is $status, 77, 'a user that does not exist: EX_NOPERM';
    like $said, qr/no-such-user/, 'is named';
} if $> == 0;

subtest 'reload' => sub {
    my $port = free_port();
    my $policyd = Postvalve::Daemon->new('policyd')->start;
    my $path = { $policyd->endpoint }->{path};
    my $client = client(path => $path);
    is $client->request, 'DUNNO', 'a client';

    $policyd->configure({ policyd => { listen => [ "unix:$path", "inet:127.0.0.1:$port" ] } });
    $policyd->reload;
    ok $policyd->wait_log(qr/configuration taken over/), 'a new listener';
    is client(port => $port)->request, 'DUNNO', 'answers';
    is $client->request, 'DUNNO', 'the open connection goes on';

    spew($policyd->config_file, '{ "policyd": { "max_connections": 0 }, "x": 1 }');
    $policyd->reload;
    ok $policyd->wait_log(qr/stays as it was/), 'a broken configuration is not taken over';
    like $policyd->log_text, qr/policyd\.max_connections/, 'problem';
    like $policyd->log_text, qr/"?\bx\b/, 'for problem';
    is client(port => $port)->request, 'DUNNO', 'all goes on';

    my $taken = free_port();
    my $owner = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $taken, Listen => 1);
    $policyd->configure({ policyd => { listen => ["inet:127.0.0.1:$taken"] } });
    $policyd->reload;
    ok $policyd->wait_log(qr/policyd\.listen\[0\]: .*$taken/), 'a listener that cannot be';
    is client(port => $port)->request, 'DUNNO', 'leaves the old ones';

    $policyd->configure({ policyd => { listen => ["inet:127.0.0.1:$port"] } });
    $policyd->reload;
    ok wait_until(sub { !-e $path }, 5), 'a listener that is gone is closed';
    is client(port => $port)->request, 'DUNNO', 'the other stays';
    is $client->request, 'DUNNO', 'and the connection that came through the first one';
    is $policyd->stop, 0, 'ends in order';
};

subtest 'the end' => sub {
    for my $signal (qw(TERM INT)) {
        my $policyd = Postvalve::Daemon->new('policyd')->start;
        my $path = { $policyd->endpoint }->{path};
        my @clients = map { client(path => $path) } 1 .. 3;
        $_->request for @clients[ 0, 1 ];
        $clients[1]->send_raw('request=');
        $policyd->pause;
        $clients[2]->send_raw(Postvalve::PolicyClient::format_request());
        $policyd->send_signal($signal);
        $policyd->resume;
        is $clients[2]->read_action, 'DUNNO', "$signal: what has been asked is answered";
        ok $_->is_closed(5), 'then closed' for @clients;
        is $policyd->process->wait_exit(5), 0, 'exit status';
        ok !-e $path, 'the socket is gone';
        like $policyd->log_text, qr/ended: requests=3 /, 'says what it did';
    }
};

finish();
