#!/usr/bin/perl
# What this project relies on in Postfix and the kernel, seen on a live Postfix. When
# one of these fails after an upgrade, the design has to be looked at again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::PolicyClient;
use Postvalve::Postfix;
use Postvalve::ScriptedPolicy;
use Postvalve::Smtp;
use Postvalve::Test;

# One server, one Postfix for most of this: the address of the client says what the
# policy server answers, 127.4.X.Y where X is the place of the action.
my @actions = (
    'DUNNO',
    '421 4.7.0 come back later',
    '521 5.7.1 go away',
    '521 4.7.1 go away, says a wrong class',
);

my $policy = Postvalve::ScriptedPolicy->new(
    sub {
        my ($request) = @_;
        my ($place) = $request->{client_address} =~ /\A127\.4\.(\d+)\./;
        return $actions[ $place // 0 ];
    }
)->start;

sub client {
    my ($postfix, $source, %option) = @_;
    return Postvalve::Smtp->new(port => $postfix->port, source => $source, %option);
}

sub check_service {
    my ($service, $settings) = @_;
    return "check_policy_service { $service, $settings }";
}

my $delay_by_stress = '${stress?{no}:{yes}}';
my $calm = Postvalve::Postfix->new(
    name          => 'calm',
    process_limit => 20,
    main          => {
        smtpd_delay_reject          => $delay_by_stress,
        smtpd_client_restrictions   => 'check_policy_service ' . $policy->service,
    },
)->start;
my $stressed = Postvalve::Postfix->new(
    name          => 'stressed',
    process_limit => 20,
    stress        => 1,
    main          => {
        smtpd_delay_reject          => $delay_by_stress,
        smtpd_client_restrictions   => 'check_policy_service ' . $policy->service,
    },
)->start;

subtest 'the policy request' => sub {
    is client($calm, '127.4.0.1')->send_mail->code, 250, 'mail without stress';
    is client($stressed, '127.4.0.2')->send_mail->code, 250, 'mail in stress';
    my %request = map { $_->{client_address} => $_ } $policy->requests;
    my ($calm_request, $stressed_request) = @request{ '127.4.0.1', '127.4.0.2' };
    is_deeply $calm_request->{''}, [ Postvalve::PolicyClient::attribute_names() ],
        'has the attributes of our own client, in this order';
    is $calm_request->{stress}, '', 'stress is empty';
    is $calm_request->{protocol_state}, 'RCPT', 'client restrictions run at RCPT';
    is $stressed_request->{stress}, 'yes', 'stress=yes';
    is $stressed_request->{protocol_state}, 'CONNECT',
        'smtpd_delay_reject = ${stress?{no}:{yes}} runs them at CONNECT';
    is $stressed_request->{protocol_name}, 'SMTP', 'before HELO';
};

subtest 'one connection of each smtpd, kept between sessions' => sub {
    my $postfix = Postvalve::Postfix->new(
        process_limit => 1,
        main => { smtpd_client_restrictions => 'check_policy_service ' . $policy->service },
    )->start;
    for (1 .. 2) {
        my $smtp = client($postfix, '127.4.0.9');
        $smtp->send_mail(to => [ 'alice@example.test', 'bob@example.test' ]);
        $smtp->quit;
    }
    my @requests = grep { $_->{client_address} eq '127.4.0.9' } $policy->requests;
    is_deeply [ map { $_->{recipient} } @requests ],
        [ ('alice@example.test', 'bob@example.test') x 2 ], 'a request for each recipient';
    is $requests[0]{instance}, $requests[1]{instance}, 'one instance in a mail';
    isnt $requests[0]{instance}, $requests[2]{instance}, 'another one in the next';
    is_deeply [ map { $_->{'#'} } @requests ], [ ($requests[0]{'#'}) x 4 ], 'one connection';
    $postfix->stop;
};

# The action, its reply at CONNECT and at RCPT to a client.
sub rejected { return "<unknown[$_[0]]>: Client host rejected:" }
my @hang_ups = (
    [ 1, '421 4.7.0', 'come back later' ],
    [ 2, '521 5.7.1', 'go away' ],
    [ 3, '521 5.7.1', 'go away, says a wrong class' ],
);

subtest 'hang-ups at CONNECT, in stress' => sub {
    for my $row (@hang_ups) {
        my ($place, $code, $text) = @{$row};
        my $address = "127.4.$place.1";
        my $smtp = client($stressed, $address);
        is $smtp->banner->text, "$code " . rejected($address) . " $text",
            "$actions[$place]: instead of the banner";
        ok $smtp->is_closed(1), 'and disconnects';
    }
};

subtest 'hang-ups at RCPT, without stress' => sub {
    for my $row (@hang_ups) {
        my ($place, $code, $text) = @{$row};
        my $address = "127.4.$place.2";
        my $smtp = client($calm, $address);
        my $reply = $smtp->send_mail;
        is $reply->stage, 'rcpt', "$actions[$place]: at RCPT";
        is $reply->text, "$code " . rejected($address) . " $text", 'the reply';
        ok $smtp->is_closed(1), 'and disconnects';
    }
};

subtest 'recipient restrictions: the text around a reply' => sub {
    my $postfix = Postvalve::Postfix->new(main => {
        smtpd_recipient_restrictions => 'check_policy_service ' . $policy->service,
    })->start;
    my $smtp = client($postfix, '127.4.2.3');
    is $smtp->send_mail->text,
        '521 5.7.1 <alice@example.test>: Recipient address rejected: go away', 'the reply';
    ok $smtp->is_closed(1), 'and disconnects';
    $postfix->stop;
};

subtest 'a policy service that is gone' => sub {
    my $dead = 'inet:127.0.0.1:' . free_port();
    my $with_default = Postvalve::Postfix->new(main => {
        smtpd_client_restrictions =>
            check_service($dead, 'timeout=5s, default_action=DUNNO'),
    })->start;
    my $without = Postvalve::Postfix->new(main => {
        smtpd_client_restrictions => "check_policy_service $dead",
    })->start;
    my $begin_s = now_s();
    my $smtp = client($with_default, '127.0.0.1');
    is $smtp->send_mail->code, 250, 'default_action=DUNNO: mail passes';
    my $first_s = now_s() - $begin_s;
    cmp_ok $first_s, '>', 0.8, 'after one more try, a second later';
    cmp_ok $first_s, '<', 5, 'and no longer';
    ok $with_default->wait_delivered(1), 'it is delivered';
    like client($without, '127.0.0.1')->send_mail->text,
        qr/^451 4\.3\.5 .*Server configuration problem/, 'without it: 451';
    $_->stop for $with_default, $without;
};

subtest 'a policy service that closes, and one that hangs' => sub {
    my $closing = Postvalve::ScriptedPolicy->new(sub { return undef }, unix => 1)->start;
    my $hanging = Postvalve::ScriptedPolicy->new(sub { return 'hang' }, unix => 1)->start;
    my $settings = 'timeout=1s, try_limit=1, default_action=DUNNO';
    for my $row ([ $closing, 'closing', 0, 5 ], [ $hanging, 'hanging', 0.9, 5 ]) {
        my ($server, $what, $least_s, $most_s) = @{$row};
        my $postfix = Postvalve::Postfix->new(main => {
            smtpd_client_restrictions => check_service($server->service, $settings),
        })->start;
        my $begin_s = now_s();
        is client($postfix, '127.0.0.1')->send_mail->code, 250, "$what: mail passes";
        my $passed_s = now_s() - $begin_s;
        cmp_ok $passed_s, '>=', $least_s, 'not before the timeout' if $least_s;
        cmp_ok $passed_s, '<', $most_s, 'in time';
        $postfix->stop;
    }
};

subtest 'a milter that is gone' => sub {
    my $dead = 'inet:127.0.0.1:' . free_port();
    my $with_default = Postvalve::Postfix->new(main => {
        smtpd_milters =>
            "{ $dead, default_action=accept, connect_timeout=5s, command_timeout=5s }",
    })->start;
    is client($with_default, '127.0.0.1')->send_mail->code, 250,
        'default_action=accept: mail passes';
    ok $with_default->wait_delivered(1), 'it is delivered';
    $with_default->stop;
    my $without = Postvalve::Postfix->new(main => { smtpd_milters => $dead })->start;
    my $default = $without->postconf('-h', 'milter_default_action');
    like client($without, '127.0.0.1')->send_mail->text,
        $default eq 'tempfail' ? qr/^451 4\.7\.1/ : qr/^421/, "without it ($default): refused";
    $without->stop;
};

subtest 'spawn(8)' => sub {
    my $program = spew(temp_dir('spawn') . '/policy', <<'PROGRAM');
#!/usr/bin/perl
$| = 1;
while (my $line = <STDIN>) {
    next if $line ne "\n";
    my @sockets = map { readlink "/proc/self/fd/$_" } 0, 1, 2;
    print "action=450 4.7.0 @sockets $<\n\n";
}
PROGRAM
    chmod 0755, $program;
    my $postfix = Postvalve::Postfix->new(
        main   => {
            smtpd_client_restrictions => 'check_policy_service unix:private/policy',
            policy_time_limit         => 3600,
        },
        master => [ 'policy unix - n n - 0 spawn', "    user=nobody argv=$program" ],
    )->start;
    my $smtp = client($postfix, '127.0.0.1');
    my $text = $smtp->send_mail->text;
    my ($in, $out, $error, $user) = $text =~ /rejected: (\S+) (\S+) (\S+) (\d+)\z/;
    like $in // $text, qr/^socket:\[\d+\]$/, 'stdin is a socket';
    is $out, $in, 'stdout is the same';
    is $error, $in, 'stderr is the same';
    is $user, scalar getpwnam('nobody'), 'as the user that was asked for';
    like $smtp->command('RCPT TO:<bob@example.test>')->text, qr/^450 .*\Q$in\E/,
        'one process answers several requests';
    $postfix->stop;
};

subtest 'the policy reply may name a restriction' => sub {
    my $verifying = Postvalve::ScriptedPolicy->new(sub { return 'reject_unverified_recipient' })
        ->start;
    my $postfix = Postvalve::Postfix->new(
        options => ['address_verify_poll_delay=1s'],
        main    => {
            smtpd_recipient_restrictions => 'check_policy_service ' . $verifying->service,
            local_recipient_maps         => 'inline:{alice=1, gone=1, slow=1}',
            transport_maps => 'inline:{ {gone@example.test = error:5.1.1 no such user} }',
            unverified_recipient_reject_code => 550,
        },
    )->start;
    my $smtp = client($postfix, '127.0.0.1');
    is $smtp->send_mail(to => 'alice@example.test')->code, 250, 'a deliverable recipient';
    like $smtp->send_mail(to => 'gone@example.test')->text, qr/^550 5\.1\.1 .*no such user/,
        'an undeliverable one';
    ok $postfix->wait_log(qr/to=<gone\@example\.test>.*status=undeliverable/), 'was probed';
    $smtp->abort;
    $postfix->force_stress(1);
    $smtp = client($postfix, '127.0.0.1');
    my $reply = $smtp->send_mail(to => 'slow@example.test');
    is $reply->code, 450, 'in stress an unknown one is not waited for';
    cmp_ok $reply->ms, '<', 900, 'not even one poll';
    $postfix->stop;
};

subtest 'stress comes with the last process, and stays' => sub {
    my $postfix = Postvalve::Postfix->new(process_limit => 3)->start;
    my $on_loopback = Postvalve::Postfix->new(process_limit => 3, listen => '127.0.0.1')->start;
    for my $row ([ $postfix, [ 0, 0, 1 ] ], [ $on_loopback, [ 0, 0, 0 ] ]) {
        my ($instance, $expected) = @{$row};
        my @clients;
        for my $number (1 .. 3) {
            push @clients, client($instance, "127.5.0.$number");
            is $clients[-1]->banner->code, 220, "client $number of " . $instance->name;
        }
        my @found = sort map { $_->{stress} } $instance->smtpd_processes;
        is_deeply \@found, $expected, 'which processes say stress=yes';
        next if $instance == $on_loopback;
        my $waiting = client($instance, '127.5.0.4');
        is $waiting->banner(0.2)->code, 0, 'one more has to wait';
        ok $instance->wait_log(qr/has reached its process limit "3"/), 'the warning is logged';
        $waiting->abort;
        $_->abort for @clients;
    }
    my %is_old = map { $_ => 1 } $postfix->smtpd_pids;
    $postfix->reload;
    my $smtp = client($postfix, '127.5.0.5');
    $smtp->banner;
    is_deeply [ map { $_->{stress} } grep { !$is_old{ $_->{pid} } } $postfix->smtpd_processes ],
        [1], 'a new process has it too, and a reload does not end it';
    like $smtp->command('RCPT TO:<x>')->text, qr/^503/, 'one error';
    ok $smtp->is_closed(1), 'is enough to lose the session, in stress';
    $_->stop for $postfix, $on_loopback;
};

subtest 'the process limit as postconf tells it' => sub {
    my $service = $calm->service . '/process_limit';
    is $calm->postconf('-F', $service), "$service = 20", 'of the service';
    my $default = Postvalve::Postfix->new(process_limit => '-');
    $service = $default->service . '/process_limit';
    is $default->postconf('-F', $service), "$service = -", 'not set';
    is $default->postconf('-h', 'default_process_limit'), 100, 'the default';
};

subtest 'SOCK_DESTROY ends a session at once' => sub {
    my $smtp = client($calm, '127.6.0.1');
    is $smtp->banner->code, 220, 'a session';
    my ($status, $output) = run_command([
        'ss', '-K', '-H', '-t', '-n', 'src', '127.0.0.1', 'sport', '=', ':' . $calm->port,
        'dport', '=', ':' . $smtp->local_port
    ]);
    is $status, 0, 'ss -K' or diag $output;
    ok $smtp->is_closed(2), 'the client';
    is $smtp->reason, 'reset', 'gets a RST';
    ok $calm->wait_log(qr/lost connection after CONNECT from unknown\[127\.6\.0\.1\]/),
        'and smtpd is free';
};

finish();
