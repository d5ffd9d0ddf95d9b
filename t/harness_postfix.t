#!/usr/bin/perl
# A private Postfix under the test harness: delivery, refusal, process limit,
# backlog, forced stress, several instances.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Postfix;
use Postvalve::Smtp;
use Postvalve::Test;

sub is_near { return cmp_ok($_[0], '<', $_[1], $_[2]) }

my $begin_s = now_s();
my $postfix = Postvalve::Postfix->new(process_limit => 3, submission => 1)->start;
is_near(now_s() - $begin_s, 3, 'Postfix starts fast');
ok $postfix->wait_answer, 'and answers';

subtest 'mail goes in and is discarded' => sub {
    my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => '127.1.2.3');
    my $banner = $smtp->banner;
    is $banner->code, 220, 'the banner';
    like $banner->text, qr/^220 mx1\.example\.test ESMTP Postfix/, 'of this instance';
    is_near($banner->ms, 3000, 'in time');
    my $ehlo = $smtp->command('EHLO client.example');
    is $ehlo->code, 250, 'EHLO';
    cmp_ok scalar $ehlo->lines, '>', 3, 'of several lines';
    my $reply = $smtp->send_mail(
        to => [ 'alice@example.test', 'nobody@example.test', 'bob@example.test' ]);
    is "$reply->{code} $reply->{stage}", '250 body', 'a mail to three';
    is $reply->rcpt->{'alice@example.test'}->code, 250, 'one is known';
    my $refused = $reply->rcpt->{'nobody@example.test'};
    is $refused->code . ' ' . $refused->enhanced, '550 5.1.1', 'one is not';
    ok $postfix->wait_delivered(2), 'two are delivered';
    ok $postfix->wait_log(qr/client=unknown\[127\.1\.2\.3\]/), 'from the address we chose';
    wait_ok { $postfix->queue_count == 0 } 30, 'the queue is empty';
    ok !$smtp->is_closed(0), 'the session is still open';
    is $smtp->quit->code, 221, 'QUIT';
};

subtest 'what is not accepted' => sub {
    my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => '127.1.2.4');
    my $reply = $smtp->send_mail(to => 'nobody@example.test');
    is "$reply->{code} $reply->{stage}", '550 rcpt', 'an unknown recipient';
    is $smtp->command('RCPT TO:<alice@elsewhere.example>')->code, 454, 'and relaying';
    $smtp->quit;
};

subtest 'the end of a session' => sub {
    my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => '127.1.2.5');
    is $smtp->banner->code, 220, 'banner';
    $smtp->abort;
    ok $postfix->wait_log(qr/lost connection after CONNECT from unknown\[127\.1\.2\.5\]/),
        'RST';
    is $smtp->command('NOOP')->code, 0, 'no reply on a closed connection';
    $smtp = Postvalve::Smtp->new(port => $postfix->port, timeout_s => 0.1);
    $smtp->banner;
    my $reply = $smtp->read_reply;
    is $reply->reason, 'timeout', 'no reply in time';
    is "$reply", '(no reply: timeout)', 'and it says so';
    $smtp->command('QUIT');
    ok $smtp->is_closed(2), 'closed by the server';
};

subtest 'submission is a service of its own' => sub {
    my $smtp = Postvalve::Smtp->new(port => $postfix->submission_port);
    is $smtp->banner->code, 220, 'it answers';
    is scalar $postfix->smtpd_pids($postfix->submission_port), 1, 'with its own process';
    $smtp->quit;
};

subtest 'the process limit holds, and the others wait in the accept queue' => sub {
    my @clients =
        map { Postvalve::Smtp->new(port => $postfix->port, source => "127.2.0.$_") } 1 .. 7;
    wait_ok { $postfix->smtpd_pids == 3 } 30, 'three processes';
    is $clients[$_]->banner(5)->code, 220, "client $_ is served" for 0 .. 2;
    is $clients[$_]->banner(0.05)->code, 0, "client $_ waits" for 3 .. 6;
    is $postfix->smtpd_pids, 3, 'still three processes';
    is $postfix->backlog, 4, 'four clients in rx_queue of the LISTEN line';
    $clients[0]->close;
    wait_ok { $postfix->backlog == 3 } 30, 'one leaves the queue';
    $_->abort for @clients;
    wait_ok { $postfix->backlog == 0 } 30, 'the queue is empty';
};

subtest 'stress can be forced, and released' => sub {
    my $other = Postvalve::Postfix->new(process_limit => 10)->start;
    my $new_process_stress = sub {
        my $smtp = Postvalve::Smtp->new(port => $other->port);
        $smtp->banner;
        my @found = map { $_->{stress} } $other->smtpd_processes;
        $smtp->quit;
        return @found;
    };
    is_deeply [ $new_process_stress->() ], [0], 'no stress';
    $other->force_stress(1);
    is $other->postconf('-P', $other->service . '/stress'), $other->service . '/stress = yes',
        'postconf -P sets it';
    is_deeply [ $new_process_stress->() ], [1], 'new processes have stress=yes';
    $other->force_stress(0);
    is_deeply [ $new_process_stress->() ], [0], 'and no longer';
    $other->edit_main(smtpd_banner => 'changed')->reload;
    my $smtp = Postvalve::Smtp->new(port => $other->port);
    is $smtp->banner->text, '220 changed', 'main.cf edited';
    $other->stop;
    my $stressed = Postvalve::Postfix->new(process_limit => 10, stress => 1)->start;
    ok $stressed->wait_answer, 'an instance that starts in stress';
    is_deeply [ map { $_->{stress} } $stressed->smtpd_processes ], [1], 'is in stress';
    $stressed->stop;
};

subtest 'several instances, and none is known to /etc/postfix' => sub {
    my $other = Postvalve::Postfix->new(listen => '127.0.0.1')->start;
    for my $instance ($postfix, $other) {
        ok $instance->wait_answer, $instance->name . ' answers';
    }
    my ($status, $output) = $other->postfix_command('status');
    is $status, 0, 'postfix -c DIR status';
    like $other->log_text, qr/is running: PID: ${\$other->master_pid}$/m, 'speaks of this one';
    $other->stop;
    ($status) = $other->postfix_command('status');
    is $status, 1, 'until it is stopped';
    ($status, $output) =
        run_command([ '/usr/sbin/postconf', '-h', 'multi_instance_directories' ]);
    is $output, "\n", 'no instance is registered in /etc/postfix';
    ok $postfix->wait_answer, 'the first one does not notice';
    $other->start;
    ok $other->wait_answer, 'the other starts again';
};

finish();
