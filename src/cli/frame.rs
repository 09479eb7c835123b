//! `frame`: a screen of a recording as a picture, as text or, over a stretch of
//! time, as an asciicast. The README's pictures are made by it.

use std::path::Path;
use std::time::Duration;

use super::args::{FrameArgs, FrameFormat, Look};
use super::{Failure, Outcome, print};
use crate::app::AppOptions;
use crate::base::when;
use crate::runtime::picture::{self, Cast};
use crate::runtime::player::{ends_before, starts_before};
use crate::runtime::screen::Screen;
use crate::runtime::stage::Stage;
use crate::runtime::themes;
use crate::ui::{Depth, Symbols, ViewId};

pub(super) fn run(args: &FrameArgs, look: &Look) -> Outcome {
    let theme = themes::load(&look.theme, &super::screen::theme_dirs()).map_err(Failure::usage)?.reduced(Depth::Full);
    let symbols = if look.ascii { Symbols::ascii() } else { Symbols::unicode() };
    let base = theme.base();
    let colours = (base.fg.unwrap_or_default(), base.bg.unwrap_or_default());
    let name = |p: &Path| p.file_name().map(|n| n.to_string_lossy().into_owned());
    let title = if args.live { None } else { args.from.first().and_then(|p| name(p)) };
    let options = AppOptions { theme, symbols, title, view: view(&args.view)?, ..AppOptions::default() };
    let mut stage = Stage::open(&args.from, options, args.size, args.live)?;
    let (begin, end) = stage.span();
    let at = match &args.at {
        Some(t) => when::start(t, begin, end).map_err(Failure::usage)?,
        None => end,
    };
    // As the dashboard does: what is nearest, and a word on it.
    if at < begin {
        eprintln!("sp1top: {}", starts_before(begin));
    } else if at > end {
        eprintln!("sp1top: {}", ends_before(end, at));
    }
    let at = at.max(begin).min(end);
    stage.go(at)?;
    for key in &args.keys {
        stage.press(key)?;
    }
    let out = match args.output {
        FrameFormat::Text => picture::text(&stage.draw()),
        FrameFormat::Svg => picture::svg(&stage.draw(), colours),
        FrameFormat::Cast => {
            let (width, height) = args.size;
            let mut cast = Cast::new(width, height, "sp1top");
            let mut screen = Screen::new(width, height);
            let span = args.r#for.unwrap_or_else(|| end.since(at)).min(end.since(at));
            // Ten pictures a second, as fast as the recording is to go.
            let step = Duration::from_secs_f64(0.1 * args.speed.0.unwrap_or(10.0));
            let mut passed = Duration::ZERO;
            let mut shown = 0.0;
            loop {
                let bytes = stage.bytes(&mut screen);
                if !bytes.is_empty() {
                    cast.push(shown, &bytes);
                }
                if passed >= span {
                    break;
                }
                passed += step;
                shown += 0.1;
                stage.go(at.plus(passed))?;
            }
            cast.finish()
        }
    };
    print(&out)
}

fn view(name: &str) -> Result<ViewId, Failure> {
    let wanted = name.to_ascii_lowercase();
    ViewId::ALL
        .into_iter()
        .find(|v| format!("{v:?}").to_ascii_lowercase() == wanted || v.number().to_string() == wanted)
        .ok_or_else(|| Failure::usage(format!("there is no view '{name}'; see sp1top keys")))
}
