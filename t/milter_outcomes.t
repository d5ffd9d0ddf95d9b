#!/usr/bin/perl
# What the milter remembers of sessions, in a real Redis: how they ended, and for whom nothing
# is remembered. And the record of this host.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::MilterSetup ();
use Postvalve::Redis ();
use Postvalve::Smtp ();
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(
    redis      => $redis,
    submission => 1,
    config     => { milter => { silent_after_s => 1 }, level => { sustain_ms => 0, hold_s => 0 } },
);

sub smtp {
    my ($source, $port) = @_;
    return Postvalve::Smtp->new(port => $port // $postfix->port, source => $source);
}

sub record {
    my ($key) = @_;
    return +{ @{ $redis->command('HGETALL', $key) } };
}

# The record of a client once it is there: its counts as text.
sub outcome {
    my ($source, $pattern, $what) = @_;
    my $text = '';
    wait_until {
        my $record = record("pv:client:$source");
        $text = join ' ', map { sprintf '%s=%.0f', $_, $record->{$_} }
            grep { exists $record->{$_} } qw(accepted unknown_rcpt silent dropped);
        $text .= ' hung_up' if $record->{hung_up};
        $text =~ $pattern;
    } 30, $what;
    return like $text, qr/^$pattern$/, $what;
}

# -- outcomes ------------------------------------------------------------------

my $smtp = smtp('127.5.0.1');
is $smtp->send_mail->code, 250, 'a message';
is $smtp->send_mail(to => [qw(alice@example.test bob@example.test)])->code, 250,
    '... another one for two, in the same session';
$smtp->quit;
outcome('127.5.0.1', qr/accepted=2/, 'accepted messages are counted, not recipients');

$smtp = smtp('127.5.0.2');
$smtp->send_mail(to => [qw(nobody@example.test no@example.test alice@example.test)]);
$smtp->quit;
outcome('127.5.0.2', qr/accepted=1 unknown_rcpt=2/, 'recipients that do not exist are counted');

$smtp = smtp('127.5.0.3');
$smtp->send_mail(to => 'nobody@example.test');
$smtp->abort;
outcome('127.5.0.3', qr/unknown_rcpt=1/, '... also when the client is gone at once');

$smtp = smtp('127.5.0.4');
$smtp->send_mail(to => 'someone@elsewhere.example');
$smtp->quit;
$smtp = smtp('127.5.0.4');
$smtp->banner;
$smtp->command('EHLO client.example');
$smtp->command('MAIL FROM:<sender@client.example>');
$smtp->command('RCPT TO:<alice@example.test>');
$smtp->close;
smtp('127.5.0.4')->send_mail;
outcome('127.5.0.4', qr/accepted=1/, 'a refusal for another reason and a broken message are not');

$smtp = smtp('127.5.0.5');
$smtp->banner;
$smtp->close;
outcome('127.5.0.5', qr/dropped=1/, 'a connection without HELO was dropped');

my $silent = smtp('127.5.0.6');
$silent->banner;
my $greeted = smtp('127.5.0.7');
$greeted->banner;
$greeted->command('EHLO client.example');
$greeted->is_closed(1.2);
$silent->close;
$greeted->close;
outcome('127.5.0.6', qr/silent=1/, '... and one that held its slot for long was silent');
smtp('127.5.0.7')->send_mail;
outcome('127.5.0.7', qr/accepted=1/, 'HELO is a sign of life, even if nothing follows');

# -- hung up on ----------------------------------------------------------------

my @silent = Postvalve::MilterSetup::occupy($postfix, 4, 6);
$smtp = smtp('127.5.0.8');
is $smtp->banner->code, 421, 'a client is hung up on';
outcome('127.5.0.8', qr/ hung_up/, '... which is remembered, and nothing else');
my $ttl = $redis->command('TTL', 'pv:client:127.5.0.8');
ok $ttl > 59 * 86400 && $ttl <= 60 * 86400, 'the record expires after history.expire_d';

my $host;
wait_until { $host = record('pv:host:test'); ($host->{busy} // 0) == 4 } 30, 'the host record';
is_deeply [ @{$host}{qw(publisher busy slot_limit sessions)} ], [ 'milter', 4, 5, 4 ],
    'the record of this host counts those that were admitted';
like $host->{updated}, qr/^\d+$/, '... and says when';
cmp_ok $redis->command('TTL', 'pv:host:test'), '<=', 10, '... for ten seconds';
is $host->{pressure}, '1.000', '... with the pressure: the one that was turned away counts';
ok wait_until { record('pv:host:test')->{pressure} eq '0.800' } 10, '... for some seconds';
$_->close for @silent;
ok wait_until { record('pv:host:test')->{busy} == 0 } 30, 'it falls when they go';

# -- who is left alone ---------------------------------------------------------

$smtp = smtp('127.0.0.1');
is $smtp->send_mail(to => [qw(nobody@example.test alice@example.test)])->code, 250,
    'a trusted client sends';
$smtp->quit;
$smtp = smtp('127.0.0.1');
$smtp->banner;
ok wait_until { record('pv:host:test')->{busy} == 1 } 30, '... and counts as long as it is there';
$smtp->close;

my @busy = map { my $s = smtp("127.7.0.$_", $postfix->submission_port); $s->banner; $s } 1 .. 6;
is_deeply [ map { $_->banner->code } @busy ], [ (220) x 6 ],
    'another service of the same Postfix is not decided on';
is $busy[0]->send_mail(to => [qw(nobody@example.test alice@example.test)])->code, 250,
    '... delivers';
$busy[0]->quit;
my $now_s = time;
wait_until { record('pv:host:test')->{updated} > $now_s } 30, 'the next host record';
is record('pv:host:test')->{busy}, 0, '... and is not counted';
$_->close for @busy;
is smtp('127.5.0.9')->send_mail->code, 250, 'while ours goes on';
outcome('127.5.0.9', qr/accepted=1/, '... and is recorded, after all the others');
is_deeply [ grep { /^pv:client:127\.(?:0\.0\.1$|7\.)/ } @{ $redis->command('KEYS', '*') } ], [],
    'nothing is recorded of trusted clients and of other services';

# -- the history counts --------------------------------------------------------

$redis->command('HSET', 'pv:client:127.8.0.1', 'silent', 50, 'first', time - 100, 'last', time);
is smtp('127.8.0.1')->banner->code, 421, 'what another host wrote of a bot counts here';
$redis->command('HSET', 'pv:client:127.8.0.2', 'accepted', 50, 'first', time - 1e6, 'last', time);
@silent = Postvalve::MilterSetup::occupy($postfix, 4, 9);
is smtp('127.8.0.2')->send_mail->code, 250, 'a good client gets the last slot';
is smtp('127.8.0.3')->banner->code, 421, '... an unknown one does not';

finish();
