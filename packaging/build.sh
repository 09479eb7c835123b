#!/bin/sh
# Builds a static program and puts it, its completions, its manual pages, an
# archive for krew and that archive's manifest into target/packages.
#
#   TARGET=…       the Rust target; else musl of this machine, or where that cannot
#                  be built, glibc linked statically
#   BINARY=…       package this program instead of building one
#   RELEASE_URL=…  where the archive will be, for the manifest
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
out=${PACKAGES:-target/packages}
arch=$(uname -m)

has_target() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/$1/lib" ]
}

# mimalloc, zstd and ring have C parts.
has_musl_cc() {
    command -v musl-gcc >/dev/null 2>&1 || [ -n "$(printenv "CC_${arch}_unknown_linux_musl" || true)" ]
}

target=${TARGET:-$arch-unknown-linux-musl}
case $target in
*-musl)
    missing=
    has_target "$target" || missing="the Rust target $target (rustup target add $target)"
    has_musl_cc || missing="${missing:+$missing and }a C compiler for musl (apt-get install musl-tools, or set CC_${arch}_unknown_linux_musl)"
    if [ -n "$missing" ] && [ -z "${BINARY:-}" ]; then
        if [ -n "${TARGET:-}" ]; then
            echo "build.sh: missing: $missing" >&2
            exit 1
        fi
        target=$arch-unknown-linux-gnu
        echo "build.sh: missing: $missing; building for $target, linked statically" >&2
    fi
    ;;
esac
case $target in
*-gnu) export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" ;;
esac

if [ -z "${BINARY:-}" ]; then
    cargo build --release --locked --target "$target"
    BINARY=${CARGO_TARGET_DIR:-target}/$target/release/sp1top
    # `ldd` names what would be loaded; of a static program there is nothing.
    if ldd "$BINARY" 2>&1 | grep -q '=>'; then
        echo "build.sh: the program is not static:" >&2
        ldd "$BINARY" >&2
        exit 1
    fi
fi
rm -rf "$out"
mkdir -p "$out/completions" "$out/man"
cp "$BINARY" "$out/sp1top"
chmod 755 "$out/sp1top"
for shell in bash zsh fish; do
    "$out/sp1top" completions "$shell" >"$out/completions/sp1top.$shell"
done
"$out/sp1top" man --dir "$out/man"

# krew wants the program under the plugin's name.
ln -s sp1top "$out/kubectl-sp1top"
cp LICENSE-MIT LICENSE-APACHE "$out/"
archive=sp1top-v$version-$target.tar.gz
tar -C "$out" --dereference -czf "$out/$archive" kubectl-sp1top man completions LICENSE-MIT LICENSE-APACHE
url=${RELEASE_URL:-https://github.com/sp1top/sp1top/releases/download/v$version}
packaging/krew/fill.sh "$version" "$url/$archive" "$out/$archive" >"$out/krew-sp1top.yaml"
echo "built $out: $(ls "$out" | tr '\n' ' ')"
