#!/usr/bin/perl
# postvalvectl postfix-stress: a real Postfix says stress=yes, and master.cf comes back as it was.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Postfix;
use Postvalve::Smtp;
use Postvalve::Test;

use constant { USAGE => 64, UNAVAILABLE => 69 };

my $dir = temp_dir();
my $postfix = Postvalve::Postfix->new(
    process_limit => 5,
    main          => { smtpd_banner => '$myhostname ESMTP stress=${stress?{yes}:{no}}' }
)->start;
my $master_cf = $postfix->config_dir . '/master.cf';
my $original = slurp($master_cf);
my %config = (
    service => { name => '' . $postfix->port, port => 0 + $postfix->port, postfix_config_directory => $postfix->config_dir },
    redis => { server => '' },
);

sub ctl {
    my ($is_allowed, @arguments) = @_;
    $config{control} = { postfix_stress => $is_allowed ? JSON::PP::true : JSON::PP::false };
    write_json("$dir/config.json", \%config);
    return run_command([ program('ctl'), '--config', "$dir/config.json", 'postfix-stress', @arguments ]);
}

sub banner_says {
    my ($answer) = @_;
    my $banner = '';
    my $is_said = wait_until(
        sub {
            my $smtp = Postvalve::Smtp->new(port => $postfix->port);
            $banner = $smtp->banner->text;
            $smtp->quit;
            return $banner =~ /stress=$answer/;
        },
        10
    );
    ok $is_said, "Postfix says stress=$answer" or diag $banner;
    return;
}

subtest 'not allowed' => sub {
    my ($status, $output) = ctl(0, 'on');
    is $status, UNAVAILABLE, 'exit status';
    like $output, qr/\Apostvalvectl: .*control\.postfix_stress\n\z/, 'a clear line';
    is slurp($master_cf), $original, 'nothing was changed';
    is((ctl(1, 'off'))[0], UNAVAILABLE, 'nothing to take back');
    is((ctl(1, @{$_}))[0], USAGE, "postfix-stress @{$_}") for [], ['yes'], [ 'on', 'off' ];
};

subtest 'on and off' => sub {
    banner_says('no');
    my ($status, $output) = ctl(1, 'on');
    is $status, 0, 'on' or diag $output;
    banner_says('yes');
    is slurp("$master_cf.before-postvalve"), $original, 'the backup';
    is((ctl(1, 'on'))[0], UNAVAILABLE, 'once is enough');
    is slurp("$master_cf.before-postvalve"), $original, '... and the backup is still the first';
    ($status, $output) = ctl(0, 'off');
    is $status, 0, 'off is allowed to everybody' or diag $output;
    banner_says('no');
    is slurp($master_cf), $original, 'master.cf is as it was';
    is_deeply [ glob "$master_cf.*" ], [], 'no copies are left';
};

subtest 'changed in between' => sub {
    is((ctl(1, 'on'))[0], 0, 'on');
    spew($master_cf, slurp($master_cf) . "extra unix - - n - 0 discard\n");
    my ($status, $output) = ctl(1, 'off');
    is $status, 0, 'off' or diag $output;
    like $output, qr/only this option/, 'says what it did';
    like slurp($master_cf), qr/^extra /m, 'the change stays';
    unlike slurp($master_cf), qr/stress=yes/, 'the option is gone';
    banner_says('no');
};

subtest 'a service that is not there' => sub {
    my $before = slurp($master_cf);
    $config{service}{name} = 'nonesuch';
    my ($status, $output) = ctl(1, 'on');
    is $status, UNAVAILABLE, 'exit status';
    like $output, qr/\Apostvalvectl: .*nonesuch/, 'says so';
    is slurp($master_cf), $before, 'nothing was changed';
    is_deeply [ glob "$master_cf.*" ], [], 'no copies are left';
};

finish();
