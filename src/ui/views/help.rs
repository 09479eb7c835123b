//! All the help there is, on one screen.

use ratatui::buffer::Buffer;
use ratatui::text::Line;

use super::TABLE;
use crate::ui::draw::put_line;
use crate::ui::help;
use crate::ui::keymap::Binding;
use crate::ui::widgets::panel::Panel;
use crate::ui::widgets::table::scroll_bar;
use crate::ui::{Action, Ctx, Outcome, View, ViewId};

/// The last screen.
#[derive(Default)]
pub struct Help {
    scroll: usize,
}

fn lines(columns: u16, ctx: &Ctx<'_>) -> Vec<Line<'static>> {
    let views: Vec<_> =
        TABLE.iter().map(|f| f()).filter(|v| v.id() != ViewId::Help).map(|v| (v.title(), v.about(), v.bindings())).collect();
    help::of_program(&views, columns, ctx)
}

impl View for Help {
    fn id(&self) -> ViewId {
        ViewId::Help
    }

    fn title(&self) -> &'static str {
        "help"
    }

    fn about(&self) -> &'static [&'static str] {
        &[
            "What every screen shows, the marks and colours that they use, and all keys. The keys are made from the same table that the program \
           listens to, so they are right.",
        ]
    }

    fn bindings(&self) -> &'static [Binding] {
        &[]
    }

    fn update(&mut self, action: &Action, ctx: &Ctx<'_>) -> Outcome {
        let inner = Panel::inner(ctx.area);
        let page = i64::from(inner.height.max(2));
        let by = match action {
            Action::Move(n) => i64::from(*n),
            Action::HalfPage(n) => i64::from(*n) * page / 2,
            Action::Page(n) => i64::from(*n) * (page - 1),
            Action::Top => i64::MIN / 2,
            Action::Bottom => i64::MAX / 2,
            _ => return Outcome::ignored(),
        };
        let most = lines(inner.width, ctx).len().saturating_sub(usize::from(inner.height));
        let to = i64::try_from(self.scroll.min(most)).unwrap_or(0).saturating_add(by).max(0);
        self.scroll = usize::try_from(to).unwrap_or(usize::MAX).min(most);
        Outcome::done()
    }

    fn draw(&self, ctx: &Ctx<'_>, buf: &mut Buffer) {
        let lines = lines(Panel::inner(ctx.area).width, ctx);
        let inner = Panel::new("help").right("sp1top ".to_owned() + env!("CARGO_PKG_VERSION")).focus(true).draw(ctx.area, ctx, buf);
        let top = self.scroll.min(lines.len().saturating_sub(usize::from(inner.height)));
        for (y, l) in (inner.top()..inner.bottom()).zip(lines.iter().skip(top)) {
            put_line(buf, inner, inner.x, y, l);
        }
        scroll_bar(inner, top, usize::from(inner.height), lines.len(), ctx, buf);
    }
}
