//! Files of environment variables, as `dotenv` reads them.

/// Reads `NAME=VALUE` lines: comments, blank lines, `export ` in front, single
/// and double quotes. The error names the line, never its value.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once('=') else {
            return Err(format!("line {}: no NAME=VALUE", n + 1));
        };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'.') {
            return Err(format!("line {}: no name in front of =", n + 1));
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some(q @ ('"' | '\'')) => {
                let Some(end) = value[1..].find(q) else { return Err(format!("line {}: the quote of {name} is not closed", n + 1)) };
                let inner = &value[1..=end];
                if q == '"' { inner.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\") } else { inner.to_owned() }
            }
            // A comment begins behind a blank, so that `#` may be in a URL.
            _ => value.split(" #").next().unwrap_or(value).trim_end().to_owned(),
        };
        out.push((name.to_owned(), value));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        let text =
            "# comment\n\nA=1\nexport B = two words # not this\nC='a#b'\nD=\"x y\" # c\nE=\nURL=redis://:p#w@h:6379/0\nF=\"l1\\nl2\"\r\n";
        let got = parse(text).unwrap();
        let want =
            [("A", "1"), ("B", "two words"), ("C", "a#b"), ("D", "x y"), ("E", ""), ("URL", "redis://:p#w@h:6379/0"), ("F", "l1\nl2")];
        assert_eq!(got, want.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn errors_name_the_line_and_no_secret() {
        assert_eq!(parse("A=1\nhunter2").unwrap_err(), "line 2: no NAME=VALUE");
        assert_eq!(parse("P='hunter2").unwrap_err(), "line 1: the quote of P is not closed");
        assert_eq!(parse("a b=1").unwrap_err(), "line 1: no name in front of =");
    }
}
