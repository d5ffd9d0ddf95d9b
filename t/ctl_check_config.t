#!/usr/bin/perl
# postvalvectl check-config, help and the command line.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use Postvalve::Test;

use constant { USAGE => 64, OUTPUT => 74, CONFIG => 78 };

my $ctl = program('ctl');
my $dir = temp_dir();

sub ctl { return run_command([ $ctl, @_ ]) }

# With standard error, or standard output, alone.
sub ctl_without {
    my ($redirection, @arguments) = @_;
    return run_command([ 'sh', '-c', "exec \"\$@\" $redirection", 'sh', $ctl, @arguments ]);
}

sub config_file {
    my ($name, $data) = @_;
    return ref $data ? write_json("$dir/$name", $data) : spew("$dir/$name", $data);
}

my $good = config_file('good.json', { mode => 'observe', redis => { password => 'Geheim1' } });

subtest 'a good file' => sub {
    my ($status, $output) = ctl('check-config', $good);
    is $status, 0, 'exit status';
    is $output, "$good: ok\n", 'output';
    is_deeply [ ctl('--config', $good, 'check-config') ], [ 0, "$good: ok\n" ], '--config before';
    is_deeply [ ctl('check-config', "--config=$good") ], [ 0, "$good: ok\n" ], '--config after';
    is_deeply [ ctl('-c', '/missing', 'check-config', '--', $good) ], [ 0, "$good: ok\n" ],
        'an operand wins';
};

subtest '--print-config' => sub {
    my ($status, $text) = ctl('check-config', '--print-config', $good);
    is $status, 0, 'exit status';
    unlike $text, qr/Geheim1/, 'no password';
    my $again = config_file('printed.json', $text);
    my $printed = read_json($again);
    is $printed->{mode}, 'observe', 'a value of the file';
    is $printed->{redis}{password}, '***', 'the password as stars';
    is $printed->{policyd}{idle_timeout_s}, 1800, 'a default';
    is_deeply [ ctl('check-config', '--print-config', $again) ], [ 0, $text ],
        'what is printed can be loaded, and is printed the same';
};

subtest 'a wrong file: every problem at once, on standard error' => sub {
    my $wrong = config_file('wrong.json', <<'JSON');
{
    "mode": "on",
    "polcyd": {},
    "service": {"port": 0, "port": 99999},
    "milter": {"listen": "inet:127.0.0.1"},
    "reply": {"hang_up_bot": "Go away"},
    "level": {"elevated": 0.9}
}
JSON
    my $endpoint = '"unix:/PATH", "inet:HOST:PORT" or "inet:[IPV6]:PORT"';
    my @expected = (
        'service.port: given again in line 4, allowed: once',
        'mode: "on", allowed: "enforce", "observe" or "off"',
        'polcyd: unknown key, allowed: those of postvalve.json(5); did you mean policyd?',
        'service.port: 99999 is out of range, allowed: an integer from 1 to 65535',
        qq{milter.listen: "inet:127.0.0.1": the port is missing, allowed: $endpoint},
        'reply.hang_up_bot: does not begin with an enhanced status code 5.x.y, allowed: '
            . '"5.x.y TEXT" of at most 400 printable ASCII characters but %',
        'level.stressed: 0.8 is below level.elevated, allowed: 0.9 or more',
    );
    my $expected = join '', map { "postvalvectl: $wrong: $_\n" } @expected;
    is_deeply [ ctl('check-config', $wrong) ], [ CONFIG, $expected ], 'text and exit status';
    is_deeply [ ctl_without('2>/dev/null', 'check-config', $wrong) ], [ CONFIG, '' ],
        'nothing on standard output';
    is_deeply [ ctl_without('2>/dev/null', 'check-config', '--print-config', $wrong) ],
        [ CONFIG, '' ], 'nothing printed either';
};

subtest 'very many problems' => sub {
    my $many = config_file('many.json', { map { ("x$_" => 1) } 1 .. 100 });
    my ($status, $output) = ctl('check-config', $many);
    is $status, CONFIG, 'exit status';
    is scalar(split /\n/, $output), 65, 'as many lines as fit, and one';
    like $output, qr/^postvalvectl: and 36 more problems\n\z/m, 'the others are counted';
};

subtest 'files that cannot be read' => sub {
    is_deeply [ ctl('check-config', "$dir/missing") ],
        [ CONFIG, "postvalvectl: $dir/missing: No such file or directory\n" ], 'missing';
    is_deeply [ ctl('check-config', $dir) ], [ CONFIG, "postvalvectl: $dir: not a regular file\n" ],
        'a directory';
    my $broken = config_file('broken.json', "{\"redis\":\n  {\"password\": Geheim1}}\n");
    my ($status, $output) = ctl('check-config', $broken);
    is $status, CONFIG, 'not JSON';
    like $output, qr/\Apostvalvectl: \Q$broken\E: line 2, column \d+: not JSON: invalid token\n\z/,
        '... line and column, but no part of a password';
};

subtest 'a password file' => sub {
    my $secret = spew("$dir/secret", "Geheim2\n");
    my $file = config_file('password.json', { redis => { password_file => $secret } });
    is_deeply [ ctl('check-config', $file) ], [ 0, "$file: ok\n" ], 'is read';
    my (undef, $text) = ctl('check-config', '--print-config', $file);
    unlike $text, qr/Geheim2/, '... and not printed';
    unlink $secret;
    is_deeply [ ctl('check-config', $file) ],
        [
            CONFIG,
            "postvalvectl: $file: redis.password_file: $secret: No such file or directory, "
                . "allowed: a file that can be read\n"
        ],
        'a missing one';
};

subtest 'the sample' => sub {
    my $sample = top_srcdir() . '/doc/postvalve.json.sample';
    is_deeply [ ctl('check-config', $sample) ], [ 0, "$sample: ok\n" ], 'is right';
    is read_json($sample)->{mode}, 'observe', 'a new installation observes';
};

subtest 'the command line' => sub {
    my ($status, $output) = ctl('--version');
    is $status, 0, '--version';
    like $output, qr/\Apostvalvectl \d+\.\d+\.\d+\n\z/, '... the version';
    for my $help (['help'], ['--help']) {
        ($status, $output) = ctl(@{$help});
        is $status, 0, "@{$help}";
        like $output, qr/^  status .*^  check-config /ms, '... lists commands';
        unlike $output, qr/settings/, '... but not those for the build';
        is_deeply [ grep { length > 80 } split /\n/, $output ], [], '... in 80 columns';
    }
    ($status, $output) = ctl('help', 'status');
    like $output, qr/^usage: postvalvectl .*status \[--json\]/, 'help for one command';
    for my $wrong (
        [], ['nonsense'], ['--nonsense'], ['--config'], [ 'check-config', '--json' ],
        [ 'check-config', 'a', 'b' ], [ 'help', 'nonsense' ], [ 'status', 'nonsense' ],
        [ 'settings' ], [ 'check-config', '--config' ],
        )
    {
        ($status, $output) = ctl(@{$wrong});
        is $status, USAGE, "refused: @{$wrong}";
        like $output, qr/\S/, '... with a word';
        is_deeply [ ctl_without('2>/dev/null', @{$wrong}) ], [ USAGE, '' ], '... on standard error';
    }
    is_deeply [ (ctl_without('>/dev/full 2>/dev/null', 'check-config', $good))[0] ], [OUTPUT],
        'output that is lost is a failure';
};

finish();
