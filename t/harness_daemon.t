#!/usr/bin/perl
# How the test harness runs a daemon, with a stand-in for ours.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::PolicyClient;
use Postvalve::Postfix;
use Postvalve::Redis;
use Postvalve::Test;

# Listens as told, logs to stderr, answers every request with `answer` of its file.
my $stand_in = spew(temp_dir('stand-in') . '/daemon', <<'PROGRAM');
use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP;
my ($option, $file) = @ARGV;
$option eq '--config' or die "usage\n";
sub load { open my $in, '<', $file or die; local $/; return decode_json(<$in>) }
my $config = load();
$config->{refuse} and die "$file: refuse: not allowed\n";
my ($path) = $config->{policyd}{listen}[0] =~ /^unix:(.*)/;
unlink $path;
my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 10) or die $!;
$SIG{HUP} = sub { $config = load(); print STDERR "loaded\n" };
$SIG{TERM} = sub { print STDERR "ends\n"; exit 0 };
$SIG{PIPE} = 'IGNORE';
while (1) {
    my $client = $listener->accept or next;
    while (my $line = <$client>) {
        print {$client} "action=$config->{answer}\n\n" if $line eq "\n";
    }
}
PROGRAM
my @options = (command => [ $^X, $stand_in ]);

subtest 'the configuration' => sub {
    my $redis = Postvalve::Redis->new(password => 'secret');
    my $postfix = Postvalve::Postfix->new;
    my $config = Postvalve::Daemon->new(
        'milter',
        postfix => $postfix,
        redis   => $redis,
        config  => { redis => { deadline_ms => 5 }, host => undef, level => { hold_s => 1 } },
    )->configure;
    my $written = read_json($config->config_file);
    is $written->{redis}{server}, 'unix:' . $redis->path, 'Redis';
    is $written->{redis}{password}, 'secret', 'its password';
    is $written->{redis}{deadline_ms}, 5, 'a value of the test wins';
    ok !exists $written->{host}, 'undef removes';
    is_deeply $written->{level}, { hold_s => 1 }, 'a new group';
    is $written->{service}{postfix_config_directory}, $postfix->config_dir, 'Postfix';
    like slurp($config->config_file), qr/"port" : ${\$postfix->port}\b/, 'numbers are numbers';
    is $config->listener, 'unix:' . $config->dir . '/s', 'the listener';
};

subtest 'life' => sub {
    my $daemon = Postvalve::Daemon->new('policyd', @options, config => { answer => 'DUNNO' });
    $daemon->start;
    ok $daemon->is_running, 'it runs';
    my $ask = sub { return Postvalve::PolicyClient->new($daemon->endpoint)->request };
    is $ask->(), 'DUNNO', 'and answers';
    $daemon->configure({ answer => '421 later' })->reload;
    ok $daemon->wait_log(qr/^loaded$/), 'HUP arrives';
    is $ask->(), '421 later', 'with the new configuration';
    my $pid = $daemon->pid;
    is $daemon->kill9, 9, 'killed';
    ok !$daemon->is_answering, 'nobody answers';
    $daemon->start;
    isnt $daemon->pid, $pid, 'started again';
    is $ask->(), '421 later', 'and answers';
    $daemon->pause;
    my $client = Postvalve::PolicyClient->new($daemon->endpoint, timeout_s => 0.1);
    is $client->request, undef, 'paused';
    $client->close;
    $daemon->resume;
    is $ask->(), '421 later', 'resumed';
    is $daemon->stop, 0, 'an orderly end';
    like $daemon->log_text, qr/^ends$/m, 'which it logs';
};

subtest 'a daemon that does not start' => sub {
    my $daemon = Postvalve::Daemon->new('policyd', @options, config => { refuse => 1 });
    my ($code, $text) = $daemon->start_refused;
    is $code, 255, 'start_refused gives the exit code';
    like $text, qr/refuse: not allowed/, 'and what it said';
    ok !eval { $daemon->start; 1 }, 'start dies';
    like $@, qr/policyd\d+ ended:.*refuse: not allowed/s, 'and tells why';
};

finish();
