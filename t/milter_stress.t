#!/usr/bin/perl
# Postfix's own stress condition reaches the milter, and a restarted milter knows of sessions
# that were there before it.
use FindBin;
use lib "$FindBin::Bin/lib";
use Postvalve::MilterSetup ();
use Postvalve::Redis ();
use Postvalve::Smtp ();
use Postvalve::Test;

my $redis = Postvalve::Redis->new->start;
my ($milter, $postfix) = Postvalve::MilterSetup::start(
    redis  => $redis,
    stress => 1,
    config => { level => { sustain_ms => 0 }, admission => { bot_level => 'stressed' } },
);
sub smtp { return Postvalve::Smtp->new(port => $postfix->port, source => $_[0]) }

sub host_record {
    my ($field, $value) = @_;
    return wait_until {
        my $got = $redis->command('HGET', 'pv:host:test', $field);
        defined $got && $got eq $value;
    } 30, "$field=$value in the host record";
}

ok host_record('postfix_stress', 'no'), 'as long as nobody comes nobody says stress=yes';
ok host_record('level', 'calm'), '... the level is calm';
$redis->command('HSET', 'pv:client:127.4.0.1', 'silent', 50, 'first', time - 100, 'last', time);
is smtp('127.4.0.1')->banner->code, 421, 'under stress a bot is hung up on, with all slots free';
is smtp('127.4.0.2')->banner->code, 220, '... an unknown client gets in while slots are free';
ok host_record('postfix_stress', 'yes'), 'the host record says so';
ok host_record('level', 'stressed'), '... the level is stressed';
like $milter->log_text, qr/hang-up client=127\.4\.0\.1 .*level=stressed .*stress=yes/, 'the log too';

# -- a restart under load ------------------------------------------------------

my @silent = Postvalve::MilterSetup::occupy($postfix, 4, 3);
ok host_record('busy', 4), 'four slots are busy';
$milter->kill9;
$milter->start;
ok host_record('busy', 4), 'a restarted milter knows it';
ok host_record('sessions', 0), '... though none is a session of its own';
is smtp('127.4.0.3')->banner->code, 421, '... and hangs up';
is smtp('127.0.0.1')->banner->code, 220, '... but on trusted clients';
$_->close for @silent[ 0, 1 ];
ok host_record('busy', 2), 'it sees them go';
is smtp('127.4.0.4')->send_mail->code, 250, '... and lets others in';
$_->close for @silent[ 2, 3 ];
ok host_record('busy', 0), 'in the end none is left';

finish();
