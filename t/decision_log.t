#!/usr/bin/perl
# The decision log: what stands in it, how much of it, and that nobody waits for it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select ();
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use JSON::PP ();
use Postvalve::Daemon;
use Postvalve::MilterSetup ();
use Postvalve::PolicyClient;
use Postvalve::Redis;
use Postvalve::Smtp;
use Postvalve::Test;
use Socket ();

use constant PATIENCE_S => 30;

my $dir = temp_dir('decisions');
my $redis = Postvalve::Redis->new->start;
my ($bot, $good, $client_port) = ('198.51.100.2', '198.51.100.1', 1000);
$redis->command('HSET', "pv:client:$bot", first => time - 90000, last => time, silent => 20);
$redis->command('HSET', "pv:client:$good", first => time - 900000, last => time, accepted => 50);

# The protected service, which nobody uses.
my $service = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $@";

sub policyd {
    my ($log) = @_;
    return Postvalve::Daemon->new(
        'policyd',
        redis  => $redis,
        config => {
            admission    => { bot_level => 'calm' },
            service      => { port => $service->sockport },
            decision_log => $log,
        }
    )->start;
}

sub ask {
    my ($client, $address, %change) = @_;
    return $client->request(client_address => $address, client_port => ++$client_port,
        server_port => undef, %change) // die $client->reason;
}

sub decode { return JSON::PP->new->decode($_[0]) }

sub lines_of {
    my ($file) = @_;
    return map { decode($_) } split /\n/, -e $file ? slurp($file) : '';
}

sub wait_lines {
    my ($file, $count, $what) = @_;
    my @lines;
    ok wait_until { @lines = lines_of($file); @lines >= $count } PATIENCE_S, $what;
    is scalar @lines, $count, '... and no more';
    return @lines;
}

subtest 'what explain knows' => sub {
    my $file = "$dir/all.json";
    my $policyd = policyd({ file => $file, share => { admit => 1 } });
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    like ask($client, $bot, client_name => "\x{1b}[31m\xff\xfe"), qr/\A521 /, 'a bot';
    is ask($client, $good), 'DUNNO', 'a good client';
    my ($first, $second) = wait_lines($file, 2, 'a line each');
    like $first->{time}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'when';
    is_deeply [ @{$first}{qw(host process stage client client_name class rule action code level share)} ],
        [ qw(test policyd RCPT), $bot, '\x1b[31m\xff\xfe', qw(bot bot hang-up 521 calm), 1 ],
        'who, why, and what became of it';
    like $first->{text}, qr/\A5\.7\.1 .*\[\Q$bot\E\] behaves like a bot: /, 'the reply';
    like $first->{log}, qr/\Ahang-up client=\Q$bot\E class=bot /, 'the line of the log';
    is_deeply [ @{$second}{qw(client class action code text)} ], [ $good, qw(good continue 0), undef ],
        'who was let in';
    is $second->{pressure}{slot_limit}, 10, 'the pressure';
    my ($status, $output) = run_command([ program('ctl'), '--config', $policyd->config_file,
        'explain', '--json', $good, '--name', 'mail.client.example' ]);
    is $status, 0, 'explain';
    my $explained = decode($output);
    is_deeply [ sort keys %{ $second->{history} } ], [ sort keys %{ $explained->{history} } ],
        'the same histories';
    is $second->{history}{client}{key}, $explained->{history}{client}{key}, 'the same key';
    cmp_ok abs($second->{history}{client}{counts}{accepted} -
            $explained->{history}{client}{counts}{accepted}), '<', 0.01, 'the same counts';
    is $second->{reason}, $explained->{reason}, 'the same reason';
};

subtest 'shares' => sub {
    my $file = "$dir/share.json";
    my $policyd = policyd({ file => $file, share => { admit => 0.25 } });
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    ask($client, $good) for 1 .. 100;
    ask($client, $bot) for 1 .. 3;
    my %seen;
    $seen{ $_->{rule} }++ for wait_lines($file, 28, 'every fourth, and all bots');
    is_deeply \%seen, { admit => 25, bot => 3 }, 'by rule';

    $policyd->configure({ decision_log => { share => { admit => 0 } } });
    $policyd->reload;
    ok $policyd->wait_log(qr/configuration taken over/), 'reload';
    ask($client, $good) for 1 .. 10;
    ask($client, $bot);
    wait_lines($file, 29, 'none of those that are let in any more');
    is $policyd->stop, 0, 'ends';
};

subtest 'logrotate' => sub {
    my $logs = temp_dir('logs');
    my $file = "$logs/decisions.json";
    my $policyd = policyd({ file => $file });
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    ask($client, $bot);
    wait_lines($file, 1, 'before');
    my $rules = slurp(top_srcdir() . '/contrib/logrotate/postvalve');
    $rules =~ s{/var/log/postvalve/}{$logs/} or die 'no directory';
    $rules =~ s{su postvalve postvalve}{su root root} or die 'no user';
    spew("$logs/rules", $rules);
    chmod 0644, "$logs/rules";
    my ($status, $output) = run_command([ 'logrotate', '-f', '-s', "$logs/state", "$logs/rules" ]);
    is $status, 0, 'logrotate takes the file' or diag $output;
    ok !-e $file, 'it is moved';
    ask($client, $bot) for 1 .. 2;
    wait_lines($file, 2, 'a new one is there');
    wait_lines("$file.1", 1, 'the old one stays as it was');
    unlink $file;
    $policyd->reload;
    ask($client, $bot);
    wait_lines($file, 1, 'one that was removed, and a reload');
};

subtest 'a file that cannot be written' => sub {
    my $file = "$dir/later/x.json";
    my $policyd = policyd({ file => $file });
    my $client = Postvalve::PolicyClient->new($policyd->endpoint);
    like ask($client, $bot), qr/\A521 /, 'answers all the same';
    ok $policyd->wait_log(qr{warning: decision log: \Q$file\E: No such file or directory: lines are dropped}),
        'told in the log';
    ask($client, $bot);
    mkdir "$dir/later" or die;
    ok wait_until { ask($client, $bot); -s $file } PATIENCE_S, 'when it can be written, it is';
    ok $policyd->wait_log(qr/decision log: lines are written again/), 'told, too';
    is scalar(() = $policyd->log_text =~ /lines are dropped/g), 1, '... once';
};

subtest 'the journal' => sub {
    my $path = "$dir/journal";
    my $journal = IO::Socket::UNIX->new(Local => $path, Type => Socket::SOCK_DGRAM()) or die $!;
    my $policyd = policyd({ journal => $path });
    ask(Postvalve::PolicyClient->new($policyd->endpoint), $bot);
    ok +IO::Select->new($journal)->can_read(PATIENCE_S), 'a datagram';
    $journal->recv(my $datagram, 65536);
    like $datagram, qr/\APRIORITY=6\nSYSLOG_IDENTIFIER=postvalve-policyd\nMESSAGE=\{[^\n]+\}\n\z/,
        'in its protocol';
    my ($json) = $datagram =~ /^MESSAGE=(.*)$/m;
    is decode($json)->{client}, $bot, 'a decision';
    close $journal;
    unlink $path;
    like ask(Postvalve::PolicyClient->new($policyd->endpoint), $bot), qr/\A521 /, 'without a journal';
    ok $policyd->wait_log(qr/decision log: \Q$path\E: .*: lines are dropped/), '... which is told';
};

subtest 'spawned' => sub {
    my $file = "$dir/spawn.json";
    my $policyd = policyd({ file => $file });
    my $client = Postvalve::PolicyClient->new(
        command => [ program('policyd'), '--config', $policyd->config_file, '--spawn' ]);
    $policyd->stop;
    like ask($client, $bot), qr/\A521 /, 'an answer';
    $client->close;
    wait_lines($file, 1, 'its line');
};

subtest 'the milter' => sub {
    my $file = "$dir/milter.json";
    my ($milter, $postfix) = Postvalve::MilterSetup::start(
        config => { decision_log => { file => $file, share => { admit => 1, admitted_before => 1 } } });
    my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => '127.77.0.1');
    is $smtp->send_mail->code, 250, 'a message';
    my @lines;
    ok wait_until { @lines = lines_of($file); @lines >= 2 } PATIENCE_S, 'its lines';
    is_deeply [ map { [ @{$_}{qw(process client stage rule class action)} ] } @lines[ 0, 1 ] ],
        [
        [qw(milter 127.77.0.1 CONNECT admit unknown continue)],
        [qw(milter 127.77.0.1 MAIL admitted-before unknown continue)]
        ],
        'at CONNECT and at MAIL';
    is $milter->stop, 0, 'ends';
};

finish();
