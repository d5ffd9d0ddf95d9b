#!/usr/bin/perl
# The milter protocol beyond what Postfix says: other MTAs, other addresses, broken sequences.
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Postvalve::Daemon ();
use Postvalve::MilterClient ();
use Postvalve::Test;

my $PORT = 2525;
my %ours = ('{daemon_port}' => $PORT, '{stress}' => 'no');
my $milter = Postvalve::Daemon->new('milter', config => {
    log       => { verbose => JSON::PP::true() },
    service   => { port => $PORT, slot_limit => 100 },
    redis     => { server => '' },
    trusted   => { networks => ['192.0.2.0/24'] },
    memory    => { fresh_ms => 0 },
    admission => { bot_level => 'calm' },
})->start;

sub mta { return Postvalve::MilterClient->new($milter->endpoint) }

sub ready {
    my ($address, %macro) = @_;
    my $mta = mta();
    $mta->negotiate;
    is $mta->connect($address, %ours, %macro), 'c', "a session from " . ($address // 'nowhere');
    return $mta;
}

sub outcome_of {
    my ($address) = @_;
    my $line = $milter->wait_log(qr/outcome client=\Q$address\E /) or return '';
    return $line =~ /evidence=(\S+)/ ? $1 : $line;
}

# -- negotiation ---------------------------------------------------------------

my $mta = mta();
my $wish = $mta->negotiate;
is $wish->{actions} & ~Postvalve::MilterClient::ACTION_SYMLIST, 0, 'messages are not changed';
ok $wish->{steps} & Postvalve::MilterClient::STEP_RCPT_REJ, 'rejected recipients are wanted';
ok $wish->{steps} & Postvalve::MilterClient::STEP_NOT_HEADERS
    && $wish->{steps} & Postvalve::MilterClient::STEP_NOT_BODY, '... the content is not';
is $wish->{steps} & Postvalve::MilterClient::STEP_NR_ANY, 0, '... and every event is answered';
like $wish->{macros}{0}, qr/\{daemon_port\} \{daemon_addr\} \{stress\}/, 'macros at CONNECT';
like $wish->{macros}{2}, qr/\{auth_type\}/, '... at MAIL';
like $wish->{macros}{3}, qr/\{rcpt_mailer\} \{rcpt_host\}/, '... at RCPT';
$mta->close;

$mta = mta();
$wish = $mta->negotiate(version => 2, actions => 0x3f, steps => 0x7f);
is $wish->{letter}, 'O', 'an MTA of old is welcome';
is_deeply $wish->{macros}, {}, '... and not asked for macros it cannot send';
is $mta->connect('198.51.100.1'), 'c', 'CONNECT without macros';
is $mta->helo, 'c', 'HELO';
is $mta->mail, 'c', 'MAIL';
is $mta->rcpt, 'c', 'RCPT';
is $mta->command('L', "Subject\0test\0"), 'c', 'a header it was not asked for';
is $mta->command('N'), 'c', '... its end';
is $mta->command('B', 'body'), 'c', '... a body';
is $mta->end_of_message, 'c', 'end of message';
$mta->quit;
is outcome_of('198.51.100.1'), 'accepted:1.0', 'its one service is ours';

# -- whose session -------------------------------------------------------------

$mta = mta();
$mta->negotiate;
is $mta->connect('198.51.100.2', %ours, '{daemon_port}' => 587), 'a',
    'another service is accepted as a whole';
is $mta->mail, 'c', '... whatever it still says';
is $mta->rcpt('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1'), 'c', '... of recipients';
$mta->close;

$mta = mta();
$mta->negotiate;
is $mta->connect('192.0.2.7', %ours), 'c', 'a trusted client is not: it holds a slot';
$mta->close;

$mta = ready('198.51.100.3');
$mta->mail;
$mta->rcpt('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1');
$mta->abort;
is $mta->mail('{auth_type}' => 'PLAIN', '{auth_authen}' => 'alice'), 'c', 'an authenticated client';
$mta->rcpt('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1');
$mta->quit;

for my $address ('2001:db8:0:1::5', '::ffff:198.51.100.4') {
    ready($address)->close;
}
is outcome_of('2001:db8:0:1::5'), 'dropped:1.0', 'IPv6';
is outcome_of('198.51.100.4'), 'dropped:1.0', 'IPv4 in IPv6 is IPv4';

for my $address (undef, '/run/socket') {
    $mta = mta();
    $mta->negotiate;
    is $mta->connect($address, %ours), 'c', 'a client without an address is not judged: '
        . ($address // 'unknown');
    $mta->close;
}

# -- broken sequences ----------------------------------------------------------

mta()->close;
$mta = mta();
$mta->negotiate;
$mta->close;
pass 'connections that end before they begin';
$mta = mta();
$mta->negotiate;
$mta->quit;
is $mta->read_packet, '', 'QUIT without CONNECT';
$mta = mta();
is $mta->mail, 'c', 'MAIL out of nowhere';
$mta->close;
$mta = mta();
$mta->send_raw("\xff\xff\xff\xffgarbage" x 100);
ok !$mta->read_packet, 'garbage gets no answer';
$mta = mta();
$mta->negotiate;
$mta->send_raw(pack 'N', 100);
$mta->send_raw('C');
$mta->close;
pass 'an event that breaks off';
$mta = mta();
$mta->negotiate;
is $mta->command('C', "host\0004\0\0not an address\0"), '', 'an address that is none';

$mta = ready('198.51.100.5');
is $mta->mail, 'c', 'MAIL without HELO';
$mta->rcpt('{rcpt_mailer}' => 'smtp', '{rcpt_host}' => 'example.test');
$mta->abort;
is $mta->mail, 'c', 'a second message after an abort';
$mta->rcpt('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1');
$mta->abort;
$mta->command('U', "XUNHEARD of\0");
$mta->quit;
is outcome_of('198.51.100.5'), 'unknown_rcpt:1.0,protocol_error:1.0', 'the session ended';
$mta = ready('198.51.100.6');
$mta->close;
is outcome_of('198.51.100.6'), 'dropped:1.0', '... and one that says nothing';

# -- macros that say odd things ------------------------------------------------

$mta = mta();
$mta->negotiate;
is $mta->connect('198.51.100.8', %ours, '{daemon_port}' => ''), 'a', 'an empty port is not ours';
$mta->close;
$mta = ready('198.51.100.9', '{stress}' => 'x' x 1000);
$mta->helo;
$mta->mail;
$mta->rcpt('{rcpt_mailer}' => 'error', '{rcpt_host}' => '5.1.1' x 500);
$mta->rcpt('{rcpt_mailer}' => '', '{rcpt_host}' => '');
is $mta->end_of_message, 'c', 'long and empty macros';
$mta->close;
is outcome_of('198.51.100.9'), 'accepted:1.0', '... are no harm';

# -- many ----------------------------------------------------------------------

my @many = map { my $m = mta(); $m->negotiate; $m } 1 .. 300;
my %replies;
$replies{ substr $many[$_]->connect("198.18.0.$_", %ours), 0, 1 }++ for 0 .. 79;
is_deeply \%replies, { c => 80 }, 'sessions up to the ceiling';
%replies = ();
$replies{ substr $many[$_]->connect('198.19.0.' . ($_ - 79), %ours), 0, 1 }++ for 80 .. 299;
is_deeply \%replies, { y => 220 }, '... and none above';
$_->close for @many;
ok wait_until {
    my $m = mta();
    $m->negotiate;
    my $reply = $m->connect('198.51.100.10', %ours);
    $m->close;
    $reply eq 'c';
} 30, 'all slots are free again when they are gone';

unlike $milter->log_text, qr/client=198\.51\.100\.[23] |client=192\.0\.2/,
    'of others and of the authenticated nothing is recorded';
is $milter->stop, 0, 'it ends in order';
finish();
