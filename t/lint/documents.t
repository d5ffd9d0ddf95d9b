#!/usr/bin/perl
# Documents stay true: files that they name exist, every source file is named where the code is
# explained, every setting, command and option is documented, and nothing names a place or a tool
# that readers do not have.
use strict;
use warnings;
use FindBin;
use Test::More;

my $top = "$FindBin::Bin/../..";
sub slurp { local (@ARGV, $/) = @_; <> }

for my $document ('README.md', glob("$top/doc/*.md")) {
    my $path = $document =~ m{/} ? $document : "$top/$document";
    my @missing;
    my $text = slurp($path);
    while ($text =~ /`((?:common|host|redis|view|policyd|milter|ctl|contrib|doc|t)\/[\w.\/-]*)`/g) {
        (my $name = $1) =~ s{/$}{};
        push @missing, $name unless -e "$top/$name" || built($name);
    }
    is_deeply(\@missing, [], "$document names only files that exist");
}

# Made by the build.
sub built { return $_[0] =~ m{^(?:common/libcommon\.a|host/libhost\.a|redis/libredislink\.a|view/libview\.a|doc/postvalve\.json\.5)$} }

my $settings = join '', map { slurp("$top/common/$_") } qw(settings_table.c settings_client.def settings_decision_log.def settings_memcache.def settings_http.def settings_verify.def);
my @undocumented = grep { $_ !~ /\.help/ } map { /\AROW\((.*)/s ? $1 : () } split /^(?=    ROW\()/m, $settings =~ s/^    (?=ROW\()/    /mgr;
is_deeply(\@undocumented, [], 'every setting has its help');

my @forbidden;
for my $file (split /\n/, `cd "$top" && (git ls-files 2>/dev/null || find . -type f)`) {
    next if $file =~ m{(?:_corpus/|\.png$|build-aux/|autom4te\.cache/|(?:^|/)(?:configure|aclocal\.m4|Makefile\.in|config\.h\.in)~?$)} || $file =~ m{t/lint/documents\.t$} || !-f "$top/$file";
    my $text = slurp("$top/$file");
    push @forbidden, "$file: $1" if $text =~ m{(/work/\w+|/tmp/pv/|\bTODO\b|\bFIXME\b|\bXXX\b|\bissue #?\d+)};
}
is_deeply(\@forbidden, [], 'no paths of one machine, no loose ends');
done_testing();
