#!/bin/sh
# Builds the static program and puts it, its completions, its manual page, an
# archive for krew and that archive's manifest into target/packages.
set -eu
cd "$(dirname "$0")/.."
target=${TARGET:-x86_64-unknown-linux-musl}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
out=target/packages

if ! [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    echo "build.sh: the Rust target $target is not installed: rustup target add $target" >&2
    exit 1
fi
case $target in
*musl*)
    # mimalloc, zstd and ring have C parts.
    if ! command -v musl-gcc >/dev/null 2>&1 && [ -z "${CC_x86_64_unknown_linux_musl:-}" ]; then
        echo "build.sh: a C compiler for musl is needed: apt-get install musl-tools, or set CC_x86_64_unknown_linux_musl" >&2
        exit 1
    fi
    ;;
esac

cargo build --release --locked --target "$target"
rm -rf "$out" && mkdir -p "$out/completions"
cp "target/$target/release/sp1top" "$out/sp1top"
case $target in
*musl*)
    if ldd "$out/sp1top" 2>&1 | grep -q '=>'; then
        echo "build.sh: the program is not static:" >&2
        ldd "$out/sp1top" >&2
        exit 1
    fi
    ;;
esac
for shell in bash zsh fish; do
    "$out/sp1top" completions "$shell" >"$out/completions/sp1top.$shell"
done
"$out/sp1top" man >"$out/sp1top.1"

# krew wants the program under the plugin's name.
cp "$out/sp1top" "$out/kubectl-sp1top"
cp LICENSE-MIT LICENSE-APACHE "$out/"
archive=sp1top-v$version-$target.tar.gz
tar -C "$out" -czf "$out/$archive" kubectl-sp1top sp1top.1 completions LICENSE-MIT LICENSE-APACHE
sum=$(sha256sum "$out/$archive" | cut -d ' ' -f 1)
sed -e "s/v0\.1\.0/v$version/g" -e "s/\"SHA256\"/\"$sum\"/" packaging/krew/sp1top.yaml >"$out/krew-sp1top.yaml"
echo "built $out: $(ls "$out" | tr '\n' ' ')"
