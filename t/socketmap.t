#!/usr/bin/perl
# Tables for Postfix: replies for its own rbl_reply_maps by level, what to do with a client, the
# level; and clients that speak something else.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use Postvalve::Daemon;
use Postvalve::Dns;
use Postvalve::Postfix;
use Postvalve::Smtp;
use Postvalve::Test;

my @private = Postvalve::Dns::private_network();
my $dns = Postvalve::Dns->new(@private,
    zones => [ [ 'zen.example', 'ip4set', ":127.0.0.2:test\n127.0.0.2\n127.7.1.1 :127.0.0.10:botnet\n" ] ])
    ->start;

my $dir = temp_dir('maps');
spew("$dir/calm", "zen.example=127.0.0.10 554 5.7.1 calm \$rbl_what\nother.example 554 other\n");
spew("$dir/stressed", "zen.example=127.0.0.10 521 4.7.1 stressed \$client_address; \$rbl_reason\n");

my $socket = temp_dir('sockets') . '/m';
my $map = "socketmap:unix:$socket";
my $postfix = Postvalve::Postfix->new(process_limit => 10, main => {
    disable_dns_lookups          => 'no',
    rbl_reply_maps               => "$map:rbl-reply",
    smtpd_restriction_classes    => 'calm, elevated, stressed, critical',
    calm                         => 'reject_unauth_destination',
    elevated                     => 'reject_unauth_destination',
    stressed                     => 'check_helo_access inline:{{slow.example = 450 4.7.1 stressed}}',
    critical                     => '$stressed',
    smtpd_recipient_restrictions =>
        "check_client_access $map:level, reject_rbl_client zen.example=127.0.0.10, reject_unauth_destination",
})->start;
my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, config => {
    level     => { hold_s => 1 },
    socketmap => { listen => ["unix:$socket"], socket => { mode => '0666' } },
    rbl       => {
        checks     => ['reject_rbl_client zen.example=127.0.0.10'],
        reply_maps => { calm => "$dir/calm", stressed => "$dir/stressed" },
    },
})->start;

sub connection {
    return IO::Socket::UNIX->new(Peer => $socket) // die "socketmap: $!";
}

# What comes back: the bytes of one netstring, '' when the other side closed.
sub answer {
    my ($connection) = @_;
    my $bytes = '';
    while ($bytes !~ /\A(\d+):/ || length $bytes < length($1) + $1 + 2) {
        IO::Select->new($connection)->can_read(5) or return "late: $bytes";
        sysread $connection, $bytes, 4096, length $bytes or return $bytes;
    }
    return $bytes;
}

sub ask {
    my ($connection, $request) = @_;
    syswrite $connection, length($request) . ":$request,";
    return answer($connection) =~ /\A\d+:(.*),\z/s ? $1 : undef;
}

my $client = connection();
is ask($client, 'rbl-reply zen.example=127.0.0.10'), 'OK 554 5.7.1 calm $rbl_what', 'template';
is ask($client, 'rbl-reply Other.Example=127.0.0.9'), 'OK 554 other', 'that of the domain';
is ask($client, 'rbl-reply none.example'), 'NOTFOUND ', 'none';
is ask($client, 'level '), 'OK calm', 'level';
is ask($client, 'client-access 127.7.1.1'), 'OK 554 5.7.1 calm 127.7.1.1', 'a listed client';
is ask($client, 'client-access 127.7.1.2'), 'NOTFOUND ', 'another';
is ask($client, 'client-access mail.example'), 'NOTFOUND ', 'a name';
is ask($client, 'client-access 127.7'), 'NOTFOUND ', 'a network';
like ask($client, 'nonsense x'), qr/\APERM /, 'no such map';

# In pieces, and several at a time.
syswrite $client, $_ for qw(6:leve l);
syswrite $client, ' ,6:level ,';
my $bytes = '';
ok wait_until(
    sub {
        sysread $client, $bytes, 4096, length $bytes if IO::Select->new($client)->can_read(0.1);
        return $bytes eq '7:OK calm,7:OK calm,';
    },
    5
), 'in pieces, and two at once';

for my $bad ('hello', '3:abc;', '99999999:', '10001:', ":,", "5:\0abcd,", '03:abc,', '3:abc,') {
    my $connection = connection();
    syswrite $connection, $bad;
    is answer($connection), '', "closed: $bad";
}
ok $policyd->wait_log(qr/socketmap connection of .* closed/), 'and logged';
is ask(connection(), 'level '), 'OK calm', 'others are served';

# -- as postmap(1) sees it -------------------------------------------------------------------

# What postmap -q prints; '' when there is nothing.
sub postmap {
    my ($table, $key) = @_;
    my ($status, $output) =
        run_command([ 'postmap', '-c', $postfix->config_dir, '-q', $key, "$map:$table" ]);
    chomp $output;
    return $output;
}

is postmap('rbl-reply', 'zen.example=127.0.0.10'), '554 5.7.1 calm $rbl_what', 'postmap -q: rbl-reply';
is postmap('rbl-reply', 'none.example'), '', 'none';
is postmap('client-access', '127.7.1.1'), '554 5.7.1 calm 127.7.1.1', 'client-access';
is postmap('client-access', '127.7.1.2'), '', 'another client';
is postmap('level', 'any'), 'calm', 'level';
like postmap('nonsense', 'any'), qr/no such map; there are rbl-reply, client-access and level/, 'no such map';

# -- Postfix's own lookup --------------------------------------------------------------------

sub attempt {
    my ($source, $helo) = @_;
    my $smtp = Postvalve::Smtp->new(port => $postfix->port, source => $source);
    $smtp->banner;
    $smtp->command($_) for "EHLO $helo", 'MAIL FROM:<s@sender.example>';
    my $reply = $smtp->command('RCPT TO:<alice@example.test>');
    return [ $reply->text, $smtp->is_closed($reply->code == 521 ? 2 : 0.05) ? 1 : 0 ];
}

is_deeply attempt('127.7.1.1', 'c.example'), [ '554 5.7.1 calm 127.7.1.1', 0 ], 'Postfix: calm';
is attempt('127.7.1.2', 'slow.example')->[0], '250 2.1.5 Ok', 'restriction class of the level calm';
my @hold = map { Postvalve::Smtp->new(port => $postfix->port, source => "127.7.9.$_") } 1 .. 8;
$_->banner for @hold;
ok wait_until(sub { ask($client, 'level ') eq 'OK stressed' }, 5), 'many busy slots: stressed';
# The level is that of the moment: on a busy machine it may go down and up once more.
my $reply;
wait_until(sub { $reply = attempt('127.7.1.1', 'c.example'); return $reply->[1] }, 10);
is_deeply $reply, [ '521 5.7.1 stressed 127.7.1.1; botnet', 1 ], 'Postfix: stressed, hung up';
ok wait_until(sub { attempt('127.7.1.3', 'slow.example')->[0] =~ /\A450 4\.7\.1 / }, 10),
    'restriction class of the level stressed';
$_->abort for @hold;

# -- what to do with a client, as an access table --------------------------------------------

ok wait_until(sub { ask($client, 'level ') eq 'OK calm' }, 30), 'calm again';
$postfix->edit_main(smtpd_recipient_restrictions =>
    "check_client_access $map:client-access, reject_unauth_destination");
$postfix->reload;
like attempt('127.7.1.1', 'c.example')->[0], qr/\A554 5\.7\.1 .*calm 127\.7\.1\.1\z/,
    'client-access: a listed client';
is attempt('127.7.1.4', 'c.example')->[0], '250 2.1.5 Ok', 'and another';

is $policyd->stop, 0, 'end';
finish();
