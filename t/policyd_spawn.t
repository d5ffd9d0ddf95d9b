#!/usr/bin/perl
# policyd as spawn(8) runs it: one client on standard input and output.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Test;
use Time::HiRes ();

use constant PROCESSES => 200;

my $later = qr/\A421 4\.3\.2 /;
my $bot = qr/\A521 5\.7\.1 /;
my $redis = Postvalve::Redis->new->start;
my $port = free_port();
$redis->command('HSET', 'pv:client:198.51.100.2', first => time - 1000, last => time,
    silent => 20);

my $daemon = Postvalve::Daemon->new(
    'policyd',
    redis  => $redis,
    config => { service => { port => 0 + $port, slot_limit => 10 } }
)->configure;
my $program = program('policyd');
my $is_sanitized = slurp($program) =~ /__asan_init/; # takes memory of its own
my @command = ($program, '--spawn', '--config', $daemon->config_file);
my $request = Postvalve::PolicyClient::format_request(server_port => $port);

sub spawned { return Postvalve::PolicyClient->new(command => [@command], @_) }

my $smtp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 100)
    or die "listen: $@";
my @sessions;

sub occupy {
    my ($count) = @_;
    splice @sessions, $count if @sessions > $count;
    while (@sessions < $count) {
        my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port)
            or die "connect: $@";
        push @sessions, [ $client, scalar $smtp->accept ];
    }
    return;
}

# Asks until the answer is as expected: a reading of the slots may be kept for a while.
sub becomes {
    my ($client, $address, $expected, $before) = @_;
    my $answer;
    wait_until {
        $before->() if $before;
        $answer = $client->request(server_port => $port, client_address => $address) // 'closed';
        return $answer =~ $expected;
    } 5;
    return $answer;
}

subtest 'a socket as standard input, output and error' => sub {
    my $client = spawned();
    is $client->request(server_port => $port), 'DUNNO', 'a request';
    $client->send_raw($request x 3);
    is $client->read_action, 'DUNNO', 'several in a packet' for 1 .. 3;
    $client->send_raw(substr $request, 0, 10);
    is $client->read_action(0.05), undef, 'half a one';
    $client->send_raw(substr($request, 10));
    is $client->read_action, 'DUNNO', 'and its rest';
    occupy(10);
    like becomes($client, '198.51.100.2', $bot), $bot, 'history and pressure count';
    like becomes($client, '198.51.100.3', $later), $later, 'too';
    occupy(0);
    is becomes($client, '192.0.2.1', qr/\ADUNNO/), 'DUNNO', 'as they fall, too';
    $client->send_raw($request);
    $client->shutdown_write;
    is $client->read_action, 'DUNNO', 'end of input after a request: answered';
    is $client->process->wait_exit(5), 0, 'exit status';
};

subtest 'nothing but answers goes to the client' => sub {
    my $client = spawned();
    $client->send_raw("garbage\n");
    is $client->read_action, undef, 'garbage: no answer';
    is $client->{buffer}, '', 'and no log';
    is $client->process->wait_exit(5), 0, 'ends';

    spew($daemon->dir . '/broken.json', '{ "nonsense": 1 }');
    $client = Postvalve::PolicyClient->new(
        command => [ $program, '--spawn', '--config', $daemon->dir . '/broken.json' ]);
    $client->send_raw($request);
    is $client->read_action, undef, 'a broken configuration: no answer';
    is $client->{buffer}, '', 'and no log';
    is $client->process->wait_exit(5) >> 8, 78, 'EX_CONFIG';
};

subtest 'standard error of its own takes the log' => sub {
    my ($status, $output) = run_command([ 'sh', '-c', 'echo garbage | "$@" 2>&1 >/dev/null',
        'sh', @command ]);
    is $status, 0, 'ends';
    like $output, qr/standard input.*not a policy request/, 'says why';
};

subtest 'pipes and files' => sub {
    my $file = spew(temp_dir() . '/requests', $request x 2);
    my ($status, $output) =
        run_command([ 'sh', '-c', 'cat "$0" "$0" | "$@" | cat', $file, @command ]);
    is $output, "action=DUNNO\n\n" x 4, 'two pipes';
    ($status, $output) = run_command([ 'sh', '-c', 'exec "$@" <"$0"', $file, @command ]);
    is $output, "action=DUNNO\n\n" x 2, 'a file as input';
    is $status, 0, 'exit status';
    ($status, $output) = run_command([ 'sh', '-c', '"$@" </dev/null', 'sh', @command ]);
    is $output, '', 'no input: no output';
    is $status, 0, 'exit status';
};

subtest 'TERM' => sub {
    my $client = spawned();
    is $client->request(server_port => $port), 'DUNNO', 'a request';
    $client->process->send_signal('TERM');
    is $client->process->wait_exit(5), 0, 'ends in order';
};

sub publish {
    my (%field) = @_;
    $redis->command('HSET', 'pv:host:test', id => 'x', service => 'smtp',
        renewed_ms => int(1000 * Time::HiRes::time()), %field);
}

subtest 'the record of the host' => sub {
    $redis->command('DEL', 'pv:host:test');
    my $client = spawned();
    occupy(9);
    like $client->request(server_port => $port, client_address => '198.51.100.3'), $later,
        'no record: the session is judged here';
    is $redis->command('EXISTS', 'pv:host:test'), 0, 'and nothing is published';

    my $milter_offers = sub {
        publish(publisher => 'milter', level => 'calm', slot_limit => 10,
            milter_seen_ms => int(1000 * Time::HiRes::time()));
    };
    is becomes($client, '198.51.100.3', qr/\ADUNNO/, $milter_offers), 'DUNNO',
        'a milter has admitted it, once that is seen';

    $daemon->configure({
        service => { slot_limit => 'auto', postfix_config_directory => '/nonexistent' } });
    $redis->command('DEL', 'pv:host:test');
    publish(publisher => 'policyd', level => 'stressed', slot_limit => 10);
    $client = spawned();
    like $client->request(server_port => $port, client_address => '198.51.100.3'), $later,
        'the slot limit of the record counts';
    occupy(0);
    publish(publisher => 'policyd', level => 'stressed', slot_limit => 10);
    like $client->request(server_port => $port, client_address => '198.51.100.2'), $bot,
        'and its level';
    publish(publisher => 'policyd', level => 'calm', slot_limit => 10, busy => 10);
    $client = spawned();
    like $client->request(server_port => $port, client_address => '198.51.100.3'), $later,
        'the slots that it counted are busy, not those that the kernel counts';
    publish(publisher => 'policyd', level => 'calm', slot_limit => 10, busy => 10,
        renewed_ms => int(1000 * Time::HiRes::time()) - 2000);
    $client = spawned();
    is $client->request(server_port => $port, client_address => '198.51.100.3'), 'DUNNO',
        'unless it went silent';
    $redis->command('DEL', 'pv:host:test');
    $client = spawned();
    is $client->request(server_port => $port, client_address => '198.51.100.3'), 'DUNNO',
        'neither record nor postconf: everybody is in';
    $daemon->configure({ service => { slot_limit => 10 } });
};

subtest 'Redis in trouble' => sub {
    my $client = spawned();
    is $client->request(server_port => $port), 'DUNNO', 'all is well';
    $redis->pause;
    my $begin_s = now_s();
    is $client->request(server_port => $port, client_address => '198.51.100.9'), 'DUNNO',
        'hanging: an answer without history';
    cmp_ok now_s() - $begin_s, '<', 2, 'in time';
    $client->send_raw(Postvalve::PolicyClient::format_request(
        server_port => $port, client_address => '198.51.100.10'));
    $client->close;
    ok defined $client->process->wait_exit(5), 'ends though a question is open';
    $redis->resume;
};

subtest PROCESSES . ' processes' => sub {
    my $begin_s = now_s();
    my @clients = map { spawned(timeout_s => 30) } 1 .. PROCESSES;
    $_->send_raw($request) for @clients;
    is scalar(grep { ($_->read_action // '') eq 'DUNNO' } @clients), PROCESSES, 'all answer';
    diag sprintf '%.1f ms each', (now_s() - $begin_s) * 1000 / PROCESSES;
    my ($private, $events) = (0, 0);
    for my $client (@clients) {
        my $rollup = slurp('/proc/' . $client->process->pid . '/smaps_rollup');
        $private += $1 while $rollup =~ /^Private_\w+:\s+(\d+) kB/mg;
    }
    cmp_ok $private / PROCESSES, '<', 1200, sprintf '%d KiB of their own each',
        $private / PROCESSES
        if !$is_sanitized;
    $_->close for @clients;
    is scalar(grep { ($_->process->wait_exit(10) // -1) == 0 } @clients), PROCESSES,
        'and end with their clients';
};

finish();
