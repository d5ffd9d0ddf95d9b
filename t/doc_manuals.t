#!/usr/bin/perl
# The manual pages: no warnings of groff(1) and man(1), nothing missing that the programs have.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Postvalve::Test;

my $source = top_srcdir() . '/doc';
# The one with the settings is made by the build, unless it came with the archive.
my ($settings_page) = grep { -e } top_builddir() . '/doc/postvalve.json.5', "$source/postvalve.json.5";
my %page = (
    policyd => "$source/postvalve-policyd.8",
    milter  => "$source/postvalve-milter.8",
    ctl     => "$source/postvalvectl.1",
    config  => $settings_page,
);

# As a reader sees it: one space between words, no line breaks.
sub page_text {
    my ($page) = @_;
    my (undef, $text) = run_command([ 'groff', '-man', '-Tascii', '-P-cbou', $page ]);
    $text =~ s/\s+/ /g;
    return $text;
}

for my $name (sort keys %page) {
    my $page = $page{$name};
    ok -e $page, "$page is there";
    is_deeply [ run_command([ 'groff', '-ww', '-man', '-Tutf8', '-z', $page ]) ], [ 0, '' ],
        '... groff has no warning';
    is_deeply [ run_command([ 'sh', '-c', 'man --warnings -l "$1" >/dev/null', 'sh', $page ]) ],
        [ 0, '' ], '... nor man';
    my @long = grep { length > 100 } split /\n/, slurp($page);
    is scalar @long, 0, '... lines are not too long' if $name ne 'config';
}

subtest 'every option is in the manual' => sub {
    for my $name (qw(policyd milter ctl)) {
        my (undef, $help) = run_command([ program($name), '--help' ]);
        my $text = page_text($page{$name});
        my %option = map { $_ => 1 } $help =~ /(--[a-z-]+)/g;
        cmp_ok scalar keys %option, '>', 2, "$name has options";
        like $text, qr/ \Q$_\E\b/, "$name $_" for sort keys %option;
    }
};

subtest 'every command of postvalvectl is in its manual' => sub {
    my (undef, $help) = run_command([ program('ctl'), 'help' ]);
    my @commands = $help =~ /^  (\S+)/mg;
    cmp_ok scalar @commands, '>', 5, 'there are commands';
    my $source_text = slurp($page{ctl}) =~ s/\\-/-/gr;
    like $source_text, qr/^\.SS "?\Q$_\E\b/m, $_ for @commands;
};

subtest 'every setting is in the manual, with its default' => sub {
    my (undef, $printed) = run_command(
        [ program('ctl'), 'check-config', '--print-config', spew(temp_dir() . '/empty', '{}') ]);
    my $text = page_text($page{config});
    my @keys = keys_of(JSON::PP->new->decode($printed), '');
    cmp_ok scalar @keys, '>', 40, 'there are settings';
    like $text, qr/ \Q$_\E .*? Allowed: .*? Default: /, $_ for @keys;
};

sub keys_of {
    my ($value, $key) = @_;
    return $key if ref $value ne 'HASH';
    my $prefix = length $key ? "$key." : '';
    return map { keys_of($value->{$_}, "$prefix$_") } sort keys %{$value};
}

finish();
