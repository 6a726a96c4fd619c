#!/usr/bin/env bash
# version.sh: prints the version of this source, its commit and the time of the commit (seconds since 1970), in one line.
# A tarball of `make dist` has them in the file VERSION; a checkout has them in git. Otherwise: unknown unknown 0.
#
# The version fits .deb and .rpm, and a later commit has a higher one:
#   tag v1.2.0                       1.2.0
#   tag v1.2.0-rc.1                  1.2.0~rc.1, which is lower than 1.2.0
#   5 commits after the tag v1.2.0   1.2.0+5.gb1ef6d4
#   no tag                           0.0.0+git20261129095409.b1ef6d4, with the time of the commit in UTC
#   changes that are not committed   the same with .dirty at the end; new files of programs and packages count
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -f VERSION ]; then
    cat VERSION
    exit 0
fi

# A checkout of another owner, or none.
if ! commit=$(git rev-parse HEAD 2>/dev/null); then
    echo unknown unknown 0
    exit 0
fi
epoch=$(git log -1 --format=%ct)
if tag=$(git describe --tags --long --abbrev=7 --match 'v[0-9]*' 2>/dev/null); then
    hash=${tag##*-g} tag=${tag%-g*}
    after=${tag##*-} tag=${tag%-*} # the number of commits after the tag
    version=${tag#v}
    version=${version//-/\~}
    [ "$after" = 0 ] || version+=+$after.g$hash
else
    version=0.0.0+git$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S).${commit:0:7}
fi
# Of the files that git does not know those count that are in the folders of programs and packages: they would be built in.
[ -z "$(git status --porcelain --untracked-files=no)$(git ls-files --others --exclude-standard -- cmd docs etc internal packaging)" ] ||
    version+=.dirty
echo "$version $commit $epoch"
