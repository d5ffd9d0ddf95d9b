#!/usr/bin/perl
# postvalvectl rbl, rbl report: what the hosts said of the DNS lists.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Redis;
use Postvalve::Test;

use constant { USAGE => 64, UNAVAILABLE => 69 };

my $dir = temp_dir();
my $redis = Postvalve::Redis->new->start;
my %config = (
    rbl   => { checks => [ 'reject_rbl_client a.example', 'reject_rbl_client b.example' ] },
    redis => { server => 'unix:' . $redis->path },
);

sub ctl {
    write_json("$dir/config.json", \%config);
    return run_command([ program('ctl'), '--config', "$dir/config.json", 'rbl', @_ ]);
}

subtest 'nothing is published' => sub {
    is_deeply [ ctl() ],
        [ 0, "a.example: no host says how it is\nb.example: no host says how it is\n" ], 'health';
    is((ctl('report'))[0], 0, 'report');
};

subtest 'health' => sub {
    $redis->command('HSET', 'pv:rblhealth:a.example', mx1 => 'state=on reason=none lookups=12 updated=1',
        mx2 => "state=off reason=everybody x \e[31m=\xff", "m\nx" => '');
    my ($status, $output) = ctl();
    is $status, 0, 'exit status';
    like $output, qr/^a\.example\n  mx1: state=on reason=none lookups=12 updated=1\n/m, 'each host';
    like $output, qr/^  mx2: state=off reason=everybody /m, '... and the other';
    unlike $output, qr/[^\n -~]/, 'plain text';
    my $data = JSON::PP->new->decode((ctl('--json'))[1]);
    is_deeply $data->{'a.example'}{mx1},
        { state => 'on', reason => 'none', lookups => '12', updated => '1' }, 'JSON';
    is_deeply $data->{'b.example'}, {}, '... of one that nobody asked';
};

subtest 'report' => sub {
    $redis->command('HSET', 'pv:rblvalue:a.example', clients => 1000, matched => 500, unique => 200,
        needed => 200, lookups => 900, failures => 3, waited_ms => 9000, 'both:b.example' => 300,
        'shared:b.example' => 500, nonsense => 1, 'both:c.example' => 1);
    $redis->command('HSET', 'pv:rblvalue:b.example', clients => 1000, matched => 300, unique => 0,
        lookups => 900, 'both:a.example' => 300, 'shared:a.example' => 300, matched2 => 'x');
    my ($status, $output) = ctl('report');
    is $status, 0, 'exit status';
    like $output, qr/^a\.example: 1000 clients, 500 listed \(50\.0 %\), 200 by no other list; /m, 'numbers';
    like $output, qr/^a\.example: 60\.0 % of what it lists is in b\.example too$/m, 'overlap';
    like $output, qr/^b\.example adds nothing to a\.example: all 300 clients are there too$/m, 'what follows';
    my $data = JSON::PP->new->decode((ctl('report', '--json'))[1]);
    is $data->{'a.example'}{'both:b.example'}, 300, 'JSON';
    ok !exists $data->{'a.example'}{nonsense}, '... without what is not ours';
};

subtest 'what makes no sense' => sub {
    is((ctl(@{$_}))[0], USAGE, "rbl @{$_}") for ['x'], [ 'report', 'report' ], ['--yaml'];
    $redis->stop;
    is((ctl())[0], UNAVAILABLE, 'no Redis');
    $config{rbl}{checks} = [];
    $redis->start;
    is_deeply [ ctl('report') ], [ 0, "no DNS lists are configured (rbl.checks)\n" ], 'no lists';
};

finish();
