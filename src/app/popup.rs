//! What lies over a view: help, palette, questions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::chrome::Frame;
use super::launch::{Confirm, Launcher};
use super::range::{Pane, RangeForm, StopAsk};
use super::{App, World};
use crate::ui::draw::{cut, fill, put, put_line, put_right, tint, width, wrap};
use crate::ui::widgets::input::Input;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::scroll_bar;
use crate::ui::{Role, help};

/// A question that is answered in the bottom line.
#[derive(Clone, Debug)]
pub struct Ask {
    /// For a time to go to; else for a filter.
    pub time: bool,
    /// What was typed.
    pub input: Input,
    /// The filter before, which Esc brings back.
    pub before: String,
}

/// What is open.
#[derive(Clone, Debug)]
pub enum Popup {
    /// About the view, and its keys.
    Help {
        /// The first line that is shown.
        scroll: usize,
    },
    /// Everything by name.
    Palette {
        /// What was typed.
        input: Input,
        /// The selected row.
        selected: usize,
    },
    /// A question.
    Ask(Ask),
    /// A text that the terminal may not have copied.
    Copied(String),
    /// What proof to send.
    Launch(Box<Launcher>),
    /// Whether to change the cluster.
    Confirm(Box<Confirm>),
    /// What range proof to make.
    Range(Box<RangeForm>),
    /// The output of a program of op-succinct.
    Run(Pane),
    /// Whether to stop it.
    StopRun(StopAsk),
    /// A change of the cluster that is asked about.
    Change(Box<super::change::Asked>),
}

impl Popup {
    pub fn help() -> Self {
        Self::Help { scroll: 0 }
    }

    /// Its keys and what they do.
    pub(super) const fn hints(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Help { .. } => &[("j k", "scroll"), ("esc", "close")],
            Self::Palette { .. } => &[("↑↓", "choose"), ("enter", "do it"), ("esc", "close")],
            Self::Ask(_) => &[("enter", "go"), ("esc", "leave it")],
            Self::Copied(_) => &[("m", "free the mouse"), ("esc", "close")],
            Self::Launch(_) | Self::Range(_) => &[("↑↓", "field"), ("←→", "change"), ("enter", "go on"), ("esc", "leave it")],
            Self::Confirm(_) | Self::StopRun(_) | Self::Change(_) => &[("enter", "what is marked"), ("esc", "no, do nothing")],
            Self::Run(_) => &[("j k", "scroll"), ("esc", "close; it goes on")],
        }
    }

    pub fn run() -> Self {
        Self::Run(Pane::default())
    }

    pub fn palette() -> Self {
        Self::Palette { input: Input::default(), selected: 0 }
    }

    pub fn ask_time() -> Self {
        Self::Ask(Ask { time: true, input: Input::default(), before: String::new() })
    }

    pub fn filter(before: String) -> Self {
        Self::Ask(Ask { time: false, input: Input::new(&before), before })
    }
}

/// The rows of the palette's list within its area.
pub fn palette_rows(area: Rect) -> Rect {
    let inner = Panel::inner(area);
    let skip = inner.height.min(2);
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), y: inner.y + skip, height: inner.height - skip }
}

/// The first row of the palette that is shown.
pub fn palette_top(selected: usize, found: usize, height: usize) -> usize {
    (selected + 1).saturating_sub(height.max(1)).min(found.saturating_sub(height))
}

/// Programs whose command lines are copied.
const PROGRAMS: [&str; 6] = ["kubectl", "sp1top", "helm", "curl", "redis-cli", "aws"];

/// The lines of a text to be selected with the mouse. Long lines of a command
/// are broken so that the shell joins them again: with a backslash, at blanks
/// where there is one; within single quotes these are closed first.
fn command_lines(text: &str, columns: u16) -> Vec<String> {
    use unicode_segmentation::UnicodeSegmentation as _;
    if !text.split_whitespace().next().is_some_and(|w| PROGRAMS.contains(&w)) {
        return wrap(text, columns);
    }
    let room = columns.max(16).saturating_sub(2);
    let mut out = Vec::new();
    for whole in text.split('\n') {
        let (mut rest, mut single, mut double) = (whole, false, false);
        let mut line = String::new();
        while !rest.is_empty() {
            if width(&line) + width(rest) <= columns {
                line.push_str(rest);
                break;
            }
            // As many as fit, and the last blank among them that may end a line.
            let (mut used, mut end, mut blank, mut escaped) = (width(&line), 0, None, false);
            let (mut in_single, mut in_double) = (single, double);
            for (i, g) in rest.grapheme_indices(true) {
                if used + width(g) > room && !escaped {
                    break;
                }
                used += width(g);
                end = i + g.len();
                match g {
                    "'" if !in_double && !escaped => in_single = !in_single,
                    "\"" if !in_single && !escaped => in_double = !in_double,
                    _ => {}
                }
                if g == " " && !in_single && !escaped {
                    blank = Some((end, in_single, in_double));
                }
                escaped = g == "\\" && !in_single && !escaped;
            }
            let whole_words = blank.unwrap_or((end, in_single, in_double));
            (end, single, double) = whole_words;
            line.push_str(&rest[..end]);
            line.push_str(if single { "'\\" } else { "\\" });
            out.push(std::mem::take(&mut line));
            if single {
                line.push('\'');
            }
            rest = &rest[end..];
        }
        out.push(line);
    }
    out
}

pub(super) fn centre(body: Rect, w: u16, h: u16) -> Rect {
    let (w, h) = (w.min(body.width), h.min(body.height));
    Rect { x: body.x + (body.width - w) / 2, y: body.y + (body.height - h) / 2, width: w, height: h }
}

impl App {
    pub(super) fn popup_area(&self, popup: &Popup, world: &World<'_>) -> Rect {
        let frame = Frame::new(self.area, &world.time);
        let all = self.area;
        match popup {
            Popup::Help { .. } => {
                let w = all.width.saturating_sub(4).min(96);
                let lines = u16::try_from(self.help_lines(w.saturating_sub(4), world).len()).unwrap_or(u16::MAX);
                centre(frame.body, w, lines.saturating_add(2))
            }
            Popup::Palette { .. } => {
                let room = Rect { y: frame.body.y, height: frame.body.height, ..all };
                let mut area = centre(room, all.width.saturating_sub(4).min(76), 18);
                area.y = room.y + (room.height - area.height) / 4;
                area
            }
            Popup::Ask(_) => frame.bottom,
            Popup::Launch(form) => Self::launch_area(form, frame.body),
            Popup::Confirm(ask) => Self::confirm_area(ask, frame.body),
            Popup::Range(form) => Self::range_area(form, frame.body),
            Popup::Run(_) => self.run_area(frame.body),
            Popup::StopRun(ask) => Self::stop_area(*ask, world, frame.body),
            Popup::Change(asked) => self.change_area(asked, frame.body, world),
            Popup::Copied(text) => {
                // As wide as the screen and without a frame: a selection by the
                // mouse takes whole lines.
                let lines = u16::try_from(command_lines(text, all.width).len()).unwrap_or(u16::MAX);
                centre(frame.body, all.width, lines.saturating_add(6))
            }
        }
    }

    fn help_lines<'a>(&'a self, columns: u16, world: &World<'a>) -> Vec<Line<'a>> {
        let ctx = self.ctx(world, self.area);
        self.views.get(self.current).map(|v| help::of_view(&**v, columns, &ctx)).unwrap_or_default()
    }

    /// How far the help can be scrolled.
    pub(super) fn help_height(&self, world: &World<'_>) -> usize {
        let area = self.popup_area(&Popup::help(), world);
        let inner = Panel::inner(area);
        self.help_lines(inner.width, world).len().saturating_sub(usize::from(inner.height))
    }

    pub(super) fn draw_popup(&self, frame: &Frame, world: &World<'_>, buf: &mut Buffer) {
        let Some(popup) = &self.popup else { return };
        let ctx = self.ctx(world, frame.body);
        let area = self.popup_area(popup, world).intersection(buf.area);
        let base = self.theme.base().patch(self.theme.style(Role::Text));
        if !matches!(popup, Popup::Ask(_)) {
            fill(buf, area, " ", base);
        }
        match popup {
            Popup::Help { scroll } => {
                let title = self.views.get(self.current).map_or("help", |v| v.title());
                let inner = Panel::new(format!("help: {title}")).right("esc closes").focus(true).draw(area, &ctx, buf);
                let lines = self.help_lines(inner.width, world);
                let top = (*scroll).min(lines.len().saturating_sub(usize::from(inner.height)));
                for (y, l) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
                    put_line(buf, inner, inner.x, y, l);
                }
                scroll_bar(inner, top, usize::from(inner.height), lines.len(), &ctx, buf);
            }
            Popup::Palette { input, selected } => self.draw_palette(area, input, *selected, world, buf),
            Popup::Ask(ask) => self.draw_ask(area, ask, buf),
            Popup::Launch(form) => self.draw_launch(area, form, &ctx, buf),
            Popup::Confirm(confirm) => self.draw_confirm(area, confirm, &ctx, buf),
            Popup::Range(form) => Self::draw_range(area, form, &ctx, buf),
            Popup::Run(pane) => self.draw_run(area, *pane, world, buf),
            Popup::StopRun(ask) => self.draw_stop(area, *ask, world, buf),
            Popup::Change(asked) => self.draw_change(asked, area, world, buf),
            Popup::Copied(text) => {
                put(buf, area, area.x + 1, area.y, "copy", self.theme.style(Role::Title));
                let side = Rect { width: area.width.saturating_sub(1), ..area };
                put_right(buf, side, area.y, &Line::styled("esc closes", self.theme.style(Role::Dim)));
                let mut y = area.y + 2;
                for l in command_lines(text, area.width) {
                    put(buf, area, area.x, y, &l, self.theme.style(Role::Text));
                    y += 1;
                }
                let words = if self.mouse {
                    "Sent to the clipboard; this terminal may not take it. m frees the mouse to select the text."
                } else {
                    "Sent to the clipboard; this terminal may not take it. Select the text with the mouse; m takes it back."
                };
                y += 1;
                for l in wrap(words, area.width.saturating_sub(2)) {
                    put(buf, area, area.x + 1, y, &l, self.theme.style(Role::Dim));
                    y += 1;
                }
            }
        }
    }

    fn draw_palette(&self, area: Rect, input: &Input, selected: usize, world: &World<'_>, buf: &mut Buffer) {
        let ctx = self.ctx(world, area);
        let theme = &self.theme;
        let found = self.palette_found(input, world);
        let count = if input.text().is_empty() { String::new() } else { format!("{} found", found.len()) };
        let inner = Panel::new("commands").right(count).focus(true).draw(area, &ctx, buf);
        put(buf, inner, inner.x, inner.y, ":", theme.style(Role::Key));
        let field = Rect { x: inner.x + 2.min(inner.width), width: inner.width.saturating_sub(2), ..inner };
        if input.text().is_empty() {
            let words = if self.places.can_switch {
                "a view, an action, a proof, a worker, a pod, a context, a namespace"
            } else {
                "a view, an action, a theme, a proof, a worker, a pod"
            };
            put(buf, field, field.x + 1, field.y, words, theme.style(Role::Dim));
        }
        input.draw(field, theme.style(Role::Text), buf);
        let rows = palette_rows(area);
        let top = palette_top(selected, found.len(), usize::from(rows.height));
        for (n, hit) in found.iter().enumerate().skip(top).take(usize::from(rows.height)) {
            let y = rows.y + u16::try_from(n - top).unwrap_or(0);
            let line = Rect { y, height: 1, ..rows };
            if n == selected {
                tint(buf, line, theme.style(Role::Selected));
            }
            let text = Rect { x: rows.x + 1, width: rows.width.saturating_sub(2), ..line };
            let room = text.width.saturating_sub(width(&hit.command.detail).min(28) + 2);
            let name = cut(&hit.command.name, room, self.symbols.ellipsis);
            let spans: Vec<Span<'_>> = name
                .chars()
                .enumerate()
                .map(|(i, c)| {
                    let style = if hit.at.contains(&i) { theme.style(Role::Accent) } else { ratatui::style::Style::new() };
                    Span::styled(c.to_string(), style)
                })
                .collect();
            put_line(buf, text, text.x, y, &Line::from(spans));
            let detail = cut(&hit.command.detail, text.width.saturating_sub(width(&name) + 2).min(28), self.symbols.ellipsis);
            put_right(buf, text, y, &Line::styled(detail, theme.style(Role::Dim)));
        }
        if found.is_empty() {
            put(buf, rows, rows.x + 1, rows.y, "nothing is called that", theme.style(Role::Dim));
        }
        let list = Rect { width: rows.width.saturating_sub(1), ..rows };
        scroll_bar(Rect { width: list.width.saturating_sub(1), ..list }, top, usize::from(rows.height), found.len(), &ctx, buf);
    }

    fn draw_ask(&self, area: Rect, ask: &Ask, buf: &mut Buffer) {
        let bar = self.theme.style(Role::Bar);
        fill(buf, area, " ", self.theme.base().patch(bar));
        // A complaint about what was typed stands beside it.
        let complaint = self.status.as_ref().filter(|s| s.bad).map(|s| s.text.as_str());
        let words = complaint.unwrap_or(if ask.time { "12:30  +5m  -90s  50%   enter goes there" } else { "enter keeps it  esc drops it" });
        let style = self.theme.style(if complaint.is_some() { Role::Warn } else { Role::Dim });
        let prompt = if ask.time { " go to time " } else { " / " };
        let x = put(buf, area, area.x, area.y, prompt, self.theme.style(Role::Key));
        let room = area.right().saturating_sub(x);
        let field = room.saturating_sub(width(words) + 3).max(room.min(16));
        ask.input.draw(Rect { x, width: field, ..area }, self.theme.style(Role::Text), buf);
        let rest = room.saturating_sub(field + 2);
        put_right(
            buf,
            Rect { width: area.width.saturating_sub(1), ..area },
            area.y,
            &Line::styled(cut(words, rest, self.symbols.ellipsis), style),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of the lines.
    fn joined(lines: &[String]) -> String {
        lines.join("\n").replace("'\\\n'", "").replace("\\\n", "")
    }

    #[test]
    fn broken_commands_can_be_pasted() {
        let long = "kubectl patch deploy/cpu-node -n sp1-cluster --type=strategic -p \
                    '{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"cpu-node\",\"resources\":{\"limits\":{\"memory\":\"64Gi\"}}}]}}}}' --dry-run=\"server side\"";
        for columns in [16, 20, 40, 60, 80, 400] {
            let lines = command_lines(long, columns);
            assert_eq!(joined(&lines), long, "{columns}");
            assert!(lines.iter().all(|l| width(l) <= columns), "{columns}: {lines:#?}");
        }
        assert_eq!(
            command_lines("kubectl logs deploy/cpu-node -n sp1-cluster", 24),
            ["kubectl logs \\", "deploy/cpu-node -n \\", "sp1-cluster"]
        );
        assert_eq!(command_lines("a text of words", 8), ["a text", "of words"]);
    }
}
