//! Text into the clipboard of the terminal, however far away it is (OSC 52).

/// Terminals cut longer ones.
const MAX: usize = 74_000;

/// What the environment says about the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clipboard {
    /// Within tmux, which must be asked to pass it on.
    pub tmux: bool,
    /// Within GNU screen.
    pub screen: bool,
    /// The terminal is known to take it.
    pub sure: bool,
}

impl Clipboard {
    /// From the environment; `env` gives the value of a variable.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name| env(name).unwrap_or_default();
        let tmux = !get("TMUX").is_empty();
        let screen = !tmux && !get("STY").is_empty();
        let (term, program) = (get("TERM").to_ascii_lowercase(), get("TERM_PROGRAM").to_ascii_lowercase());
        let known = ["kitty", "alacritty", "foot", "ghostty", "wezterm", "contour"].iter().any(|t| term.contains(t) || program.contains(t))
            || !get("WT_SESSION").is_empty();
        Self { tmux, screen, sure: known && !tmux && !screen }
    }

    /// The bytes that put `text` into the clipboard.
    #[must_use]
    pub fn sequence(self, text: &str) -> Vec<u8> {
        let mut end = text.len().min(MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let plain = format!("\x1b]52;c;{}\x07", base64(&text.as_bytes()[..end]));
        let mut out = Vec::new();
        if self.screen {
            // GNU screen takes strings of at most 768 bytes.
            for part in plain.as_bytes().chunks(700) {
                out.extend_from_slice(b"\x1bP");
                out.extend_from_slice(part);
                out.extend_from_slice(b"\x1b\\");
            }
            return out;
        }
        out.extend_from_slice(plain.as_bytes());
        if self.tmux {
            // Works with `allow-passthrough`; the plain one with `set-clipboard`.
            out.extend_from_slice(b"\x1bPtmux;\x1b");
            out.extend_from_slice(plain.as_bytes());
            out.extend_from_slice(b"\x1b\\");
        }
        out
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            out.push(if i <= chunk.len() { char::from(DIGITS[(n >> (18 - 6 * i) & 63) as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        let got = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|s| base64(s.as_bytes()));
        assert_eq!(got, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn multiplexers_are_asked_to_pass_it_on() {
        let of = |vars: &[(&str, &str)]| Clipboard::detect(|n| vars.iter().find(|(k, _)| *k == n).map(|(_, v)| (*v).to_owned()));
        let plain = of(&[("TERM", "xterm-kitty")]);
        assert!(plain.sure);
        assert_eq!(plain.sequence("foo"), b"\x1b]52;c;Zm9v\x07");
        let tmux = of(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")]);
        assert!(!tmux.sure);
        assert_eq!(tmux.sequence("foo"), b"\x1b]52;c;Zm9v\x07\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\");
        assert!(of(&[("STY", "1.x")]).sequence("foo").starts_with(b"\x1bP\x1b]52"));
    }
}
