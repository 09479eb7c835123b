//! Text into buffers, never outside of them.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> u16 {
    let n = if text.is_ascii() { text.len() } else { text.width() };
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Columns that `line` takes.
#[must_use]
pub fn line_width(line: &Line<'_>) -> u16 {
    line.spans.iter().map(|s| width(&s.content)).fold(0, u16::saturating_add)
}

/// `text` in at most `columns`; what is cut is replaced by `ellipsis`.
#[must_use]
pub fn cut<'a>(text: &'a str, columns: u16, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let room = usize::from(columns.saturating_sub(width(ellipsis)));
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut out = String::with_capacity(usize::from(columns) + 4);
    let mut used = 0;
    for g in text.graphemes(true) {
        used += g.width();
        if used > room {
            break;
        }
        out.push_str(g);
    }
    out.push_str(ellipsis);
    Cow::Owned(out)
}

/// `text` in at most `columns`, cut in its middle: ids differ at both ends.
#[must_use]
pub fn cut_middle<'a>(text: &'a str, columns: u16, ellipsis: &str) -> Cow<'a, str> {
    let (columns, mark) = (usize::from(columns), ellipsis.width());
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    if columns < mark + 2 {
        return cut(text, u16::try_from(columns).unwrap_or(u16::MAX), ellipsis);
    }
    let head = (columns - mark) / 2;
    let tail = columns - mark - head;
    let take = |mut room: usize, list: &mut dyn Iterator<Item = &'a str>| -> Vec<&'a str> {
        list.take_while(|g| {
            let fits = g.width() <= room;
            room = room.saturating_sub(g.width());
            fits
        })
        .collect()
    };
    let begin = take(head, &mut text.graphemes(true));
    let end = take(tail, &mut text.graphemes(true).rev());
    Cow::Owned(begin.into_iter().chain([ellipsis]).chain(end.into_iter().rev()).collect())
}

/// Writes `text` at column `x` and row `y` of the buffer, within `area`. Returns
/// the column after it.
pub fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() {
        return x;
    }
    buf.set_stringn(x, y, text, usize::from(area.right() - x), style).0
}

/// Writes a line of several styles at column `x` and row `y`, within `area`.
pub fn put_line(buf: &mut Buffer, area: Rect, x: u16, y: u16, line: &Line<'_>) -> u16 {
    let mut x = x;
    for s in &line.spans {
        x = put(buf, area, x, y, &s.content, line.style.patch(s.style));
    }
    x
}

/// Writes a line so that it ends at the right edge of `area`.
pub fn put_right(buf: &mut Buffer, area: Rect, y: u16, line: &Line<'_>) -> u16 {
    let x = area.right().saturating_sub(line_width(line)).max(area.x);
    put_line(buf, area, x, y, line);
    x
}

/// Writes `text` in the middle of row `y`.
pub fn put_centre(buf: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) {
    let x = area.x + area.width.saturating_sub(width(text)) / 2;
    put(buf, area, x, y, text, style);
}

/// Fills `area` with one symbol; nothing of what was there remains.
pub fn fill(buf: &mut Buffer, area: Rect, symbol: &str, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }
}

/// Gives `area` a style and leaves its text.
pub fn tint(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    buf.set_style(area, style);
}

/// `text` in lines of at most `columns`, broken at blanks where there are any.
#[must_use]
pub fn wrap(text: &str, columns: u16) -> Vec<String> {
    let columns = usize::from(columns.max(1));
    let mut out = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        let mut rest = paragraph;
        while !rest.is_empty() {
            // Only at blanks: a command or a name must not be torn at its hyphens.
            let blank = rest.starts_with(char::is_whitespace);
            let (word, more) = rest.split_at(rest.find(|c: char| c.is_whitespace() != blank).unwrap_or(rest.len()));
            rest = more;
            let w = word.width();
            if used + w > columns && used > 0 {
                out.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
                if blank {
                    continue;
                }
            }
            if w <= columns {
                line.push_str(word);
                used += w;
                continue;
            }
            for g in word.graphemes(true) {
                if used + g.width() > columns && used > 0 {
                    out.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(g);
                used += g.width();
            }
        }
        out.push(line.trim_end().to_owned());
    }
    out
}

/// A line of `(text, style)` pieces.
#[must_use]
pub fn line<'a>(pieces: impl IntoIterator<Item = (Cow<'a, str>, Style)>) -> Line<'a> {
    Line::from(pieces.into_iter().map(|(t, s)| Span::styled(t, s)).collect::<Vec<_>>())
}

/// The rows of `area` from the `skip`-th on.
#[must_use]
pub fn below(area: Rect, skip: u16) -> Rect {
    let skip = skip.min(area.height);
    Rect { y: area.y + skip, height: area.height - skip, ..area }
}

/// The `n`-th row of `area`; empty when there is none.
#[must_use]
pub fn row(area: Rect, n: u16) -> Rect {
    let skip = n.min(area.height);
    Rect { y: area.y + skip, height: u16::from(n < area.height), ..area }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_to_columns() {
        assert_eq!(cut("abcdef", 6, "…"), "abcdef");
        assert_eq!(cut("abcdef", 4, "…"), "abc…");
        assert_eq!(cut("コンピュ", 4, "…"), "コ…");
        assert_eq!(cut("abc", 0, "…"), "");
        assert_eq!(cut_middle("cli_1795482984393", 9, "…"), "cli_…4393");
        assert_eq!(cut_middle("abc", 2, "…"), "a…");
        assert_eq!((cut_middle("日本語日本語", 7, "…"), cut_middle("abc", 1, "…")), ("日…語".into(), "…".into()));
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn nothing_is_written_outside() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 2));
        for (x, y) in [(9, 0), (0, 9), (3, 1)] {
            put(&mut buf, Rect::new(0, 0, 100, 100), x, y, "コンピュ", Style::new());
        }
        put(&mut buf, Rect::new(1, 0, 2, 1), 1, 0, "abcdef", Style::new());
        assert_eq!(buf[(3, 0)].symbol(), " ");
    }
}
