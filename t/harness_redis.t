#!/usr/bin/perl
# The Redis, DNS and policy helpers of the test harness against the real servers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Test;
use Postvalve::Dns;
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::ScriptedPolicy;

subtest 'the temporary directory' => sub {
    my $dir = temp_dir();
    cmp_ok length $dir, '<', 20, 'is short';
    is sprintf('%04o', (stat $dir)[2] & 07777), '0755', 'can be entered by others';
};

subtest 'wait_until and free_port' => sub {
    my $calls = 0;
    my $result = wait_until { ++$calls == 3 && 'value' } 5;
    is $result, 'value', 'returns what the block returns';
    my %ports = map { free_port() => 1 } 1 .. 20;
    is scalar keys %ports, 20, 'ports are handed out once';
};

subtest 'processes' => sub {
    my $stubborn = start(
        cmd  => [ 'perl', '-e', '$| = 1; $SIG{TERM} = "IGNORE"; print "up\n"; sleep 60' ],
        name => 'stubborn'
    );
    wait_until { $stubborn->log_text =~ /up/ } 30, 'the process to ignore TERM';
    my $begin_s = now_s();
    is $stubborn->stop(0.2) & 127, 9, 'one that ignores TERM is killed';
    cmp_ok now_s() - $begin_s, '<', 3, 'soon';
    my ($status, $output) = run_command([ 'sh', '-c', 'echo out; echo err >&2; exit 3' ]);
    is $status, 3, 'run_command gives the status';
    is $output, "out\nerr\n", 'and all output';
    ok !eval { start(cmd => ['/nonexistent/program']); 1 }, 'a program that is not there';
    like $@, qr{cannot start program: /nonexistent/program: No such file}, 'is told';
};

my $redis = Postvalve::Redis->new(
    port     => 1,
    password => 'secret',
    config   => ['maxclients 50']
)->start;

subtest 'redis commands' => sub {
    is $redis->command('SET', 'key', "bin\0\r\nary"), 'OK', 'SET';
    is $redis->command('GET', 'key'), "bin\0\r\nary", 'GET is binary safe';
    is $redis->command('GET', 'nothing'), undef, 'nil';
    $redis->command('HSET', 'hash', 'a', 1, 'b', 2);
    is_deeply { @{ $redis->command('HGETALL', 'hash') } }, { a => 1, b => 2 }, 'an array';
    is_deeply $redis->command('EVAL', 'return {1, {"x", false}, {}}', 0),
        [ 1, [ 'x', undef ], [] ], 'nested arrays';
    like $redis->try_command('HGET', 'key', 'a'), qr/^WRONGTYPE/, 'an error as an object';
    isa_ok $redis->try_command('NOSUCH'), 'Postvalve::RedisClient::Error';
    ok !eval { $redis->command('HGET', 'key', 'a'); 1 }, 'command dies of an error';
    like $@, qr/redis: HGET: WRONGTYPE/, 'and says which';
    is_deeply [ $redis->client->pipeline([ 'INCR', 'n' ], [ 'INCR', 'n' ]) ], [ 1, 2 ],
        'a pipeline';
    my $big = 'x' x 3_000_000;
    $redis->command('SET', 'big', $big);
    ok $redis->command('GET', 'big') eq $big, 'a large value';
};

subtest 'redis connections' => sub {
    is $redis->client(over => 'tcp')->command('PING'), 'PONG', 'over TCP';
    my $stranger = $redis->client(password => undef);
    like $stranger->try_command('GET', 'key'), qr/^NOAUTH/, 'without the password';
    ok !eval { $redis->client(password => 'wrong'); 1 }, 'with a wrong one';
    is sprintf('%04o', (stat $redis->path)[2] & 0777), '0777', 'the socket is open to all';
    my $subscriber = $redis->client;
    is_deeply $subscriber->command('SUBSCRIBE', 'c'), [ 'subscribe', 'c', 1 ], 'subscribe';
    $redis->command('PUBLISH', 'c', 'hello');
    is_deeply $subscriber->read_reply(2), [ 'message', 'c', 'hello' ], 'a message';
};

subtest 'a redis that hangs, dies and comes back' => sub {
    my $client = $redis->client(timeout_s => 0.2);
    $redis->pause;
    my $begin_s = now_s();
    ok !eval { $client->command('PING'); 1 }, 'paused: no answer';
    like $@, qr/deadline/, 'but a deadline';
    cmp_ok now_s() - $begin_s, '<', 2, 'that is kept';
    $redis->resume;
    is $redis->command('PING'), 'PONG', 'resumed';
    my $old_pid = $redis->pid;
    is $redis->kill9, 9, 'killed';
    ok !eval { $redis->command('PING'); 1 }, 'gone';
    $redis->start;
    isnt $redis->pid, $old_pid, 'started again';
    is $redis->command('GET', 'key'), undef, 'and empty';
    $redis->restart;
    is $redis->command('PING'), 'PONG', 'restarted';
};

subtest 'dns' => sub {
    my $dns = Postvalve::Dns->new(zones => [
        [ 'zen.example', 'ip4set', <<'ZONE' ],
:127.0.0.2:listed $
127.0.0.2
192.0.2.1
192.0.2.2 :127.0.0.10:policy
ZONE
        [ 'names.example', 'dnset', ":127.0.0.3:listed\nbad.example\n" ],
    ])->start;
    is_deeply $dns->resolve('1.2.0.192.zen.example'), ['127.0.0.2'], 'listed';
    is_deeply $dns->resolve('2.2.0.192.zen.example'), ['127.0.0.10'], 'with a value of its own';
    is_deeply $dns->resolve('3.2.0.192.zen.example'), [], 'not listed';
    is_deeply $dns->resolve('bad.example.names.example'), ['127.0.0.3'], 'a name';
    is_deeply [ $dns->queries ],
        [ (map { "$_.2.0.192.zen.example" } 1 .. 3), 'bad.example.names.example' ],
        'the query log';
    $dns->set_zone('zen.example', ":127.0.0.2:listed\n192.0.2.3\n");
    is_deeply $dns->resolve('3.2.0.192.zen.example'), ['127.0.0.2'], 'a changed zone';
    is_deeply $dns->resolve('1.2.0.192.zen.example'), [], 'has lost its old entry';
    $dns->pause;
    is $dns->resolve('1.2.0.192.zen.example', 0.1), undef, 'paused';
    $dns->resume;
};

subtest 'policy client and scripted server' => sub {
    my $policy = Postvalve::ScriptedPolicy->new(
        sub {
            my ($request) = @_;
            return undef  if $request->{sender} eq 'close';
            return 'hang' if $request->{sender} eq 'hang';
            return "521 $request->{client_address}";
        },
        unix => 1
    )->start;
    my $client = Postvalve::PolicyClient->new(path => $policy->path, timeout_s => 0.3);
    is $client->request, '521 192.0.2.1', 'an action';
    is $client->request(client_address => '192.0.2.9', extra => 'x', stress => undef),
        '521 192.0.2.9', 'and another on the same connection';
    is $client->request(sender => 'hang'), undef, 'no answer';
    is $client->reason, 'timeout', 'in time';
    is $client->request(sender => 'close'), undef, 'closed';
    is $client->reason, 'closed', 'by the server';
    ok $client->is_closed(1), 'is_closed';
    my @requests = $policy->requests;
    is scalar @requests, 4, 'all requests are recorded';
    is_deeply $requests[0]{''}, [ Postvalve::PolicyClient::attribute_names() ], 'in order';
    is $requests[1]{extra}, 'x', 'with their values';
    ok !exists $requests[1]{stress}, 'and only those sent';
    is $policy->stop, 15, 'it ends on TERM';
    ok !eval { Postvalve::PolicyClient->new(path => $policy->path); 1 }, 'then nobody answers';
};

subtest 'policy client over a command, as spawn(8) starts it' => sub {
    my $program = <<'PROGRAM';
        $| = 1;
        while (my $line = <STDIN>) {
            next if $line ne "\n";
            my @sockets = map { readlink "/proc/self/fd/$_" } 0, 1, 2;
            print "action=", join(" ", @sockets), "\n\n";
        }
PROGRAM
    my $client = Postvalve::PolicyClient->new(command => [ 'perl', '-e', $program ]);
    my @sockets = split ' ', $client->request // '';
    like $sockets[0], qr/^socket:/, 'stdin is a socket';
    is_deeply \@sockets, [ ($sockets[0]) x 3 ], 'stdout and stderr are the same';
    $client->close;
    is $client->process->wait_exit(2), 0, 'it ends with the connection';
};

finish();
