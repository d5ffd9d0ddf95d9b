#!/usr/bin/perl

# The sensor beside a real Postfix: its slot limit, its busy processes, its queue.

use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::Postfix;
use Postvalve::Smtp;
use Postvalve::Test;

use constant { LIMIT => 5, CLIENTS => 12, QUEUE => 40, DEADLINE_S => 10 };

my $postfix = Postvalve::Postfix->new(
    process_limit => LIMIT,
    main          => {
        default_process_limit => QUEUE,
        inet_protocols        => -e '/proc/net/tcp6' ? 'all' : 'ipv4',
        smtpd_timeout         => '60s',    # in stress too: a slot held in silence stays held
    },
)->start;

sub sensor {
    my ($port) = @_;
    my ($status, $output) = run_command([
        top_builddir() . '/t/tools/sensor_read', $postfix->config_dir,
        $port // $postfix->port, $port // $postfix->port
    ]);
    my %reading = $output =~ /(\w+)=(\S+)/g;
    return { %reading, status => $status, output => $output };
}

# The reading once busy and waiting are what they should be, or the last one.
sub wait_sensor {
    my ($busy, $waiting) = @_;
    my $reading;
    wait_until(
        sub {
            $reading = sensor();
            return $reading->{busy} == $busy && $reading->{waiting} == $waiting;
        },
        DEADLINE_S,
        "$busy busy, $waiting waiting"
    );
    is("$reading->{busy} busy, $reading->{waiting} waiting", "$busy busy, $waiting waiting",
        'the sensor says');
    return $reading;
}

sub client { return Postvalve::Smtp->new(port => $postfix->port, @_) }

# For each listener master(8) asks listen(2) for the greater of the two limits; the kernel
# cuts that.
my $listener_count = -e '/proc/net/tcp6' ? 2 : 1;
my ($somaxconn) = slurp('/proc/sys/net/core/somaxconn') =~ /(\d+)/;
my $queue_limit = $listener_count * ($somaxconn < QUEUE ? $somaxconn : QUEUE);

my $reading = sensor();
is($reading->{status}, 0, 'reads') or diag($reading->{output});
is($reading->{limit}, LIMIT, 'the process limit of master.cf');
is("$reading->{known} $reading->{busy} $reading->{waiting} $reading->{pressure}", '1 0 0 0.00',
    'idle');
is($reading->{backlog_limit}, $queue_limit,
    'there is room for default_process_limit in each queue');

# Postfix gives each client a process, until there is none left.
my @clients;
for my $count (1 .. 3) {
    push @clients, client();
    is($clients[-1]->banner->code, 220, "client $count has a process");
    wait_sensor($count, 0);
}
is(scalar $postfix->smtpd_pids, 3, 'as many processes as busy slots');

push @clients, map { client() } 4 .. CLIENTS;
$reading = wait_sensor(LIMIT, CLIENTS - LIMIT);
is($reading->{slots}, '1.00', 'all slots are busy');
is($reading->{pressure}, sprintf('%.2f', CLIENTS / LIMIT), 'those who wait are pressure too');
is(scalar $postfix->smtpd_pids, LIMIT, 'as many processes as busy slots');
is($postfix->backlog, $reading->{waiting}, 'as many in the queue as /proc says');
is(scalar(grep { $_->is_closed(0) } @clients), 0, 'all are still connected');

# A slot that is given back goes to the next in the queue.
is($clients[0]->quit->code, 221, 'a client leaves');
shift @clients;
wait_sensor(LIMIT, CLIENTS - LIMIT - 1);

# One that goes away without a word is noticed by its process at once.
$clients[0]->abort;
shift @clients;
wait_sensor(LIMIT, CLIENTS - LIMIT - 2);

# Those that leave the queue are still in it until a process looks at them.
$clients[-1]->close;
pop @clients;
wait_sensor(LIMIT, CLIENTS - LIMIT - 2);

$_->close for @clients;
wait_sensor(0, 0);
cmp_ok(scalar $postfix->smtpd_pids, '>', 0, 'processes that idle are not busy slots');

SKIP: {
    skip 'no IPv6 here', 2 if !-e '/proc/net/tcp6';
    my @both = (client(), client(host => '::1'));
    is($_->banner->code, 220, 'a client has a process') for @both;
    wait_sensor(2, 0);
    $_->close for @both;
    wait_sensor(0, 0);
}

# Mail is a session like others.
my $mail = client();
is($mail->send_mail->code, 250, 'mail is accepted');
wait_sensor(1, 0);
$mail->quit;
wait_sensor(0, 0);

$postfix->stop;
$reading = sensor();
is($reading->{known}, 0, 'without Postfix nothing is known');
like($reading->{output}, qr/warning: service \d+: cannot be measured: nothing listens on port/,
    'and the log says why');

$reading = sensor(1);
is($reading->{known}, 0, 'a service that master.cf does not have');
like($reading->{output}, qr/service\.slot_limit/, 'and what to do');

finish();
