//! The proofs that this program sends: a few lines below the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::base::units;
use crate::event::RunEvent;
use crate::model::{Job, ProgramRun};
use crate::ui::draw::{cut, put_line, width};
use crate::ui::widgets::panel::Panel;
use crate::ui::{Ctx, Role};

/// Most lines; the rest is counted in the title.
const MOST: u16 = 4;

/// Cuts the lines for them off `ctx.area`: what is left, and they.
pub fn split<'a>(ctx: &Ctx<'a>) -> (Ctx<'a>, Rect) {
    let jobs = ctx.model.jobs.sorted().len() + usize::from(ctx.model.runs.newest().is_some());
    let jobs = u16::try_from(jobs).unwrap_or(u16::MAX);
    let h = if jobs == 0 || ctx.area.height < 12 { 0 } else { jobs.min(MOST) + 2 };
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
    let inner = Panel::new(format!("sent from here: {going} go on, {} over", jobs.len() - going)).draw(area, ctx, buf);
    let run = ctx.model.runs.newest().map(|r| run_line(ctx, r, inner.width));
    let lines = run.into_iter().chain(jobs.into_iter().map(|j| line(ctx, j, inner.width)));
    for (y, line) in (inner.top()..inner.bottom()).zip(lines) {
        put_line(buf, inner, inner.x, y, &line);
    }
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

fn line(ctx: &Ctx<'_>, job: &Job, columns: u16) -> Line<'static> {
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
    let rest = cut(&note.line, columns.saturating_sub(width(&head)), ctx.symbols.ellipsis).into_owned();
    Line::from(vec![Span::styled(head, ctx.theme.style(Role::Dim)), Span::styled(rest, ctx.theme.style(role))])
}
