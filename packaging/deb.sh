#!/bin/sh
# Makes a Debian package of what build.sh has built, with dpkg-deb alone; with
# cargo-deb, `cargo deb --no-build` makes one from the metadata in Cargo.toml.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
from=${PACKAGES:-target/packages}
if ! [ -x "$from/sp1top" ] || ! [ -d "$from/man" ]; then
    echo "deb.sh: $from has no program: run packaging/build.sh first" >&2
    exit 1
fi
arch=$(dpkg --print-architecture)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
share=$tree/usr/share
install -Dm755 "$from/sp1top" "$tree/usr/bin/sp1top"
ln -s sp1top "$tree/usr/bin/kubectl-sp1top"
for page in "$from"/man/*.1; do
    install -Dm644 "$page" "$share/man/man1/$(basename "$page")"
done
gzip -9n "$share"/man/man1/*.1
install -Dm644 "$from/completions/sp1top.bash" "$share/bash-completion/completions/sp1top"
install -Dm644 "$from/completions/sp1top.zsh" "$share/zsh/vendor-completions/_sp1top"
install -Dm644 "$from/completions/sp1top.fish" "$share/fish/vendor_completions.d/sp1top.fish"
for file in packaging/export.yaml packaging/rbac/watch.yaml packaging/rbac/operate.yaml; do
    install -Dm644 "$file" "$share/doc/sp1top/${file#packaging/}"
done
cat LICENSE-MIT LICENSE-APACHE >"$share/doc/sp1top/copyright"
chmod 644 "$share/doc/sp1top/copyright"
# The words are those of the metadata.
words() {
    sed -n '/^\[package.metadata.deb\]/,/^assets/p' Cargo.toml
}
summary=$(sed -n 's/^description = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
maintainer=$(words | sed -n 's/^maintainer = "\(.*\)"/\1/p')
long=$(words | sed -n '/^extended.description/,/"""$/p' | sed -e '1d' -e 's/"""$//' -e 's/ *\\$//' -e 's/^/ /')
mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: sp1top
Version: $version
Architecture: $arch
Maintainer: $maintainer <sp1top@invalid>
Section: utils
Priority: optional
Installed-Size: $(du -sk "$tree/usr" | cut -f 1)
Description: $summary
$long
CONTROL
out=$from/sp1top_${version}_$arch.deb
dpkg-deb --build --root-owner-group "$tree" "$out" >/dev/null
echo "built $out"
