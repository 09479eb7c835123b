//! The proofs that this program sends: a few lines below the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::base::units;
use crate::event::RunEvent;
use crate::model::{Job, ProgramRun};
use crate::ui::draw::{cut, put_line, width, wrap};
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

/// Most lines where the screen is low, and where it is high; the rest is counted
/// in the title.
const MOST: [u16; 2] = [4, 8];

/// Cuts the lines for them off `ctx.area`: what is left, and they.
pub fn split<'a>(ctx: &Ctx<'a>) -> (Ctx<'a>, Rect) {
    let n = if ctx.area.height < 12 { 0 } else { u16::try_from(lines(ctx, Panel::inner(ctx.area).width).len()).unwrap_or(u16::MAX) };
    let h = if n == 0 { 0 } else { n.min(MOST[usize::from(ctx.area.height >= 30)]) + 2 };
    let rest = Rect { height: ctx.area.height - h, ..ctx.area };
    (Ctx { area: rest, ..*ctx }, Rect { y: rest.bottom(), height: h, ..ctx.area })
}

/// Draws them.
pub fn draw(ctx: &Ctx<'_>, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let jobs = ctx.model.jobs.sorted();
    let going = jobs.iter().filter(|j| !j.is_over()).count();
    let inner = Panel::new(format!("sent from here: {going} running, {} ended", jobs.len() - going)).draw(area, ctx, buf);
    for (y, line) in (inner.top()..inner.bottom()).zip(lines(ctx, inner.width)) {
        put_line(buf, inner, inner.x, y, &line);
    }
}

fn lines(ctx: &Ctx<'_>, columns: u16) -> Vec<Line<'static>> {
    let run = ctx.model.runs.newest().map(|r| run_line(ctx, r, columns));
    run.into_iter().chain(ctx.model.jobs.sorted().into_iter().flat_map(|j| job_lines(ctx, j, columns))).collect()
}

/// The program of op-succinct that runs, or ran last.
fn run_line(ctx: &Ctx<'_>, run: &ProgramRun, columns: u16) -> Line<'static> {
    let (word, role) = match run.ended {
        None => ("runs", Role::Info),
        Some((_, RunEvent::Ended)) => ("done", Role::Good),
        Some((_, RunEvent::Stopped)) => ("stopped", Role::Warn),
        Some(_) => ("failed", Role::Bad),
    };
    let took = units::duration(run.ended.map_or(ctx.model.now, |e| e.0).since(run.began));
    let head = format!("op-succinct, {}  ", run.what);
    let last = run.lines.last().map_or("", |l| l.text.as_str());
    let rest = format!("{word} {took}: {last}");
    let rest = cut(&rest, columns.saturating_sub(width(&head)), ctx.symbols.ellipsis).into_owned();
    Line::from(vec![Span::styled(head, ctx.theme.style(Role::Dim)), Span::styled(rest, ctx.theme.style(role))])
}

fn job_lines(ctx: &Ctx<'_>, job: &Job, columns: u16) -> Vec<Line<'static>> {
    let note = &job.note;
    let role = if job.is_bad() {
        Role::Bad
    } else if note.event == "delayed" {
        Role::Warn
    } else if job.is_over() {
        Role::Good
    } else {
        Role::Info
    };
    let head = format!("{}  {} ({}) {}  ", note.proof, note.program, note.input, note.mode);
    let (dim, said) = (ctx.theme.style(Role::Dim), ctx.theme.style(role));
    let room = columns.saturating_sub(width(&head));
    if !job.is_bad() || width(&note.line) <= room {
        let rest = cut(&note.line, room, ctx.symbols.ellipsis).into_owned();
        return vec![Line::from(vec![Span::styled(head, dim), Span::styled(rest, said)])];
    }
    // Why it went wrong, and what to do, is told whole.
    let below = wrap(&note.line, columns.saturating_sub(2)).into_iter().map(|l| Line::styled(format!("  {l}"), said));
    std::iter::once(Line::styled(cut(&head, columns, ctx.symbols.ellipsis).into_owned(), dim)).chain(below).collect()
}
