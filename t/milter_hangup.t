#!/usr/bin/perl
# Where the milter hangs up, what the client sees of it, and that it is gone then.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::MilterSetup ();
use Postvalve::Smtp ();
use Postvalve::Test;

my $next_address = 1;
sub new_address { return sprintf '127.9.%d.1', $next_address++ }

sub smtp {
    my ($postfix, $source) = @_;
    return Postvalve::Smtp->new(port => $postfix->port, source => $source);
}

sub is_hung_up {
    my ($smtp, $reply, $pattern, $what) = @_;
    like $reply->text, $pattern, $what;
    ok $smtp->is_closed(1), '... and the connection is closed at once';
    return;
}

# With the weights of this test one recipient that does not exist makes a bot.
sub make_bot {
    my ($milter, $postfix, $source) = @_;
    my $reply = smtp($postfix, $source)->send_mail(to => 'nobody@example.test');
    like $reply->text, qr/^550 5\.1\.1 /, "$source tries a recipient that does not exist";
    ok $milter->wait_log(qr/outcome client=\Q$source\E .*unknown_rcpt:1/), '... which is noted';
    return;
}

# A session of the bot that began before it was known as one.
sub check_521_at_mail {
    my ($milter, $postfix, $pattern) = @_;
    # Slots that were just left may still count as busy.
    my ($source, $early);
    ok wait_until {
        $source = new_address();
        $early = smtp($postfix, $source);
        return $early->banner->code == 220;
    } 30, 'a client that is not known gets in';
    is $early->command('EHLO bot.example')->code, 250, '... and says EHLO';
    make_bot($milter, $postfix, $source);
    is_hung_up($early, $early->command('MAIL FROM:<a@bot.example>'), $pattern,
        'its earlier session gets 521 at MAIL');
    my $late = smtp($postfix, $source);
    is_hung_up($late, $late->banner, qr/^421 \S+ Service unavailable - try again later$/,
        'a new one gets 421 at CONNECT: a 521 there would keep it');
    return;
}

sub check_421_at_connect {
    my ($milter, $postfix) = @_;
    my @silent = Postvalve::MilterSetup::occupy($postfix, 4, 1);
    my $unknown = smtp($postfix, new_address());
    is_hung_up($unknown, $unknown->banner, qr/^421 \S+ Service unavailable - try again later$/,
        'above its ceiling an unknown client gets 421 at CONNECT');
    cmp_ok $unknown->banner->ms, '<', 500, '... without waiting';
    my $trusted = smtp($postfix, '127.0.0.1');
    is $trusted->banner->code, 220, 'the last slot takes a trusted client';
    is $trusted->quit->code, 221, '... who leaves it';
    is $silent[0]->command('NOOP')->code, 250, 'sessions that were admitted stay';
    (pop @silent)->close;
    my $is_in = wait_until { smtp($postfix, new_address())->banner->code == 220 } 30, 'a slot';
    ok $is_in, 'with a free slot an unknown client gets in again';
    like $milter->log_text, qr/hang-up .*class=unknown .*rule=ceiling .*code=421 .*stage=CONNECT/,
        'the log says why';
    return;
}

for my $limit (20, 1) {
    note "smtpd_hard_error_limit = $limit" . ($limit == 1 ? ', the default under stress' : '');
    my %option = (
        config => {
            admission => { newcomers => { bad_share => 0 } },    # nobody is on trial here
            class => { weight      => { unknown_rcpt => 7 } },
            reply => { hang_up_bot => '5.7.1 quite sure, {you} are a bot' },
        },
        main   => { smtpd_hard_error_limit => $limit },
    );
    my ($milter, $postfix) = Postvalve::MilterSetup::start(%option);
    check_421_at_connect($milter, $postfix);
    check_521_at_mail($milter, $postfix, qr/^521 5\.7\.1 quite sure, \{you\} are a bot$/);
    stop_all();
}

note 'mode observe';
my ($milter, $postfix) = Postvalve::MilterSetup::start(config => { mode => 'observe' });
my @silent = Postvalve::MilterSetup::occupy($postfix, 4, 2);
is smtp($postfix, new_address())->send_mail->code, 250, 'nobody is hung up on';
ok $milter->wait_log(qr/would-hang-up .*rule=ceiling/), '... but the log says who would be';

finish();
