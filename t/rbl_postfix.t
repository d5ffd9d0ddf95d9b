#!/usr/bin/perl
# DNS lists beside a real Postfix: the example of STRESS_README, and reply templates that have
# to read as they do when Postfix itself applies the same map.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Daemon;
use Postvalve::Dns;
use Postvalve::Postfix;
use Postvalve::Smtp;
use Postvalve::Test;

my @private = Postvalve::Dns::private_network();

# Each template is that of one answer of the list.
my @templates = (
    '554 plain',
    '$rbl_code $rbl_class [$rbl_what] listed by $rbl_domain',
    '$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}',
    '554 5.7.9 with a status of its own',
    '554 4.7.1 with one of another class',
    '450 4.7.1 come back: $rbl_reason',
    '450 without a status',
    '521 5.7.1 hung up: $client_address',
    '421 4.7.1 hung up for now',
    '554 $client',
    '554 $client_name and $client_address',
    '554 ${client_address}${client_address}',
    '554 $(rbl_domain)',
    '554 reason=<$rbl_reason> txt=<$rbl_txt>',
    '554 ${rbl_reason?yes}',
    '554 ${rbl_reason:no}',
    '554 ${rbl_reason?{yes}:{no}}',
    '554 ${rbl_reason?{because $rbl_reason}:{for no reason}} end',
    '554 ${helo_name?HELO was $helo_name}',
    '554 helo $helo_name, sender $sender, recipient $recipient',
    '554 $sender_name at $sender_domain',
    '554 $recipient_name at $recipient_domain',
    '554 5.7.1 $server_name says no',
    '554 reverse $reverse_client_name',
    '554 price: 5$$ only',
    '554 ${{$rbl_class} == {Client host} ? {a client} : {something else}}',
    '554 ${{$rbl_code} != {554} ? {odd} : {even}}',
    '554 ${{$client_address} < {5} ? {low} : {high}}',
    '554 ${{10} > {9} ? {numbers} : {texts}}',
    '554 ${client_name?{${rbl_reason?{both}:{name only}}}:{none}}',
    '${rbl_code} 5.7.1  two  spaces',
    '554 ${rbl_class?${rbl_what?$rbl_what}}',
    '554 "quoted" <angles> (brackets) 100%',
    '554 5.7.1 ' . join(' ', map {"word$_"} 1 .. 30),
    '${rbl_reason?554 5.7.1 $rbl_reason}${rbl_reason:554 5.7.1 unknown}',
);
my $count = @templates;

my (@lines, @zone, @checks);
for my $i (0 .. $#templates) {
    my $filter = '127.0.0.' . (10 + $i);
    push @lines,  "zen.example=$filter $templates[$i]\n";
    push @checks, "reject_rbl_client zen.example=$filter";
    # Every third one without a text.
    push @zone, sprintf "127.7.1.%d :%s:%s\n", $i + 1, $filter,
        $i % 3 == 2 ? '' : 'text of the list about $ (see http://zen.example/)';
}
my $dir = temp_dir('maps');
spew("$dir/calm", join '', @lines);

# STRESS_README: three checks of one list, 521 under stress for those of botnets.
my @example = map {"reject_rbl_client $_"} 'bot.example=127.0.0.10', 'bot.example=127.0.0.11',
    'bot.example';
spew("$dir/stressed", <<'END');
bot.example=127.0.0.10  521 4.7.1 Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}
bot.example=127.0.0.11  521 4.7.1 Service unavailable; $rbl_class [$rbl_what] blocked using $rbl_domain${rbl_reason?; $rbl_reason}
END

my $points = ":127.0.0.2:test\n127.0.0.2\n";
my $dns = Postvalve::Dns->new(@private, zones => [
    [ 'zen.example', 'ip4set', join '', $points, @zone ],
    [ 'bot.example', 'ip4set', "${points}127.7.2.1 :127.0.0.10:botnet \$\n127.7.2.2 :127.0.0.11:\n"
        . "127.7.2.3 :127.0.0.4:spam\n127.7.2.4 :127.0.0.10:botnet \$\n127.7.2.5 :127.0.0.11:\n" ],
])->start;

sub postfix {
    my ($name, %main) = @_;
    return Postvalve::Postfix->new(name => $name, process_limit => 10, main => {
        disable_dns_lookups => 'no',
        smtpd_client_restrictions => '',
        # Postfix gives a client that is in error less and less time.
        smtpd_error_sleep_time => '0',
        smtpd_client_connection_count_limit => '0',
        %main,
    });
}

# (the reply to RCPT, whether the session was ended by it)
sub attempt {
    my ($postfix, $source) = @_;
    my $client = Postvalve::Smtp->new(port => $postfix->port, source => $source);
    return ($client->banner->text, $client->is_closed(2)) if $client->banner->code != 220;
    $client->command($_) for 'EHLO helo.example', 'MAIL FROM:<s@sender.example>';
    my $reply = $client->command('RCPT TO:<alice@example.test>');
    my $is_closed = $client->is_closed($reply->code =~ /21\z/ ? 2 : 0.05);
    $client->quit if !$is_closed;
    return ($reply->text, $is_closed ? 1 : 0);
}

my $socket = temp_dir('sockets') . '/p';
my $service = "check_policy_service { unix:$socket, timeout=5s, default_action=DUNNO }";

# -- the same map in both --------------------------------------------------------------------

{
    my $own = postfix('own',
        rbl_reply_maps               => "texthash:$dir/calm",
        smtpd_recipient_restrictions => join(', ', @checks, 'reject_unauth_destination'),
    )->start;
    my $ours = postfix('ours',
        smtpd_recipient_restrictions => "$service, reject_unauth_destination",
        myhostname                   => $own->hostname,
    )->start;
    my $policyd = Postvalve::Daemon->new('policyd', postfix => $ours, config => {
        policyd => { listen => ["unix:$socket"] },
        rbl     => { checks => \@checks, reply_maps => { calm => "$dir/calm" } },
    })->start;
    my $prefix = qr/ <alice\@example\.test>: Recipient address rejected:/;
    for my $i (0 .. $#templates) {
        my $source = '127.7.1.' . ($i + 1);
        my @expected = attempt($own, $source);
        my @got = attempt($ours, $source);
        $got[0] =~ s/$prefix//;
        is_deeply \@got, \@expected, "$templates[$i] => $expected[0]";
    }
    is((attempt($ours, '127.7.1.200'))[0], '250 2.1.5 Ok', 'a client that is not listed');
    ok $count >= 30, "$count templates";
    $policyd->stop;
    $_->stop for $own, $ours;
}

# -- STRESS_README ---------------------------------------------------------------------------

{
    my $postfix = postfix('readme',
        smtpd_client_restrictions => $service,
        smtpd_delay_reject        => '${stress?{no}:{yes}}',
    )->start;
    my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, config => {
        policyd => { listen => ["unix:$socket"] },
        rbl     => { checks => \@example, reply_maps => { stressed => "$dir/stressed" } },
    })->start;
    my $text = 'Service unavailable; Client host [%s] blocked using bot.example';
    my $rejected = '<%s>: Client host rejected:';
    is_deeply [ attempt($postfix, '127.7.2.1') ],
        [ sprintf("554 5.7.1 <unknown[127.7.2.1]>: Client host rejected: $text; botnet 127.7.2.1", '127.7.2.1'), 0 ],
        'calm: 554, and the session goes on';
    is scalar(grep { lc $_ eq '1.2.7.127.bot.example' } $dns->queries), 2,
        'three checks: one query, and one for the text';
    my @calm = map { (attempt($postfix, "127.7.2.$_"))[0] } 2, 3;
    like $calm[0], qr/\A554 5\.7\.1 .*using bot\.example\z/, 'calm: 127.0.0.11';
    like $calm[1], qr/\A554 5\.7\.1 .*using bot\.example; spam\z/, 'calm: another code';

    $postfix->force_stress(1);
    for my $row ([ 1, '; botnet 127.7.2.1' ], [ 2, '' ], [ 4, '; botnet 127.7.2.4' ], [ 5, '' ]) {
        my ($last, $reason) = @{$row};
        my $address = "127.7.2.$last";
        my ($reply, $is_closed) = attempt($postfix, $address);
        is $reply, sprintf("521 5.7.1 <unknown[$address]>: Client host rejected: $text$reason", $address),
            "stressed: 521 instead of the banner ($address)";
        ok $is_closed, 'and hung up';
    }
    $policyd->stop;
    $postfix->stop;
}

# -- lookups left to Postfix -----------------------------------------------------------------

{
    spew("$dir/left", "bot.example=127.0.0.10 554 5.7.1 Postfix says \$rbl_domain\n");
    my $postfix = postfix('left', smtpd_recipient_restrictions => "$service, reject_unauth_destination",
        rbl_reply_maps => "texthash:$dir/left")->start;
    my $policyd = Postvalve::Daemon->new('policyd', postfix => $postfix, config => {
        policyd => { listen => ["unix:$socket"] },
        rbl     => { checks => \@example, action => 'postfix' },
    })->start;
    my $asked = sub { return scalar grep { lc $_ eq "$_[0].2.7.127.bot.example" } $dns->queries };
    my $before = $asked->(4);
    like((attempt($postfix, '127.7.2.4'))[0], qr/\A554 5\.7\.1 Postfix says bot\.example\z/,
        'the restriction itself is named, and Postfix looks up and answers');
    cmp_ok $asked->(4), '>=', $before + 2, 'with a lookup of its own';
    like((attempt($postfix, '127.7.2.3'))[0], qr/\A554 5\.7\.1 Service unavailable; Client host \[127\.7\.2\.3\] blocked using bot\.example; spam\z/,
        'with its default reply');
    is((attempt($postfix, '127.7.2.9'))[0], '250 2.1.5 Ok', 'a client that is not listed');
    like $policyd->log_text, qr/client=127\.7\.2\.4 .*rule=rbl check=bot\.example=127\.0\.0\.10 /, 'told';
    $policyd->stop;
    $postfix->stop;
}

finish();
